from __future__ import annotations

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize("package", ["otel_telemetry", "span_processors"])
def test_all_is_sorted_and_names_what_is_there(package: str) -> None:
    module = importlib.import_module(package)
    assert module.__all__ == sorted(module.__all__)
    assert {name: getattr(module, name) for name in module.__all__}
    assert set(module.__all__) <= set(dir(module))


@pytest.mark.parametrize("package", ["otel_telemetry", "span_processors"])
def test_type_checkers_see_the_same_names(package: str) -> None:
    """The names under TYPE_CHECKING, which are what editors and checkers see, are those of `__all__`."""
    module = importlib.import_module(package)
    assert module.__file__ is not None
    tree = ast.parse(Path(module.__file__).read_text())
    blocks = [node for node in tree.body if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"]
    named = {alias.asname or alias.name for block in blocks for node in block.body for alias in node.names}  # type: ignore[attr-defined]
    assert named == set(module.__all__)


def test_an_unknown_name_is_an_attribute_error() -> None:
    import otel_telemetry

    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = otel_telemetry.nonsense


@pytest.mark.parametrize(
    ("code", "absent"),
    [
        (
            "import otel_telemetry as ot; ot.configure(store='memory://')",
            ["sqlalchemy", "alembic", "click", "rich", "psycopg"],
        ),
        ("import otel_telemetry as ot; ot.ExecutionRecord; ot.open_reader", ["click", "rich", "psycopg"]),
        ("import otel_telemetry.cli", ["sqlalchemy", "opentelemetry.sdk", "rich", "psycopg", "alembic"]),
        ("import otel_telemetry.reader, otel_telemetry.codec", ["opentelemetry.sdk", "rich"]),
    ],
)
def test_what_is_not_needed_is_not_imported(code: str, absent: list[str]) -> None:
    check = f"{code}\nimport sys\nprint([name for name in {absent!r} if name in sys.modules])"
    finished = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert finished.stdout.splitlines()[-1] == "[]", finished.stdout
