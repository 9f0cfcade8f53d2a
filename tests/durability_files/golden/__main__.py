"""Write the golden store of the present schema: ``python -m tests.durability_files.golden``.

To be done once for each version of the schema, when it is released; those of earlier ones stay as they are.
"""

from __future__ import annotations

import json
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

import otel_telemetry as ot
from otel_telemetry.codec import to_json
from otel_telemetry.stores.version import HEAD

HERE = Path(__file__).parent
ROOT = HERE.parents[2]


def record(telemetry: ot.Telemetry) -> None:
    """Record a little of everything."""
    with telemetry.execution("invoice", version="3", inputs={"order": 7}, metadata={"tenant": "kiwi", "n": 1}) as run:
        with run.step("load") as step:
            with step.tool_call("orders.get", params={"id": 7}) as call:
                call.result = {"total": 770, "name": "ä\u0000😀"}
            step.result = [1, 2.5, None, True]
        run.outputs = {"ok": True}
    try:
        with telemetry.execution("invoice", version="4", caller_id="cron") as run, run.step("charge"):
            try:
                raise OSError("connection lost")
            except OSError as error:
                raise TimeoutError("no answer") from error
    except TimeoutError:
        pass
    store = telemetry.store
    cancelled = store.start_execution(workflow_name="import", execution_id="cancelled")
    store.start_step(cancelled, "planned", status=ot.StepStatus.PENDING)
    store.skip_step(cancelled, "planned", "nothing to do")
    store.cancel_execution(cancelled, "by hand")
    store.record_tool_call(tool_name="mail.send", params={"to": "kiwi"}, result="sent")
    store.start_execution(workflow_name="import", execution_id="interrupted")


def main() -> None:
    """Write both files."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "store.db"
        with ot.configure(store=f"sqlite:///{path}", service_name="golden") as telemetry:
            record(telemetry)
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute("UPDATE leases SET host = 'host', boot_id = 'boot', pid = 1, process_started = '1'")
            dump = "\n".join(connection.iterdump())
        (HERE / f"{HEAD}.sql").write_text(without_places(dump) + "\n", encoding="utf-8")
        with ot.open_reader(f"sqlite:///{path}") as reader:
            records = [to_json(found) for found in reader.iterate()]
    text = json.dumps(records, indent=1, sort_keys=True)
    (HERE / f"{HEAD}.json").write_text(without_places(text) + "\n", encoding="ascii")


def without_places(text: str) -> str:
    """Leave out where this was run: stack traces name it."""
    return text.replace(str(ROOT), "/app")


if __name__ == "__main__":
    main()
