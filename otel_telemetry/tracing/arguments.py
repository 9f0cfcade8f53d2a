"""The arguments of a call by name, as fast as can be."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import partial
from inspect import Parameter
from typing import Any, Final

_RECEIVERS: Final = frozenset({"self", "cls", "mcs", "mcls"})
_POSITIONAL: Final = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)


class Binder:
    """Names the arguments of one function's calls.

    `self` and `cls` are left out, defaults are filled in, and the order is that of the signature: equal
    calls give equal results, however they were written. What does not fit the signature is kept under ``args`` and
    ``kwargs``: the call itself will raise.
    """

    __slots__ = (
        "_defaults",
        "_fixed",
        "_keywords",
        "_name_set",
        "_names",
        "_positional",
        "_receiver",
        "_signature",
        "_simple",
    )

    def __init__(self, function: Callable[..., Any]) -> None:
        self._fixed: tuple[Any, ...] = ()
        self._keywords: Mapping[str, Any] = {}
        while isinstance(function, partial):
            self._fixed = function.args + self._fixed
            self._keywords = {**function.keywords, **self._keywords}
            function = function.func
        try:
            self._signature: inspect.Signature | None = inspect.signature(function)
        except (TypeError, ValueError):  # some built-in functions have none
            self._signature = None
        parameters = list(self._signature.parameters.values()) if self._signature else []
        self._receiver: str | None = None
        if parameters and parameters[0].name in _RECEIVERS and parameters[0].kind in _POSITIONAL:
            self._receiver = parameters.pop(0).name
        self._names = tuple(each.name for each in parameters)
        self._name_set = frozenset(self._names)
        self._defaults = {each.name: each.default for each in parameters if each.default is not Parameter.empty}
        self._positional = sum(each.kind in _POSITIONAL for each in parameters)
        self._simple = (
            self._signature is not None
            and not self._keywords
            and all(each.kind in (Parameter.POSITIONAL_OR_KEYWORD, Parameter.KEYWORD_ONLY) for each in parameters)
        )

    def bind(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any] | None:
        """Return the arguments by name; None where the function takes none."""
        if self._fixed:
            args = self._fixed + args
        if self._receiver is not None:
            if args:
                args = args[1:]
            else:
                kwargs = {name: value for name, value in kwargs.items() if name != self._receiver}
        names = self._names
        if not kwargs and len(args) == len(names) == self._positional:
            return dict(zip(names, args, strict=True)) or None
        if self._simple and len(args) <= self._positional:
            given = {**dict(zip(names, args, strict=False)), **kwargs}
            if len(given) == len(args) + len(kwargs):
                given = {**self._defaults, **given}
                if given.keys() == self._name_set:
                    return {name: given[name] for name in names}
        return self._slowly(args, {**self._keywords, **kwargs})

    def _slowly(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
        if self._signature is not None:
            try:
                bound = self._signature.bind(*(() if self._receiver is None else (None,)), *args, **kwargs)
            except TypeError:
                return {"args": args, "kwargs": kwargs}
            bound.apply_defaults()
            return {name: bound.arguments[name] for name in self._names}
        return {"args": args, "kwargs": kwargs}
