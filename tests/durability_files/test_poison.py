"""One row that a backend cannot take never costs another."""

from __future__ import annotations

from typing import Any

import pytest
from opentelemetry.sdk.trace import TracerProvider

from otel_telemetry.query import Filter
from otel_telemetry.stores import open_exporter
from span_processors.ids import IdGenerator
from span_processors.processor import RedactingSpanProcessor
from span_processors.sinks import RetryableError

ROWS = 512
POISON: dict[str, list[dict[str, Any]]] = {
    "sqlite": [{"sequence": 2**70}, {"name": "\ud800"}, {"kind": None}],
    "memory": [{"sequence": 2**70}, {"name": "\ud800"}, {"kind": None}],
    "postgresql": [{"sequence": 2**70}, {"name": "\ud800"}, {"kind": None}, {"name": "a\0b"}],
}
REASONS = (
    *("OverflowError", "UnicodeEncodeError", "IntegrityError", "NotNullViolation", "NumericValue", "DataError"),
    "CharacterNotInRepertoire",  # what psycopg 3.2 leaves to the server
    "TypeError",  # what is found when a row is judged, before the database sees it
)


@pytest.fixture
def url(backend: str, tmp_path, request: pytest.FixtureRequest) -> str:
    if backend == "postgresql":
        return str(request.getfixturevalue("postgres_url"))
    return {"memory": "memory://", "sqlite": f"sqlite:///{tmp_path}/store.db"}[backend]


@pytest.mark.parametrize(
    ("backend", "poison"),
    [(backend, values) for backend, poisons in POISON.items() for values in poisons],
    ids=lambda value: value if isinstance(value, str) else "-".join(map(ascii, value)),
)
@pytest.mark.fault("poison row in a batch of 512", "511 stored, 1 quarantined with its reason")
@pytest.mark.promise("P15")
def test_a_poison_row_is_quarantined_alone(url: str, backend: str, poison: dict[str, Any], observed) -> None:
    exporter = open_exporter(url)
    prepare, write = exporter.prepare, exporter.write
    exporter.prepare = lambda span: prepare(span)._replace(**(poison if span.name == "poison" else {}))
    processor = RedactingSpanProcessor([exporter])
    provider = TracerProvider(id_generator=IdGenerator())
    provider.add_span_processor(processor)
    tracer = provider.get_tracer("tests")
    away = RetryableError("away")
    exporter.write = lambda rows: (_ for _ in ()).throw(away)
    for number in range(ROWS):  # while the backend is away, so that they become one batch
        tracer.start_span("poison" if number == 300 else f"span {number}").end()
    exporter.write = write
    processor.force_flush(60_000)
    health = processor.health().sinks[0]
    assert (health.accepted, health.stored, health.pending) == (ROWS, ROWS - 1, 0)
    assert dict(health.dropped) == {"rejected": 1}
    reason = health.last_rejection
    assert reason is not None
    assert reason.startswith(REASONS), reason

    exporter.write = lambda rows: (_ for _ in ()).throw(away)
    tracer.start_span("later").end()
    processor.force_flush(200)
    exporter.write = write
    assert processor.force_flush(60_000)
    health = processor.health().sinks[0]
    assert (health.stored, health.last_rejection) == (ROWS, reason)  # still said after another error
    store = exporter.store()
    assert store.count(Filter(), live_leases=frozenset()) == ROWS
    store.close()
    processor.shutdown()
    observed(f"511 stored, 1 quarantined: {reason.partition(':')[0]}")
