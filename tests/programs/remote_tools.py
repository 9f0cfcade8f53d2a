"""An MCP server over standard input and output, and a client that calls its tool.

    python -m tests.programs.remote_tools server STORE LISTED RECORDER
    python -m tests.programs.remote_tools client STORE LISTED RECORDER CALLER

What records the server is its SDK ("sdk"), our decorator ("tool"), or both. The caller is an execution of ours, a plain
program whose SDK is recorded, or a program that records nothing.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from mcp import Client, StdioServerParameters
from mcp.server.mcpserver import MCPServer
from opentelemetry import trace

import otel_telemetry as ot
from tests.programs import host


def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


def serve(store: str, listed: str, recorder: str) -> None:
    with host.recording(store, listed) as provider:
        if recorder != "tool":
            trace.set_tracer_provider(provider)
        server = MCPServer("sums")
        server.add_tool(add if recorder == "sdk" else ot.tool(add), name="add")
        server.run("stdio")


async def use(server: list[str]) -> None:
    parameters = StdioServerParameters(
        command=sys.executable,
        args=["-W", "ignore", "-m", "tests.programs.remote_tools", "server", *server],
        env=dict(os.environ),
        cwd=Path.cwd(),
    )
    async with Client(parameters) as client:
        result = await client.call_tool("add", {"a": 1, "b": 2})
        assert result.structured_content == {"result": 3}, result


def call(store: str, listed: str, recorder: str, caller: str) -> None:
    server = [store, listed, recorder]
    if caller == "silent":
        asyncio.run(use(server))
        return
    with host.recording(store, listed) as provider:
        trace.set_tracer_provider(provider)
        if caller == "plain":
            asyncio.run(use(server))
            return
        with ot.execution("sum") as run, run.step("ask"):
            asyncio.run(use(server))


if __name__ == "__main__":
    {"server": serve, "client": call}[sys.argv[1]](*sys.argv[2:])
