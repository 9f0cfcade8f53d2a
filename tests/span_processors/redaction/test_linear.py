"""The time that a text takes grows with its length, whatever is in it."""

from __future__ import annotations

import gc
import string
import time
from collections.abc import Callable

import pytest

from span_processors.redaction import RedactionSettings, Redactor
from span_processors.redaction.credentials import find_credentials
from span_processors.redaction.vendors import VENDORS

LARGE = 1 << 20
"""Characters; a sixteenth of it is what it is compared with."""
SLACK = 4
"""How much more than its share the large text may take: another program's use of the caches costs that much."""
LEAST_S = 0.004
"""What a small text is taken to need at least: its share of what is done once a text is not to be compared."""

WHOLES = [
    '{"id": 1, "key": "ab", "token": "x1y2z3a4b5", "max_tokens": 9}\n',
    '<div class="key"><td>a</td><input name="b" value="c"><param name="d">e</param></div>\n',
    "<entry key='a'><key>b</key><string>c</string><token>d</token></entry>\n",
    "https://a.example/b?token=0a1b2c3d4e5f&key=v&limit=5\n",
    "https%3A%2F%2Fa.example%2Fb%20c&key=1 ",
    "INSERT INTO users (id, password) VALUES (1, 'a1b2c3d4');\n",
    '  File "/usr/a/b.py", line 3, in f\n    g.h(key="i")\n',
    "mysql -u a -pb1c2d3 db; curl -u a https://b | docker login -p x1y2z3\n",
    "password: a1b2c3 ",
    "the password is ",
    "authorization: bearer 0a1b2c3d4e5f6a7b8c9d\r\ncookie: a=b; c=d\r\n",
    "-----BEGIN PRIVATE KEY-----\nx\n-----END PRIVATE KEY-----\n",
    "4000 1234 5678 9010\n",
    "cGFzc3dvcmQ9aHVudGVyMg== ",
    "\\u0041\\n&#65;%41\x1b[0m\u200b key ",
    "\u043f\u0430\u0440\u043e\u043b\u044c: a1b2 ",
    "[REDACTED:field] token=a[REDACTED:",
    "\n    | key: a\n          b=c",
]
"""What whole texts consist of."""
OPEN = [
    *("eyJ", "eyJaaaaaaaaaaaaaa.", "?sv=2", "?sv=2sig=", "$2b$", "SG.aaaaaaaaaaaaaaaaaa ", "xoxd-aaaa "),
    *("password=[", 'password={"', "tokens=[", "sig=x?", "//secret:x", "cookie: to ", "--tokens [ ", "name=tokens value=[ "),
    *("<input name=tokens value=[ >", "<property name=ab ", "<password x>", "<id>ab</id><a>", "pin>", "SecretStr('"),
    *("BasicAuth(x,", "password:\n xxx\n", "password:\n  a:\n", "secret is x", "password ('", "identified by 'x' "),
    *('variable "tokens" { default ', "password={'type': 'string', ", "token=a.b(", "token: a.b[c | ", "aws:secretsmanager:"),
    *("insert into t (token) values ('a", "insert into t (a, ", "/reset/a", '{"tokens": [', "input_value=", "'loc': ('a', "),
    *("[parameters: (", "Failing row contains (", "Duplicate entry '", 'form-data; name="token"\r\n\r\n', "kind: Secret\ndata:\n a\n"),
    *("machine password ", "AUTH\r\n$3\r\n", "USER x\nPASS y\n", "<Cookie a=b for ", "echo abc | ", "htpasswd -b ", "net use x "),
    *("create secret x --from-literal", "|a|\n", "\n|token|x|\n|ab|cd|\n", "token,a\n", "//a:b@", "//a:b/", "thin:a/@", ":5432:a:"),
    *("@tcp(a:b", "kty 'd': '", "PuTTY-User-Key-File-2 ", "-----END PRIVATE KEY-----", "'token', '", "a is your code "),
    *(" 1 login x ", "\tTRUE\tx", "70617373776f72643d", "-passin pass:x ", "set-cookie: a=b; path=/; ", "openssl -k x "),
    *("@ //a:b", "//a:b", "http://a b@ "),
]  # fmt: skip
"""What rules begin to read, and do not find the end of."""


def cpu_s(work: Callable[[str], object], text: str) -> float:
    gc.collect()
    started = time.thread_time()
    work(text)
    return time.thread_time() - started


def assert_linear(work: Callable[[str], object], texts: Callable[[int], str], large_size: int = LARGE) -> None:
    small, large = texts(large_size // 16), texts(large_size)
    share = max(LEAST_S, min(cpu_s(work, small) for _ in range(2))) * (len(large) / len(small)) * SLACK
    assert any(cpu_s(work, large) <= share for _ in range(3)), f"more than {share:.2f} s for {large[:40]!r}"


def repeated(part: str) -> Callable[[int], str]:
    return lambda size: "token " + part * (size // len(part) - 8)


@pytest.mark.parametrize("part", WHOLES)
@pytest.mark.promise("P18")
def test_whole_texts(part: str) -> None:
    one = Redactor()
    assert_linear(lambda text: one.payload({"text": text}), repeated(part))


@pytest.mark.parametrize("part", OPEN)
def test_texts_that_begin_the_same_thing_again_and_again(part: str) -> None:
    one = Redactor()
    assert_linear(lambda text: one.payload({"text": text}), repeated(part), LARGE // 2)


@pytest.mark.parametrize("begin", ["token=", 'token: "', "</a> @// kind: Secret \\x41 token="])
def test_texts_of_one_character(begin: str) -> None:
    # all of them at once: each has an eighth of a text, and what is not linear in one shows in the sum
    one = Redactor()

    def work(text: str) -> None:
        for character in f"{string.punctuation}a0 \n\u00e9\u043f\u200b":
            one.payload({"text": begin + character * (len(text) // 8)})

    assert_linear(work, lambda size: "x" * size)


def test_the_beginnings_of_all_vendors_keys() -> None:
    for fill in ("", "a1b2c3d4e5f6a7b8", "a1b2c3d4e5f6a7b8.", "-", "0123456789"):

        def work(text: str, fill: str = fill) -> None:
            for _, literal, _ in VENDORS:
                part = literal + fill
                for _ in find_credentials(part * (len(text) // (32 * len(part)))):
                    pass

        assert_linear(work, lambda size: "x" * size)


@pytest.mark.parametrize(
    "texts", [lambda size: "".join(" " * min(i, 60) + "tokens:\n" for i in range(size // 68)),
              lambda size: "tokens=[" * (size // 9) + "]" * (size // 9),
              lambda size: "//" + "u:p/" * (size // 4) + "@"]
)  # fmt: skip
def test_texts_that_nest(texts: Callable[[int], str]) -> None:
    one = Redactor()
    assert_linear(lambda text: one.payload({"text": text}), texts)


@pytest.mark.promise("P18")
def test_no_pattern_of_the_users_can_be_made_to_hang() -> None:
    # with RE2, as the tests have it; the standard library's engine would be at this until the sun is out
    settings = RedactionSettings(
        sensitive_field_patterns=(r"(a|a)*$", r"(x+x+)+y", *(rf"^f{n}_(.*)*z$" for n in range(18)))
    )
    one = Redactor(settings)
    assert_linear(lambda text: one.payload({"text": text}), repeated("x" * 200 + "=1 "))
    assert_linear(
        lambda text: one.payload(dict.fromkeys(text.split(), "1")),
        lambda size: " ".join(f"f{n}_{'aa' * 60}" for n in range(size // 128)),
    )


@pytest.mark.parametrize("part", ["tokens=[", "sig=x?", "cookie: to ", "--tokens [ "])
def test_what_the_rules_give_up_on_is_left_out(part: str) -> None:
    secret = "sword" + "fish"
    text = f"before {part * 20_000} password={secret} --password {secret}"
    found = Redactor().text(text)
    assert secret not in found
    assert found.startswith("before ")
