"""Workload W: one execution is a root, 5 steps and 15 tool calls; 21 spans.

A tool call carries parameters of about 330 bytes of JSON, one key of them `api_key`, and a result of about 750; a step
its name, attempt and code hash; the root inputs and outputs of about 500 bytes, workflow name and version, caller id
and three metadata keys; every 50th execution fails with a cause two deep.
"""

from __future__ import annotations

import hashlib
from typing import Any

STEPS = ("receive", "validate", "price", "charge", "notify")
TOOLS = ("crm.lookup", "stripe.charge", "mail.send")
SPANS = 1 + len(STEPS) * (1 + len(TOOLS))
CODE = {step: f"def {step}(order): ..." for step in STEPS}
CODE_HASHES = {step: hashlib.sha256(code.encode()).hexdigest() for step, code in CODE.items()}
API_KEY = "sk_" + "live_" + "4eC39HqLyjWDarjtT1zdp7dc"


def params(execution: int, step: str, tool: str) -> dict[str, Any]:
    """Parameters of one tool call."""
    return {
        "customer": {
            "id": f"cus_{execution:08d}",
            "name": "Aroha Ngata",
            "email": f"user{execution % 997}@example.com",
        },
        "api_key": API_KEY,
        "amount": 1299 + execution % 700,
        "currency": "NZD",
        "lines": [{"sku": f"SKU-{execution % 89:04d}", "quantity": 2, "price": 649.5}],
        "step": step,
        "tool": tool,
        "idempotent": True,
        "note": "second half of the order, see the first invoice",
    }


def result(execution: int, tool: str) -> dict[str, Any]:
    """Result of one tool call."""
    return {
        "id": f"ch_{execution:012d}",
        "tool": tool,
        "status": "succeeded",
        "balance": {"available": 182_350, "pending": 4200, "currency": "nzd"},
        "items": [
            {
                "sku": f"SKU-{(execution + i) % 89:04d}",
                "title": "Merino jumper, charcoal",
                "price": 649.5,
                "tax": 97.43,
                "stock": 12 + i,
            }
            for i in range(4)
        ],
        "links": {"self": f"/v1/charges/{execution}", "receipt": f"/v1/receipts/{execution}?format=pdf"},
        "message": "The charge was accepted by the bank and will be settled on the next working day.",
        "risk": {"score": 12, "level": "normal", "checks": ["address", "postcode", "velocity"]},
    }


def inputs(execution: int) -> dict[str, Any]:
    """Inputs of one execution; its outputs are alike."""
    return {
        "invoice": f"INV-{execution:08d}",
        "customer": {"id": f"cus_{execution:08d}", "tier": "gold", "region": "NZ"},
        "lines": [{"sku": f"SKU-{i:04d}", "quantity": i + 1, "price": 649.5} for i in range(6)],
        "notes": "Please deliver on a weekday between nine and noon; ring the bell twice.",
        "due": "2026-12-01",
    }


def metadata(execution: int) -> dict[str, Any]:
    """Keys that an execution is found by."""
    return {"tenant": f"t{execution % 40}", "region": "nz", "order": execution}


def fails(execution: int) -> bool:
    """Every 50th execution fails."""
    return execution % 50 == 49


class CardError(Exception):
    """What a failing execution ends with."""


def failure() -> CardError:
    """Make an error with causes two deep, each really raised."""
    try:
        try:
            try:
                raise ConnectionResetError("connection reset by the bank's gateway")
            except ConnectionResetError as root:
                raise TimeoutError("no answer within 30 s") from root
        except TimeoutError as middle:
            raise CardError("the card was not charged") from middle
    except CardError as error:
        return error
