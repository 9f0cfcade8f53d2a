"""Credentials that vendors made recognisable."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from span_processors.redaction.patterns import regex

if TYPE_CHECKING:
    from collections.abc import Iterator

# Rule -> shapes, one a line: a literal that begins it, a space, a regular expression for the rest. A literal that is
# too short to be trusted anywhere has `~` before it: not inside of a longer word. Where there is a group, only a match
# with it counts: one without it keeps the search from reading the same characters again and again.
_SHAPES: Final = {
    "aws-key": r"""
        ~AKIA [A-Z2-7]{16}(?![A-Za-z0-9])
        ~ASIA [A-Z2-7]{16}(?![A-Za-z0-9])
        ~ABIA [A-Z2-7]{16}(?![A-Za-z0-9])
    """,
    "anthropic-key": r"""
        sk-ant- [\w-]{10,}
    """,
    "openai-key": r"""
        ~sk-proj- [\w-]{10,}
        ~sk-svcacct- [\w-]{10,}
        ~sk-admin- [\w-]{10,}
        ~sk-or- [\w-]{10,}
        ~sk- [A-Za-z0-9]{20,}
    """,
    "stripe-key": r"""
        sk_live_ [A-Za-z0-9]{8,}
        sk_test_ [A-Za-z0-9]{8,}
        rk_live_ [A-Za-z0-9]{8,}
        rk_test_ [A-Za-z0-9]{8,}
        whsec_ [A-Za-z0-9+/=]{16,}
    """,
    "github-token": r"""
        ghp_ \w{16,}
        gho_ \w{16,}
        ghs_ \w{16,}
        ghu_ \w{16,}
        ghr_ \w{16,}
        github_pat_ \w{16,}
    """,
    "gitlab-token": r"""
        glpat- [\w.-]{16,}
        gldt- [\w-]{16,}
        glrt- [\w.-]{16,}
        glcbt- [\w-]{16,}
        glptt- [\w-]{16,}
        glft- [\w-]{16,}
        glimt- [\w-]{16,}
        glagent- [\w-]{16,}
        glsoat- [\w-]{16,}
        gloas- [\w-]{16,}
        ~GR1348941 [\w-]{16,}
    """,
    "slack-token": r"""
        xoxa- [\w-]{11,}
        xoxb- [\w-]{11,}
        xoxe- [\w-]{11,}
        xoxe.xox [bp]-[\w-]{10,}
        xoxo- [\w-]{11,}
        xoxp- [\w-]{11,}
        xoxr- [\w-]{11,}
        xoxs- [\w-]{11,}
        xoxc- [\w-]{11,}
        xoxd- [\w%-]{11,}
        xapp- [\w-]{12,}
        hooks.slack.com/ [a-z]+/[\w/-]{10,}
    """,
    "google-key": r"""
        ~AIza [\w-]{30,}
        ya29. [\w.-]{16,}
        GOCSPX- [\w-]{16,}
        ~1//0 [\w-]{30,}
    """,
    "npm-token": r"""
        npm_ [A-Za-z0-9]{30,}
    """,
    "pypi-token": r"""
        pypi-AgE [\w-]{16,}
    """,
    "sendgrid-key": r"""
        ~SG. [\w-]{16,}\.[\w-]{16,}
    """,
    "twilio-key": r"""
        ~SK [0-9a-f]{32}(?![A-Za-z0-9])
    """,
    "mailgun-key": r"""
        ~key- [0-9a-f]{32}(?![A-Za-z0-9])
    """,
    "mailchimp-key": r"""
        -us (?<=[0-9a-f]{32}-us)\d{1,2}\b
    """,
    "telegram-token": r"""
        :AA (?<=\d{8}:AA)[\w-]{30,36}
    """,
    "shopify-token": r"""
        shpat_ [A-Za-z0-9]{16,}
        shpca_ [A-Za-z0-9]{16,}
        shppa_ [A-Za-z0-9]{16,}
        shpss_ [A-Za-z0-9]{16,}
    """,
    "digitalocean-token": r"""
        dop_v1_ [0-9a-f]{32,}
        doo_v1_ [0-9a-f]{32,}
        dor_v1_ [0-9a-f]{32,}
    """,
    "huggingface-token": r"""
        ~hf_ [A-Za-z0-9]{24,}
        api_org_ [A-Za-z0-9]{30,}
    """,
    "databricks-token": r"""
        ~dapi [0-9a-f]{32}(?:-\d)?
    """,
    "vault-token": r"""
        ~hvs. [\w-]{16,}
        ~hvb. [\w-]{16,}
        ~hvr. [\w-]{16,}
    """,
    "azure-key": r"""
        Q~ (?<=\dQ~)[\w.~-]{30,}
        ?sv=2 (?:[^\s\"'<>]*(sig=[^\s\"'<>&]+)|[^\s\"'<>]*+)
        JQQJ99 [A-Za-z0-9]{40,}
    """,
    "atlassian-token": r"""
        ATATT [\w=-]{20,}
        ATCTT [\w=-]{20,}
        ~ATBB [A-Za-z0-9]{24,}
    """,
    "square-token": r"""
        sq0atp- [\w-]{20,}
        sq0csp- [\w-]{20,}
        ~EAAA [\w-]{56,}
    """,
    "facebook-token": r"""
        ~EAA [A-Za-z0-9]{60,}
    """,
    "docker-token": r"""
        dckr_pat_ [\w-]{20,}
        dckr_oat_ [\w-]{20,}
    """,
    "grafana-key": r"""
        glsa_ [A-Za-z0-9]{30,}_[0-9a-f]{8}
        glc_ [A-Za-z0-9+/=]{32,}
    """,
    "sentry-token": r"""
        sntrys_ [A-Za-z0-9+/=_]{30,}
        sntryu_ [0-9a-f]{30,}
    """,
    "notion-token": r"""
        ~secret_ [A-Za-z0-9]{43}
        ntn_ [A-Za-z0-9]{40,}
    """,
    "supabase-key": r"""
        sbp_ [0-9a-f]{40}
        sb_secret_ [\w-]{20,}
    """,
    "vendor-key": r"""
        ~gsk_ [A-Za-z0-9]{40,}
        ~xai- [A-Za-z0-9]{60,}
        pplx- [A-Za-z0-9]{40,}
        ~r8_ [A-Za-z0-9]{30,}
        lin_api_ [A-Za-z0-9]{30,}
        figd_ [\w-]{30,}
        NRAK- [A-Z0-9]{20,}
        phx_ [A-Za-z0-9]{30,}
        PMAK- [0-9a-f-]{30,}
        rubygems_ [0-9a-f]{40,}
        ~oy2 [a-z0-9]{43}
        ~LTAI [A-Za-z0-9]{12,24}
        ~AKID [A-Za-z0-9]{32}
        dp.pt. [\w.-]{20,}
        dp.st. [\w.-]{20,}
        .atlasv1. [\w-]{40,}
        pat-na1- [0-9a-f-]{36}
        pat-eu1- [0-9a-f-]{36}
        pul- [0-9a-f]{40}
        duffel_ (?:test|live)_[\w=-]{40,}
        fo1_ [\w-]{40,}
        Fo1_ [\w-]{40,}
        nvapi- [\w-]{40,}
        AGE-SECRET-KEY-1 [0-9A-Z]{50,}
        FLWSECK [\w-]{12,}
        xkeysib- [0-9a-f]{64}-\w{16}
        sha256~ [\w-]{43}
        tfp_ [\w-]{40,}
        ~pat [A-Za-z0-9]{14}\.[0-9a-f]{40,}
        pscale_tkn_ [\w.-]{20,}
        pscale_pw_ [\w.-]{20,}
        pscale_oauth_ [\w.-]{20,}
        ~cio [A-Za-z0-9]{32}(?![A-Za-z0-9])
        tskey- [a-z]{2,12}-[\w-]{16,}
        nfp_ [A-Za-z0-9]{30,}
        HRKU-AA [\w-]{40,}
        lsv2_ (?:pt|sk)_[0-9a-f]{32}_[0-9a-f]{8,}
        tvly- [\w-]{20,}
        pcsk_ \w{30,}
        ~v1.0- [0-9a-f]{24}-[0-9a-f]{60,}
        apify_api_ [A-Za-z0-9]{30,}
        jina_ [\w-]{40,}
        ~fw_ [A-Za-z0-9]{20,}
        ~csk- [a-z0-9]{40,}
        tgp_v1_ [\w-]{30,}
        ~rnd_ [A-Za-z0-9]{28,}
        dt0c01. [A-Z0-9]{24}\.[A-Z0-9]{60,}
        BBDC- [\w+/=-]{30,}
        CFPAT- [\w-]{40,}
        ~sgp_ \w{40,}
        ops_eyJ [\w+/=-]{40,}
        fm2_ [\w+/=-]{40,}
        dp.ct. [\w.-]{20,}
        dp.sa. [\w.-]{20,}
        rzp_live_ [A-Za-z0-9]{12,}
        shptka_ [A-Za-z0-9]{16,}
        lin_oauth_ [A-Za-z0-9]{30,}
        ~xprv [A-Za-z0-9]{90,}
        secret-token: [\w.%~-]{16,}
    """,
    "webhook": r"""
        discord.com/api/webhooks/ \d{5,}/[\w-]{20,}
        discordapp.com/api/webhooks/ \d{5,}/[\w-]{20,}
        .webhook.office.com/webhookb2/ [\w@/-]{30,}
    """,
    "discord-token": r"""
        ~MT [\w-]{22,26}\.[\w-]{6}\.[\w-]{27,}
        ~OT [\w-]{22,26}\.[\w-]{6}\.[\w-]{27,}
        ~Nz [\w-]{22,26}\.[\w-]{6}\.[\w-]{27,}
    """,
    "jwt": r"""
        eyJ [\w-]{13,}+(\.[\w-]{4,}(?:\.[\w-]*){0,3})?
    """,
    "password-hash": r"""
        $ (?:1|2[abxy]?|5|6|7|y|gy|apr1|argon2(?:id|i|d)|pbkdf2(?:-sha\d+)?|scrypt)\$[\w./+$,=-]{20,}
        pbkdf2 [:_]sha\d+[$:]\d+\$[\w./+$=-]{20,}
        scrypt: \d+:\d+:\d+\$[\w./+$=-]{20,}
    """,
}


def _compile(rule: str, shape: str) -> tuple[str, str, re.Pattern[str]]:
    literal, _, rest = shape.strip().partition(" ")
    bounded = literal.startswith("~")
    literal = literal.removeprefix("~")
    # The look-behind comes after the literal, so that the engine's fast search for the literal stays possible.
    boundary = f"(?<![A-Za-z0-9]{re.escape(literal)})" if bounded else ""
    return rule, literal, regex(re.escape(literal) + boundary + rest, re.ASCII)


VENDORS: Final = [_compile(rule, shape) for rule, shapes in _SHAPES.items() for shape in shapes.strip().splitlines()]
"""Each shape as (rule, literal that must be there, pattern). Each has one of the `odd_runs` in it."""
_BEFORE_ODD: Final = frozenset("./~")
_ISSUED: Final = f"(?:{'|'.join(re.escape(literal.rstrip('_-')) for _, literal, _ in VENDORS if literal[0].islower())})"
_RUN: Final = regex("[A-Za-z0-9_-]{16,}+")
_ID: Final = regex(
    # a UUID, a hash, words, or a short prefix before one of the first two
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|[0-9a-f]{16,}+"
    rf"|[a-z]++(?:[_-][a-z]++)*+(?:[_-]\d{{1,6}})?+|(?!{_ISSUED})[a-z]{{2,6}}[_-][0-9a-f-]{{16,36}}+"
)


def odd_runs(text: str) -> Iterator[tuple[int, int]]:
    """Yield where a text has long runs of letters and digits that are no ordinary ids. All shapes have one in them."""
    for run in _RUN.finditer(text):
        start, end = run.span()
        if _ID.fullmatch(text, start, end) is None or text[start - 1 : start] in _BEFORE_ODD:
            yield start, end
