"""Settings from keywords, environment and TOML, in that order of precedence.

Plain dataclasses and `tomllib`: a settings library would cost more at import than all of recording does.

    environment                        TOML key              keyword of configure()
    OTEL_TELEMETRY_STORE               store                 store
    OTEL_TELEMETRY_STRICT              strict                strict
    ...                                                      (one of each for every field of `Settings`)

The TOML is ``[tool.otel-telemetry]`` of the ``pyproject.toml``, or the top of the ``otel-telemetry.toml``, that stands
in the working directory or the nearest folder above it; ``OTEL_TELEMETRY_CONFIG`` names another file.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias, get_args

from otel_telemetry.errors import ConfigurationError, unknown

DEFAULT_STORE: Final = "sqlite:///telemetry.db"
PREFIX: Final = "OTEL_TELEMETRY_"
Overflow: TypeAlias = Literal["block", "drop_newest", "drop_oldest", "spill"]
Durability: TypeAlias = Literal["normal", "full"]
_SIZE = r"(\d+)\s*(|b|kib|mib|gib|kb|mb|gb)"
_UNITS = {"": 1, "b": 1, "kib": 2**10, "mib": 2**20, "gib": 2**30, "kb": 10**3, "mb": 10**6, "gb": 10**9}


def _setting(default: Any, meaning: str) -> Any:
    return field(default=default, metadata={"meaning": meaning})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything that can be configured. `sources` says where each value that is not the default came from."""

    store: str = _setting(DEFAULT_STORE, "URL of the store: sqlite:///FILE, memory:// or postgresql://…")
    strict: bool = _setting(
        False, "raise on contradictory calls (an unknown step, an execution ended twice) instead of counting them"
    )
    disabled: bool = _setting(False, "record nothing; OTEL_SDK_DISABLED=true does the same")
    service_name: str | None = _setting(None, "service.name of the resource; otherwise OTEL_SERVICE_NAME")
    redact_inputs: bool = _setting(True, "search inputs and parameters for secrets")
    redact_outputs: bool = _setting(True, "search outputs and results for secrets")
    sensitive_field_patterns: tuple[str, ...] = _setting(
        (), "regular expressions on field names that are sensitive besides the built-in ones"
    )
    allow_fields: tuple[str, ...] = _setting((), "field names that are never sensitive")
    value_patterns: bool = _setting(True, "search values for well-known kinds of credentials")
    max_result_size: int = _setting(2**20, "bytes of JSON kept of one value; what is longer is cut and says so")
    queue_size: int = _setting(64 * 2**20, "bytes of spans that may wait for the store")
    overflow: Overflow | None = _setting(
        None,
        "what happens when they would be more: block, drop_newest, drop_oldest or spill; by default spill on the way "
        "to PostgreSQL and over OTLP, block elsewhere",
    )
    block_timeout_ms: int = _setting(
        1000, "how long a producer may be held back under `block` and `spill`, before a span is dropped and counted"
    )
    spill: str | None = _setting(
        None,
        "folder in which spans wait while PostgreSQL or an OTLP endpoint is away; by default in the user's folder for "
        "state, `~/.local/state/otel-telemetry/spill`",
    )
    spill_size: int = _setting(
        512 * 2**20, "bytes of disk that they may take there, per destination; 0: none, no spill"
    )
    durability: Durability = _setting(
        "normal",
        "what a committed span survives: normal, the end of the process however it comes; full, a loss of power too",
    )
    sync: bool = _setting(
        False, "whether the end of an execution returns only once it is committed (in the store or the spill)"
    )
    keep: int | None = _setting(
        None,
        "how long executions are kept, such as 30d; older ones are removed every hour, what was counted of them stays",
    )
    shutdown_timeout_ms: int = _setting(5000, "how long the end of the program may be held back")
    errors: dict[str, Any] = field(
        default_factory=dict, metadata={"meaning": "exception types and their error codes, see the error registry"}
    )
    sources: Mapping[str, str] = field(default_factory=dict, compare=False)


_CHOICES: Final[dict[str, Any]] = {"overflow": Overflow, "durability": Durability}
_FIELDS: Final = {f.name: f for f in fields(Settings) if f.name != "sources"}


def load(
    keywords: Mapping[str, Any] | None = None, *, environ: Mapping[str, str] = os.environ, folder: Path | None = None
) -> Settings:
    """Read the settings: `keywords` (None values count as not given) over environment over TOML over defaults.

    Raises:
        ConfigurationError: an unknown name or a value that does not fit; the message says where it stands.
    """
    values: dict[str, Any] = {}
    sources: dict[str, str] = {}
    file, table = _toml(environ, folder)
    for name, value in table.items():
        _take(values, sources, name.replace("-", "_"), value, str(file))
    for variable, text in environ.items():
        if variable.startswith(PREFIX) and not variable.startswith(_OTHER_VARIABLES) and text:
            _take(values, sources, variable.removeprefix(PREFIX).lower(), text, f"environment variable {variable}")
    if environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        values["disabled"], sources["disabled"] = True, "environment variable OTEL_SDK_DISABLED"
    for name, value in (keywords or {}).items():
        if value is not None:
            _take(values, sources, name, value, "configure()")
    return Settings(**values, sources=sources)


_OTHER_VARIABLES: Final = (PREFIX + "CONFIG", PREFIX + "TEST_")


def _take(values: dict[str, Any], sources: dict[str, str], name: str, value: Any, source: str) -> None:
    if name not in _FIELDS:
        raise ConfigurationError(f"{source}: {unknown('setting', name, _FIELDS)}")
    try:
        values[name] = _convert(name, value)
    except (TypeError, ValueError) as error:
        raise ConfigurationError(f"{source}: setting {name!r}: {error}") from None
    sources[name] = source


def _convert(name: str, value: Any) -> Any:
    kind = str(_FIELDS[name].type)
    if kind == "bool":
        return _boolean(value)
    if kind == "int":
        return _size(value)
    if name == "keep":
        return _age(value)
    if kind.startswith("tuple"):
        items = _items(value) if isinstance(value, str) else value
        return tuple(_text(item).strip() for item in items)
    if kind.startswith("dict"):
        if not isinstance(value, Mapping):
            raise TypeError(f"needs a table, not {type(value).__name__}; it can be set in TOML and by keyword only")
        return dict(value)
    if name in _CHOICES and value not in get_args(_CHOICES[name]):
        raise ValueError(unknown("choice", value, get_args(_CHOICES[name])))
    return os.fspath(value) if isinstance(value, Path) else _text(value)


def _items(text: str) -> list[Any]:
    """Take a JSON array (a regular expression may hold a comma), or items between commas."""
    if not text.lstrip().startswith("["):
        return text.split(",")
    items = json.loads(text)
    return items if isinstance(items, list) else [items]


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"needs text, not {type(value).__name__}")
    return value


def _boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    match str(value).strip().lower():
        case "true" | "1" | "yes" | "on":
            return True
        case "false" | "0" | "no" | "off":
            return False
    raise ValueError("needs true or false")


def _size(value: Any) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        number = value
    else:
        found = re.fullmatch(_SIZE, str(value).strip(), re.IGNORECASE)
        if not found:
            raise ValueError(f"needs a whole number such as 1000 or 64MiB, not {value!r}")
        number = int(found[1]) * _UNITS[found[2].lower()]
    if number < 0:
        raise ValueError("must not be negative")
    return number


def _age(value: Any) -> int:
    """Return nanoseconds."""
    found = re.fullmatch(r"(\d{1,6})\s*([hdw])", str(value).strip(), re.IGNORECASE)
    if not found or not int(found[1]):
        raise ValueError(f"needs hours, days or weeks, such as 12h, 30d or 8w, not {value!r}")
    return int(found[1]) * {"h": 1, "d": 24, "w": 168}[found[2].lower()] * 3_600 * 10**9


def _toml(environ: Mapping[str, str], folder: Path | None) -> tuple[Path | None, Mapping[str, Any]]:
    named = environ.get(PREFIX + "CONFIG")
    if named:
        path = Path(named)
        if not path.is_file():
            raise ConfigurationError(f"environment variable {PREFIX}CONFIG names {named!r}, which is no file")
        return path, _table(path)
    start = folder or Path.cwd()
    for place in (start, *start.parents):
        for name in ("otel-telemetry.toml", "pyproject.toml"):
            path = place / name
            if path.is_file() and (table := _table(path)):
                return path, table
    return None, {}


def _may_have_table(content: bytes) -> bool:
    """Whether `[tool.otel-telemetry]` can be in a TOML file, in whatever way it is written there."""
    plain = content.translate(None, b"\"' \t")
    return b"tool.otel-telemetry" in plain or (b"[tool]" in plain and b"otel-telemetry" in plain)


def _table(path: Path) -> Mapping[str, Any]:
    try:
        content = path.read_bytes()
        if path.name == "pyproject.toml" and not _may_have_table(content):
            return {}  # most programs' own file, also where it names us as a dependency: neither parsed nor judged
        import tomllib  # noqa: PLC0415  (most programs have no such file, and import time is felt)

        document = tomllib.loads(content.decode())
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"{path}: {error}") from None
    table = document.get("tool", {}).get("otel-telemetry", {}) if path.name == "pyproject.toml" else document
    if not isinstance(table, Mapping):
        raise ConfigurationError(f"{path}: [tool.otel-telemetry] needs to be a table")
    return table
