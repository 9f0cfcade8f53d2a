"""Attribute names: OpenTelemetry's own where it has one."""

from __future__ import annotations

from opentelemetry.semconv._incubating.attributes import code_attributes, gen_ai_attributes
from opentelemetry.semconv.attributes import error_attributes

from otel_telemetry import fields, semconv

OWN = ("otel_telemetry.", "workflow.")
STANDARD = {
    value
    for module in (code_attributes, gen_ai_attributes, error_attributes)
    for value in vars(module).values()
    if isinstance(value, str)
}


def test_a_name_is_in_our_namespaces_or_opentelemetrys() -> None:
    keys = [field.key for field in fields.FIELDS]
    assert len(keys) == len(set(keys))
    assert [key for key in keys if not key.startswith(OWN) and key not in STANDARD] == []


def test_every_constant_is_in_the_table() -> None:
    constants = {value for name, value in vars(semconv).items() if name.isupper() and isinstance(value, str)}
    assert constants - {semconv.SCOPE_NAME} <= {field.key for field in fields.FIELDS}


def test_every_attribute_is_explained() -> None:
    for field in fields.FIELDS:
        assert field.meaning, field.key
        assert field.type in {"string", "int", "bool", "double", "JSON", "string[]"}, field.key
        assert set(field.spans.split(", ")) <= {"all", "execution", "step", "tool call"}, field.key


def test_payloads_are_json_and_their_short_names_differ() -> None:
    assert len(set(fields.PAYLOAD_KEYS.values())) == len(fields.PAYLOAD_KEYS)
    assert not fields.PAYLOAD_KEYS.keys() & set(fields.PAYLOAD_KEYS.values())
    assert {(field.type, bool(field.direction)) for field in fields.FIELDS if field.payload} == {("JSON", True)}
    assert not any(field.direction for field in fields.FIELDS if not field.payload)
