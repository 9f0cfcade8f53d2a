from __future__ import annotations

from pathlib import Path

import otel_telemetry as ot
from tests import usage


def test_the_usage_file_runs(tmp_path: Path) -> None:
    record = usage.main(tmp_path)
    assert record is not None
    assert record.status is ot.ExecutionStatus.FAILED
    assert [step.status for step in record.steps] == [ot.StepStatus.FAILED, ot.StepStatus.SKIPPED]
    assert len((tmp_path / "runs.jsonl").read_text().splitlines()) == 4
