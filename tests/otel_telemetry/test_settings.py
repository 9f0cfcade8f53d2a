from __future__ import annotations

from pathlib import Path

import pytest

from otel_telemetry.errors import ConfigurationError
from otel_telemetry.settings import DEFAULT_STORE, load


def test_defaults_when_nothing_is_said(tmp_path: Path) -> None:
    settings = load(environ={}, folder=tmp_path)
    assert settings.store == DEFAULT_STORE
    assert settings.sources == {}


def test_keyword_beats_environment_beats_toml(tmp_path: Path) -> None:
    (tmp_path / "otel-telemetry.toml").write_text('store = "sqlite:///toml.db"\nstrict = true\nqueue-size = "1MiB"\n')
    environ = {"OTEL_TELEMETRY_STORE": "sqlite:///env.db", "OTEL_TELEMETRY_STRICT": "no"}
    settings = load({"store": "memory://", "strict": None}, environ=environ, folder=tmp_path)
    assert (settings.store, settings.strict, settings.queue_size) == ("memory://", False, 2**20)
    assert settings.sources["store"] == "configure()"
    assert settings.sources["strict"] == "environment variable OTEL_TELEMETRY_STRICT"
    assert settings.sources["queue_size"].endswith("otel-telemetry.toml")


def test_pyproject_table_of_a_folder_above(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(
        '[tool.otel-telemetry]\nsensitive-field-patterns = ["^x{1,3}$"]\n'
        '[tool.otel-telemetry.errors]\nValueError = "bad"\n'
    )
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    settings = load(environ={}, folder=below)
    assert settings.sensitive_field_patterns == ("^x{1,3}$",)
    assert settings.errors == {"ValueError": "bad"}


def test_a_file_named_by_the_environment(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text("strict = true\n")
    assert load(environ={"OTEL_TELEMETRY_CONFIG": str(file)}, folder=tmp_path / "elsewhere").strict is True


@pytest.mark.parametrize(
    ("text", "items"),
    [("a,b", ("a", "b")), ('["x{1,3}", "y"]', ("x{1,3}", "y"))],
)
def test_lists_from_the_environment(tmp_path: Path, text: str, items: tuple[str, ...]) -> None:
    settings = load(environ={"OTEL_TELEMETRY_SENSITIVE_FIELD_PATTERNS": text}, folder=tmp_path)
    assert settings.sensitive_field_patterns == items


@pytest.mark.parametrize(
    "text",
    [
        "[tool.otel-telemetry]\nstrict = true",
        "[ tool . 'otel-telemetry' ]\nstrict = true",
        '["tool"."otel-telemetry"]\nstrict = true',
        "[tool]\notel-telemetry.strict = true",
        "[ tool ]\n'otel-telemetry' = {strict = true}",
        "tool.otel-telemetry.strict = true",
        'tool . "otel-telemetry" = {strict = true}',
    ],
)
def test_the_table_is_found_however_it_is_written(tmp_path: Path, text: str) -> None:
    (tmp_path / "pyproject.toml").write_text(text)
    assert load(environ={}, folder=tmp_path).strict


def test_a_pyproject_that_only_depends_on_us_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[project]\ndependencies = ["otel-telemetry"]\n[tool.other\n')
    assert not load(environ={}, folder=tmp_path).sources


def test_somebody_elses_broken_pyproject_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.other\n")
    assert load(environ={}, folder=tmp_path).sources == {}


@pytest.mark.parametrize("value", ["true", "TRUE", " true "])
def test_the_sdks_own_switch_is_honoured(tmp_path: Path, value: str) -> None:
    settings = load(environ={"OTEL_SDK_DISABLED": value}, folder=tmp_path)
    assert settings.disabled is True
    assert settings.sources["disabled"] == "environment variable OTEL_SDK_DISABLED"


@pytest.mark.parametrize(
    ("environ", "toml", "keywords", "said"),
    [
        ({"OTEL_TELEMETRY_STOER": "x"}, "", {}, "did you mean 'store'"),
        ({"OTEL_TELEMETRY_STRICT": "maybe"}, "", {}, "needs true or false"),
        ({"OTEL_TELEMETRY_OVERFLOW": "blok"}, "", {}, "did you mean 'block'"),
        ({"OTEL_TELEMETRY_QUEUE_SIZE": "-1"}, "", {}, "whole number"),
        ({"OTEL_TELEMETRY_CONFIG": "/nowhere/at/all.toml"}, "", {}, "no file"),
        ({}, "store = 3\n", {}, "needs text"),
        ({}, "store = \n", {}, "otel-telemetry.toml"),
        ({}, 'errors = "x"\n', {}, "needs a table"),
        ({}, "", {"max_result_size": -5}, "negative"),
        ({}, "", {"max_result_size": True}, "whole number"),
        ({}, "", {"max_results_size": 5}, "did you mean 'max_result_size'"),
    ],
)
def test_what_cannot_work_is_refused_and_named(
    tmp_path: Path, environ: dict[str, str], toml: str, keywords: dict[str, object], said: str
) -> None:
    if toml:
        (tmp_path / "otel-telemetry.toml").write_text(toml)
    with pytest.raises(ConfigurationError, match=said):
        load(keywords, environ=environ, folder=tmp_path)
