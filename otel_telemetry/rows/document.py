"""The two JSON texts of a row: the document, which says whatever the columns do not, and the payload."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import orjson

from otel_telemetry.fields import PAYLOAD_KEYS
from otel_telemetry.rows import conventions
from otel_telemetry.semconv import SCOPE_NAME
from span_processors.data import CleanText, EventData, LinkData, ScopeData
from span_processors.redaction import canonical

if TYPE_CHECKING:
    from collections.abc import Callable

    from span_processors.data import JsonValue, SpanData

OWN_SCOPE: Final = ScopeData(SCOPE_NAME)
USUAL_FLAGS: Final = 3
"""Sampled, in a trace whose id is random."""
_HEAVY: Final = conventions.PAYLOAD_KEYS | PAYLOAD_KEYS.keys()
_LABELS: Final = {key: f'"{short}":' for key, short in PAYLOAD_KEYS.items()}
_FULL_NAMES: Final = {short: key for key, short in PAYLOAD_KEYS.items()}


class Parsed(NamedTuple):
    """What an attribute of type `CleanText` says, for a reader who would only parse the text again."""

    value: JsonValue

    @property
    def text(self) -> CleanText:
        """The attribute."""
        return CleanText(canonical(self.value))


def write(  # noqa: C901, PLR0912  (a branch for each thing that most spans do not have; calls would cost more)
    span: SpanData, attributes: dict[str, JsonValue], implied_code: int, document: dict[str, Any]
) -> tuple[str | None, str | None]:
    """Write the document and the payload of a row.

    Args:
        span: the span.
        attributes: those of its attributes that no column holds.
        implied_code: the status code that the row's status implies.
        document: what is known of the document already; it is changed.
    """
    plain: dict[str, JsonValue] = {}
    texts = ""
    payload: list[str] = []  # joined once: it is long, and each sum would copy it
    for key, value in attributes.items():
        if value.__class__ is CleanText:
            if key in _LABELS:
                payload += ("," if payload else "{", _LABELS[key], value)
            else:
                texts += f",{canonical(key)}:{value}"
        elif key in _HEAVY:
            payload += ("," if payload else "{", canonical(key), ":", canonical(value))
        else:
            plain[key] = value
    if plain:
        document["a"] = plain
    if span.kind:
        document["kind"] = span.kind
    if span.status_code != implied_code:
        document["code"] = span.status_code
    if span.status_message is not None:
        document["message"] = span.status_message
    if span.trace_state:
        document["state"] = span.trace_state
    if span.flags != USUAL_FLAGS:
        document["flags"] = span.flags
    if span.events:
        document["events"] = [tuple(event) for event in span.events]
    if span.links:
        document["links"] = [(f"{link.trace_id:x}", f"{link.span_id:x}", *link[2:]) for link in span.links]
    if span.dropped_attributes or span.dropped_events or span.dropped_links:
        document["dropped"] = (span.dropped_attributes, span.dropped_events, span.dropped_links)
    if span.scope is not OWN_SCOPE and span.scope != OWN_SCOPE:
        document["scope"] = tuple(span.scope)
    text = canonical(document) if document else ""
    if texts:
        text = f'{text[:-1]},"json":{{{texts[1:]}}}}}' if text else f'{{"json":{{{texts[1:]}}}}}'
    if not payload:
        return text or None, None
    payload.append("}")
    return text or None, "".join(payload)


class Document(NamedTuple):
    """What a document says. Its keys are these names; what is as here is left out.

    An attribute of type `CleanText` is JSON already and stands as that JSON under `json`; any other stands under `a`.
    """

    by: str = ""
    """The name of the convention by which the columns were read from attributes of others, which stay in `a`."""
    absent: tuple[str, ...] = ()
    """Attributes that the row's kind implies and the span lacks."""
    a: dict[str, JsonValue] = {}  # noqa: RUF012  (never changed: a default of a tuple)
    json: dict[str, Parsed] = {}  # noqa: RUF012
    kind: int = 0
    code: int | None = None
    """The status code, unless it is the one that the row's status implies."""
    message: str | None = None
    state: str = ""
    flags: int = USUAL_FLAGS
    events: tuple[EventData, ...] = ()
    """[name, time in ns, attributes, how many were dropped] each."""
    links: tuple[LinkData, ...] = ()
    """[trace id, span id, trace state, flags, attributes, how many were dropped] each, ids in hexadecimal."""
    dropped: tuple[int, int, int] = (0, 0, 0)
    """How many attributes, events and links were dropped."""
    scope: ScopeData = OWN_SCOPE
    """[name, version, schema URL, attributes]"""


NOTHING: Final = Document()


_READ: Final[dict[str, Callable[[Any], Any]]] = {
    "a": dict,
    "json": lambda said: {key: Parsed(value) for key, value in said.items()},
    "events": lambda said: tuple(EventData(*event) for event in said),
    "links": lambda said: tuple(LinkData(int(trace, 16), int(span, 16), *more) for trace, span, *more in said),
    "dropped": lambda said: (said[0], said[1], said[2]),
    "scope": lambda said: ScopeData(*said),
}
"""How what JSON cannot say is made of what it says."""


def read_document(text: str | None) -> Document:
    """Read what `write` wrote.

    Raises:
        ValueError: it was not written by `write`.
    """
    if text is None:
        return NOTHING
    try:
        said = orjson.loads(text)
        for key, read in _READ.items():
            if key in said:
                said[key] = read(said[key])
        return Document(**said)
    except (AttributeError, IndexError, TypeError, ValueError) as error:
        raise ValueError("the document of the row is not readable") from error


def read_payload(text: str | None) -> dict[str, Parsed | JsonValue]:
    """Read the attributes of the payload that `write` wrote.

    Raises:
        ValueError: it was not written by `write`.
    """
    if text is None:
        return {}
    try:
        return {
            (name := _FULL_NAMES.get(key)) or key: Parsed(value) if name else value
            for key, value in orjson.loads(text).items()
        }
    except (AttributeError, TypeError, ValueError) as error:
        raise ValueError("the payload of the row is not readable") from error
