"""OTLP: the two encodings say the same, and say what the protocol's own tools understand."""

from __future__ import annotations

import base64
import io
import json
import math
from typing import Any

import pytest
from google.protobuf import json_format
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from otel_telemetry.errors import FormatError, MissingExtraError
from otel_telemetry.formats import OtlpJson, OtlpProtobuf, import_from, redacted
from otel_telemetry.formats.otlp import protobuf
from otel_telemetry.formats.otlp.groups import batches, grouped
from otel_telemetry.formats.otlp.json_spans import request_from_json, request_to_json
from otel_telemetry.formats.otlp.proto_spans import request_from_bytes, request_to_bytes
from otel_telemetry.testing.export_format import SAMPLES
from span_processors.data import CleanText, ResourceData, ScopeData, SpanData
from span_processors.flatten import to_readable
from span_processors.redaction import Redactor, canonical
from tests.otel_telemetry.decoded import decoded

SPAN = SpanData(
    trace_id=1,
    span_id=2,
    parent_span_id=None,
    trace_state="",
    flags=0,
    name="n",
    kind=0,
    start_ns=10,
    end_ns=20,
    status_code=0,
    status_message=None,
    attributes={},
    events=(),
    links=(),
    dropped_attributes=0,
    dropped_events=0,
    dropped_links=0,
    resource=ResourceData.of({}),
    scope=ScopeData(""),
)

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(texts | st.just("otel_telemetry.json"), inner, max_size=3)
    ),
    max_leaves=12,
)
attributes = st.dictionaries(texts, values, max_size=4)


def nested(depth: int, innermost: Any) -> Any:
    for level in range(depth):
        innermost = [innermost] if level % 2 else {"k": innermost}
    return innermost


def with_hex_ids(document: Any) -> Any:
    """Return what protobuf's own JSON says, with the ids as OTLP wants them: in hexadecimal, not base64."""
    if isinstance(document, list):
        return [with_hex_ids(item) for item in document]
    if isinstance(document, dict):
        return {
            key: base64.b64decode(value).hex() if key in {"traceId", "spanId", "parentSpanId"} else with_hex_ids(value)
            for key, value in document.items()
        }
    return document


def lean(document: Any) -> Any:
    """Return a document without what is default, and without the way that numbers are written."""
    if isinstance(document, list):
        return [lean(item) for item in document]
    if isinstance(document, dict):
        small = {key: lean(value) for key, value in document.items()}
        return {key: value for key, value in small.items() if value not in ([], {}, "", 0) or key.endswith("Value")}
    return document


def both_ways(span: SpanData) -> list[SpanData]:
    (batch,) = batches([span])
    request = grouped(batch)
    text = json.dumps(request_to_json(request))
    return [*request_from_json(json.loads(text)), *request_from_bytes(request_to_bytes(request))]


@given(attributes=attributes)
def test_values_come_back_from_both_encodings(attributes: dict[str, Any]) -> None:
    for back in both_ways(SPAN._replace(attributes=attributes)):
        assert repr(back.attributes) == repr(attributes)  # repr: 1 and 1.0, 0.0 and -0.0 are different


@pytest.mark.parametrize("depth", [1, 15, 16, 17, 31, 32, 33, 60, 64])
@pytest.mark.parametrize("innermost", ["x", [], {}, {"otel_telemetry.json": "[1]"}, {"otel_telemetry.json": "no json"}])
def test_deep_values_come_back_from_both_encodings(depth: int, innermost: Any) -> None:
    value = nested(depth, innermost)
    for back in both_ways(SPAN._replace(attributes={"deep": value}, resource=ResourceData.of({"deep": value}))):
        assert back.attributes == back.resource.attributes == {"deep": value}


@pytest.mark.parametrize("start_ns", [0, 1, -1, 2**63 - 1, -(2**63)])
def test_times_come_back_from_both_encodings(start_ns: int) -> None:
    for back in both_ways(SPAN._replace(start_ns=start_ns, end_ns=None)):
        assert (back.start_ns, back.end_ns) == (start_ns, None)


@pytest.mark.parametrize("record", SAMPLES, ids=lambda record: record.execution_id)
def test_json_is_what_protobuf_itself_makes_of_the_message(record: Any) -> None:
    text, binary = io.BytesIO(), io.BytesIO()
    OtlpJson().write([record], text)
    OtlpProtobuf().write([record], binary)
    message = ExportTraceServiceRequest.FromString(binary.getvalue()[4:])
    expected = json_format.MessageToDict(message, use_integers_for_enums=True)
    assert lean(json.loads(text.getvalue())) == lean(with_hex_ids(expected))
    assert int.from_bytes(binary.getvalue()[:4], "big") == len(binary.getvalue()) - 4


def test_it_is_what_the_sdk_sends() -> None:
    ended = [span for span in import_from(io.BytesIO(written(SAMPLES[:1]))) if span.end_ns is not None]
    sent = encode_spans([to_readable(span) for span in ended])
    ours = ExportTraceServiceRequest.FromString(request_to_bytes(grouped(ended)))
    for message in (sent, ours):
        for span in message.resource_spans[0].scope_spans[0].spans:
            span.flags = 0  # the SDK adds what it knows of the parent
    assert sent == ours


def written(records: Any) -> bytes:
    out = io.BytesIO()
    OtlpJson().write(records, out)
    return out.getvalue()


def test_resources_and_scopes_are_grouped_as_first_seen() -> None:
    a, b = ResourceData.of({"service.name": "a"}), ResourceData.of({"service.name": "b"}, "https://schema")
    x, y = ScopeData("x"), ScopeData("y", "1", "https://schema", {"k": 1})
    spans = [
        SPAN._replace(name=name, resource=resource, scope=scope)
        for name, resource, scope in [("1", b, x), ("2", a, x), ("3", b, y), ("4", b, x), ("5", a, x)]
    ]
    groups = [
        (group.resource, [(scope.scope, [span.name for span in scope.spans]) for scope in group.scopes])
        for group in grouped(spans)
    ]
    assert groups == [(b, [(x, ["1", "4"]), (y, ["3"])]), (a, [(x, ["2", "5"])])]


def test_requests_stay_small() -> None:
    assert [len(batch) for batch in batches([SPAN] * 1030)] == [512, 512, 6]
    heavy = SPAN._replace(attributes={"k": "x" * (1 << 20)})
    assert [len(batch) for batch in batches([heavy] * 3)] == [1, 1, 1]
    assert list(batches([])) == []


def test_an_execution_of_many_spans_is_several_requests_and_one_execution() -> None:
    spans = [SPAN._replace(span_id=2 + n, parent_span_id=2 if n else None) for n in range(1100)]
    for export_format in (OtlpJson(), OtlpProtobuf()):
        out = io.BytesIO()
        export_format.write([decoded(spans)], out)
        assert list(export_format.read(io.BytesIO(out.getvalue()))) == spans


# what others write


def request(**span: Any) -> bytes:
    ids = {"traceId": "0" * 31 + "1", "spanId": "0" * 15 + "2"}
    return json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [ids | span]}]}]}).encode()


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ({"intValue": "7"}, 7),
        ({"intValue": 7}, 7),
        ({"intValue": -(2**63)}, -(2**63)),
        ({"intValue": 7.0}, 7),
        ({"doubleValue": 7}, 7.0),
        ({"doubleValue": "NaN"}, "NaN"),
        ({"doubleValue": "-Infinity"}, "-Infinity"),
        ({"boolValue": False}, False),
        ({"stringValue": None}, ""),
        ({"bytesValue": "aGVsbG8="}, "hello"),
        ({"bytesValue": "//8="}, "base64://8="),
        ({"arrayValue": {}}, []),
        ({"arrayValue": {"values": [{"intValue": "1"}, {}]}}, [1, None]),
        (
            {"kvlistValue": {"values": [{"key": "a", "value": {"stringValue": "b"}}, {"key": "n"}]}},
            {"a": "b", "n": None},
        ),
        ({}, None),
        (None, None),
        ({"valueOfTomorrow": 1}, None),
    ],
)
def test_values_of_others(written: Any, read: Any) -> None:
    (span,) = OtlpJson().read(io.BytesIO(request(attributes=[{"key": "k", "value": written}])))
    assert repr(span.attributes) == repr({"k": read})


def test_spans_of_others() -> None:
    (span,) = OtlpJson().read(
        io.BytesIO(
            request(
                traceId="ABCDEF" + "0" * 26,
                parentSpanId="",
                kind="SPAN_KIND_SERVER",
                startTimeUnixNano=5,
                endTimeUnixNano="0",
                status={"code": "STATUS_CODE_ERROR"},
                tomorrow={"x": [1]},
                events=[{"name": "\ufffd"}],
                attributes=None,
            )
        )
    )
    assert span.trace_id == 0xABCDEF << 104
    assert (span.parent_span_id, span.kind, span.start_ns, span.end_ns, span.status_code) == (None, 1, 5, None, 2)


def test_text_that_no_backend_holds_is_replaced() -> None:
    raw = rb'{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"%s","spanId":"%s","name":"%s"}]}]}]}'
    name = rb"nul\u0000 lone\ud800 \udc00 pair\ud83d\ude00 escaped\\u0000 \\\ud800"
    (span,) = OtlpJson().read(io.BytesIO(raw % (b"1" * 32, b"2" * 16, name)))
    assert span.name == "nul\ufffd lone\ufffd \ufffd pair\U0001f600 escaped\\u0000 \\\ufffd"
    message = ExportTraceServiceRequest()
    made = message.resource_spans.add().scope_spans.add().spans.add()
    made.trace_id, made.span_id, made.name = b"1" * 16, b"2" * 8, "nul\0"
    for number in (math.nan, math.inf, -math.inf):
        made.attributes.add(key=f"n{number}").value.double_value = number
    made.attributes.add(key="b").value.bytes_value = b"\xff\xff"
    (span,) = request_from_bytes(message.SerializeToString())
    assert span.name == "nul\ufffd"
    assert span.attributes == {"nnan": "NaN", "ninf": "Infinity", "n-inf": "-Infinity", "b": "base64://8="}


def test_a_request_as_it_goes_over_the_wire_is_read() -> None:
    bare = request_to_bytes(grouped([SPAN]))
    assert list(import_from(io.BytesIO(bare))) == [SPAN]


def test_a_document_over_many_lines_is_read() -> None:
    laid_out = json.dumps(request_to_json(grouped([SPAN])), indent=4).encode()
    for text in (laid_out, b"\n\n" + laid_out + b"\n\n", b"\xef\xbb\xbf" + laid_out):
        assert list(import_from(io.BytesIO(text))) == [SPAN]


def test_other_signals_are_skipped() -> None:
    lines = [b'{"resourceMetrics":[{"x":1}]}', request(name="a"), b"", b'{"resourceLogs":[]}', b"{}", request(name="b")]
    assert [span.name for span in import_from(io.BytesIO(b"\n".join(lines)))] == ["a", "b"]


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        ({"traceId": "12"}, "traceId must be 32 hexadecimal digits"),
        ({"traceId": "g" * 32}, "traceId must be 32 hexadecimal digits"),
        ({"traceId": "0" * 32}, "not all zero"),
        ({"traceId": None}, "not all zero"),
        ({"traceId": 5}, "traceId must be text"),
        ({"spanId": "+" + "1" * 15}, "spanId must be 16 hexadecimal digits"),
        ({"parentSpanId": "1_1"}, "parentSpanId must be"),
        ({"name": ["secret"]}, "name must be text"),
        ({"kind": 6}, "kind must be an integer from 0 to 5"),
        ({"kind": "SERVANT"}, "kind must be"),
        ({"status": {"code": 3}}, "code must be"),
        ({"status": []}, "status must be an object"),
        ({"flags": -1}, "flags must be"),
        ({"flags": True}, "flags must be"),
        ({"startTimeUnixNano": "1e30"}, "startTimeUnixNano must be"),
        ({"startTimeUnixNano": 2**64}, "startTimeUnixNano must be"),
        ({"endTimeUnixNano": "9" * 4999}, "endTimeUnixNano must be"),
        ({"attributes": {}}, "attributes must be an array"),
        ({"attributes": [1]}, "each of attributes must be an object"),
        ({"attributes": [{"key": 1}]}, "key must be text"),
        ({"attributes": [{"value": {"intValue": "x"}}]}, "intValue must be"),
        ({"attributes": [{"value": {"intValue": 2**63}}]}, "intValue must be"),
        ({"attributes": [{"value": {"doubleValue": "1.5"}}]}, "doubleValue must be a number"),
        ({"attributes": [{"value": {"boolValue": 1}}]}, "boolValue must be true or false"),
        ({"attributes": [{"value": {"bytesValue": "?"}}]}, "bytesValue must be base64"),
        ({"events": [{"timeUnixNano": []}]}, "timeUnixNano must be"),
        ({"links": [{"traceId": "1"}]}, "traceId must be"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(damage: dict[str, Any], said: str) -> None:
    lines = request(name="fine") + b"\n\n" + request(**damage)
    with pytest.raises(FormatError, match=f"^line 3: span 1 of its scope: .*{said}") as refused:
        list(import_from(io.BytesIO(lines)))
    assert "secret" not in str(refused.value)
    with pytest.raises(FormatError):
        next(import_from(io.BytesIO(lines)))  # the first line is fine, and still nothing of it comes out


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b'{"resourceSpans":[\n', "line 1, column 19"),
        (b'{"resourceSpans":\n[}\n', "line 2, column 2"),
        (b'{"resourceSpans":[' * 2000, "line 1"),
        (b'{"resourceSpans":[{"scopeSpans":{}}]}', "line 1: scopeSpans must be an array"),
        (b'{"resourceSpans":[]}\n[]\n', "line 2: an OTLP request must be an object"),
        (b'{"resourceSpans":[]}\n{"spans":[]}\n', "line 2: an OTLP request has resourceSpans"),
        (b'{"resourceSpans":[]}\n\xff\n', "line 2, column 1"),
    ],
)
def test_what_is_no_otlp_is_refused(text: bytes, said: str) -> None:
    with pytest.raises(FormatError, match=said):
        list(import_from(io.BytesIO(text), format="otlp"))


def test_a_bomb_of_values_is_refused() -> None:
    value: dict[str, Any] = {"stringValue": "x"}
    for _ in range(100):
        value = {"arrayValue": {"values": [value]}}
    with pytest.raises(FormatError, match="nested more than 64 deep"):
        list(OtlpJson().read(io.BytesIO(request(attributes=[{"key": "k", "value": value}]))))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"\0\0\0\x05\x0a\x02", "byte 4: the file ends inside a request"),
        (b"\0\0", "byte 4: the file ends inside a request"),
        (b"\0\0\0\x02\xff\xff", "request at byte 4: this is no ExportTraceServiceRequest"),
        (b"\x0a\xff\xff\xff", "request at byte 0: this is no ExportTraceServiceRequest"),
        (b"\xff\xff\xff\xffrest", "byte 0: there should be the length of a request"),
        (b"\0\0\0\0\x0a\0\0\0", "byte 4: there should be the length"),
    ],
)
def test_protobuf_that_is_damaged_is_refused(text: bytes, said: str) -> None:
    with pytest.raises(FormatError, match=said):
        list(import_from(io.BytesIO(text), format="otlp-proto"))


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("trace_id", b"short", "trace_id must be 16 bytes"),
        ("span_id", b"\0" * 8, "not all zero"),
        ("parent_span_id", b"1", "parent_span_id must be 8 bytes"),
        ("kind", 9, "its kind or its status"),
    ],
)
def test_a_message_with_a_bad_field_is_refused(field: str, value: Any, said: str) -> None:
    message = ExportTraceServiceRequest()
    span = message.resource_spans.add().scope_spans.add().spans.add(trace_id=b"1" * 16, span_id=b"2" * 8)
    setattr(span, field, value)
    with pytest.raises(FormatError, match=said):
        list(request_from_bytes(message.SerializeToString()))


def test_without_the_extra_protobuf_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "otel_telemetry.formats.otlp.proto_spans", None)
    monkeypatch.delattr("otel_telemetry.formats.otlp.proto_spans")
    with pytest.raises(MissingExtraError, match=r"otel-telemetry\[otlp\]"):
        protobuf.OtlpProtobuf().write(SAMPLES, io.BytesIO())


# redaction of what comes in


def test_what_is_imported_is_redacted_everywhere() -> None:
    secret = "AKIA" + "IOSFODNN7EXAMPLE"
    said = f"password={secret}"
    span = SPAN._replace(
        name=said,
        status_message=said,
        attributes={
            "api_key": secret,
            "otel_telemetry.inputs": CleanText(canonical({"api_key": secret})),
            "of.others": CleanText(f'{{"api_key":"{secret}"}}'),
        },
        resource=ResourceData.of({"api_key": secret}),
        scope=ScopeData(said, attributes={"api_key": secret}),
    )
    (clean,) = redacted([span], Redactor())
    assert secret not in repr(clean)
    assert clean.attributes["otel_telemetry.inputs"].__class__ is CleanText
    assert clean.attributes["of.others"].__class__ is str
    assert clean.resource.key == ResourceData.of(clean.resource.attributes).key
    assert list(redacted([clean], Redactor())) == [clean]
