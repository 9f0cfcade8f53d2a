"""The cheap question that is put to every text first: can there be anything in it?

Most texts hold nothing like a secret. This answers in a few searches at the speed of C. It may say yes to a harmless
text (which then only takes longer), and must not say no to one that the rules would change.
"""

from __future__ import annotations

import re
from typing import Final

from span_processors.redaction.encodings import hex_runs
from span_processors.redaction.patterns import regex
from span_processors.redaction.protocols import LOGIN
from span_processors.redaction.runs import has_long_number, has_long_run
from span_processors.redaction.urls import oracle_addresses
from span_processors.redaction.vendors import odd_runs
from span_processors.redaction.vocabulary import CONFUSABLES, FOREIGN_NAMES, INVISIBLE

# How names of secrets end that are too short, or too common, to be looked for without the sign that comes after them.
_ENDS: Final = (
    *("pin", "swd", "psw", "cvv", "cvc", "cvn", "ssn", "psk", "jwt", "srf", "sid", "sas", "sig", "kennwort", "woord"),
    *("asena", "aseña", "senha", "haslo", "parola", "monic", "phrase", "ature", "sessionid", "security"),
    *("samlresponse", "assertion", "yanswer", "y[ _-]answer", "codeverifier", "code[ _-]verifier"),
    *("[a-z _?&-]code", "[dny]number", "[dny][ _-]number", "cardno", "card[ _-]no", "itcard", "it[ _-]card", "heslo"),
    *("lösenord", "hasło", "salasana", "şifre", "cc[ _-]number", "ccnumber", "t_seed", "tseed", "id_rsa"),
)
_LAST: Final = "".join(f"[{''.join(sorted({end[place] for end in _ENDS}))}]" for place in (-3, -2, -1))
_FILLER: Final = r"""["'\])\[ s_0-9-]"""


def _named(sign: str) -> re.Pattern[str]:
    """Return the pattern of a sign after such a name: a literal to begin with, so the search runs at the speed of C."""
    gaps = [_FILLER * width + sign for width in range(5)]
    # What is common to all names fails first, and cheaply.
    return regex(
        sign
        + "(?:"
        + "|".join(f"(?<={_LAST}{gap})(?:{'|'.join(f'(?<={end}{gap})' for end in _ENDS)})|(?<=pw{gap})" for gap in gaps)
        + ")"
    )


_NAME_AND_COLON: Final = _named(":")
_NAME_AND_EQUALS: Final = _named("=")
_NAME_AND_BRACKET: Final = _named(">")
_NAME_AND_COMMA: Final = (_named('",'), _named("',"))
_NAME_AND_IS: Final = _named(" is ")
_LONG_OPTION: Final = regex(rf"--(?=[a-z])(?=[\w-]{{0,30}}?(?:(?<=-)pw|{'|'.join(_ENDS)})s?\b)")
_NOT_ASCII: Final = regex("[^\\x00-\\x7f]+")
_CODE_TOLD: Final = regex(r"is your (?=[\w -]{0,40}code\b)")
_USERINFO: Final = regex(r"//(?=[^\s/?#]{0,512}(?:@|:(?!\d{1,5}(?:[/?#\s]|$))\S{0,768}@))")
_ENCODED: Final = regex("%(?=[0-9A-Fa-f]{2})")
_OPTION: Final = regex(r"-(?<!\S-)[a-z]\b|-(?<!\S-)p\S")


def may_hold_secret(text: str) -> bool:
    """Say whether `text` has to be looked at closely."""
    if "\\" in text or "\x1b" in text or "&#" in text or ("%" in text and _ENCODED.search(text)):
        return True
    if not text.isascii():
        if INVISIBLE.search(text):
            return True
        text = fold_text(text)
    low = text.lower()
    if (
        may_name_secret(low)
        or ("@" in text and (_USERINFO.search(text) or any(oracle_addresses(low))))
        or ((" -" in low or "\n-" in low or low[:1] == "-") and _OPTION.search(low))
    ):
        return True
    if ":5432:" in text:
        return True
    if has_long_number(text):
        return True
    return has_long_run(text) and (any(True for _ in odd_runs(text)) or any(True for _ in hex_runs(text)))


def may_name_secret(low: str) -> bool:
    """Say whether a name of a secret can be in a text, given in lower case and folded."""
    return (  # one expression: a loop over the stems costs more than half of the searches
        "pass" in low
        or "key" in low
        or "token" in low
        or "secret" in low
        or "auth" in low
        or "cred" in low
        or "cookie" in low
        or "bearer" in low
        or "basic " in low
        or "identified" in low
        or "otp" in low
        or "pwd" in low
        or "securestring" in low
        or "failing row" in low
        or (":" in low and _NAME_AND_COLON.search(low) is not None)
        or ("=" in low and _NAME_AND_EQUALS.search(low) is not None)
        or ('",' in low and _NAME_AND_COMMA[0].search(low) is not None)
        or ("'," in low and _NAME_AND_COMMA[1].search(low) is not None)
        or (" is " in low and (_NAME_AND_IS.search(low) is not None or _CODE_TOLD.search(low) is not None))
        or (">" in low and _NAME_AND_BRACKET.search(low) is not None)
        or ("--" in low and _LONG_OPTION.search(low) is not None)
        or (" login " in low and LOGIN.search(low) is not None)
        or ("\t" in low and ("\ttrue\t" in low or "\tfalse\t" in low))  # a file of cookies
        or (not low.isascii() and any(word in low for word in FOREIGN_NAMES))
    )


def lower(text: str) -> str:
    """Return `text` in lower case, character by character: of the same length, whatever Unicode says."""
    low = text.lower()
    if len(low) == len(text):
        return low
    return "".join([char.lower() if len(char.lower()) == 1 else char for char in text])


def fold_text(text: str) -> str:
    """Return `text`, character by character, in the alphabet and width in which the rules are written."""
    if text.isascii():
        return text
    return _NOT_ASCII.sub(lambda run: run[0].translate(_FOLDED), text)  # to translate ASCII takes far longer


# One character for one, so that what is found in the folded text is in the same place in the given one.
_FOLDED: Final[dict[int, str | int]] = {
    **{0xFF01 + offset: chr(0x21 + offset) for offset in range(94)},
    **CONFUSABLES,
    **dict.fromkeys((0xA0, *range(0x2000, 0x200B), 0x202F, 0x205F, 0x3000), " "),
    **dict.fromkeys((0x201C, 0x201D, 0x201E, 0xAB, 0xBB), '"'),
    **dict.fromkeys((0x2018, 0x2019), "'"),
    **dict.fromkeys((*range(0x2010, 0x2016), 0x2212), "-"),
}
