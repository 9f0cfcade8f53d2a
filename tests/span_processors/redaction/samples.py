"""Secrets for tests. Each is joined at run time, so that no file holds one whole."""

from __future__ import annotations

import base64
import json
from urllib.parse import quote

SECRET = "Zq7-" + "canary-9fK2-" + "value"
GITHUB = "gh" + "p_" + "A1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q7r8"
STRIPE = "sk" + "_live_" + "4eC39HqLyjWDarjtT1zdp7dc"
AWS_SECRET = "wJalrXUtnFEMI" + "/K7MDENG/" + "bPxRfiCYzEXAMPLEKEY"
JWT = ".".join(
    ("eyJ" + "hbGciOiJIUzI1NiJ9", "eyJ" + "zdWIiOiIxMjM0NTY3ODkwIn0", "dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U")
)
CARD = "4111 1111 " + "1111 1111"
PEM_BODY = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7"
PEM = f"-----BEGIN {'PRIVATE'} KEY-----\n{PEM_BODY}\n{PEM_BODY[::-1]}\n-----END {'PRIVATE'} KEY-----"


def forms(secret: str) -> set[str]:
    """Return the ways in which a secret can be written that a reader would undo."""
    escaped = json.dumps(secret)[1:-1]
    found = {secret, escaped, quote(secret, safe=""), "".join(f"%{ord(char):02X}" for char in secret)}
    for shift in range(3):
        # The part of the base64 of any text around the secret that depends on the secret alone.
        encoded = base64.b64encode(b"\0" * shift + secret.encode()).decode()
        found.add(encoded[(0, 2, 3)[shift] : len(encoded) - 4])
    return found


def leaks(secret: str, text: str) -> list[str]:
    """Return the forms of `secret` that are in `text`."""
    return [form for form in forms(secret) if form in text]


def b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
