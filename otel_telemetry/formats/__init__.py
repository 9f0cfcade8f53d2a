"""Export of executions to files, streams and servers, and import of what was exported.

A format is any object that has what `Format` asks for. `register` makes it known by its name; so does an entry point of
the group ``otel_telemetry.formats`` in the package that brings it.
"""

from otel_telemetry.formats.base import Format, ReadableFormat, SendableFormat, TableFormat
from otel_telemetry.formats.csv_tables import Csv
from otel_telemetry.formats.exporting import ENDPOINT_SCHEMES, Target, export_to
from otel_telemetry.formats.importing import Source, import_from, rows_from
from otel_telemetry.formats.json_records import Json, JsonLines
from otel_telemetry.formats.otlp import OtlpJson, OtlpProtobuf
from otel_telemetry.formats.redact import redacted
from otel_telemetry.formats.registry import for_file_name, get, names, recognise, register

__all__ = [
    "ENDPOINT_SCHEMES",
    "Csv",
    "Format",
    "Json",
    "JsonLines",
    "OtlpJson",
    "OtlpProtobuf",
    "ReadableFormat",
    "SendableFormat",
    "Source",
    "TableFormat",
    "Target",
    "export_to",
    "for_file_name",
    "get",
    "import_from",
    "names",
    "recognise",
    "redacted",
    "register",
    "rows_from",
]
