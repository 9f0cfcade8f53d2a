"""A shop's web service and a client of it: FastAPI, httpx and SQLAlchemy, each with its own instrumentation.

python -m tests.programs.web server STORE LISTED
python -m tests.programs.web client STORE LISTED CALLER URL
python -m tests.programs.web both STORE LISTED CALLER
"""

from __future__ import annotations

import asyncio
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import sqlalchemy
import uvicorn
from fastapi import FastAPI
from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor
from opentelemetry.instrumentation.sqlalchemy import SQLAlchemyInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from sqlalchemy.pool import StaticPool

import otel_telemetry as ot
from tests.programs import host


@ot.tool("stock.reserve")
def reserve(number: int) -> str:
    return f"r{number}"


def make_service(provider: TracerProvider) -> FastAPI:
    """A service with a plain endpoint and an async one; both ask a database."""
    # for every engine, as programs do; its range of versions ends before some that it works with
    SQLAlchemyInstrumentor().instrument(tracer_provider=provider, skip_dep_check=True)
    database = sqlalchemy.create_engine("sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False})
    service = FastAPI()

    @ot.step
    def price(number: int) -> int:
        with database.connect() as connection:
            return int(connection.execute(sqlalchemy.text("SELECT :number * 110"), {"number": number}).scalar_one())

    @service.post("/orders/{number}")
    def place(number: int) -> dict[str, object]:
        return {"reserved": reserve(number), "price": price(number)}

    @service.get("/orders/{number}")
    async def look_up(number: int) -> dict[str, object]:
        return {"price": price(number)}

    FastAPIInstrumentor.instrument_app(service, tracer_provider=provider)
    return service


@contextmanager
def serving(service: FastAPI) -> Iterator[str]:
    """Serve on a free port of this machine."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(service, log_level="warning", lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    server.should_exit = True
    thread.join()


def use(url: str) -> None:
    """Place an order with a plain client, and look it up with an async one."""

    async def look_up() -> dict[str, object]:
        async with httpx.AsyncClient(trust_env=False) as client:
            return dict((await client.get(f"{url}/orders/7")).json())

    with httpx.Client(trust_env=False) as client:
        assert client.post(f"{url}/orders/7").json() == {"reserved": "r7", "price": 770}
    assert asyncio.run(look_up()) == {"price": 770}


def call(provider: TracerProvider, caller: str, url: str) -> None:
    HTTPXClientInstrumentor().instrument(tracer_provider=provider)
    if caller == "plain":
        use(url)
        return
    with ot.execution("checkout") as run, run.step("call service"):
        use(url)


def main(part: str, store: str, listed: str, *more: str) -> None:
    with host.recording(store, listed) as provider:
        if part == "client":
            call(provider, *more)
            return
        with serving(make_service(provider)) as url:
            if part == "both":
                call(provider, *more, url)
            else:
                print(url, flush=True)
                sys.stdin.read()


if __name__ == "__main__":
    main(*sys.argv[1:])
