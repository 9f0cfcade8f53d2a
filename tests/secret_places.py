"""Where a secret may hide: each place with a secret of its own, made at run time so that no file holds one whole.

Used from end to end: whatever goes in through any interface, no form of the secret may be found in any byte that comes out.
"""

from __future__ import annotations

import base64
import enum
import json
import random
import string
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

_ALPHABET = string.ascii_letters + string.digits


def _random(seed: str, length: int) -> str:
    return "".join(random.Random(seed).choices(_ALPHABET, k=length))


def plain(seed: str) -> str:
    """A password of no known format, with characters that JSON and URLs escape."""
    return _random(seed, 14) + '"' + "é/" + _random(seed + "b", 6)


def word(seed: str) -> str:
    """A password of letters and digits."""
    return _random(seed, 20)


def stripe(seed: str) -> str:
    return "sk_" + "live_" + _random(seed, 24)


def pat(seed: str) -> str:
    return "gh" + "p_" + _random(seed, 36)


def slack(seed: str) -> str:
    return "xox" + "b-" + "123456789012-123456789012-" + _random(seed, 24)


def jwt(seed: str) -> str:
    head = base64.urlsafe_b64encode(b'{"alg":"HS256","typ":"JWT"}').decode().rstrip("=")
    body = base64.urlsafe_b64encode(json.dumps({"sub": _random(seed, 12)}).encode()).decode().rstrip("=")
    return f"{head}.{body}.{_random(seed, 43)}"


def card(seed: str) -> str:
    digits = [4] + [random.Random(seed + str(i)).randrange(10) for i in range(14)]
    total = sum(d if i % 2 else (d * 2 - 9 if d * 2 > 9 else d * 2) for i, d in enumerate(digits))
    number = "".join(map(str, [*digits, -total % 10]))
    return " ".join(number[i : i + 4] for i in range(0, 16, 4))


def pem(seed: str) -> str:
    body = "\n".join(_random(f"{seed}{i}", 64) for i in range(4))
    return "-----BEGIN " + f"PRIVATE KEY-----\n{body}\n-----END " + "PRIVATE KEY-----"


def number(seed: str) -> str:
    return str(random.Random(seed).randrange(10**15, 10**16))


class Key(enum.Enum):
    PASSWORD = "password"


class Client:
    """An object whose repr shows what must not be shown."""

    def __init__(self, secret: str) -> None:
        self._secret = secret

    def __repr__(self) -> str:
        return f"<Client password={self._secret}>"

    __str__ = __repr__


@dataclass(frozen=True)
class Place:
    """One place: how its secret looks, the value that hides it, and what of the value must be kept."""

    id: str
    secret: Callable[[str], str]
    value: Callable[[str], Any]
    kept: tuple[str, ...] = ()


def _deep(secret: str, depth: int) -> Any:
    value: Any = {"password": secret}
    for _ in range(depth):
        value = {"d": value}
    return value


TEXTS = [
    Place("R01", word, lambda s: f"auth failed: password={s} for kiwi", ("auth failed", "kiwi")),
    Place("R02", stripe, lambda s: f"charge with {s} was declined", ("was declined",)),
    Place(
        "R05", word, lambda s: f"GET https://api.example.com/v1/list?api_key={s}&limit=5 gave 401", ("limit=5", "401")
    ),
    Place("R07", word, lambda s: f"cannot sign: secret_key={s}", ("cannot sign",)),
    Place("R10", word, lambda s: f'File "a.py", line 3\n    login(password="{s}", user="kiwi")', ("kiwi", "login(")),
    Place(
        "R13",
        word,
        lambda s: (
            f"1 validation error for Login\ntoken\n  String should be short [type=x, input_value='{s}', input_type=str]"
        ),
        ("1 validation error",),
    ),
    Place(
        "R14",
        word,
        lambda s: f"Command '['curl', '-H', 'Authorization: Bearer {s}']' returned non-zero exit status 22.",
        ("exit status 22",),
    ),
    Place(
        "R31",
        word,
        lambda s: f"https://b.s3.amazonaws.com/k?X-Amz-Credential=AK%2F{s[:10]}&X-Amz-Signature={s}&X-Amz-Expires=60",
        ("X-Amz-Expires=60",),
    ),
    Place("R32", word, lambda s: f"Cookie: session={s}; theme=dark", ("Cookie",)),
    Place("R61", word, lambda s: f"ALTER ROLE kiwi WITH PASSWORD '{s}' VALID UNTIL '2027-01-01'", ("ALTER ROLE kiwi",)),
    Place("R62", word, lambda s: f"PATH=/usr/bin\nAWS_SECRET_ACCESS_KEY={s}\nLANG=C", ("PATH=/usr/bin", "LANG=C")),
    Place("R68", word, lambda s: f"https://kiwi:{s}@host.example.com/path", ("host.example.com/path",)),
    Place("R76", word, lambda s: f"authToken={s}", ()),
    Place("R56", jwt, lambda s: f"token was {s} indeed", ("indeed",)),
    Place("R67", pat, lambda s: f"skipped, {s} has no scope", ("has no scope",)),
]
"""Texts, for messages, notes, names, reasons and stack traces."""

VALUES = [
    Place("R04", word, lambda s: {"headers": {"Authorization": f"Bearer {s}", "Accept": "text/html"}}, ("text/html",)),
    Place("R16", plain, lambda s: {"a": {"b": {"client_secret": s, "c": "kept"}}}, ("kept",)),
    Place("R17", plain, lambda s: {"items": [{"name": "kiwi"}, {"passwd": s}]}, ("kiwi",)),
    Place("R19", plain, lambda s: [["x-api-key", s], ["accept", "json"]], ("accept", "json")),
    Place(
        "R20", word, lambda s: {"body": json.dumps({"inner": json.dumps({"password": s, "user": "kiwi"})})}, ("kiwi",)
    ),
    Place("R22", word, lambda s: '{"user": "kiwi", "password": "' + s + '", "mo', ("kiwi",)),
    Place("R23", word, lambda s: f"user: kiwi\npassword: {s}\nport: 5432\n", ("user: kiwi", "port: 5432")),
    Place("R25", word, lambda s: f"mysql -u root -p{s} shop", ("mysql -u root", "shop")),
    Place("R26", word, lambda s: ["deploy", "--token", s, "--region", "nz"], ("deploy", "--region", "nz")),
    Place(
        "R28", word, lambda s: {"dsn": f"postgresql://kiwi:{s}@db.example.com:5432/shop"}, ("db.example.com:5432/shop",)
    ),
    Place("R29", plain, lambda s: {"url": f"https://x.example.com/?password={quote(s, safe='')}&page=2"}, ("page=2",)),
    Place("R34", word, lambda s: {"h": "Basic " + base64.b64encode(f"kiwi:{s}".encode()).decode()}, ("h",)),
    Place("R35", word, lambda s: f"user=kiwi&password={s}".encode(), ("user=kiwi",)),
    Place(
        "R37",
        word,
        lambda s: {"my_secret_blob": base64.b64encode(json.dumps({"k": s}).encode()).decode()},
        ("my_secret_blob",),
    ),
    Place("R38", word, lambda s: {"client": Client(s), "n": 5}, ("Client",)),
    Place("R40", word, lambda s: ({"password": s}, frozenset({f"password={s}"}), {"kiwi"}), ("kiwi",)),
    Place("R41", plain, lambda s: {"dbPassword": s, "dbUser": "kiwi"}, ("kiwi",)),
    Place("R43", plain, lambda s: {"db.credentials.password": s}, ("db.credentials.password",)),
    Place("R44", plain, lambda s: {"api_keys_2": [s, s[::-1]], "n": "kept"}, ("kept",)),
    Place("R46", plain, lambda s: {"\uff50\uff41\uff53\uff53\uff57\uff4f\uff52\uff44": s, "n": "kept"}, ("kept",)),
    Place("R47", plain, lambda s: {"p\u0430ssword": s, "n": "kept"}, ("kept",)),
    Place("R49", plain, lambda s: {b"password": s, Key.PASSWORD: s, 7: "seven"}, ("seven",)),
    Place("R50", word, lambda s: {"password": [s[:10], s[10:]], "n": "kept"}, ("kept",)),
    Place("R52", number, lambda s: {"pin_code": "kept", "password": int(s)}, ("kept",)),
    Place("R53", pat, lambda s: f"pushed with {s} to main", ("to main",)),
    Place("R55", pem, lambda s: json.dumps({"note": "kept", "file": s}), ("kept",)),
    Place("R58", pat, lambda s: "x" * 60_000 + f" {s} end", ("end",)),
    Place("R65", word, lambda s: _deep(s, 1500), ()),
    Place("R70", card, lambda s: {"note": f"paid with {s} today"}, ("today",)),
    Place("R71", plain, lambda s: {"a": [{"b": {"refresh_token": s, "expires_in": 3600}}]}, ("expires_in", "3600")),
    Place("R73", slack, lambda s: {"env": {"SLACK_BOT_TOKEN": s, "HOME": "/root"}}, ("/root",)),
    Place("R74", word, lambda s: {"tags": [f"password:{s}", "colour:red"]}, ("colour:red",)),
    Place("R77", word, lambda s: {"secret": s, "n": "kept"}, ("kept",)),
    Place("R83", word, lambda s: {"text": f"\ud800 password={s}", "n": "kept"}, ("kept",)),
    Place("R85", word, lambda s: {"q": f"a=1&pass%77ord={s}&b=2"}, ("b=2",)),
]
"""Values, for parameters, results, inputs, outputs, metadata and details."""

CONTROLS: dict[str, Any] = {
    "token_count": 512,
    "max_tokens": 4096,
    "author": "Janet Frame",
    "authors": ["Janet Frame", "Patricia Grace"],
    "keyboard": "dvorak",
    "passenger": "A. Ngata",
    "secretary": "R. Hyde",
    "commit": "9fceb02d0ae598e95dc970b74767f19372d61af8",
    "request_id": "6f1c1c1e-6b7b-4e0d-9a37-2f4d7c1f8a55",
    "started": "2026-11-22T09:40:17.123456789Z",
    "order": "4111 1111 1111 1112",
    "prose": "Please choose a new password before Friday; the old one expires.",
    "digest": "b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9",
    "url": "https://example.com/search?q=monkey&page=2",
    "path": "/usr/share/keyrings/debian-archive-keyring.gpg",
    "tokens": ["the", "cat", "sat"],
    "compass": "north",
    "n": 1299.5,
    "none": None,
    "flag": True,
}
"""What looks a little like a secret and is none: it must come through unchanged."""


def forms(secret: str) -> dict[str, bytes]:
    """Every form under which the secret might be found."""
    raw = secret.encode("utf-8", "surrogatepass")
    escaped = json.dumps(secret)[1:-1]
    encoded = [base64.b64encode(b"x" * shift + raw).decode() for shift in range(3)]
    inner = [text[4:-4] for text in encoded if len(text) > 24]
    return {
        "raw": raw,
        "json": escaped.encode(),
        "json twice": json.dumps(escaped)[1:-1].encode(),
        "utf-8 json": json.dumps(secret, ensure_ascii=False)[1:-1].encode(),
        "percent": quote(secret, safe="").encode(),
        **{f"base64 +{i}": text.encode() for i, text in enumerate(inner)},
    }


def leaks(secret: str, haystack: bytes) -> list[str]:
    """Name the forms of the secret that occur; none where it is clean. Of a PEM block, each line of the body counts."""
    parts = secret.split("\n")[1:-1] if secret.startswith("-----") else [secret]
    return [form for part in parts for form, needle in forms(part).items() if needle in haystack]
