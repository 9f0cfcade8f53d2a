"""No secret, wherever it hides and whichever way it comes in, is found in any byte that goes out."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import otel_telemetry as ot
from otel_telemetry.wiring import Telemetry
from tests.secret_places import CONTROLS, TEXTS, VALUES, Place, leaks

FORMATS = ("json", "jsonl", "csv", "otlp", "otlp-proto")


class HostError(Exception):
    """An error of the host program."""


def raising(message: str) -> HostError:
    """Return an error with a real traceback, whose causes repeat the message."""
    try:
        try:
            raise ValueError(message)
        except ValueError as cause:
            error = HostError(message)
            error.add_note(message)
            raise ExceptionGroup(message, [error, OSError(message)]) from cause
    except ExceptionGroup as group:
        try:
            raise HostError(message) from group
        except HostError as top:
            return top


def by_decorators(telemetry: Telemetry, place: Place, value: Any, *, text: bool) -> None:
    error = raising(value) if text else None

    @telemetry.tool("lookup")
    def lookup(given: Any) -> Any:
        if error is not None:
            raise error
        return given

    @telemetry.step
    def work(given: Any) -> Any:
        return lookup(given)

    @telemetry.workflow("secrets", version=value if text else "1", caller_id=value if text else place.id)
    def run(given: Any) -> Any:
        return work(given)

    if error is None:
        run(value)
        return
    with pytest.raises(HostError) as caught:
        run(value)
    assert caught.value is error


def by_ids(telemetry: Telemetry, place: Place, value: Any, *, text: bool) -> None:
    store = telemetry.store
    words = value if text else place.id
    execution = store.start_execution(
        workflow_name=words,
        workflow_version=words,
        caller_id=words,
        inputs=value,
        metadata={"m": value, "tags": [words]},
    )
    store.start_step(execution, words, step_type=ot.StepType.TOOL, tool_name=words, tool_params=value)
    error = ot.ErrorRecord(
        code="boom",
        category="test",
        message=words,
        detail={"d": value, "note": words},
        cause=ot.ErrorRecord(code="c", category="test", message=words, detail={"d": value}),
    )
    store.record_tool_call(execution, step_id=words, tool_name=words, params=value, result=value, error=error)
    store.fail_step(execution, words, error)
    store.skip_step(execution, words + " later", words)
    if text:
        store.fail_execution(execution, raising(value))
    else:
        store.complete_execution(execution, value)


def by_foreign_span(telemetry: Telemetry, place: Place, value: Any, *, text: bool) -> None:
    from opentelemetry.trace import Link, SpanContext, Status, StatusCode

    tracer = telemetry.tracer_provider.get_tracer("somebody.else")
    plain = value if text else _plain(value)
    link = Link(SpanContext(1, 2, is_remote=True), {"note": plain, "nested": {"v": plain}})
    span = tracer.start_span(
        value if text else place.id, links=[link], attributes={"note": plain, "more": [plain, "x"]}
    )
    span.add_event(value if text else "happened", {"note": plain, "nested": {"v": plain}})
    if text:
        span.record_exception(raising(value))
        span.set_status(Status(StatusCode.ERROR, value))
    span.end()


def _plain(value: Any) -> Any:
    """What of a value a span attribute can hold: maps and lists, and for other objects the names of their types."""
    if isinstance(value, dict):
        return {
            key if isinstance(key, str) else getattr(key, "value", str(key)): _plain(item)
            for key, item in _pairs(value)
        }
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item) for item in value]
    return value if isinstance(value, str | bytes | int | float | None) else type(value).__name__


def _pairs(value: dict[Any, Any]) -> Iterator[tuple[Any, Any]]:
    for key, item in value.items():
        yield (key.decode() if isinstance(key, bytes) else key), item


Route = Callable[..., None]
ROUTES: dict[str, Route] = {"decorators": by_decorators, "ids": by_ids, "foreign": by_foreign_span}


def too_deep(place: Place, route: str) -> bool:
    """Whether the SDK itself gives up on the attribute, nested beyond Python's recursion limit."""
    return place.id == "R65" and route == "foreign"


def everything(telemetry: Telemetry) -> dict[str, bytes]:
    """Every export of the store, by format."""
    outs = {}
    for name in FORMATS:
        out = io.BytesIO()
        telemetry.store.export(name, out)
        outs[name] = out.getvalue()
    records = list(telemetry.store.iterate())
    outs["repr"] = repr(records).encode()
    outs["str"] = "".join(map(str, records)).encode()
    return outs


def stored_rows(url: str, tmp_path: Path) -> dict[str, bytes]:
    """Every byte that the store has on its disk, as far as it can be read from outside."""
    if url.startswith("sqlite"):
        return {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    if url.startswith("postgresql"):
        import psycopg

        place, _, schema = url.partition("&schema=")
        with psycopg.connect(place) as connection:
            names = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = %s", [schema]).fetchall()
            assert len(names) > 3
            return {
                name: "\n".join(
                    str(row) for row in connection.execute(f'SELECT t::text FROM "{schema}"."{name}" t')
                ).encode()
                for (name,) in names
            }
    return {}


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "memory":
        return "memory://"
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/telemetry.db"
    return str(request.getfixturevalue("postgres_url"))


@pytest.mark.promise("P17")
def test_no_secret_comes_out_anywhere(
    store_url: str, tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    secrets: dict[str, str] = {}
    telemetry = ot.configure(store=store_url)
    for places, text in ((TEXTS, True), (VALUES, False)):
        for place in places:
            for route, record in ROUTES.items():
                if too_deep(place, route):
                    continue
                secrets[f"{place.id} by {route}"] = secret = place.secret(f"{place.id} {route} {store_url[:3]}")
                record(telemetry, place, place.value(secret), text=text)
    assert telemetry.flush(60)
    assert telemetry.health().sinks[0].dropped == {}
    outputs = everything(telemetry) | stored_rows(store_url, tmp_path)
    assert telemetry.shutdown()
    outputs |= {f"closed {name}": content for name, content in stored_rows(store_url, tmp_path).items()}
    captured = capfd.readouterr()
    outputs |= {"log": caplog.text.encode(), "stdout": captured.out.encode(), "stderr": captured.err.encode()}
    assert sum(map(len, outputs.values())) > 500_000
    found = [
        f"{which}: {form} in {name}"
        for which, secret in secrets.items()
        for name, content in outputs.items()
        for form in leaks(secret, content)
    ]
    assert found == []


def _texts_of(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield str(key)
            yield from _texts_of(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts_of(item)
    else:
        yield str(value)


@pytest.mark.parametrize("place", VALUES, ids=lambda place: place.id)
@pytest.mark.promise("P17")
def test_what_surrounds_a_secret_is_kept(place: Place) -> None:
    with ot.configure(store="memory://") as telemetry:
        telemetry.store.record_tool_call(tool_name="t", params=place.value(place.secret(place.id)))
        (run,) = telemetry.store.query()
    kept = "\n".join(_texts_of(run.tool_calls[0].params))
    assert [word for word in place.kept if word not in kept] == []


@pytest.mark.parametrize("place", TEXTS, ids=lambda place: place.id)
def test_what_surrounds_a_secret_in_a_message_is_kept(place: Place) -> None:
    with ot.configure(store="memory://") as telemetry:
        execution = telemetry.store.start_execution(workflow_name="w")
        telemetry.store.fail_execution(execution, HostError(place.value(place.secret(place.id))))
        (run,) = telemetry.store.query()
    assert run.error is not None
    assert [word for word in place.kept if word not in run.error.message] == []


@pytest.mark.promise("P17")
def test_controls_come_through_unchanged() -> None:
    with ot.configure(store="memory://") as telemetry:
        telemetry.store.record_tool_call(tool_name="t", params=CONTROLS, result=[CONTROLS])
        (run,) = telemetry.store.query()
    assert run.tool_calls[0].params == CONTROLS
    assert run.tool_calls[0].result == [CONTROLS]
    assert run.problems == ()


@pytest.mark.promise("P18")
def test_a_redactor_that_fails_leaks_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    def broken(path: str, value: Any) -> Any:
        raise RuntimeError(f"cannot redact {value!r} at {path}")

    caplog.set_level(logging.DEBUG)
    place = next(place for place in VALUES if place.id == "R16")
    secret = place.secret("broken")
    with ot.configure(
        store=f"sqlite:///{tmp_path}/telemetry.db", redaction=ot.RedactionSettings(callback=broken)
    ) as telemetry:
        for route, record in ROUTES.items():
            record(telemetry, place, {route: f"canary {secret}", "value": place.value(secret)}, text=False)
        assert telemetry.flush(30)
        assert telemetry.store.count() == len(ROUTES)
        outputs = everything(telemetry)
    outputs |= stored_rows("sqlite", tmp_path)
    captured = capfd.readouterr()
    outputs |= {"log": caplog.text.encode(), "stdout": captured.out.encode(), "stderr": captured.err.encode()}
    assert {name: leaks(secret, content) for name, content in outputs.items()} == {name: [] for name in outputs}
    assert b"[REDACTED:error]" in outputs["json"]


def test_baggage_is_not_recorded() -> None:
    from opentelemetry import baggage, context

    secret = "canary" + "Token123"
    token = context.attach(baggage.set_baggage("authToken", secret))
    try:
        with ot.configure(store="memory://") as telemetry:
            with telemetry.execution("w") as run, run.step("s"):
                pass
            out = io.BytesIO()
            telemetry.store.export("otlp", out)
            carrier = ot.inject()
    finally:
        context.detach(token)
    assert secret not in out.getvalue().decode()
    assert secret not in json.dumps(carrier)
