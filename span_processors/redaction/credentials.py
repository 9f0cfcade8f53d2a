"""Credentials that are known by their own shape, wherever they stand: vendors' keys, JWTs, private keys, card numbers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator


class Found(NamedTuple):
    """A part of a text that is to be replaced."""

    start: int
    end: int
    rule: str
    quoted: bool = False
    """Whether the mark must be put in quotes: it takes the place of a bare value in JSON."""


# Rule -> shapes. A shape is a literal that begins it, a space, and a regular expression for the rest; a literal that is too
# short to be trusted anywhere has `~` before it: not inside of a longer word.
_SHAPES: Final[dict[str, str]] = {
    "aws-key": "~AKIA [A-Z2-7]{16}(?![A-Za-z0-9]) | ~ASIA [A-Z2-7]{16}(?![A-Za-z0-9]) | ~ABIA [A-Z2-7]{16}(?![A-Za-z0-9])",
    "anthropic-key": r"sk-ant- [\w-]{10,}",
    "openai-key": r"~sk-proj- [\w-]{10,} | ~sk-svcacct- [\w-]{10,} | ~sk-admin- [\w-]{10,} | ~sk-or- [\w-]{10,} | ~sk- [A-Za-z0-9]{20,}",
    "stripe-key": "sk_live_ [A-Za-z0-9]{8,} | sk_test_ [A-Za-z0-9]{8,} | rk_live_ [A-Za-z0-9]{8,} | rk_test_ [A-Za-z0-9]{8,} "
    "| whsec_ [A-Za-z0-9+/=]{16,}",
    "github-token": r"ghp_ \w{16,} | gho_ \w{16,} | ghs_ \w{16,} | ghu_ \w{16,} | ghr_ \w{16,} | github_pat_ \w{16,}",
    "gitlab-token": r"glpat- [\w.-]{16,} | gldt- [\w-]{16,} | glrt- [\w.-]{16,} | glcbt- [\w-]{16,} | glptt- [\w-]{16,} | glft- [\w-]{16,} "
    r"| glimt- [\w-]{16,} | glagent- [\w-]{16,} | glsoat- [\w-]{16,} | gloas- [\w-]{16,} | ~GR1348941 [\w-]{16,}",
    "slack-token": r"xoxa- [\w-]{11,} | xoxb- [\w-]{11,} | xoxe- [\w-]{11,} | xoxe.xox [bp]-[\w-]{10,} | xoxo- [\w-]{11,} | xoxp- [\w-]{11,} "
    r"| xoxr- [\w-]{11,} | xoxs- [\w-]{11,} | xoxc- [\w-]{11,} | xoxd- [\w%-]{11,} | xapp- [\w-]{12,} | hooks.slack.com/ [a-z]+/[\w/-]{10,}",
    "google-key": r"~AIza [\w-]{30,} | ya29. [\w.-]{16,} | GOCSPX- [\w-]{16,} | ~1//0 [\w-]{30,}",
    "npm-token": "npm_ [A-Za-z0-9]{30,}",
    "pypi-token": r"pypi-AgE [\w-]{16,}",
    "sendgrid-key": r"~SG. [\w-]{16,}\.[\w-]{16,}",
    "twilio-key": "~SK [0-9a-f]{32}(?![A-Za-z0-9])",
    "mailgun-key": "~key- [0-9a-f]{32}(?![A-Za-z0-9])",
    "mailchimp-key": r"-us (?<=[0-9a-f]{32}-us)\d{1,2}\b",
    "telegram-token": r":AA (?<=\d{8}:AA)[\w-]{30,36}",
    "shopify-token": "shpat_ [A-Za-z0-9]{16,} | shpca_ [A-Za-z0-9]{16,} | shppa_ [A-Za-z0-9]{16,} | shpss_ [A-Za-z0-9]{16,}",
    "digitalocean-token": "dop_v1_ [0-9a-f]{32,} | doo_v1_ [0-9a-f]{32,} | dor_v1_ [0-9a-f]{32,}",
    "huggingface-token": "~hf_ [A-Za-z0-9]{24,} | api_org_ [A-Za-z0-9]{30,}",
    "databricks-token": r"~dapi [0-9a-f]{32}(?:-\d)?",
    "vault-token": r"~hvs. [\w-]{16,} | ~hvb. [\w-]{16,} | ~hvr. [\w-]{16,}",
    "azure-key": r"Q~ (?<=\dQ~)[\w.~-]{30,} | ?sv=2 [^\s\"'<>]*sig=[^\s\"'<>&]+ | JQQJ99 [A-Za-z0-9]{40,}",
    "atlassian-token": r"ATATT [\w=-]{20,} | ATCTT [\w=-]{20,} | ~ATBB [A-Za-z0-9]{24,}",
    "square-token": r"sq0atp- [\w-]{20,} | sq0csp- [\w-]{20,} | ~EAAA [\w-]{56,}",
    "facebook-token": "~EAA [A-Za-z0-9]{60,}",
    "docker-token": r"dckr_pat_ [\w-]{20,} | dckr_oat_ [\w-]{20,}",
    "grafana-key": "glsa_ [A-Za-z0-9]{30,}_[0-9a-f]{8} | glc_ [A-Za-z0-9+/=]{32,}",
    "sentry-token": "sntrys_ [A-Za-z0-9+/=_]{30,} | sntryu_ [0-9a-f]{30,}",
    "notion-token": "~secret_ [A-Za-z0-9]{43} | ntn_ [A-Za-z0-9]{40,}",
    "supabase-key": r"sbp_ [0-9a-f]{40} | sb_secret_ [\w-]{20,}",
    "vendor-key": r"~gsk_ [A-Za-z0-9]{40,} | ~xai- [A-Za-z0-9]{60,} | pplx- [A-Za-z0-9]{40,} | ~r8_ [A-Za-z0-9]{30,} | lin_api_ [A-Za-z0-9]{30,} "
    r"| figd_ [\w-]{30,} | NRAK- [A-Z0-9]{20,} | phx_ [A-Za-z0-9]{30,} | PMAK- [0-9a-f-]{30,} | rubygems_ [0-9a-f]{40,} | ~oy2 [a-z0-9]{43} "
    r"| ~LTAI [A-Za-z0-9]{12,24} | ~AKID [A-Za-z0-9]{32} | dp.pt. [\w.-]{20,} | dp.st. [\w.-]{20,} | .atlasv1. [\w-]{40,} | pat-na1- [0-9a-f-]{36} "
    r"| pat-eu1- [0-9a-f-]{36} | pul- [0-9a-f]{40} | duffel_ (?:test|live)_[\w=-]{40,} | fo1_ [\w-]{40,} | nvapi- [\w-]{40,} "
    r"| AGE-SECRET-KEY-1 [0-9A-Z]{50,} | FLWSECK [\w-]{12,} | xkeysib- [0-9a-f]{64}-\w{16} | sha256~ [\w-]{43} | tfp_ [\w-]{40,}",
    "webhook": r"discord.com/api/webhooks/ \d{5,}/[\w-]{20,} | discordapp.com/api/webhooks/ \d{5,}/[\w-]{20,} "
    r"| .webhook.office.com/webhookb2/ [\w@/-]{30,}",
    "discord-token": r"~MT [\w-]{22,26}\.[\w-]{6}\.[\w-]{27,} | ~OT [\w-]{22,26}\.[\w-]{6}\.[\w-]{27,} | ~Nz [\w-]{22,26}\.[\w-]{6}\.[\w-]{27,}",
    "jwt": r"eyJ [\w-]{13,}\.[\w-]{4,}(?:\.[\w-]*){0,3}",
    "password-hash": r"$ (?:1|2[abxy]?|5|6|7|y|gy|apr1|argon2(?:id|i|d)|pbkdf2(?:-sha\d+)?|scrypt)\$[\w./+$,=-]{20,}",
}


def _compile(rule: str, shape: str) -> tuple[str, str, re.Pattern[str]]:
    literal, _, rest = shape.strip().partition(" ")
    bounded = literal.startswith("~")
    literal = literal.removeprefix("~")
    # The look-behind comes after the literal, so that the engine's fast search for the literal stays possible.
    boundary = f"(?<![A-Za-z0-9]{re.escape(literal)})" if bounded else ""
    return rule, literal, re.compile(re.escape(literal) + boundary + rest, re.ASCII)


_VENDORS: Final = [_compile(rule, shape) for rule, shapes in _SHAPES.items() for shape in shapes.split(" | ")]

_LONG_RUN: Final = re.compile("(?<![A-Za-z0-9_-])[A-Za-z0-9_-]{16,}+")
_AROUND: Final = 48
_PEM_BEGIN: Final = re.compile(r"-----BEGIN [A-Z0-9 ]{0,32}PRIVATE KEY(?: BLOCK)?-----|PuTTY-User-Key-File-\d")
_PEM_END: Final = re.compile(r"-----END [A-Z0-9 ]{0,32}PRIVATE KEY(?: BLOCK)?-----|Private-MAC: [0-9a-f]{40,64}")
_PEM_BODY: Final = re.compile(r"[\s\\nr\"',+]{0,16}(?:[A-Za-z0-9+/=]{16}|Proc-Type|Version|Comment|Encryption)")
_PEM_CHARS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=\\ \r\n"
_CARD: Final = re.compile(r"[3-6](?<![\w.-].)\d{3}(?:\d{10,12}|[ -]\d{6}[ -]\d{4,5}|(?:[ -]\d{4}){3})(?![\w-]|\.\d)", re.ASCII)
# Issuer and length of the networks that use the check digit. Visa's 13 and 19 digits are left out: they are hardly ever issued,
# and bar codes and snowflake ids look like them.
_ISSUED: Final = re.compile(
    r"4\d{15}|5[1-5]\d{14}|2(?:22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)\d{12}|3[47]\d{13}|6(?:011|5\d\d|4[4-9]\d|2\d\d)\d{12}|35\d{14}"
    r"|3(?:0[0-5]|[68]\d)\d{11}"
)


def find_credentials(text: str) -> Iterator[Found]:
    """Find what is a credential by its shape alone."""
    yield from _private_keys(text)
    # Every shape has a long run of such characters in it, so the literals are looked for around those only.
    near = "\n".join([text[max(0, run.start() - _AROUND) : run.end() + _AROUND] for run in _LONG_RUN.finditer(text)])
    for rule, literal, pattern in _VENDORS:
        if literal in near:
            for match in pattern.finditer(text):
                yield Found(match.start(), match.end(), rule)
    for match in _CARD.finditer(text):
        if is_card(match[0].replace(" ", "").replace("-", "")):
            yield Found(match.start(), match.end(), "card")


def is_card(digits: str) -> bool:
    """Say whether `digits` has the issuer, the length and the check digit of a payment card."""
    if _ISSUED.fullmatch(digits) is None or len(set(digits)) < 2:  # noqa: PLR2004  (zeros check out, too)
        return False
    doubled = (int(digit) * 2 for digit in digits[-2::-2])
    return (sum(map(int, digits[-1::-2])) + sum(n - 9 if n > 9 else n for n in doubled)) % 10 == 0  # noqa: PLR2004


def _private_keys(text: str) -> Iterator[Found]:
    if "PRIVATE KEY" not in text and "PuTTY-User-Key-File" not in text:
        return
    end = _PEM_END.search(text)
    begin = _PEM_BEGIN.search(text)
    if end is not None and (begin is None or begin.start() > end.start()):
        # Its beginning was cut off.
        yield Found(len(text[: end.start()].rstrip(_PEM_CHARS)), end.end(), "private-key")
    while begin is not None:
        end = _PEM_END.search(text, begin.end()) if end is not None else None
        if end is not None:
            yield Found(begin.start(), end.end(), "private-key")
        elif _PEM_BODY.match(text, begin.end()):
            # Its end was cut off: all that follows may belong to it. A mere mention of the first line is left alone.
            yield Found(begin.start(), len(text), "private-key")
            return
        begin = _PEM_BEGIN.search(text, end.end() if end is not None else begin.end())
