"""What each suite compares, and the targets."""

from __future__ import annotations

from collections.abc import Callable

from tests.benchmarks.compare import COMPILED, Comparison
from tests.benchmarks.reading import FIGURES, TARGETS_MS

Suite = Callable[[int], list[Comparison]]
_BUILDS = (("", ""), (COMPILED, ", compiled"))


def hot(n: int) -> list[Comparison]:
    """What recording costs the host, from the sources as they are and compiled."""
    against = f"sides reference {n}"
    return [
        Comparison(f"{title}, SQLite{how}", f"{prefix}sides sqlite {n}", figure, target, against)
        for prefix, how in _BUILDS
        for title, figure, target in (
            ("caller's CPU per span", "caller_us", 0.75),
            ("all CPU per span until stored", "total_us", 1.0),
        )
    ]


def ingest(n: int) -> list[Comparison]:
    """How many spans a second are stored, what that costs, and how much room they take."""
    reference = f"sides reference {n}"
    rows = []
    for store, title, end_to_end, cpu, size in (
        ("sqlite", "SQLite", 0.33, 1.0, 1000),
        ("postgres", "PostgreSQL", 0.30, 1.3, 1200),
    ):
        side, writer, bare = f"sides {store} {n}", f"ingest writer_{store} {n}", f"ingest bare_{store} {n}"
        for prefix, how in _BUILDS:
            rows += [
                _faster(
                    f"spans a second end to end, {title}{how}, against the bare driver",
                    prefix + side,
                    bare,
                    end_to_end,
                ),
                Comparison(f"all CPU per span until stored, {title}{how}", prefix + side, "total_us", cpu, reference),
            ]
        rows += [
            _faster(f"spans a second of the writer, {title}, against the same", writer, bare, 0.6),
            _faster(
                f"the same against the driver with our indexes, {title}", writer, f"ingest indexed_{store} {n}", None
            ),
            Comparison(f"on disk per span, {title}", side, "bytes_per_span", size, unit="bytes"),
        ]
    server = Comparison(
        "all CPU and the server's, PostgreSQL",
        f"sides postgres {n}",
        "total_and_server_us",
        None,
        reference,
        "total_us",
    )
    return [*rows, server]


def _faster(name: str, side: str, against: str, target: float | None) -> Comparison:
    return Comparison(name, side, "rate", target, against, lower_is_better=False)


def query(n: int) -> list[Comparison]:
    """How long questions take with n executions stored, on PostgreSQL too, and with ten times as many."""
    few, many = (f"reading QUERY_SQLITE {size}" for size in (n // 10, n))
    postgres_few, postgres_many = (f"reading QUERY_POSTGRES {size}" for size in (n // 10, n))
    return [
        *(
            Comparison(f"{title}, SQLite", many, f"{figure}_cpu", TARGETS_MS[figure], unit="ms of CPU")
            for figure, title in FIGURES.items()
        ),
        *(
            Comparison(f"{title}, PostgreSQL", postgres_many, figure, 1.5 * TARGETS_MS[figure], unit="ms")
            for figure, title in FIGURES.items()
        ),
        *(
            Comparison(f"{title}, PostgreSQL against SQLite", postgres_many, figure, None, many)
            for figure, title in FIGURES.items()
        ),
        *(
            Comparison(f"{title}, SQLite, ten times the executions", many, f"{figure}_cpu", 1.5, few)
            for figure, title in FIGURES.items()
        ),
        *(
            Comparison(f"{title}, PostgreSQL, ten times the executions", postgres_many, figure, 1.5, postgres_few)
            for figure, title in FIGURES.items()
        ),
    ]


def grow(n: int) -> list[Comparison]:
    """How fast a store that holds n executions already is written."""
    return [
        _faster(
            f"spans a second with {n * 21:,} stored, {title}", f"growth GROW_{store} {n}", f"growth GROW_{store} 0", 0.7
        )
        for store, title in (("SQLITE", "SQLite"), ("POSTGRES", "PostgreSQL"))
    ]


def memory(n: int) -> list[Comparison]:
    """How much room spans take in memory, how long importing takes, and what decorators cost that record nothing."""
    return [
        Comparison("memory per span, against InMemorySpanExporter", f"ram memory {n}", "bytes", 0.3, f"ram sdk {n}"),
        Comparison(
            "import and configure on SQLite, CPU, against importing the SDK",
            "startup ours",
            "cpu_ms",
            1.5,
            "startup sdk",
        ),
        *(
            Comparison(f"{kind} decorator, over the bare call", "calls 200000", kind, 1.0, unit="us")
            for kind in ("disabled", "unsampled")
        ),
    ]


SUITES: dict[str, Suite] = {"hot": hot, "ingest": ingest, "query": query, "grow": grow, "memory": memory}
EXECUTIONS = {"hot": 2000, "ingest": 2000, "query": 100_000, "grow": 20_000, "memory": 2000, "peers": 500}
"""How many executions a suite is about, unless told."""
