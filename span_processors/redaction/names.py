"""Which names of fields, headers, parameters, variables and options mean that a secret follows.

A name is read as words (`dbPassword`, `DB_PASSWORD` and `db.password` are the same two), so that `token` is found and
`tokenizer` is not; what the words around say is heard, so that `token_count`, `max_tokens` and `public_key_id` stay readable.
"""

from __future__ import annotations

import re
import unicodedata
from enum import Enum
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

from span_processors.redaction.marks import FIELD, mark

if TYPE_CHECKING:
    from collections.abc import Callable

    from span_processors.data import JsonValue
    from span_processors.redaction.settings import RedactionSettings


class Verdict(Enum):
    """What a sensitive name says about the value under it."""

    SECRET = "field"
    """Any value is a secret, except None, booleans and empty text, which tell nothing."""
    COUNTED = "counted"
    """The name is used for numbers and words as well as for secrets (`tokens`, `pass`): only what looks random is one."""
    DIRECTORY = "directory"
    """`PWD` is a password, or the working directory."""
    PATTERN = "pattern"
    """As SECRET, by a pattern of the user's."""


MAX_NAME: Final = 256
"""Longer names are not judged as names (they are still searched for secrets as text)."""
_MAX_REMEMBERED: Final = 8192
_PATTERN_MARK: Final = mark("pattern")


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


# Compared with up to four neighbouring words run together, in the singular: `secretKey`, `secret_keys` and `SECRETKEY` are one.
_SECRETS: Final = _set("""
    password passwd passphrase passcode passwort kennwort contrasena contraseña senha motdepasse wachtwoord haslo parola pwd pw pswd pass userpass dbpass smtppass adminpass rootpass sshpass proxypass ftppass mailpass basicpass
    loginpass databasepass redispass ldappass pgpass mysqlpass mongopass userpw dbpw
    secret secretid credential cred apikey appkey accesskey secretkey privatekey privkey encryptionkey decryptionkey signingkey
    masterkey accountkey storagekey authkey sshkey rsakey pgpkey gpgkey aeskey hmackey jwtkey cryptokey
    sharedkey presharedkey psk subscriptionkey deploykey serverkey clientkey consumerkey integrationkey licensekey licencekey
    sharedaccesssignature servicekey servicerolekey functionkey hostkey tlskey sslkey recoverykey sessionkey unsealkey
    webhookkey writekey developerkey userkey saskey kmskey openaikey anthropickey stripekey geminikey azurekey awskey gcpkey
    sendgridkey mailgunkey twiliokey datadogkey githubkey huggingfacekey googlekey openrouterkey mistralkey coherekey groqkey algoliakey
    supabasekey pineconekey
    authorization authorizationheader auth authheader oauth redisauth rediscliauth bearer jwt token sastoken
    cookie cookieheader phpsessid jsessionid connectsid csrf xsrf
    otp totp otpcode totpcode mfacode twofactorcode onetimecode verificationcode authcode authorizationcode securitycode logincode smscode
    facode pin pincode pinnumber cvv cvc cvn ssn socialsecuritynumber socialsecurity cardnumber cardno creditcard creditcardnumber debitcard
    mnemonic mnemonicphrase seedphrase recoveryphrase recoverycode backupcode
    amzsignature amzcredential googsignature googcredential
""")
_ONE_WORD: Final = _set("sessionid")
"""As above, but only when written as one word, as cookies are: a `session_id` tells one conversation from another."""
_AMBIGUOUS: Final = _set("pass storagekey userkey hostkey servicekey functionkey writekey pincode")
_ENDINGS: Final = (
    "password", "passwd", "passphrase", "passwort", "apikey", "secretkey", "privatekey", "accesskey", "accesstoken", "authtoken",
    "refreshtoken", "clientsecret", "bottoken", "usertoken", "apitoken", "apisecret", "appsecret", "idtoken", "sharedsecret",
)  # fmt: skip
"""What may end a word that nothing divides: `dbpassword`, `xapikey`."""
# A secret's name followed by one of these tells of the secret, and does not hold it: `token_count`, `api_key_id`.
_ABOUT: Final = _set("""
    about accepted age algorithm alg amount arn at attempt available avg backend bucket budget by category changed char character
    check claim class complexity config configured consent consumption context cost count counter created date default deleted description
    digest dim domain duration enabled encoding endpoint engine entropy env environment error event exceeded exp expired expire
    expiration expiry exist failure feature field file filename filepath flag form format found generated generator group header
    history id identifier idx index info invalid is issued issuer kind label last law layout length len level lifetime limit
    location logprob manager max message meta metadata method min minimum maximum missing mode model name needed
    num number offset only option owner page param parameter path pattern per permission place placeholder
    policy position present prefix price pricing probability prob prompt property provider purpose quality quota rate rating ratio
    reference ref regex region remaining required requirement reset retry rotated rotation rule santa schema scheme scope
    score set setting size source spec speed start stat statistic status stdin step storage store strategy strength
    strong supported sum throughput time timeout timestamp title total ttl type uri url usage used user username valid
    validation validator validity var variable vault vendor version warning weight window
""")
# One that stands after one of these is counted, asked for, or not there: `max_tokens`, `has_password`.
_COUNTING: Final = _set("""
    max min num number total count avg average mean median n has is no use uses need needs require requires required missing invalid expired
    allow enable enabled disable forgot reset supports per limit without
""")
# Names that these words make harmless: where a listing goes on, what a language model reads, what orders a table.
_HARMLESS_AFTER: Final = {
    "token": _set("""
        next page nextpage continuation continue pagination paging cursor sync nextsync resume start stop end eos bos pad unk sep cls
        mask special first last input output prompt completion cached cache reasoning thinking image audio text total used remaining previous
        prev prevpage lang language vocab idempotency cancellation cancel scroll skip marker delta change syntax lexer max min num n word json
        xml html design color theme css style accepted rejected prediction candidate
    """),
    "pass": _set("first second third last test boarding render single multi two forward backward"),
    "pin": _set("gpio map firing push board"),
    "cookie": _set("fortune"),
}

CONFUSABLES: Final = str.maketrans(
    "асеорхуіѕјԁһԛԝкмтвнгАВСЕНІЈКМОРЅТХУԌαορνικτυχεΑΒΕΖΗΙΚΜΝΟΡΤΥΧɑɡıɩⅼօѵʀꜱᴋᴇʏᴀᴏᴛᴡᴘ",
    "aceopxyisjdhqwkmtbhrABCEHIJKMOPSTXYGaopvikruxeABEZHIKMNOPTYXagiilovrskeyaotwp",
)
_SPLIT: Final = re.compile("[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[^\\W\\d_A-Za-z]+")
_LONGEST: Final = 4

_PLACEHOLDER: Final = re.compile(
    r"""\[REDACTED:[a-z-]+\]|\*{3,}|[xX]{3,}|\.{3}|\$\{\w+\}|\$[A-Z_][A-Z0-9_]*|\$?\{\{[^{}]{0,80}\}\}|\{\w{0,40}\}|%\(?\w{0,40}\)?s|<[a-z _-]{1,40}>
    |none|null|nil|true|false|undefined|n/a|unset|string|str|\[?redacted\]?|<redacted>|\[?filtered\]?|hidden|masked""",
    re.VERBOSE | re.IGNORECASE,
)
_RANDOM: Final = re.compile(r"(?=[^a-zA-Z]*[a-zA-Z])(?=\D*\d)[\w+=~.!@#$%^&*-]{7,}|(?=[^a-z]*[a-z])[\w+=~-]{20,}", re.ASCII)
_DIRECTORY: Final = re.compile(r"[/~.]|[A-Za-z]:[\\/]")


FOREIGN_NAMES: Final = tuple(name.translate(CONFUSABLES) for name in "пароль секрет κωδικός 密码 密碼 密钥 口令 パスワード 비밀번호".split())
"""Passwords in other alphabets, as they look once the letters that could be Latin are."""


def fold_name(name: str) -> str:
    """Return the name as a reader would take it: one alphabet, one width, no invisible characters, decoded once."""
    if "%" in name:
        name = unquote(name, errors="replace")
    if name.isascii():
        return name
    name = unicodedata.normalize("NFKC", name).translate(CONFUSABLES)
    for word in FOREIGN_NAMES:
        name = name.replace(word, " password ")
    return "".join(char for char in name if unicodedata.category(char) != "Cf")


def _singular(word: str) -> str:
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "is", "us")) else word  # noqa: PLR2004


def judge(name: str) -> Verdict | None:
    """Say what the built-in rules think of `name`; None: harmless."""
    words = [word.lower() for word in _SPLIT.findall(fold_name(name))]
    singles = [_singular(word) for word in words]
    verdict: Verdict | None = None
    for start in range(len(words)):
        for end in range(min(start + _LONGEST, len(words)), start, -1):
            joined = "".join(singles[start:end])
            if joined in _SECRETS or (end == start + 1 and (joined in _ONE_WORD or joined.endswith(_ENDINGS))):
                found = _weigh(joined, plural=words[end - 1] != singles[end - 1], before=singles[:start], after=singles[end:])
                if found is Verdict.SECRET:
                    return found
                verdict = verdict or found
                break
    return verdict


def _weigh(joined: str, *, plural: bool, before: list[str], after: list[str]) -> Verdict | None:
    """Say what the words around make of a name that is sensitive in itself."""
    if after and (after[0] in _ABOUT or after[-1] in _ABOUT):
        return None
    if before and before[-1] in _HARMLESS_AFTER.get(joined, ()):
        return None
    if joined == "pwd" and not after and before in ([], ["old"]):
        return Verdict.DIRECTORY
    if joined in _AMBIGUOUS or (plural and joined in {"token", "pin"}) or (before and before[-1] in _COUNTING):
        return Verdict.COUNTED
    return Verdict.SECRET


def mark_of(verdict: Verdict) -> str:
    """Return what replaces the value under a name with this verdict."""
    return _PATTERN_MARK if verdict is Verdict.PATTERN else FIELD


def is_placeholder(text: str) -> bool:
    """Say whether `text` stands where a secret would stand, and is none."""
    return not text or _PLACEHOLDER.fullmatch(text) is not None


def looks_random(text: str) -> bool:
    """Say whether `text` is unlike a word, a phrase, a number or a path."""
    return _RANDOM.fullmatch(text) is not None


def hides(verdict: Verdict, value: JsonValue) -> bool:
    """Say whether `value`, under a name with this verdict, is to be redacted."""
    if value is None or isinstance(value, bool) or value in ("", [], {}):
        return False
    if isinstance(value, str):
        if is_placeholder(value):
            return False
        if verdict is Verdict.DIRECTORY:
            return _DIRECTORY.match(value) is None
        return verdict is not Verdict.COUNTED or looks_random(value)
    if verdict is not Verdict.COUNTED:
        return True
    # One level is enough: what is nested deeper has names of its own.
    parts = value if isinstance(value, list) else value.values() if isinstance(value, dict) else ()
    return any(isinstance(part, str) and hides(verdict, part) for part in parts)


SHORT_NAMES: Final = _set("pin pwd pw otp totp cvv cvc cvn ssn psk jwt sas sid csrf xsrf senha haslo parola -p -a -w -u")
"""Names, and options, that cannot be looked for inside of longer texts. Where one is the whole text, a value may follow."""


class Names(dict[str, "Verdict | None"]):
    """Verdicts by name: the built-in ones, the user's patterns and the user's exceptions. `names[name]` judges once.

    Only exact `str` may be looked up.
    """

    def __init__(self, settings: RedactionSettings) -> None:
        super().__init__()
        self._allowed = frozenset(fold_name(name).casefold() for name in settings.allow)
        self._patterns = [compile_pattern(pattern) for pattern in settings.sensitive_field_patterns]

    def __missing__(self, name: str) -> Verdict | None:
        """Judge a name that was not seen yet."""
        if len(name) > MAX_NAME:
            return None
        if len(self) >= _MAX_REMEMBERED:
            self.clear()
        verdict = self[name] = self._judge(name)
        return verdict

    def _judge(self, name: str) -> Verdict | None:
        if self._allowed and fold_name(name).casefold() in self._allowed:
            return None
        if any(search(name) for search in self._patterns):
            return Verdict.PATTERN
        return judge(name)


def compile_pattern(pattern: str) -> Callable[[str], object]:
    """Compile a user's pattern: with RE2, in whose time no input can be lost, where that is installed and takes it."""
    try:
        import re2  # noqa: PLC0415  (optional, and most processes have no pattern of their own)

        options = re2.Options()
        options.case_sensitive = False
        options.log_errors = False
        return re2.compile(pattern, options).search  # type: ignore[no-any-return]
    except Exception:
        # Names are short (`MAX_NAME`), so the standard library's engine does as well.
        return re.compile(pattern, re.IGNORECASE).search
