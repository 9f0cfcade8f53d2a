from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from tests import readme


def test_generated_parts_are_up_to_date() -> None:
    text = readme.README.read_text()
    assert readme.generated(text) == text, "write them anew: python -m tests.readme"


def test_the_code_runs_from_top_to_bottom(tmp_path: Path) -> None:
    """In an empty folder and a fresh interpreter, as a reader would paste it."""
    blocks = readme.python_blocks()
    assert len(blocks) >= 4
    script = tmp_path / "readme_code.py"
    script.write_text("\n".join(blocks) + "\ntelemetry.shutdown()\n")
    finished = subprocess.run([sys.executable, script], cwd=tmp_path, capture_output=True, text=True)
    assert finished.returncode == 0, finished.stderr
    assert (tmp_path / "telemetry.db").exists()


def test_both_set_up_commands_are_there() -> None:
    text = readme.README.read_text()
    for mark in ("quickstart", "test"):
        assert re.search(rf"<!-- {mark} -->\n```sh\n[^`]+```", text), mark
