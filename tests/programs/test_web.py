"""A web service and its client: one run is one record, in whichever processes, stores and order its spans were kept."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import otel_telemetry as ot
from tests.programs.support import (
    FORMATS,
    Place,
    assert_one_tree,
    assert_trace_is_execution,
    calls,
    names,
    own_steps,
    records_of,
    run,
    running,
)

pytestmark = [pytest.mark.programs, pytest.mark.slow, pytest.mark.timeout(120)]

POST, GET = "POST /orders/{number}", "GET /orders/{number}"
RESERVED = ("stock.reserve", {"number": 7}, "r7")


def assert_right(caller: str, records: list[ot.ExecutionRecord]) -> None:
    if caller == "ours":
        (record,) = records
        assert_one_tree(record)
        assert (record.workflow_name, record.type) == ("checkout", ot.ExecutionType.WORKFLOW)
        assert record.status is ot.ExecutionStatus.COMPLETED
        assert sorted(step.step_id for step in own_steps(record)) == ["call service", "price", "price"]
        assert {step.kind for step in own_steps(record)} == {"step"}
        assert calls(record) == [RESERVED]
        assert names(record, "server") == {POST: 1, GET: 1}
        assert sum(names(record, "client").values()) == 2 + 2 + databases(record)
        assert selects(record) == 2
        return
    placed, looked_up = records
    for record, name, made in ((placed, POST, [RESERVED]), (looked_up, GET, [])):
        assert_trace_is_execution(record)
        assert record.type is ot.ExecutionType.WORKFLOW
        assert record.status is ot.ExecutionStatus.COMPLETED
        assert record.span is not None
        assert record.span.kind == "client"
        assert record.workflow_name == record.span.name
        assert [step.step_id for step in own_steps(record)] == ["price"]
        assert calls(record) == made
        assert names(record, "server") == {name: 1}
        assert selects(record) == 1


def selects(record: ot.ExecutionRecord) -> int:
    """Queries of the service's database; those of our own store are not traced."""
    return sum(number for name, number in names(record, "client").items() if name.startswith("SELECT"))


def databases(record: ot.ExecutionRecord) -> int:
    """How often a connection was opened or taken, which its instrumentation records as well."""
    return names(record, "client")["connect"]


@pytest.mark.parametrize("caller", ["ours", "plain"])
def test_client_and_server_in_two_processes_and_one_store(caller: str, tmp_path: Path) -> None:
    place = Place(tmp_path)
    with running("web", "server", *place.arguments) as url:
        run("web", "client", *place.arguments, caller, url)
    assert_right(caller, records_of(place))


@pytest.mark.parametrize("caller", ["ours", "plain"])
def test_client_and_server_in_one_process(caller: str, tmp_path: Path) -> None:
    place = Place(tmp_path)
    run("web", "both", *place.arguments, caller)
    assert_right(caller, records_of(place))


@pytest.fixture(scope="module", params=["ours", "plain"])
def recorded(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Place, Place]:
    """A client and a server, each with a store of its own, and both exported in each format."""
    folder = tmp_path_factory.mktemp("web")
    client, server = Place(folder, "client"), Place(folder, "server")
    with running("web", "server", *server.arguments) as url:
        run("web", "client", *client.arguments, request.param, url)
    for place in (client, server):
        with ot.configure(store=place.url) as telemetry:
            for form in FORMATS:
                telemetry.store.export(form, place.file.with_suffix(f".{form}"))
    return request.param, client, server


def test_each_side_alone_is_what_is_known_of_it(recorded: tuple[str, Place, Place]) -> None:
    caller, client, server = recorded
    seen_by_server = records_of(server)
    assert [record.workflow_name for record in seen_by_server] == ([POST] if caller == "ours" else [POST, GET])
    for record in seen_by_server:
        assert record.span is not None
        assert record.execution_id == record.span.trace_id
    assert [call for record in seen_by_server for call in calls(record)] == [RESERVED]
    seen_by_client = records_of(client)
    assert len(seen_by_client) == (1 if caller == "ours" else 2)
    assert [call for record in seen_by_client for call in calls(record)] == []


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("first", ["client", "server"])
@pytest.mark.parametrize("target", ["into a new store", "into the store of the first"])
def test_two_stores_are_joined_in_either_order(
    recorded: tuple[str, Place, Place], first: str, target: str, form: str, tmp_path: Path
) -> None:
    """An execution is the same however its two halves came together."""
    caller, client, server = recorded
    one, other = (client, server) if first == "client" else (server, client)
    joined = tmp_path / "joined.db"
    if target == "into the store of the first":
        shutil.copy(one.file, joined)
    with ot.configure(store=f"sqlite:///{joined}") as telemetry:
        if target == "into a new store":
            telemetry.store.import_(one.file.with_suffix(f".{form}"))
        telemetry.store.import_(other.file.with_suffix(f".{form}"))
        again = telemetry.store.count()
        telemetry.store.import_(other.file.with_suffix(f".{form}"))
        assert telemetry.store.count() == again
    assert_right(caller, records_of(client, server, stored_in=joined))
