"""The public face: complete, sorted, and cheap for a program that only reads."""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import span_processors


def test_every_public_name_is_there_and_sorted() -> None:
    assert sorted(span_processors.__all__) == span_processors.__all__
    for name in span_processors.__all__:
        assert getattr(span_processors, name) is not None
    assert set(span_processors.__all__) <= set(dir(span_processors))


def test_type_checkers_see_the_same_names() -> None:
    (condition,) = [
        node for node in ast.parse(Path(span_processors.__file__).read_text()).body if isinstance(node, ast.If)
    ]
    imported = [alias.name for node in condition.body if isinstance(node, ast.ImportFrom) for alias in node.names]
    assert sorted(imported) == span_processors.__all__
    for node in condition.body:
        assert isinstance(node, ast.ImportFrom)
        assert node.module is not None
        home = importlib.import_module(node.module)
        for alias in node.names:
            assert getattr(home, alias.name) is getattr(span_processors, alias.name)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'Nonsense'"):
        _ = span_processors.Nonsense


@pytest.mark.parametrize("module", ["span_processors", "span_processors.data", "span_processors.sinks"])
def test_reading_does_not_import_the_sdk(module: str) -> None:
    program = f"import sys, {module}; print(*[name for name in sys.modules if name.startswith('opentelemetry')])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == ""
