"""The folder of traces that others recorded."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture
def test_data() -> Path:
    folder = os.environ.get("OTEL_TELEMETRY_TEST_DATA")
    if not folder:
        pytest.skip("OTEL_TELEMETRY_TEST_DATA does not name the folder of recorded traces")
    return Path(folder)
