"""Attribute names: declared once, OpenTelemetry's own where it has one."""

from __future__ import annotations

from opentelemetry.semconv._incubating.attributes import code_attributes, gen_ai_attributes
from opentelemetry.semconv.attributes import error_attributes

from otel_telemetry import semconv

OWN = ("otel_telemetry.", "workflow.")
STANDARD = {
    value
    for module in (code_attributes, gen_ai_attributes, error_attributes)
    for value in vars(module).values()
    if isinstance(value, str)
}


def test_a_name_is_in_our_namespaces_or_opentelemetrys() -> None:
    keys = [attribute.key for attribute in semconv.ATTRIBUTES]
    assert len(keys) == len(set(keys))
    assert [key for key in keys if not key.startswith(OWN) and key not in STANDARD] == []


def test_every_name_is_a_constant() -> None:
    constants = {value for name, value in vars(semconv).items() if name.isupper() and isinstance(value, str)}
    assert {attribute.key for attribute in semconv.ATTRIBUTES} <= constants


def test_every_attribute_is_explained() -> None:
    for attribute in semconv.ATTRIBUTES:
        assert attribute.meaning, attribute.key
        assert attribute.type in {"string", "int", "bool", "double", "JSON", "string[]"}, attribute.key
        assert set(attribute.spans.split(", ")) <= {"all", "execution", "step", "tool call"}, attribute.key


def test_payloads_are_json_and_their_short_names_differ() -> None:
    assert len(set(semconv.PAYLOAD_KEYS.values())) == len(semconv.PAYLOAD_KEYS)
    assert not semconv.PAYLOAD_KEYS.keys() & set(semconv.PAYLOAD_KEYS.values())
    assert {attribute.type for attribute in semconv.ATTRIBUTES if attribute.payload} == {"JSON"}
