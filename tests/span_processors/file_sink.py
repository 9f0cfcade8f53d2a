"""A sink that several processes can share: a line per row in a file, with the id of the process that wrote it."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from span_processors import SpanData


class FileSink:
    name = "file"
    wants_starts = False

    def __init__(self, path: str) -> None:
        self.path = Path(path)

    def prepare(self, span: SpanData) -> str:
        return span.name

    def size(self, row: str) -> int:
        return len(row)

    def write(self, rows: Sequence[str]) -> None:
        with self.path.open("a") as file:
            file.write("".join(json.dumps([row, os.getpid()]) + "\n" for row in rows))

    def heartbeat(self) -> None:
        pass

    def after_fork_in_child(self) -> None:
        pass

    def close(self) -> None:
        self.write(["closed"])


def names_in(path: Path) -> list[str]:
    return [json.loads(line)[0] for line in path.read_text().splitlines()] if path.exists() else []
