"""Passwords on command lines whose option does not say so: `mysql -pS`, `curl -u user:S`."""

from __future__ import annotations

import re
from itertools import chain
from typing import TYPE_CHECKING, Final

from span_processors.redaction.credentials import Found
from span_processors.redaction.marks import MARK_BEGINS, mark
from span_processors.redaction.names import is_placeholder
from span_processors.redaction.patterns import regex

if TYPE_CHECKING:
    from collections.abc import Iterator

    from span_processors.data import JsonValue

_JOINED: Final = "joined"
_APART: Final = "apart"
_EITHER: Final = "either"
_USER: Final = {"-u": ":", "--user": ":", "-U": ":", "--proxy-user": ":"}
# Programs -> their options, and how the secret stands there: joined to the option, apart from it, either; or after a
# user and the sign given.
_PROGRAMS: Final[dict[str, dict[str, str]]] = {
    "mysql mysqldump mysqladmin mysqlimport mysqlsh mariadb mariadb-dump mariadb-admin 7z 7za": {"-p": _JOINED},
    "docker podman buildah helm mongo mongosh mongodump mongorestore az": {"-p": _APART},
    "sshpass psexec": {"-p": _EITHER},
    "unzip zip sqlcmd bcp": {"-P": _EITHER},
    "redis-cli": {"-a": _EITHER},
    "ldapsearch ldapadd ldapmodify ldapwhoami": {"-w": _EITHER},
    "curl": {**_USER, "-b": "="},
    "http https": {"-a": ":", "--auth": ":"},
    "smbclient": {"-U": "%"},
    "openssl": {"-k": _APART},
}
_OTHER: Final = (
    regex(
        r"\b(?:echo|printf)(?: -\w)?[ \t]{1,4}([\"']?)([^\s\"'|]{3,})\1[ \t]{0,4}\|[ \t]{0,4}"
        r"(?=sudo[ \t][^|\n]{0,40}?-S\b|[^|\n]{0,200}?(?:--password-stdin|--passphrase-fd|--stdin)\b"
        r"|(?:sudo )?(?:ch)?passwd\b|wrangler secret put\b)",
        needs=("echo", "printf"),
    ),
    regex(r"-pass(?:in|out|word)?([ =])[\"']?pass:([^\s\"']+)"),
    regex(r"\bhtpasswd (?:-\w+ )*-\w*b\w*( )(?:-\w+ )*(?:\S{1,200} ){1,2}([^\s-]\S*)(?=\s|$)", needs=("htpasswd ",)),
    regex(
        r"\bcreate secret [^\n]{1,400}?--from-literal[= ]([\"']?)[\w.-]{1,64}=([^\s\"']+)", needs=("--from-literal",)
    ),
)
_NET_USE: Final = regex(r"\bnet use(?:r| [^\n]{1,200}?/user:)( ?\S{1,64}) ([^\s/*]\S*)", needs=("net use",))
"""Commands that take a password where no option says so: as their second group. The last one is in lower case."""
_OPTIONS: Final = {program: options for programs, options in _PROGRAMS.items() for program in programs.split()}
_NAMES: Final = "|".join(map(re.escape, sorted(_OPTIONS, key=len, reverse=True)))
_COMMAND: Final = regex(rf"({_NAMES})(?=[\s\"'])([^\n|;]{{0,2000}})")
_ANY_OPTION: Final = regex(r"-(?<=[\s\"'-]-)(?:[pPawuUbk]|user|auth|proxy)")
_LONGEST_COMMAND: Final = 2064
_INSIDE_WORD: Final = regex(r"[\w.-]")
_PORT: Final = regex(r"[\d.:]+(?:-\d+)?(?::\d+)?(?:/(?:tcp|udp))?")
_ARGUMENT: Final = regex(r"(?<=[\s\"'])(-[pPawuUbk]|--[a-z-]{2,20}+)([\"']?,?[ \t=]{1,4}[\"']?)?([^\s\"',]+)")
_LONGEST_NAME: Final = 64


def find_shell(text: str, low: str) -> Iterator[Found]:
    """Find passwords in the command lines of a text. `low` is it in lower case, character by character."""
    for match in chain(*(pattern.finditer(text) for pattern in _OTHER), _NET_USE.finditer(low)):
        if not is_placeholder(match[2]):
            yield Found(*match.span(2), "shell")
    position = 0
    while option := _ANY_OPTION.search(text, position):
        start = max(position, text.rfind("\n", 0, option.start()) + 1, option.start() - _LONGEST_COMMAND)
        position = text.find("\n", option.end())
        position = len(text) if position < 0 else position
        for command in _COMMAND.finditer(text, start, position):
            if not _INSIDE_WORD.match(text, max(0, command.start() - 1), command.start()):
                yield from _options(text, command)


def _options(text: str, command: re.Match[str]) -> Iterator[Found]:
    options = _OPTIONS[command[1]]
    for match in _ARGUMENT.finditer(text, command.start(2), command.end()):
        form = options.get(match[1])
        start = None if form is None else _secret_start(match[3], form, apart=match[2] is not None)
        if start is not None:
            yield Found(match.start(3) + start, match.end(), "shell")


def redact_arguments(arguments: list[JsonValue]) -> None:
    """Redact, in place, passwords in a list that is a command line."""
    options: dict[str, str] = {}
    before: str | None = None
    for at, argument in enumerate(arguments):
        if not isinstance(argument, str):
            before = None
            continue
        if len(argument) <= _LONGEST_NAME:
            options = _OPTIONS.get(argument.rpartition("/")[2].removesuffix(".exe"), options)
        option = before if before in options else argument[:2]
        if option in options:
            value = argument if option is before else argument[2:]
            start = _secret_start(value, options[option], apart=option is before) if value else None
            if start is not None:
                arguments[at] = argument[: len(argument) - len(value) + start] + mark("shell")
        before = argument


def _secret_start(value: str, form: str, *, apart: bool) -> int | None:
    """Return where in an option's value the password begins, None if there is none."""
    if form in {":", "%", "="}:
        user, divider, password = value.partition(form)
        return len(user) + 1 if divider and not is_placeholder(password) else None
    if form != _EITHER and apart is (form == _JOINED):
        return None
    if is_placeholder(value) or value.startswith(("-", MARK_BEGINS)):
        return None
    return None if form == _APART and _PORT.fullmatch(value) else 0
