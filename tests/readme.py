"""The parts of the README that are generated: `python -m tests.readme` writes them anew, and a test holds them equal.

Each stands between ``<!-- begin NAME -->`` and ``<!-- end NAME -->``.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

from otel_telemetry.fields import FIELDS
from otel_telemetry.settings import PREFIX, Settings

README = Path(__file__).parent.parent / "README.md"


def attributes() -> str:
    """The table of span attributes."""
    rows = [f"| `{a.key}` | {a.spans} | {a.type} | {a.meaning} |" for a in FIELDS]
    return "\n".join(["| attribute | on | type | meaning |", "|---|---|---|---|", *rows])


def settings() -> str:
    """The table of settings."""
    defaults = Settings()
    rows = [
        f"| `{field.name}` | `{PREFIX}{field.name.upper()}` | `{getattr(defaults, field.name)!r}`"
        f" | {field.metadata['meaning']} |"
        for field in fields(Settings)
        if field.name != "sources"
    ]
    return "\n".join(["| keyword and TOML key | environment | default | meaning |", "|---|---|---|---|", *rows])


def commands() -> str:
    """What `otel-telemetry --help` says of each command."""
    from click import Context

    from otel_telemetry.cli import main

    context = Context(main)
    rows = [f"| `{name}` | {main.commands[name].get_short_help_str(200)} |" for name in main.list_commands(context)]
    return "\n".join(["| command | what it does |", "|---|---|", *rows])


PARTS: dict[str, Callable[[], str]] = {"attributes": attributes, "settings": settings, "commands": commands}


def generated(text: str) -> str:
    """Return the README's text with every generated part as it should be."""
    for name, part in PARTS.items():
        begin, end = f"<!-- begin {name} -->", f"<!-- end {name} -->"
        pattern = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
        content = f"{begin}\n{part()}\n{end}"
        text, found = pattern.subn(lambda _: content, text)  # noqa: B023  (used at once)
        if found != 1:
            raise ValueError(f"README.md needs {begin} and {end} once, not {found} times")
    return text


def python_blocks() -> list[str]:
    """The README's Python code, block by block."""
    return re.findall(r"^```python\n(.*?)^```", README.read_text(), re.DOTALL | re.MULTILINE)


if __name__ == "__main__":
    README.write_text(generated(README.read_text()))
