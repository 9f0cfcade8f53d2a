"""Passwords on command lines whose option does not say so: `mysql -pS`, `curl -u user:S`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from span_processors.redaction.credentials import Found
from span_processors.redaction.marks import MARK_BEGINS, mark
from span_processors.redaction.names import is_placeholder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from span_processors.data import JsonValue

_MYSQL: Final = "mysql mysqldump mysqladmin mysqlimport mysqlsh mariadb mariadb-dump mariadb-admin"
# Program -> its option, and how the value stands: `=` joined to it, ` ` after a space, `*` either, `:` and `%` after a
# user and that sign.
_OPTIONS: Final = {
    **dict.fromkeys((*_MYSQL.split(), "7z", "7za"), ("-p", "=")),
    **dict.fromkeys(("sshpass",), ("-p", "*")),
    **dict.fromkeys("docker podman buildah helm mongo mongosh mongodump mongorestore az".split(), ("-p", " ")),  # noqa: SIM905
    **dict.fromkeys(("unzip", "zip", "sqlcmd", "bcp"), ("-P", "*")),
    "redis-cli": ("-a", "*"),
    **dict.fromkeys(("ldapsearch", "ldapadd", "ldapmodify", "ldapwhoami"), ("-w", "*")),
    **dict.fromkeys(("curl", "http", "https"), ("-u", ":")),
    "smbclient": ("-U", "%"),
}
_PROGRAMS: Final = "|".join(map(re.escape, sorted(_OPTIONS, key=len, reverse=True)))
_COMMAND: Final = re.compile(rf"({_PROGRAMS})(?=[\s\"'])([^\n|;]{{0,2000}})")
_OPTION: Final = re.compile(r"-(?<=[\s\"'-]-)(?:[pPawuU]|user)")
_INSIDE_WORD: Final = re.compile(r"[\w.-]")
_DOCKER_PORT: Final = re.compile(r"[\d.:]+(?:-\d+)?(?::\d+)?(?:/(?:tcp|udp))?")
_ARGUMENT: Final = re.compile(r"(?<=[\s\"'])(-[pPawuU])([\"']?,?[ \t]{1,4}[\"']?)?([^\s\"',]+)")
_LONG_USER: Final = re.compile(r"(?<=--user)[ =][\"']?([^\s\"':]{1,200}):([^\s\"']+)")


def find_shell(text: str) -> Iterator[Found]:
    """Find passwords in the command lines of a text."""
    if _OPTION.search(text) is None:
        return
    for command in _COMMAND.finditer(text):
        if _INSIDE_WORD.match(text, max(0, command.start() - 1), command.start()):
            continue
        option, form = _OPTIONS[command[1]]
        for match in _ARGUMENT.finditer(text, command.start(2), command.end()):
            if match[1] == option:
                start = _secret_start(match[3], form, apart=match[2] is not None)
                if start is not None:
                    yield Found(match.start(3) + start, match.end(), "shell")
        if form == ":":
            for match in _LONG_USER.finditer(text, command.start(2), command.end()):
                yield Found(match.start(2), match.end(2), "shell")


def redact_arguments(arguments: list[JsonValue]) -> None:
    """Redact, in place, passwords in a list that is a command line."""
    known: tuple[str, str] | None = None
    for at, argument in enumerate(arguments):
        if not isinstance(argument, str):
            continue
        known = _OPTIONS.get(argument.rpartition("/")[2].removesuffix(".exe"), known) if len(argument) < 64 else known  # noqa: PLR2004
        if known is None:
            continue
        option, form = known
        if form == ":" and argument in {"--user", "--proxy-user", "-U"}:
            option = argument
        if argument == option and at + 1 < len(arguments):
            following = arguments[at + 1]
            start = _secret_start(following, form, apart=True) if isinstance(following, str) else None
            if start is not None and isinstance(following, str):
                arguments[at + 1] = following[:start] + mark("shell")
        elif argument.startswith(option) and len(argument) > len(option):
            value = argument[len(option) :]
            start = _secret_start(value, form, apart=False)
            if start is not None:
                arguments[at] = option + value[:start] + mark("shell")


def _secret_start(value: str, form: str, *, apart: bool) -> int | None:
    """Return where in an option's value the password begins, None if there is none."""
    if form in {":", "%"}:
        user, divider, password = value.partition(form)
        return len(user) + 1 if divider and not is_placeholder(password) else None
    if is_placeholder(value) or value.startswith(("-", MARK_BEGINS)):
        return None
    if form == " ":
        return 0 if apart and not _DOCKER_PORT.fullmatch(value) else None
    return None if form == "=" and apart else 0
