"""Which names of fields, headers, parameters, variables and options mean that a secret follows.

A name is read as words (`dbPassword`, `DB_PASSWORD` and `db.password` are the same two), so that `token` is found and
`tokenizer` is not; what the words around say is heard, so that `token_count`, `max_tokens` and `public_key_id` stay.
"""

from __future__ import annotations

import re
import unicodedata
from enum import Enum
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

from span_processors.redaction.marks import FIELD, MARK, MARK_BEGINS, mark
from span_processors.redaction.patterns import regex
from span_processors.redaction.vocabulary import (
    ABOUT,
    AMBIGUOUS,
    CONFUSABLES,
    COUNTING,
    ENDINGS,
    FOREIGN_NAMES,
    HARMLESS_AFTER,
    KEY_FILES,
    ONE_WORD,
    SECRETS,
    STEMS,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from span_processors.data import JsonValue
    from span_processors.redaction.settings import RedactionSettings


class Verdict(Enum):
    """What a sensitive name says about the value under it."""

    SECRET = "field"  # noqa: S105  (not one)
    """Any value is a secret, except None, booleans and empty text, which tell nothing."""
    COUNTED = "counted"
    """The name is used for numbers and words, too (`tokens`, `pass`): only what looks random is a secret."""
    DIRECTORY = "directory"
    """`PWD` is a password, or the working directory; `private_key` a key, or the path of its file."""
    PATTERN = "pattern"
    """As SECRET, by a pattern of the user's."""


MAX_NAME: Final = 256
"""Of a longer name, its end is judged."""
_MAX_REMEMBERED: Final = 8192
_PATTERN_MARK: Final = mark("pattern")


_SPLIT: Final = regex("[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[^\\W\\d_A-Za-z]+")
_LONGEST: Final = 4
_STEM: Final = regex("|".join(STEMS))
_BETWEEN: Final = regex(r"[\W\d_]+")

_PLACEHOLDER: Final = regex(
    r"""\[REDACTED:[a-z-]+\] | \*{3,} | x{3,} | \.{3}
    | \$\{\w+\} | \$[A-Z_][A-Z0-9_]* | \$?\{\{[^{}]{0,80}\}\} | \{[a-z_]{0,40}\} | %\(?\w{0,40}\)?s | <[a-z\ _-]{1,40}>
    | \[redacted\]? | \[filtered\]?""",
    re.VERBOSE | re.IGNORECASE,
)
_PLACEHOLDER_BEGINS: Final = frozenset("[*xX.${%<")
_PLACEHOLDER_WORDS: Final = frozenset(
    {
        *("none", "null", "nil", "true", "false", "undefined", "n/a", "unset", "string", "str"),
        *("redacted", "redacted]", "filtered", "filtered]", "hidden", "masked"),
    }
)
_LONGEST_PLACEHOLDER_WORD: Final = max(map(len, _PLACEHOLDER_WORDS))
_RANDOM: Final = regex(r"(?=[^a-zA-Z]*[a-zA-Z])(?=\D*\d)[\w+=~.!@#$%^&*-]{7,}|(?=[^a-z]*[a-z])[\w+=~-]{20,}", re.ASCII)
_PATH: Final = regex(r"(?:~|\.{1,2}|[A-Za-z]:)?[\\/][\w .\\/@:-]*|[~.]+")
_MIXED: Final = regex(r"(?<![^\\/])(?=[^\\/]*[a-z])(?=[^\\/]*[A-Z])(?=[^\\/]*\d)[^\\/]{12,}")
_LIKE_LETTERS: Final = str.maketrans("01345$@", "oieassa")
_SPELT: Final = regex("[A-Za-z][01345$@]|[01345$@][A-Za-z]")
"""Where a sign may stand for a letter: `passw0rd`."""


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
    return _judge(name) or (_judge(name.translate(_LIKE_LETTERS)) if _SPELT.search(name) else None)


def _judge(name: str) -> Verdict | None:
    folded = fold_name(name)
    if _STEM.search(_BETWEEN.sub("", folded.lower())) is None:
        return None
    words = [word.lower() for word in _SPLIT.findall(folded)]
    singles = [_singular(word) for word in words]
    verdict: Verdict | None = None
    for start in range(len(words)):
        for end in range(min(start + _LONGEST, len(words)), start, -1):
            joined = "".join(singles[start:end])
            if joined in SECRETS or (end == start + 1 and (joined in ONE_WORD or joined.endswith(ENDINGS))):
                plural = words[end - 1] != singles[end - 1]
                found = _weigh(joined, plural=plural, before=singles[:start], after=singles[end:])
                if found is Verdict.SECRET:
                    return found
                verdict = verdict or found
                break
    return verdict


def _weigh(joined: str, *, plural: bool, before: list[str], after: list[str]) -> Verdict | None:
    """Say what the words around make of a name that is sensitive in itself."""
    if after and (after[0] in ABOUT or after[-1] in ABOUT):
        return None
    if before and before[-1] in HARMLESS_AFTER.get(joined, ()):
        return None
    if (joined == "pwd" and not after and before in ([], ["old"])) or joined in KEY_FILES:
        return Verdict.DIRECTORY
    if joined in AMBIGUOUS or (plural and joined in {"token", "pin", "auth"}) or (before and before[-1] in COUNTING):
        return Verdict.COUNTED
    return Verdict.SECRET


def mark_of(verdict: Verdict) -> str:
    """Return what replaces the value under a name with this verdict."""
    return _PATTERN_MARK if verdict is Verdict.PATTERN else FIELD


def is_placeholder(text: str) -> bool:
    """Say whether `text` stands where a secret would stand, and is none."""
    if text[:1] in _PLACEHOLDER_BEGINS:
        return _PLACEHOLDER.fullmatch(text) is not None
    return len(text) <= _LONGEST_PLACEHOLDER_WORD and (not text or text.lower() in _PLACEHOLDER_WORDS)


def looks_random(text: str) -> bool:
    """Say whether `text` is unlike a word, a phrase, a number or a path."""
    return _RANDOM.fullmatch(text) is not None


def is_path(text: str) -> bool:
    """Say whether `text` is the path of a file, with no part of it like a key."""
    return _PATH.fullmatch(text) is not None and _MIXED.search(text) is None


def hides(verdict: Verdict, value: JsonValue) -> bool:
    """Say whether `value`, under a name with this verdict, is to be redacted."""
    if value is None or isinstance(value, bool) or value in ("", [], {}):
        return False
    if isinstance(value, str):
        if is_placeholder(value):
            return False
        if verdict is Verdict.DIRECTORY:
            return not is_path(value)
        return verdict is not Verdict.COUNTED or looks_random(value)
    if verdict is not Verdict.COUNTED:
        return True
    # One level is enough: what is nested deeper has names of its own.
    parts = value if isinstance(value, list) else value.values() if isinstance(value, dict) else ()
    return any(isinstance(part, str) and hides(verdict, part) for part in parts)


class Names(dict[str, "Verdict | None"]):
    """Verdicts by name: the built-in ones, the user's patterns and the user's exceptions. `names[name]` judges once.

    Only exact `str` may be looked up.
    """

    def __init__(self, settings: RedactionSettings) -> None:
        super().__init__()
        self._allowed = frozenset(fold_name(name).casefold() for name in settings.allow)
        self._patterns = [_compile(pattern) for pattern in settings.sensitive_field_patterns]
        self.patterned = bool(self._patterns)

    def __missing__(self, name: str) -> Verdict | None:
        """Judge a name that was not seen yet."""
        if len(name) > MAX_NAME:
            return self._judge(name[-MAX_NAME:])
        if len(self) >= _MAX_REMEMBERED:
            self.clear()
        verdict = self[name] = self._judge(name)
        return verdict

    def _judge(self, name: str) -> Verdict | None:
        if MARK_BEGINS in name:
            name = MARK.sub("", name)  # the name of a rule is no name of a field
        if self._allowed and fold_name(name).casefold() in self._allowed:
            return None
        if any(search(name) for search in self._patterns):
            return Verdict.PATTERN
        return judge(name)


def _compile(pattern: str) -> Callable[[str], object]:
    """Compile a user's pattern: with RE2, in whose time no input can be lost, where that is installed and takes it."""
    try:
        import re2  # type: ignore[import-untyped]  # noqa: PLC0415  (optional, and most processes have no pattern of their own)

        options = re2.Options()
        options.case_sensitive = False
        options.log_errors = False
        return re2.compile(pattern, options).search  # type: ignore[no-any-return]
    except Exception:
        # Names are short (`MAX_NAME`), so the standard library's engine does as well.
        return re.compile(pattern, re.IGNORECASE).search
