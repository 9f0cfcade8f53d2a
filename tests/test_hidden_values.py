"""What was hidden for its name is not told by an error: searched for in every byte of a SQLite store."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import otel_telemetry as ot
from otel_telemetry.wiring import Telemetry
from span_processors.redaction import Redactor
from tests.span_processors.redaction.samples import b64, leaks

PASSWORD = "som" + "mer" + "2024x"
"""A secret that nothing but its field's name makes known."""


class DriverError(Exception):
    """What a driver raises, with the password in its message."""


def connect(password: str) -> None:
    raise DriverError(f"cannot log in as joe with {password} at db.example.com")


def by_tool(telemetry: Telemetry) -> None:
    @telemetry.tool("login")
    def login(user: str, password: str) -> None:
        connect(password)

    @telemetry.workflow("w")
    def run() -> None:
        login("joe", PASSWORD)

    with pytest.raises(DriverError):
        run()


def by_causes_and_notes(telemetry: Telemetry) -> None:
    @telemetry.tool("login")
    def login(config: dict[str, Any]) -> None:
        try:
            try:
                connect(config["db"]["password"])
            except DriverError as cause:
                raise OSError(f"retry of {config['db']['password']} failed") from cause
        except OSError as cause:
            error = ExceptionGroup("both", [ValueError(f"bad value {PASSWORD!r}"), cause])
            error.add_note(f"it was {PASSWORD}")
            raise error from cause

    with pytest.raises(ExceptionGroup):
        login({"db": {"user": "joe", "password": PASSWORD}})


def by_step_retries(telemetry: Telemetry) -> None:
    @telemetry.step
    def work(attempt: int) -> None:
        connect(PASSWORD)

    @telemetry.workflow("w")
    def run(db_password: str) -> str:
        for attempt in range(3):
            try:
                work(attempt)
            except DriverError:
                continue
        return "gave up"

    run(PASSWORD)


def by_coroutine(telemetry: Telemetry) -> None:
    @telemetry.tool("login")
    async def login(password: str) -> None:
        await asyncio.sleep(0)
        connect(password)

    with pytest.raises(DriverError):
        asyncio.run(login(PASSWORD))


def by_context_manager(telemetry: Telemetry) -> None:
    with (
        pytest.raises(DriverError),
        telemetry.execution("w", inputs={"passphrase": PASSWORD}) as execution,
        execution.step("s"),
    ):
        connect(PASSWORD)


def by_ids(telemetry: Telemetry) -> None:
    store = telemetry.store
    execution = store.start_execution(workflow_name="w", inputs={"headers": [["x-api-key", PASSWORD]]})
    cause = ot.ErrorRecord(code="c", category="test", message=f"rejected: {PASSWORD}")
    error = ot.ErrorRecord(
        code="e", category="test", message=f"no: {PASSWORD}", detail={"said": [PASSWORD]}, cause=cause
    )
    store.record_tool_call(execution, tool_name="t", params={"argv": ["login", "--token", PASSWORD]}, error=error)
    store.start_step(execution, "s")
    store.fail_step(execution, "s", error)
    store.fail_execution(execution, DriverError(f"{PASSWORD} in {b64('user:' + PASSWORD)}"))


def by_foreign_span(telemetry: Telemetry) -> None:
    from opentelemetry.trace import Status, StatusCode

    @telemetry.tool("login")
    def login(password: str) -> None:
        span = telemetry.tracer_provider.get_tracer("driver").start_span("connect")
        try:
            connect(password)
        except DriverError as error:
            span.record_exception(error)
            span.set_status(Status(StatusCode.ERROR, str(error)))
        span.end()

    login(PASSWORD)


@pytest.mark.parametrize(
    "record",
    [by_tool, by_causes_and_notes, by_step_retries, by_coroutine, by_context_manager, by_ids, by_foreign_span],
)
def test_no_byte_of_the_store_has_it(
    record: Callable[[Telemetry], None], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with ot.configure(store=f"sqlite:///{tmp_path}/t.db") as telemetry:
        record(telemetry)
        telemetry.flush()
        written = {path.name: path.read_bytes().decode("latin-1") for path in tmp_path.iterdir()}  # the WAL as well
        assert repr(telemetry.health()).find(PASSWORD) < 0
    written |= {f"closed {path.name}": path.read_bytes().decode("latin-1") for path in tmp_path.iterdir()}
    assert {name: leaks(PASSWORD, text) for name, text in written.items() if leaks(PASSWORD, text)} == {}
    assert PASSWORD not in caplog.text
    assert any("[REDACTED:field]" in text for text in written.values())


@pytest.mark.parametrize(
    "form",
    [PASSWORD, "x%22y%2F" + PASSWORD, PASSWORD.encode().hex(), b64("joe:" + PASSWORD), b64("a:" + PASSWORD + "!")],
)
def test_all_its_forms_are_known(form: str) -> None:
    one = Redactor()
    one.payload({"password": PASSWORD})
    assert leaks(PASSWORD, one.error_text(f"the answer to {form} was no")) == []
    assert "was no" in one.error_text(f"the answer to {form} was no")


@pytest.mark.parametrize(
    "given",
    [
        f"host=db.example.com user=joe password={PASSWORD}",
        f"postgresql://joe:{PASSWORD}@db.example.com/shop",
        f"mysql -h db -p{PASSWORD} shop",
        f'{{"password": "{PASSWORD}"}}',
        {"dsn": [f"Server=db;Password={PASSWORD};"]},
        ["login", "--password", PASSWORD],
        [["name", "password", "age"], ["joe", PASSWORD, 42]],
    ],
)
def test_what_a_text_names_is_known_as_well(given: object) -> None:
    one = Redactor()
    one.payload({"a": given})
    assert PASSWORD not in one.error_text(f"no, {PASSWORD} is wrong for db.example.com")
    assert "is wrong for db.example.com" in one.error_text(f"no, {PASSWORD} is wrong for db.example.com")


@pytest.mark.parametrize("secret", ['p"q/r\\s 1', "gr\u00fc\u00dfe2024!", "a1'b2\"c3", "line1\nline2"])
def test_what_is_escaped_is_known(secret: str) -> None:
    import json
    from urllib.parse import quote, quote_plus

    one = Redactor()
    one.payload({"password": secret})
    for form in (
        secret,
        json.dumps(secret)[1:-1],
        repr(secret)[1:-1],
        quote(secret),
        quote(secret, safe=""),
        quote_plus(secret),
    ):
        assert form not in one.error_text(f"said <{form}> so")
        assert one.error_value({"said": [f"<{form}>"]}) == {"said": ["<[REDACTED:field]>"]}


@pytest.mark.parametrize(
    "value",
    [
        "true",
        "none",
        "admin",
        "production",
        "read only",
        "Joe Smith",
        "postgres",
        "us-east",
        "12345",
        20_241_231,
        "2024-12-31",
        "8.8.8.8",
        "/etc/ssl/key.pem",
        "https://auth.example.com/login",
        "short",
        "ADMIN_ROLE",
        "localhost",
    ],
)
def test_ordinary_values_are_not_eaten(value: object) -> None:
    one = Redactor()
    one.payload({"password": value, "auth": {"user": "joe42smith", "password": value}})
    for text in (f"no such thing: {value}", f"{value} and joe42smith went wrong"):
        assert one.error_text(text) == text
        assert one.error_value([text, value]) == [text, value]


def test_the_mark_is_that_of_the_rule() -> None:
    one = Redactor(ot.RedactionSettings(sensitive_field_patterns=("^internal_",)))
    one.payload({"internal_id": PASSWORD, "token": PASSWORD + "z"})
    assert one.error_text(f"{PASSWORD}z, {PASSWORD}!") == "[REDACTED:field], [REDACTED:pattern]!"


def test_no_more_than_the_last_few_hundred_are_remembered_and_the_one_in_use_stays() -> None:
    one = Redactor()
    for n in range(5_000):
        one.payload({"password": PASSWORD, "token": f"{PASSWORD}-{n}"})
    memory = one._hidden._values
    assert len(memory) <= 512
    assert one.error_text(f"{PASSWORD}-4999 {PASSWORD}") == "[REDACTED:field] [REDACTED:field]"


def test_what_is_old_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    from span_processors.redaction import hidden

    now = 1_000.0
    monkeypatch.setattr(hidden, "monotonic", lambda: now)
    one = Redactor()
    one.payload({"password": PASSWORD})
    now += 899
    assert one.error_text(PASSWORD) == "[REDACTED:field]"
    now += 2
    assert one.error_text(f"about {PASSWORD}") == f"about {PASSWORD}"
    assert one._hidden._values == {}


def test_nothing_shows_what_is_remembered() -> None:
    one = Redactor()
    one.payload({"password": PASSWORD})
    held = [getattr(one, name) for name in dir(one)]  # a compiled object has no `__dict__`
    assert one._hidden in held
    assert PASSWORD not in repr(one) + repr(held)


def test_many_threads_hide_and_ask_at_once() -> None:
    one = Redactor()
    failures: list[str] = []

    def work(seed: int) -> None:
        for n in range(300):
            secret = f"{PASSWORD}-{seed}-{n}"
            one.payload({"password": secret})
            if secret in one.error_text(f"no: {secret}"):
                failures.append(secret)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_a_forked_child_remembers(tmp_path: Path) -> None:
    one = Redactor()
    one.payload({"password": PASSWORD})
    child = os.fork()
    if not child:
        (tmp_path / "said").write_text(one.error_text(f"about {PASSWORD}"))
        os._exit(0)
    os.waitpid(child, 0)
    assert (tmp_path / "said").read_text() == "about [REDACTED:field]"
