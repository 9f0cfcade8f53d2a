"""Agents of Pydantic AI with a model that calls each of their tools once, recorded by Pydantic AI itself.

python -m tests.programs.agents inside STORE LISTED      within workflows of ours
python -m tests.programs.agents outside STORE LISTED     alone
"""

from __future__ import annotations

import asyncio
import sys

from pydantic_ai import Agent
from pydantic_ai.models.instrumented import InstrumentationSettings
from pydantic_ai.models.test import TestModel

import otel_telemetry as ot
from tests.programs import host

seller = Agent(TestModel(), name="seller")
buyer = Agent(TestModel(), name="buyer")
refunder = Agent(TestModel(), name="refunder")


@seller.tool_plain
def quote(item: str) -> int:
    return 650


@buyer.tool_plain
async def ask_seller(question: str) -> str:
    return str((await seller.run(question)).output)


@buyer.tool_plain
def stock(item: str) -> int:
    return 3


@refunder.tool_plain
def pay_back(amount: int) -> str:
    raise ValueError("card declined")


async def purchase(wish: str) -> str:
    return str((await buyer.run(wish)).output)


async def refund(amount: int) -> str:
    return str((await refunder.run(f"pay back {amount}")).output)


async def fail() -> None:
    try:
        await (refund(7) if sys.argv[1] == "outside" else ot.workflow("refund")(refund)(7))
    except ValueError:
        return
    raise AssertionError("it does not fail")


def main(where: str, store: str, listed: str) -> None:
    with host.recording(store, listed) as provider:
        Agent.instrument_all(InstrumentationSettings(tracer_provider=provider))
        if where == "inside":
            buyer.tool_plain(ot.tool(reserve))
            asyncio.run(ot.workflow("purchase", version="2")(purchase)("a jumper"))
        else:
            buyer.tool_plain(reserve)
            asyncio.run(purchase("a jumper"))
        asyncio.run(fail())


def reserve(item: str, amount: int) -> str:
    """A tool of an agent, which inside is decorated by us as well."""
    return f"{amount} {item}"


if __name__ == "__main__":
    main(*sys.argv[1:])
