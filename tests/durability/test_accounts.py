"""Where the account of every span can be read: doctor, metrics."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from contextlib import redirect_stdout, suppress
from typing import TYPE_CHECKING

import pytest

import otel_telemetry as ot
from otel_telemetry.cli import main
from otel_telemetry.cli.ledger import lines
from otel_telemetry.stores.account import Account, dump, load
from otel_telemetry.stores.changes import Written
from otel_telemetry.stores.lease import new_lease
from tests.durability.support import SPANS, Way, record, sink, wait_until

if TYPE_CHECKING:
    from pathlib import Path

METRICS = """
import json, sys
from opentelemetry import metrics
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
import otel_telemetry as ot
from tests.durability.support import record
telemetry = ot.configure("memory://")  # before there is a provider
reader = InMemoryMetricReader()
metrics.set_meter_provider(MeterProvider([reader]))
second = ot.configure("memory://")
for each in (telemetry, second):
    record(each, 2)
    assert each.flush(20)
data = reader.get_metrics_data()
found = {
    metric.name: [(dict(point.attributes), point.value) for point in metric.data.data_points]
    for resource in data.resource_metrics for scope in resource.scope_metrics for metric in scope.metrics
    if scope.scope.name == "otel_telemetry"
}
print(json.dumps(found))
"""


def doctor(url: str, area: str) -> dict[str, str]:
    said = io.StringIO()
    with redirect_stdout(said), suppress(SystemExit):
        main(["doctor", "--store", url, "--json"])
    return {item["name"]: item["value"] for item in json.loads(said.getvalue()) if item["area"] == area}


def test_doctor_says_what_became_of_every_span(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/t.db"
    for _ in range(2):
        with ot.configure(url) as telemetry:
            record(telemetry, 10)
    assert doctor(url, "spans") == {
        "accepted": f"{20 * SPANS}",
        "stored": f"{20 * SPANS}",
        "waiting in memory": "0",
        "waiting on disk": "0",
    }


def test_doctor_counts_what_waits_on_disk_and_across_restarts(way: Way, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_TELEMETRY_SPILL", str(way.spill))
    with way.configure() as telemetry:
        record(telemetry, 10)
        assert telemetry.flush(20)
        way.proxy.set("refused")
        record(telemetry, 5)
    assert sink(telemetry.health()).spilled == 5 * SPANS
    assert doctor(way.url, "spill")["waiting on disk"].startswith(f"{5 * SPANS} spans in {way.spill}")
    way.proxy.set("open")
    with way.configure() as telemetry:
        record(telemetry, 1)
        wait_until(lambda: sink(telemetry.health()).recovered == 5 * SPANS)
    assert doctor(way.url, "spill") == {}
    assert doctor(way.url, "spans") == {
        "accepted": f"{16 * SPANS}",
        "stored": f"{16 * SPANS}",
        "waiting in memory": "0",
        "waiting on disk": "0",
    }


def test_what_a_killed_process_had_in_memory_is_said_to_be_lost() -> None:
    lease, gone = new_lease(), new_lease()
    text = '{"accepted":10,"dropped":{"full":2},"pending":5,"spilled":3,"stored":3}'
    found = dict(lines([lease._replace(account=text), gone._replace(account=text)], {lease.lease_id}, on_disk=6))
    assert found == {
        "accepted": 20,
        "stored": 6,
        "waiting in memory": 2,
        "waiting on disk": 6,
        "dropped (full)": 4,
        "lost with their process": 2,
    }


def test_an_account_comes_back_as_it_was(tmp_path: Path) -> None:
    with ot.configure(f"sqlite:///{tmp_path}/t.db") as telemetry:
        record(telemetry, 2)
        telemetry.flush(20)
        health = sink(telemetry.health())
    written = Written(stored=1, replayed=2, replaced=3, refused=4)
    assert load(dump(health, written)) == Account(
        accepted=2 * SPANS, stored=2 * SPANS, dropped={}, replayed=2, replaced=3, refused=4
    )
    assert load('{"accepted":5,"stored":4,"pending":1,"spilled":0,"dropped":{}}') == Account(5, 4, 1)


@pytest.mark.promise("P3")
def test_metrics_speak_of_every_telemetry_to_a_provider_that_comes_later() -> None:
    done = subprocess.run([sys.executable, "-W", "error", "-c", METRICS], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == {
        "otel_telemetry.spans.accepted": [[{"sink": "memory"}, 4 * SPANS]],
        "otel_telemetry.spans.stored": [[{"sink": "memory"}, 4 * SPANS]],
        "otel_telemetry.spans.pending": [
            [{"sink": "memory", "where": "memory"}, 0],
            [{"sink": "memory", "where": "disk"}, 0],
        ],
    }
