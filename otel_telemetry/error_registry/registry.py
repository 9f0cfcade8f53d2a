"""The registry: which exception means which error code."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, cast

from otel_telemetry.error_registry.defaults import DEFAULTS, UNSORTED, Sort
from otel_telemetry.error_registry.describe import bounded, cause_of, detail_of, message_of
from otel_telemetry.errors import ConfigurationError, unknown
from otel_telemetry.records import MAX_CAUSES, ErrorRecord

if TYPE_CHECKING:
    from span_processors.redaction import Redactor

_CACHE_SIZE: Final = 1024
_MAX_COUNTED: Final = 1000


class ErrorRegistry:
    """Turns exceptions into error records.

    Classes are registered themselves or by dotted name, so that those of a library that is not imported can be
    sorted too. Of the classes that an exception inherits from, the nearest that is registered applies. Safe to use from
    several threads.
    """

    def __init__(self) -> None:
        self._by_class: dict[type[BaseException], Sort] = {}
        self._by_name: dict[str, Sort] = dict(DEFAULTS)
        self._known: dict[type[BaseException], Sort] = {}

    @classmethod
    def from_mapping(cls, errors: Mapping[str, Any]) -> ErrorRegistry:
        """Make a registry from settings: names of exceptions to a code, or to a table of code, category and retryable.

        Raises:
            ConfigurationError: a value is neither, or a table has another key.
        """
        registry = cls()
        for name, value in errors.items():
            table = {"code": value} if isinstance(value, str) else value
            if not isinstance(table, Mapping) or not isinstance(table.get("code"), str):
                raise ConfigurationError(f"errors.{name}: needs a code, or a table with one")
            for key in table.keys() - {"code", "category", "retryable"}:
                raise ConfigurationError(f"errors.{name}: {unknown('key', key, ('code', 'category', 'retryable'))}")
            category, retryable = table.get("category", UNSORTED.category), table.get("retryable", False)
            if not isinstance(category, str) or not isinstance(retryable, bool):
                raise ConfigurationError(f"errors.{name}: category needs text, retryable true or false")
            registry.register(name, table["code"], category=category, retryable=retryable)
        return registry

    def register(
        self, exception: type[BaseException] | str, code: str, *, category: str = "unexpected", retryable: bool = False
    ) -> None:
        """Say what an exception class means; its subclasses mean the same unless they are registered.

        Args:
            exception: the class, or its dotted name as a program would import it (``httpx.TimeoutException``).
            code: what went wrong, for programs and counts.
            category: whose matter it is, see `Sort.category`.
            retryable: whether doing the same again may succeed.
        """
        sort = Sort(code, category, retryable)
        if isinstance(exception, str):
            self._by_name[exception.removeprefix("builtins.")] = sort
        else:
            self._by_class[exception] = sort
        self._known = {}

    def sort(self, exception: type[BaseException]) -> Sort:
        """Return what an exception class means: code ``error``, category ``unexpected`` where nobody has said."""
        known = self._known.get(exception)
        if known is None:
            if len(self._known) >= _CACHE_SIZE:
                self._known = {}
            self._known[exception] = known = self._find(exception)
        return known

    def record(
        self,
        error: BaseException | ErrorRecord,
        *,
        redactor: Redactor,
        step_id: str | None = None,
        tool_name: str | None = None,
    ) -> ErrorRecord:
        """Return the record of an error, redacted, with at most `MAX_CAUSES` causes. Never raises.

        Args:
            error: an exception, or a record that the host made; where that names no step or tool, these do.
            redactor: what message and detail go through.
            step_id: the step in which it happened.
            tool_name: the tool that failed.
        """
        try:
            if isinstance(error, ErrorRecord):
                record = _redacted(error, redactor)
                step_id, tool_name = record.step_id or step_id, record.tool_name or tool_name
            else:
                record = self._record(error, redactor)
        except BaseException:  # the host's classes may do anything, and its own exception must not be replaced
            record = ErrorRecord(code=UNSORTED.code, category=UNSORTED.category, message="<unreadable error>")
        return dataclasses.replace(record, step_id=step_id, tool_name=tool_name)

    def _record(self, error: BaseException, redactor: Redactor) -> ErrorRecord:
        chain, cut = _chain(error)
        record: ErrorRecord | None = None
        for exception in reversed(chain):
            code, category, retryable = self.sort(type(exception))
            detail = detail_of(exception, redactor)
            if cut and record is None:
                detail["causes_cut"] = cut
            record = ErrorRecord(
                code=code,
                category=category,
                message=message_of(exception, redactor),
                detail=detail,
                retryable=retryable,
                cause=record,
            )
        return cast("ErrorRecord", record)  # the chain begins with the error itself

    def _find(self, exception: type[BaseException]) -> Sort:
        named = {id(_imported(name)): sort for name, sort in self._by_name.items()}
        for cls in exception.__mro__:
            # a class is imported by other names than the one it was defined under, and some are never imported by name
            defined = self._by_name.get(f"{cls.__module__}.{cls.__qualname__}")
            sort = self._by_class.get(cls) or named.get(id(cls)) or defined
            if sort is not None:
                return sort
        return UNSORTED


def _imported(name: str) -> object:
    """Return what a dotted name stands for if its module is imported already; nothing is imported for it."""
    module_name, _, attribute = name.rpartition(".")
    module = sys.modules.get(module_name or "builtins")
    return None if module is None else vars(module).get(attribute)


def _chain(error: BaseException) -> tuple[list[BaseException], int]:
    """Return an exception with its causes, outermost first, and how many more there are."""
    chain: list[BaseException] = []
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen and len(seen) < _MAX_COUNTED:
        seen.add(id(current))
        if len(chain) <= MAX_CAUSES:
            chain.append(current)
        current = cause_of(current)
    return chain, len(seen) - len(chain)


def _redacted(error: ErrorRecord, redactor: Redactor) -> ErrorRecord:
    chain = list(error.chain())
    kept, cut = chain[: MAX_CAUSES + 1], len(chain) - MAX_CAUSES - 1
    record: ErrorRecord | None = None
    for link in reversed(kept):
        detail = redactor.error_value(link.detail)
        if not isinstance(detail, dict):
            detail = None if detail is None else {"value": detail}
        if cut > 0 and record is None:
            detail = {**(detail or {}), "causes_cut": cut}
        record = ErrorRecord(
            code=_text(link.code, redactor),
            category=_text(link.category, redactor),
            message=_text(link.message, redactor),
            detail=detail,
            retryable=link.retryable is True,
            step_id=link.step_id,
            tool_name=link.tool_name,
            cause=record,
        )
    return cast("ErrorRecord", record)  # there is at least the error itself


def _text(value: object, redactor: Redactor) -> str:
    """Return a text that the host was to give; whatever it gave instead, as JSON."""
    return bounded(value, redactor) if isinstance(value, str) else redactor.error_text(redactor.payload(value)[0])
