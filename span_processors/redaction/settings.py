"""What the user may decide about redaction."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable

    from span_processors.data import JsonValue

    Callback: TypeAlias = Callable[[str, JsonValue], JsonValue]

DEFAULT_MAX_RESULT_SIZE = 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class RedactionSettings:
    """Which values are searched for secrets, and by what.

    Raises:
        ValueError: a field pattern is not a regular expression, or the size is not positive.
    """

    redact_inputs: bool = True
    """False: inputs are brought to normal form, but not searched for secrets."""
    redact_outputs: bool = True
    """False: outputs are brought to normal form, but not searched for secrets."""
    sensitive_field_patterns: tuple[str, ...] = ()
    """Regular expressions, searched in field names without regard to case, in addition to the built-in names."""
    value_patterns: bool = True
    """Whether texts are searched for secrets. Sensitive field names count in any case."""
    max_result_size: int = DEFAULT_MAX_RESULT_SIZE
    """Bytes of JSON that one payload may have; a longer one is cut after redaction, and says its size and SHA-256."""
    allow: tuple[str, ...] = ()
    """Field names that are never sensitive, compared without regard to case."""
    callback: Callback | None = None
    """Called last with (path, value) for each text, number, boolean, None; returns what to keep; raising: nothing."""

    def __post_init__(self) -> None:
        for name in ("sensitive_field_patterns", "allow"):
            if isinstance(getattr(self, name), str):
                raise ValueError(  # noqa: TRY004  (one kind of error for all settings that cannot work)
                    f"{name} takes a sequence of strings, not one string: {getattr(self, name)!r}"
                )
            object.__setattr__(self, name, tuple(getattr(self, name)))
        for pattern in self.sensitive_field_patterns:
            try:
                re.compile(pattern)
            except (re.error, TypeError, RecursionError, OverflowError) as error:
                message = f"sensitive_field_patterns: {pattern!r} is not a regular expression: {error}"
                raise ValueError(message) from None
        if self.max_result_size < 1:
            raise ValueError(f"max_result_size must be a positive number of bytes, not {self.max_result_size}")
