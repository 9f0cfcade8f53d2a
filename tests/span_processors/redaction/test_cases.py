"""Where a secret may hide: nothing of it is left, and the rest of the value is."""

from __future__ import annotations

import enum
import json
from dataclasses import dataclass, field
from urllib.parse import quote

import pytest

from span_processors.redaction import Redactor
from tests.span_processors.redaction.samples import (
    AWS_SECRET,
    CARD,
    GITHUB,
    JWT,
    PEM,
    PEM_BODY,
    STRIPE,
    b64,
    leaks,
)  # fmt: skip
from tests.span_processors.redaction.samples import (
    SECRET as S,
)

NONE = object()


class Color(enum.Enum):
    PASSWORD = "password"
    PLAIN = S


class Client:
    def __init__(self) -> None:
        self.token = S

    def __repr__(self) -> str:
        return f"Client(token={self.token})"


@dataclass
class Login:
    user: str
    password: str = field(repr=False)


CASES = [
    # id, value, secret, what must be left
    ("R01", f"auth failed: password={S}", S, ["auth failed: password="]),
    ("R01 prose after", f"auth failed: password={S}, retrying in 5 s", S, [", retrying in 5 s"]),
    ("R02", f"charge with {STRIPE} was declined", STRIPE, ["charge with ", " was declined"]),
    ("R04", {"headers": {"Authorization": f"Bearer {S}", "Accept": "text/html"}}, S, ["text/html"]),
    (
        "R05",
        f"GET https://api.example.com/v1?api_key={S}&limit=5",
        S,
        ["&limit=5", "https://api.example.com/v1?api_key="],
    ),
    ("R07", f"connection: secret_key={S}", S, ["connection: secret_key="]),
    ("R08", f"clone failed for {GITHUB}", GITHUB, ["clone failed for "]),
    ("R10", f'  File "a.py", line 3, in f\n    login(password="{S}")\n', S, ["login(password=", "line 3, in f"]),
    ("R11", f"api_key={S}", S, ["api_key="]),
    (
        "R13",
        f"1 validation error for Login\ntoken\n  Input should be a valid integer [type=int_parsing, input_value='{S}', input_type=str]\n"
        "    For further information visit https://errors.pydantic.dev/2.14/v/int_parsing",
        S,
        ["1 validation error for Login\ntoken", "input_type=str]"],
    ),
    (
        "R13 errors()",
        [{"type": "int_parsing", "loc": ("body", "token"), "msg": "no integer", "input": S}],
        S,
        ["no integer"],
    ),
    (
        "R14",
        f"Command '['curl', '-H', 'Authorization: Bearer {S}', 'https://example.com']' returned non-zero exit status 22.",
        S,
        ["'curl'", "https://example.com", "exit status 22."],
    ),
    ("R16", {"a": {"b": {"client_secret": S, "client_id": "c-1"}}}, S, ["c-1"]),
    ("R17", {"items": [{"id": 1, "password": S}, {"id": 2}]}, S, ['"id":2']),
    ("R19", [["x-api-key", S], ["limit", "5"]], S, ["x-api-key", "limit", '"5"']),
    ("R19 tuple", {"headers": [("Authorization", f"Bearer {S}"), ("Accept", "json")]}, S, ["Accept"]),
    ("R19 flat", {"headers": ["Host", "example.com", "X-Api-Key", S]}, S, ["example.com"]),
    (
        "R19 name/value",
        {"env": [{"name": "DB_PASSWORD", "value": S}, {"name": "HOME", "value": "/root"}]},
        S,
        ["/root"],
    ),
    ("R19 key/value", [{"Key": "api_key", "Value": S}], S, ["api_key"]),
    ("R20", {"body": json.dumps({"user": "bob", "password": S})}, S, ["bob"]),
    ("R20 pretty", {"body": json.dumps({"user": "bob", "credentials": {"a": [S]}}, indent=2)}, S, ["bob"]),
    ("R20 twice", {"body": json.dumps({"inner": json.dumps({"password": S, "user": "bob"})})}, S, ["bob"]),
    ("R20 duplicate fields", '{"password": "' + S + '", "password": null, "user": "bob"}', S, ["bob"]),
    ("R20 within text", f'got {{"user": "bob", "password": "{S}"}} from server', S, ["bob", "from server"]),
    ("R22", f'{{"user": "bob", "auth": {{"token": "{S[:-2]}', S[:-2], ["bob"]),
    ("R22 escaped", f'{{"body": "{{\\"user\\": \\"bob\\", \\"token\\": \\"{S}\\", \\"n\\": 1', S, ["bob"]),
    ("R23", f"user: bob\npassword: {S}\nport: 5432\n", S, ["user: bob\npassword: ", "port: 5432"]),
    ("R23 list", f"user: bob\napi_keys:\n  - {S}\n  - other\nport: 5432\n", S, ["user: bob", "port: 5432"]),
    ("R23 block", f"user: bob\nprivate_key: |\n  {S}\n  {S}\nport: 5432\n", S, ["port: 5432"]),
    ("R25", f"mysql -u root -p{S} shop", S, ["mysql -u root", " shop"]),
    ("R25 argv", ["mysql", "-uroot", f"-p{S}", "shop"], S, ["-uroot", "shop"]),
    ("R25 sshpass", f"sshpass -p {S} ssh host", S, ["ssh host"]),
    ("R25 curl", f"curl -u bob:{S} https://example.com", S, ["bob", "https://example.com"]),
    ("R26", ["deploy", "--token", S, "--verbose"], S, ["deploy", "--verbose"]),
    ("R26 joined", ["deploy", f"--token={S}", "--verbose"], S, ["--verbose"]),
    ("R26 text", f"deploy --api-key {S} --verbose", S, ["deploy", "--verbose"]),
    ("R28", f"postgres://bob:{S}@db.example.com:5432/shop", S, ["postgres://bob:", "@db.example.com:5432/shop"]),
    ("R28 odd", f"postgres://bob:p@/{S}@db.example.com/shop", S, ["db.example.com/shop"]),
    ("R28 no user", f"redis://:{S}@cache:6379/0", S, ["cache:6379/0"]),
    ("R28 token only", f"git clone https://{GITHUB}@github.com/a/b.git", GITHUB, ["github.com/a/b.git"]),
    ("R29", f"https://example.com/?token={''.join(f'%{ord(c):02X}' for c in S)}&limit=5", S, ["&limit=5"]),
    (
        "R29 nested",
        "https://example.com/?next=" + quote(f"https://example.org/?token={S}", safe="") + "&limit=5",
        S,
        ["&limit=5"],
    ),
    (
        "R31",
        "https://b.s3.amazonaws.com/k?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIA"
        f"ABCDEFGHIJKLMNOP%2F20250101%2Fus-east-1&X-Amz-Expires=900&X-Amz-Signature={S}",
        S,
        ["https://b.s3.amazonaws.com/k", "X-Amz-Expires=900"],
    ),
    ("R31 azure", f"https://a.blob.core.windows.net/c?sv=2022-11-02&sp=r&sig={S}", S, ["a.blob.core.windows.net/c"]),
    ("R32", f"Cookie: session={S}; theme={S}", S, []),
    ("R32 lines", f"GET / HTTP/1.1\nCookie: a={S}; b={S}\nAccept: text/html", S, ["Accept: text/html"]),
    ("R34", f"Basic {b64('bob:' + S)}", S, []),
    ("R34 header", f"Authorization: Basic {b64('bob:' + S)}", S, ["Authorization: "]),
    ("R35", {"data": f"password={S}&user=bob".encode()}, S, ["user=bob"]),
    ("R35 not UTF-8", {"data": b"\xff\xfe" + f"password={S}".encode()}, S, []),
    ("R35 bytearray", bytearray(f"token={S}".encode()), S, []),
    ("R37", {"k8s_secret": b64(json.dumps({"value": S}))}, S, []),
    ("R37 plain name", {"blob": b64(json.dumps({"password": S, "user": "bob"}))}, S, []),
    ("R37 in text", f"sent {b64('password=' + S)} to host", S, ["sent ", " to host"]),
    ("R38", {"client": Client(), "n": 1}, S, ["<Client>", '"n":1']),
    ("R40", {"a": (1, f"password={S}"), "b": {f"token={S}"}, "c": frozenset({f"token={S}"})}, S, []),
    ("R40 dataclass", Login("bob", S), S, ["bob"]),
    ("R41", {"dbPassword": S, "dbUser": "bob"}, S, ["bob"]),
    ("R43", {"db.credentials.password": S, "db.user": "bob"}, S, ["bob"]),
    ("R44", {"api_keys_2": [S, S], "n": 1}, S, ['"n":1']),
    ("R46", {"ｐａｓｓｗｏｒｄ": S}, S, []),
    ("R46 in text", f"ｐａｓｓｗｏｒｄ＝{S}", S, []),
    ("R47", {"p\u0430ssword": S}, S, []),
    ("R47 in text", f"p\u0430ssword={S}", S, []),
    ("R49", {b"password": S, Color.PASSWORD: S, 7: "seven", None: "none"}, S, ["seven", "none"]),
    ("R50", {"password": [S[:6], S[6:]]}, S[6:], []),
    ("R52", {"password": 9182736455, "n": 5}, "9182736455", ['"n":5']),
    ("R53", f"cloned with {GITHUB}, done", GITHUB, ["cloned with ", ", done"]),
    ("R55", {"key_file": json.dumps({"pem": PEM})}, PEM_BODY, []),
    ("R55 raw", f"before {PEM} after", PEM_BODY, ["before ", " after"]),
    ("R55 cut", f"before {PEM[:80]}", PEM_BODY[:40], ["before "]),
    ("R56", f"session {JWT} ok", JWT, ["session ", " ok"]),
    ("R61", f"ALTER USER bob WITH PASSWORD '{S}' VALID UNTIL 'infinity'", S, ["ALTER USER bob", "VALID UNTIL"]),
    ("R61 identified", f"CREATE USER bob IDENTIFIED BY '{S}'", S, ["CREATE USER bob"]),
    (
        "R62",
        f"PATH=/usr/bin\nAWS_SECRET_ACCESS_KEY={AWS_SECRET}\nHOME=/root",
        AWS_SECRET,
        ["PATH=/usr/bin", "HOME=/root"],
    ),
    ("R62 dict", {"environ": {"AWS_SECRET_ACCESS_KEY": AWS_SECRET, "HOME": "/root"}}, AWS_SECRET, ["/root"]),
    (
        "R64",
        f"Client error '401 Unauthorized' for url 'https://example.com/v1?token={S}'\nFor more information check: https://httpstatuses.com/401",
        S,
        ["401 Unauthorized", "https://httpstatuses.com/401"],
    ),
    ("R67", f"skipped: no scope for {GITHUB}", GITHUB, ["skipped: no scope for "]),
    ("R68", f"GET https://bob:{S}@example.com/x", S, ["GET https://bob:", "@example.com/x"]),
    ("R70", f"card {CARD} exp 12/29", CARD, ["card ", " exp 12/29"]),
    ("R70 dashes", f"card {CARD.replace(' ', '-')}", CARD.replace(" ", "-"), []),
    ("R70 number", {"n": int(CARD.replace(" ", ""))}, CARD.replace(" ", ""), []),
    ("R71", {"a": [{"b": {"oauth": {"x": 1}, "c": {"refresh_token": S, "expires_in": 3600}}}]}, S, ["3600"]),
    ("R73", {"env.SLACK_BOT_TOKEN": S, "env.HOME": "/root"}, S, ["/root"]),
    ("R74", {"tags": [f"password:{S}", "team:core"]}, S, ["team:core"]),
    ("R76", f"authToken={S},userId=7", S, ["userId=7"]),
    ("R77", {"secret": S, "name": "x"}, S, ['"x"']),
    ("R83", {"note": f"\ud800 password={S}"}, S, ["password="]),
    ("R85", f"pass%77ord={S}&user=bob", S, ["user=bob"]),
    (
        "R88",
        f'null value in column "a"\nDETAIL:  Failing row contains (1, {S}, null).',
        S,
        ['null value in column "a"'],
    ),
]


@pytest.mark.parametrize(("value", "secret", "left"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_no_form_of_the_secret_is_left_and_the_rest_is(value: object, secret: str, left: list[str]) -> None:
    redactor = Redactor()
    text, notes = redactor.payload({"value": value})

    assert leaks(secret, text) == []
    assert leaks(secret, "\n".join(notes)) == []
    assert "[REDACTED:" in text or "<Client>" in text
    assert "[REDACTED:error]" not in text
    decoded = json.dumps(json.loads(text), ensure_ascii=False)
    for part in left:
        assert part in decoded or json.dumps(part, ensure_ascii=False)[1:-1] in decoded or part in text
    if isinstance(value, str):
        assert leaks(secret, redactor.text(value)) == []


CONTROLS = [
    {"token_count": 512, "tokens": 81, "max_tokens": 1024, "prompt_tokens": 3, "usage": {"total_tokens": 84}},
    {
        "author": "Jane",
        "keyboard": "de-DE",
        "passenger": "Bob",
        "secretary": "Ann",
        "monkey": "see",
        "compass": "north",
    },
    {"code_hash": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"},
    {"commit": "da39a3ee5e6b4b0d3255bfef95601890afd80709", "short": "da39a3e"},
    {"id": "123e4567-e89b-12d3-a456-426614174000", "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736"},
    {"at": "2025-01-02T03:04:05.678901+00:00", "day": "2025-01-02"},
    {"order": "4111 1111 1111 1112", "number": 4111111111111112, "isbn": "978-3-16-148410-0"},
    {"message": "Forgot your password? The password must have 12 characters."},
    {"message": "Invalid password: must contain a digit"},
    {"message": "password: required"},
    {
        "public_key_id": "k-17",
        "password_policy": "min 12 chars",
        "next_token": "eyJhIjoxfQ",
        "page_token": "abc123def456",
    },
    {"primary_key": "id", "sort_key": "created_at", "cache_key": "user:42", "idempotency_key": "a1b2c3d4"},
    {
        "image": "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
    },
    {
        "session_id": "run-7",
        "auth_type": "basic",
        "authenticated": True,
        "password": None,
        "has_password": True,
        "secret": "",
    },
    {
        "url": "https://example.com/a/b?limit=5&page=2#top",
        "email": "jane@example.com",
        "repo": "git@github.com:a/b.git",
    },
    {"required": ["username", "password"], "columns": ["id", "password", "created_at"]},
    {"text": "Basic authentication is required; a bearer token is not."},
    {"created": 1735689600000, "ns": 1735689600000000000, "snowflake": 1145141919810893931},
    {"dsn": "postgresql://localhost:5432/shop", "host": "http://localhost:8080/a@b"},
    {"config": "${DB_PASSWORD}", "line": "password=${DB_PASSWORD}", "masked": "password=***"},
    {"pwd": "/home/bob", "text": "PWD=/home/bob\nSHELL=/bin/sh"},
    {"trace": '  File "a.py", line 3, in login\n    client = Client(token=self.token, user=user)\n'},
    {"signature": "def f(self, password: str, token: Optional[str] = None) -> None"},
    {"schema": {"properties": {"password": {"type": "string", "minLength": 8}, "user": {"type": "string"}}}},
    {"cert": "-----BEGIN CERTIFICATE-----\nMIIBszCCAVmgAwIBAgIUe\n-----END CERTIFICATE-----"},
    {"words": ["pass", "fail"], "tests": {"pass": 12, "fail": 3}, "pass_rate": 0.93},
    {"gzip": "H4sIAAAAAAAAA0tMSgYAwkEkNQMAAAA="},
    {"note": "Ünïcödé, 日本語, 🎉", "empty": "", "nothing": None, "list": [], "dict": {}},
    {"cmd": ["docker", "run", "-p", "8080:80", "nginx"], "line": "docker run -p 8080:80 nginx"},
    {"text": "key=value; mode=fast; a=1", "query": "SELECT * FROM users WHERE id = 5"},
]


@pytest.mark.parametrize("value", CONTROLS, ids=lambda value: next(iter(value)))
def test_ordinary_values_come_through_unchanged(value: object) -> None:
    text, notes = Redactor().payload(value)
    assert json.loads(text) == value
    assert notes == ()


def test_a_json_text_nested_too_deep_is_left_out_and_a_deep_value_is_cut() -> None:
    deep: object = S
    for _ in range(1500):
        deep = [{"password": deep}]
    text, notes = Redactor().payload({"a": {"b": json.loads("[" * 800 + "]" * 800)}, "c": deep})
    assert "[REDACTED:depth]" in text
    assert leaks(S, text) == []
    assert notes
    assert Redactor().text("[" * 100_000 + '"password"') == "[REDACTED:depth]"
