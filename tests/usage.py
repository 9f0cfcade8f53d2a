"""The public API as a program uses it: checked by mypy and pyright in strict mode, and run by a test."""

# pyright: strict
from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import assert_type

import otel_telemetry as ot


@ot.tool("stripe.charge")
def charge(customer: str, amount: int, *, api_key: str) -> dict[str, object]:
    return {"customer": customer, "charged": amount, "with": len(api_key)}


@ot.tool
async def lookup(customer: str) -> str:
    return customer.upper()


@ot.step
def price(order: dict[str, int]) -> int:
    return sum(order.values())


@ot.task("rows")
def rows(count: int) -> Iterator[int]:
    yield from range(count)


@ot.step
async def pages(count: int) -> AsyncIterator[str]:
    for number in range(count):
        yield f"page {number}"


class Shop:
    @ot.workflow
    async def order(self, items: dict[str, int]) -> list[str]:
        assert_type(await lookup("kiwi"), str)
        assert_type(price(items), int)
        return [page async for page in pages(2)]

    @ot.step
    def total(self, *, tip: int = 0) -> int:
        return 1 + tip

    @ot.step("Shop.pages")
    async def pages(self) -> AsyncIterator[str]:
        yield "page"

    @ot.step
    @classmethod
    def default(cls) -> Shop:
        return cls()

    @ot.step
    @staticmethod
    def close() -> None: ...


@ot.execution("invoice", version="3")
def invoice(order: dict[str, int]) -> dict[str, object]:
    total = price(order)
    assert_type(total, int)
    list(rows(3))
    return charge("kiwi", total, api_key="never stored")


def types_are_kept(shop: Shop) -> None:
    """What a type checker knows of a function, it knows of the decorated one."""
    assert_type(rows(3), Iterator[int])
    assert_type(pages(2), AsyncIterator[str])
    assert_type(shop.pages(), AsyncIterator[str])
    assert_type(shop.total(tip=1), int)
    assert_type(Shop.default(), Shop)
    assert_type(Shop.close, Callable[[], None])
    shop.total(tips=1)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


def by_blocks(telemetry: ot.Telemetry) -> str:
    with telemetry.execution("by blocks", inputs={"n": 1}, caller_id="usage", metadata={"tenant": "t1"}) as run:
        with run.step("charge", step_type=ot.StepType.TOOL, tool_name="stripe.charge") as step:
            with step.tool_call("stripe.charge", params={"amount": 770}) as call:
                call.result = {"id": "ch_1"}
            step.result = call.result
        run.outputs = {"paid": True}
    return run.execution_id


def by_ids(store: ot.TelemetryStore) -> str:
    execution_id = store.start_execution(workflow_name="by ids", inputs=[1, 2])
    store.start_step(execution_id, "a", step_type=ot.StepType.TOOL, tool_name="t")
    store.record_tool_call(execution_id, step_id="a", tool_name="t", error=TimeoutError("late"))
    store.fail_step(execution_id, "a", TimeoutError("late"))
    store.skip_step(execution_id, "b", "a failed")
    store.fail_execution(execution_id, ot.ErrorRecord(code="timeout", category="transient", message="late"))
    return execution_id


def main(folder: Path) -> ot.ExecutionRecord | None:
    errors = ot.ErrorRegistry()
    errors.register(ZeroDivisionError, "division", category="input")
    with ot.configure(
        store=f"sqlite:///{folder / 'usage.db'}",
        redaction=ot.RedactionSettings(sensitive_field_patterns=("^internal_",)),
        errors=errors,
    ) as telemetry:
        assert_type(invoice({"jumper": 650}), dict[str, object])
        asyncio.run(Shop().order({"scarf": 120}))
        by_blocks(telemetry)
        failed = by_ids(telemetry.store)
        page = telemetry.store.query(status=ot.ExecutionStatus.FAILED, started_after="1d", limit=10)
        assert_type(page, ot.Page[ot.ExecutionRecord])
        summaries = telemetry.store.query(payloads=False)
        assert_type(summaries, ot.Page[ot.ExecutionSummary])
        assert telemetry.store.count() == 4
        assert telemetry.store.export("jsonl", folder / "runs.jsonl") == 4
        assert telemetry.flush(10)
        return telemetry.store.get(failed)
