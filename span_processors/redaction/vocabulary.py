"""The words that the rules about names are made of."""

from __future__ import annotations

from typing import Final

from span_processors.redaction.patterns import regex


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


SECRETS: Final = _set("""
    password passwd pasword passphrase passcode passwort kennwort contrasena contraseña senha motdepasse wachtwoord
    haslo parola pwd pw pswd pass userpass dbpass smtppass adminpass rootpass sshpass proxypass ftppass mailpass
    basicpass loginpass databasepass redispass ldappass pgpass mysqlpass mongopass userpw dbpw secret secretid
    credential cred apikey appkey accesskey secretkey privatekey privkey encryptionkey decryptionkey signingkey
    masterkey accountkey storagekey authkey sshkey rsakey pgpkey gpgkey aeskey hmackey jwtkey cryptokey sharedkey
    presharedkey psk subscriptionkey deploykey serverkey clientkey consumerkey integrationkey licensekey licencekey
    sharedaccesssignature servicekey servicerolekey functionkey hostkey tlskey sslkey recoverykey sessionkey
    unsealkey webhookkey writekey developerkey userkey saskey kmskey openaikey anthropickey stripekey geminikey
    azurekey awskey gcpkey sendgridkey mailgunkey twiliokey datadogkey githubkey huggingfacekey googlekey
    openrouterkey mistralkey coherekey groqkey algoliakey supabasekey pineconekey authorization authorizationheader
    auth authheader oauth redisauth rediscliauth bearer jwt token sastoken cookie cookieheader phpsessid jsessionid
    connectsid csrf xsrf otp totp otpcode totpcode mfacode twofactorcode onetimecode verificationcode authcode
    authorizationcode securitycode logincode smscode facode pin pincode pinnumber cvv cvc cvn ssn
    socialsecuritynumber socialsecurity cardnumber cardno creditcard creditcardnumber debitcard mnemonic
    mnemonicphrase seedphrase recoveryphrase keystorepass truststorepass amqppass becomepass bindpass bindpw
    ccnumber ssnnumber walletseed contrasenia clavesecreta lösenord hasło heslo salasana şifre idrsa certificatekey
    applicationkey serpapikey weaviatekey azurestoragekey recoverycode backupcode scratchcode unlockcode accesscode
    devicecode codeverifier clientassertion samlresponse samlassertion hubsignature stripesignature slacksignature
    webhooksignature requestsignature securityanswer storepass keypass psw csrftoken xsrftoken pat signature sig
    cipherkey enckey hmacsignature amzsignature amzcredential googsignature googcredential
""")
"""Names of secrets. Compared with up to four neighbouring words run together, in the singular: `secretKey`,
`secret_keys` and `SECRETKEY` are one."""
ONE_WORD: Final = _set("sessionid")
"""As `SECRETS`, but only if written as one word, as cookies are: a `session_id` tells one conversation from another."""
STEMS: Final = _set("""
    pas pw pin pat jwt cv otp ssn psk psw sig auth csrf xsrf cred token secret key cookie code card bearer idrsa sessid
    sessionid connectsid phrase seed mnemonic ccnumber security saml assertion kennwort wachtwoord contras clave senha
    hasl hasł heslo lösenord parola salasana şifre motdepasse
""")
"""One of these is in each of `SECRETS`, `ONE_WORD` and `ENDINGS`: most names are known to be harmless by that alone."""
AMBIGUOUS: Final = _set(
    "pass pat signature sig secretid accesscode storagekey userkey hostkey servicekey functionkey writekey pincode"
)
"""Of `SECRETS`, those that are used for harmless things as well."""
KEY_FILES: Final = _set("privatekey sshkey sslkey tlskey rsakey gpgkey pgpkey hostkey deploykey serverkey clientkey")
"""Of `SECRETS`, those that mostly are in a file, and whose value may be the path of it."""
ENDINGS: Final = tuple(
    _set("""
        password passwd passphrase passwort apikey secretkey privatekey accesskey accesstoken authtoken
        refreshtoken clientsecret bottoken usertoken apitoken apisecret appsecret idtoken sessiontoken
        identitytoken csrftoken middlewaretoken sharedsecret
    """)
)
"""What may end a word that nothing divides: `dbpassword`, `xapikey`."""
ABOUT: Final = _set("""
    ids about accepted age algorithm alg amount arn at attempt available avg backend bucket budget by category
    changed char character check claim class complexity config configured consent consumption context cost
    count counter created date default deleted description digest dim domain duration enabled encoding
    endpoint engine entropy env environment error event exceeded exp expired expire expiration expiry exist
    failure feature field file filename filepath flag form format found generated generator group header
    history id identifier idx index info invalid is issued issuer kind label last law layout length len level
    lifetime limit location logprob manager max message meta metadata method min minimum maximum missing mode
    model name needed num number offset only option owner page param parameter path pattern per permission
    place placeholder policy position present prefix price pricing probability prob prompt property provider
    purpose quality quota rate rating ratio reference ref regex region remaining required requirement reset
    retry rotated rotation rule santa schema scheme scope score set setting size source spec speed start stat
    statistic status stdin sock step storage store strategy strength strong supported sum throughput time timeout
    timestamp title total ttl type uri url usage used user username valid validation validator validity var
    variable vault vendor version warning weight window
""")
"""After a secret's name, or last: the value tells of the secret, and does not hold it (`token_count`, `api_key_id`)."""
COUNTING: Final = _set("""
    max min num number total count avg average mean median n has is no use uses need needs require requires
    required missing invalid expired allow enable enabled disable forgot reset supports per limit without
""")
"""Before a secret's name: it is counted, asked for, or not there (`max_tokens`, `has_password`)."""
HARMLESS_AFTER: Final = {
    "token": _set("""
        next page nextpage continuation continue pagination paging cursor sync nextsync resume start stop end
        eos bos pad unk sep cls mask special first last input output prompt completion cached cache reasoning
        thinking image audio text total used remaining previous prev prevpage lang language vocab idempotency
        cancellation cancel scroll skip marker delta change syntax lexer max min num n word json xml html
        design color theme css style accepted rejected prediction candidate
    """),
    "pass": _set("first second third last test boarding render single multi two forward backward"),
    "pin": _set("gpio map firing push board"),
    "cookie": _set("fortune"),
}
"""Names that a word before them makes harmless: where a listing goes on, what a language model reads."""
SHORT_NAMES: Final = _set(
    "pin pwd pw otp totp cvv cvc cvn ssn psk jwt sas sid csrf xsrf senha haslo parola -p -a -w -u -k"
)
"""Names, and options, that cannot be looked for inside of texts. Where one is the whole text, a value may follow."""
NAME_FIELDS: Final = _set("""
    name key field header param parameter variable var env property option label attribute k n keyname
    fieldname headername title parameterkey parametername attributename
""")
"""Fields that say what the value beside them is called: `{"name": "password", "value": S}`."""
VALUE_FIELDS: Final = _set("""
    value val v values content data default current stringvalue input answer example parametervalue attributevalue
""")
HEADING_FIELDS: Final = _set("columns headers header fields column_names fieldnames")
"""Fields that say what the columns of the rows beside them are called."""
ROW_FIELDS: Final = _set("rows data values records")
SCHEMA_TYPES: Final = _set("string integer number boolean object array null")
SCHEMA_VALUES: Final = ("default", "value", "example", "examples", "const", "enum")
PROSE: Final = _set("""
    pass return raise yield all a an and are as at be been but by can cannot can't contains could did do does
    doesn't empty error expired failed field for found from had has have he her his i if in incorrect invalid is
    isn't it its length long match matches max maximum may min minimum minimum. missing must need needed needs no
    none not null of off ok on one only or our please policy provided required reset see she short should so that
    the their then there these they this those to too unknown unset use value was we weak when which while will
    with without wrong yes you your string optional type default enter choose change forgot forgotten new old
    current confirm confirmation least accepted rejected denied updated changed include omit same-origin enabled
    disabled always never authentication auth scheme header headers tokens token format count used
""")
"""What follows `password:` in a sentence, and is none."""
ACTIONS: Final = _set("read write list create delete update manage view edit readonly readwrite revoke rotate")
"""What follows `secrets:` in a permission."""
SCHEME_WORDS: Final = _set("""
    token tokens auth authentication authorization scheme schemes header headers access credentials credential
    required plan tier level realm is was has the for and with type types of support usage count based here
    must should info information
""")
"""What follows `basic` or `bearer` in a sentence, and is no credential."""
CONFUSABLES: Final = str.maketrans(
    "асеорхуіѕјԁһԛԝкмтвнгАВСЕНІЈКМОРЅТХУԌαορνικτυχεΑΒΕΖΗΙΚΜΝΟΡΤΥΧɑɡıɩⅼօѵʀꜱᴋᴇʏᴀᴏᴛᴡᴘ",
    "aceopxyisjdhqwkmtbhrABCEHIJKMOPSTXYGaopvikruxeABEZHIKMNOPTYXagiilovrskeyaotwp",
)
"""Letters of other alphabets that look Latin."""
INVISIBLE: Final = regex("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]")
"""Characters that show nothing, and can part a name that a reader sees whole."""
FOREIGN_NAMES: Final = tuple(
    name.translate(CONFUSABLES)
    for name in ("пароль", "секрет", "κωδικός", "密码", "密碼", "密钥", "口令", "パスワード", "비밀번호")
)
"""Passwords in other alphabets, as they look once the letters that could be Latin are."""
