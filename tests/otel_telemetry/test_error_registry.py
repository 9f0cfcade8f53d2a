"""Exceptions as error records: their codes, what is said of them, and that nothing they do is felt."""

from __future__ import annotations

import asyncio
import concurrent.futures
import subprocess
import sys
import types
from typing import Any

import pytest

from otel_telemetry.error_registry import ErrorRegistry, Sort, stacktrace
from otel_telemetry.errors import ConfigurationError
from otel_telemetry.records import MAX_CAUSES, ErrorRecord
from span_processors.redaction import Redactor

REDACTOR = Redactor()
SECRET = "hunter" + "2hunter2"


def record(error: Any, **more: Any) -> ErrorRecord:
    return ErrorRegistry().record(error, redactor=REDACTOR, **more)


def raised(error: BaseException) -> BaseException:
    try:
        raise error
    except BaseException as caught:
        return caught


@pytest.mark.parametrize(
    ("exception", "code", "category", "retryable"),
    [
        (TimeoutError, "timeout", "transient", True),
        (asyncio.TimeoutError, "timeout", "transient", True),
        (subprocess.TimeoutExpired, "timeout", "transient", True),
        (ConnectionResetError, "connection_failed", "transient", True),
        (PermissionError, "permission_denied", "permission", False),
        (FileNotFoundError, "not_found", "not_found", False),
        (IsADirectoryError, "os_error", "system", False),
        (ValueError, "invalid_input", "input", False),
        (UnicodeDecodeError, "invalid_input", "input", False),
        (TypeError, "invalid_input", "input", False),
        (KeyError, "missing_key", "input", False),
        (MemoryError, "out_of_memory", "resource", False),
        (AssertionError, "assertion_failed", "defect", False),
        (NotImplementedError, "not_implemented", "defect", False),
        (RecursionError, "recursion_too_deep", "defect", False),
        (asyncio.CancelledError, "cancelled", "cancelled", False),
        (concurrent.futures.CancelledError, "cancelled", "cancelled", False),
        (KeyboardInterrupt, "interrupted", "cancelled", False),
        (SystemExit, "exit", "cancelled", False),
        (GeneratorExit, "abandoned", "cancelled", False),
        (ExceptionGroup, "multiple_errors", "unexpected", False),
        (RuntimeError, "error", "unexpected", False),
        (type("Own", (Exception,), {}), "error", "unexpected", False),
    ],
)
def test_the_meaning_of_known_exceptions(
    exception: type[BaseException],
    code: str,
    category: str,
    retryable: bool,  # noqa: FBT001  (a parameter)
) -> None:
    assert ErrorRegistry().sort(exception) == Sort(code, category, retryable)


class Parent(Exception):  # noqa: N818
    pass


class Child(Parent):
    pass


def test_the_nearest_registered_parent_applies() -> None:
    registry = ErrorRegistry()
    assert registry.sort(Child).code == "error"
    registry.register(Parent, "p", category="own", retryable=True)
    assert registry.sort(Child) == ("p", "own", True)
    registry.register(Child, "c")
    assert registry.sort(Child) == ("c", "unexpected", False)
    assert registry.sort(Parent).code == "p"
    registry.register(OSError, "disk")
    assert registry.sort(OSError).code == "disk"
    assert registry.sort(PermissionError).code == "permission_denied"


def test_a_class_is_registered_by_any_name_it_is_imported_under(monkeypatch: pytest.MonkeyPatch) -> None:
    registry = ErrorRegistry()
    registry.register("elsewhere.Fault", "there")
    registry.register("never.imported.Fault", "never")
    registry.register(f"{Child.__module__}.Child", "here")
    registry.register("builtins.ValueError", "value")
    assert "never" not in sys.modules
    module = types.ModuleType("elsewhere")
    module.Fault = type("Fault", (Exception,), {"__module__": "elsewhere._private"})  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "elsewhere", module)
    assert registry.sort(module.Fault).code == "there"
    assert registry.sort(Child).code == "here"
    assert registry.sort(UnicodeError).code == "value"
    local = type("Local", (Exception,), {"__module__": "gone", "__qualname__": "f.<locals>.Local"})
    registry.register("gone.f.<locals>.Local", "local")
    assert registry.sort(local).code == "local"


def test_a_registry_is_made_from_settings() -> None:
    registry = ErrorRegistry.from_mapping(
        {"ValueError": "bad", "KeyError": {"code": "k", "category": "own", "retryable": True}}
    )
    assert registry.sort(ValueError) == ("bad", "unexpected", False)
    assert registry.sort(KeyError) == ("k", "own", True)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (5, "needs a code"),
        ({}, "needs a code"),
        ({"code": 5}, "needs a code"),
        ({"code": "c", "retry": True}, "did you mean 'retryable'"),
        ({"code": "c", "retryable": "yes"}, "true or false"),
        ({"code": "c", "category": 1}, "category needs text"),
    ],
)
def test_settings_that_cannot_work_are_refused(value: Any, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words) as caught:
        ErrorRegistry.from_mapping({"ValueError": value})
    assert "errors.ValueError" in str(caught.value)


def test_a_record_says_what_an_exception_says() -> None:
    error = FileNotFoundError(2, "No such file", "/data/in.csv")
    error.add_note("while reading")
    made = record(error, step_id="s", tool_name="t")
    assert made == ErrorRecord(
        code="not_found",
        category="not_found",
        message="[Errno 2] No such file: '/data/in.csv'",
        detail={
            "type": "FileNotFoundError",
            "notes": ["while reading"],
            "errno": "ENOENT",
            "filename": "/data/in.csv",
        },
        step_id="s",
        tool_name="t",
    )
    assert record(KeyError(("a", 1))).detail == {"type": "KeyError", "key": ["a", 1]}
    assert record(KeyError()).detail == {"type": "KeyError"}
    assert record(OSError("odd")).detail == {"type": "OSError"}


def chain(length: int) -> BaseException:
    error: BaseException = ValueError("0")
    for number in range(1, length):
        outer = ValueError(str(number))
        outer.__cause__ = error
        error = outer
    return error


def test_causes_are_kept_to_a_depth_and_what_is_cut_is_said() -> None:
    messages = [link.message for link in record(chain(4)).chain()]
    assert messages == ["3", "2", "1", "0"]
    assert all("causes_cut" not in (link.detail or {}) for link in record(chain(4)).chain())
    made = list(record(chain(9)).chain())
    assert [link.message for link in made] == ["8", "7", "6", "5"]
    assert len(made) == MAX_CAUSES + 1
    assert made[-1].detail == {"type": "ValueError", "causes_cut": 5}


def test_a_cause_is_what_was_raised_from_or_being_handled_unless_suppressed() -> None:
    context, cause = KeyError("context"), KeyError("cause")
    error = ValueError()
    error.__context__ = context
    assert record(error).root_cause.message == "'context'"
    error.__cause__ = cause
    assert record(error).root_cause.message == "'cause'"
    error.__cause__ = None
    error.__suppress_context__ = True
    assert record(error).cause is None


def test_causes_in_a_circle_end() -> None:
    one, other = ValueError("one"), ValueError("other")
    one.__cause__, other.__cause__ = other, one
    assert [link.message for link in record(one).chain()] == ["one", "other"]


def test_a_group_lists_its_leaves_and_the_first_is_its_cause() -> None:
    inner = ExceptionGroup("inner", [TimeoutError("slow"), ValueError(f"password={SECRET}")])
    made = record(ExceptionGroup("outer", [inner, KeyError("k")]))
    assert made.code == "multiple_errors"
    assert made.detail is not None
    assert [leaf["type"] for leaf in made.detail["errors"]] == ["TimeoutError", "ValueError", "KeyError"]
    assert SECRET not in str(made.detail)
    assert made.cause is not None
    assert (made.cause.code, made.cause.message) == ("timeout", "slow")
    many = record(ExceptionGroup("many", [ValueError(str(number)) for number in range(12)]))
    assert many.detail is not None
    assert (len(many.detail["errors"]), many.detail["errors_cut"]) == (10, 2)


class Hostile(Exception):  # noqa: N818
    def __init__(self, what: BaseException) -> None:
        self.what = what

    def __str__(self) -> str:
        raise self.what


class Endless(Exception):  # noqa: N818
    def __str__(self) -> str:
        return str(self)


class NoText(Exception):  # noqa: N818
    def __str__(self) -> str:
        return 5  # type: ignore[return-value]  # noqa: PLE0307  (the point of it)


@pytest.mark.parametrize(
    "error",
    [
        *(Hostile(what) for what in (ValueError(), KeyboardInterrupt(), SystemExit(), GeneratorExit(), MemoryError())),
        *(Endless(), NoText()),
    ],
    ids=repr,
)
def test_an_exception_without_a_message_says_so(error: BaseException) -> None:
    assert record(error).message == f"<{type(error).__name__}: message unavailable>"
    assert type(error).__name__ in stacktrace(raised(error), REDACTOR)


def test_attributes_that_raise_cost_nothing_else() -> None:
    class Broken(OSError):  # noqa: N818
        @property
        def __cause__(self) -> Any:  # type: ignore[override]
            raise SystemExit

        @property
        def errno(self) -> Any:
            raise SystemExit

    made = record(Broken("message"))
    assert (made.code, made.message) == ("os_error", "message")


def test_text_of_a_subclass_is_taken_as_plain_text() -> None:
    class Text(str):
        __slots__ = ()

        def __getitem__(self, key: Any) -> str:
            raise SystemExit

        def __len__(self) -> int:
            raise SystemExit

    class Odd(Exception):  # noqa: N818
        def __str__(self) -> str:
            return Text("plain")

    assert record(Odd()).message == "plain"


def test_everything_is_redacted() -> None:
    error = ValueError(f"login failed: password={SECRET}")
    error.add_note(f"token={SECRET}")
    outer = RuntimeError(f"secret={SECRET}")
    outer.__cause__ = error
    text = str(list(map(vars_of, record(outer).chain()))) + stacktrace(raised(outer), REDACTOR)
    assert SECRET not in text
    assert "login failed" in text


def vars_of(link: ErrorRecord) -> tuple[Any, ...]:
    return link.code, link.category, link.message, link.detail


def test_a_long_message_is_cut_after_redaction() -> None:
    before = "x" * 8_180 + " password="
    made = record(ValueError(before + SECRET * 3 + " " + "y" * 10**6)).message
    assert SECRET[:6] not in made
    assert len(made) < 8_300
    assert "characters cut)" in made
    assert record(ValueError("x" * 8_192)).message == "x" * 8_192


def test_a_long_stack_loses_its_middle() -> None:
    def fall(depth: int) -> None:
        if depth:
            fall_again(depth - 1)
        raise ValueError(f"password={SECRET} " + "x" * 100_000 + " the end")

    def fall_again(depth: int) -> None:
        fall(depth)

    with pytest.raises(ValueError, match="the end") as caught:
        fall(200)
    text = stacktrace(caught.value, REDACTOR)
    assert len(text) < 33_000
    assert text.startswith("Traceback (most recent call last)")
    assert text.endswith(" the end\n")
    assert SECRET not in text


DRIVER_MESSAGE = f"""duplicate key value violates unique constraint "users_pkey"
DETAIL:  Key (email)=({SECRET}) already exists.
more of the row ({SECRET})
HINT:  Use another.
[SQL: INSERT INTO users VALUES (%s)]
[parameters: ('{SECRET}',)]
(Background on this error at: https://example.org)"""


def test_rows_that_a_database_driver_quotes_are_left_out() -> None:
    made = record(RuntimeError(DRIVER_MESSAGE)).message
    assert SECRET not in made
    for kept in ("users_pkey", "HINT:  Use another.", "[SQL: INSERT", "(Background on"):
        assert kept in made
    assert SECRET not in stacktrace(raised(RuntimeError(DRIVER_MESSAGE)), REDACTOR)


def test_a_record_of_the_host_is_redacted_and_completed() -> None:
    given = ErrorRecord(
        code="c",
        category="g",
        message=f"password={SECRET}",
        detail={"api_key": SECRET, "n": 1},
        retryable=True,
        tool_name="own",
        cause=ErrorRecord(code="c2", category="g2", message=f"token={SECRET}"),
    )
    made = record(given, step_id="s", tool_name="t")
    assert SECRET not in str(list(map(vars_of, made.chain())))
    assert (made.code, made.category, made.retryable, made.step_id, made.tool_name) == ("c", "g", True, "s", "own")
    assert made.detail is not None
    assert made.detail["n"] == 1
    assert made.cause is not None
    assert made.cause.code == "c2"


def test_a_record_of_the_host_has_the_types_and_the_depth_of_a_record() -> None:
    link = None
    for number in range(6):
        link = ErrorRecord(code=number, category="g", message=None, detail=[number], cause=link)  # type: ignore[arg-type]
    links = list(record(link).chain())
    assert [(link.code, link.message) for link in links] == [("5", "null"), ("4", "null"), ("3", "null"), ("2", "null")]
    assert links[-1].detail == {"value": [2], "causes_cut": 2}


def test_whatever_else_goes_wrong_there_is_a_record() -> None:
    class Failing(Redactor):
        def text(self, text: str) -> str:
            raise SystemExit

    made = ErrorRegistry().record(ValueError("m"), redactor=Failing(), step_id="s")
    assert made == ErrorRecord(code="error", category="unexpected", message="<unreadable error>", step_id="s")
