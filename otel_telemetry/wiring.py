"""Putting the parts together: `configure` makes a `Telemetry` of a recorder, a processor, a store and its reader."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, Self

from opentelemetry.sdk.trace.sampling import ALWAYS_ON, Sampler

from otel_telemetry import metrics, settings
from otel_telemetry.error_registry import ErrorRegistry
from otel_telemetry.errors import ConfigurationError, MissingExtraError, StoreError
from otel_telemetry.fields import STRUCTURAL
from otel_telemetry.semconv import KIND, SCOPE_NAME
from otel_telemetry.store import TelemetryStore
from otel_telemetry.stores import registry
from otel_telemetry.stores.lease import live_leases
from otel_telemetry.stores.registry import Removing
from otel_telemetry.stores.retention import Retention
from otel_telemetry.stores.spool import destinations as spills
from otel_telemetry.tracing import Instruments, Recorder, inherit
from span_processors.backlog import QueueSettings
from span_processors.forward import ForwardingSink
from span_processors.ids import IdGenerator
from span_processors.lean_tracer import LeanTracerProvider
from span_processors.processor import RedactingSpanProcessor
from span_processors.redaction import RedactionSettings, Redactor

if TYPE_CHECKING:
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SpanExporter

    from otel_telemetry.formats import Source
    from otel_telemetry.reader import Reader
    from otel_telemetry.rows import SpanRow
    from otel_telemetry.settings import Settings
    from span_processors.data import SpanData
    from span_processors.ledger import Health

_IMPORT_BATCH: Final = 1000
_ENDPOINTS: Final = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")


class Telemetry:
    """Everything that `configure` put together. Usable from any thread; `shutdown` is also done at exit.

    Attributes:
        settings: what was configured, and from where.
        store: record by ids, query, export; see `TelemetryStore`.
        processor: the span processor; it can be added to a `TracerProvider` that exists, whose spans are then redacted
            and stored as well.
        tracer_provider: the provider that executions are recorded with. It is not the global one unless asked for.
        errors: which exception means which error code.
        execution, workflow, step, task, tool: the decorators, bound to this telemetry.
    """

    def __init__(
        self,
        configured: Settings,
        *,
        exporters: Sequence[SpanExporter | str],
        redaction: RedactionSettings | None,
        errors: ErrorRegistry | None,
        resource: Resource | None,
        sampler: Sampler,
    ) -> None:
        self.settings = configured
        self.redactor = Redactor(redaction or _redaction(configured), structural=STRUCTURAL)
        self.errors = errors or ErrorRegistry.from_mapping(configured.errors)
        self._exporter = registry.open_exporter(configured.store, redactor=self.redactor, **_durability(configured))
        self.processor = RedactingSpanProcessor(
            redactor=self.redactor,
            queue=QueueSettings(
                max_bytes=configured.queue_size,
                overflow=configured.overflow or "spill",
                block_timeout_s=configured.block_timeout_ms / 1000,
            ),
            inherit=inherit,
            sync=_ends_execution if configured.sync else None,
        )
        metrics.observe(self.processor)
        self.processor.add_sink(self._exporter, spill=spills.for_store(configured, self._exporter))
        for exporter in _exporters(exporters):
            self.processor.add_sink(ForwardingSink(exporter), spill=spills.for_endpoint(configured, exporter))
        self.tracer_provider: TracerProvider = LeanTracerProvider(
            self.processor,
            lean_scope=SCOPE_NAME,
            sampler=sampler,
            resource=resource or _resource(configured),
            id_generator=IdGenerator(),
        )
        self.recorder = Recorder(
            self.tracer_provider,
            redactor=self.redactor,
            errors=self.errors,
            strict=configured.strict,
            on_change=self.processor.announce,
        )
        self._active = None if configured.disabled else self.recorder
        instruments = Instruments(lambda: self._active)
        self.workflow = self.execution = instruments.workflow
        self.step = self.task = instruments.step
        self.tool = instruments.tool
        self._reader: Reader | None = None
        self.store = TelemetryStore(
            self.recorder,
            open_reader=self._open_reader,
            flush=self._flush_store,
            import_source=self._import_source,
            delete=self._delete,
        )
        self._retention = Retention.of(configured, self._exporter)

    def flush(self, timeout: float = 30.0) -> bool:
        """Wait until everything recorded so far is stored and sent.

        Args:
            timeout: seconds to wait at most.

        Returns:
            Whether that is so. False: something still waits, or was dropped (`health` says what).
        """
        return self.processor.force_flush(int(timeout * 1000))

    def shutdown(self, timeout: float | None = None) -> bool:
        """Store what waits, close the store, and record nothing more. Later calls do nothing.

        Args:
            timeout: seconds to wait at most; by default the setting `shutdown_timeout_ms`.

        Returns:
            Whether everything that was ever recorded is stored and sent.
        """
        self._active = None
        if self._retention is not None:
            self._retention.stop()
        seconds = self.settings.shutdown_timeout_ms / 1000 if timeout is None else timeout
        if self._reader is not None:
            self._reader.close()
            self._reader = None
        self.processor.shutdown(seconds)
        return all(sink.pending == 0 and not sink.dropped for sink in self.health().sinks)

    def health(self) -> Health:
        """Return the account of every span: stored, waiting, or dropped with a reason."""
        return self.processor.health()

    def _flush_store(self, timeout: float) -> bool:
        # What is asked is answered by the store, and need not wait for an endpoint that is away.
        return self.processor.force_flush(int(timeout * 1000), stores_only=True)

    def _open_reader(self) -> Reader:
        from otel_telemetry.reader import Reader  # noqa: PLC0415  (SQLAlchemy: most programs that record never read)

        if self._reader is None:
            self._reader = Reader(self._exporter.store(), alive=live_leases)
        return self._reader

    def _import_source(self, source: Source) -> int:
        from otel_telemetry.formats import rows_from  # noqa: PLC0415  (most programs that record never import)

        count = 0
        for batch in _batches(rows_from(source, self.redactor), _IMPORT_BATCH):
            self._exporter.write(batch)
            count += len(batch)
        return count

    def _delete(self, execution_ids: Sequence[str]) -> int:
        if not isinstance(self._exporter, Removing):
            raise StoreError("the configured store cannot remove executions")
        return self._exporter.delete(execution_ids)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.shutdown()


_latest: Telemetry | None = None


def configure(
    store: str | None = None,
    *,
    exporters: Iterable[SpanExporter | str] = (),
    redaction: RedactionSettings | None = None,
    errors: ErrorRegistry | None = None,
    resource: Resource | None = None,
    sampler: Sampler = ALWAYS_ON,
    set_global: bool = False,
    **keywords: Any,
) -> Telemetry:
    """Begin to record. What is not given here is read from the environment, then from TOML (see `Settings`).

    Args:
        store: URL of the store: ``sqlite:///FILE`` (by default ``telemetry.db``), ``memory://`` or ``postgresql://…``.
        exporters: further OpenTelemetry span exporters, or ``"otlp"`` for the standard one. They get redacted spans
            only, and are added to the store, never put in its place. The standard variables
            (``OTEL_EXPORTER_OTLP_ENDPOINT`` …) add ``"otlp"``.
        redaction: what counts as secret; by default made of the settings.
        errors: which exception means which error code; by default the built-in ones and those of the settings.
        resource: what produces the spans; by default ``service.name`` and what ``OTEL_RESOURCE_ATTRIBUTES`` says.
        sampler: which executions to record; by default all.
        set_global: also make the tracer provider the global one, so that other instrumentations' spans are stored too.
        keywords: any field of `Settings`.

    Returns:
        The telemetry. The module's functions (`workflow`, `step`, `tool` …) act on the one configured last.

    Raises:
        ConfigurationError: a setting that cannot work; the message says what to do.
    """
    global _latest  # noqa: PLW0603  (the module's functions act on the telemetry configured last: that is one name)
    configured = settings.load({"store": store, **keywords})
    for name, given, kind in (("redaction", redaction, RedactionSettings), ("errors", errors, ErrorRegistry)):
        if given is not None and not isinstance(given, kind):
            raise ConfigurationError(f"{name} takes an object of {kind.__name__}, not of {type(given).__name__}")
    if isinstance(exporters, str) or not isinstance(exporters, Iterable):
        raise ConfigurationError(f"exporters takes several, such as ('otlp',), not {exporters!r}")
    chosen = [*exporters]
    if any(os.environ.get(name) for name in _ENDPOINTS) and not any(map(_is_otlp, chosen)):
        chosen.append("otlp")
    telemetry = Telemetry(
        configured, exporters=chosen, redaction=redaction, errors=errors, resource=resource, sampler=sampler
    )
    if set_global:
        from opentelemetry.trace import set_tracer_provider  # noqa: PLC0415  (few want it)

        set_tracer_provider(telemetry.tracer_provider)
    _latest = telemetry
    return telemetry


def get_telemetry() -> Telemetry:
    """Return the telemetry configured last.

    Raises:
        ConfigurationError: none was configured.
    """
    if _latest is None:
        raise ConfigurationError("nothing is configured yet: call otel_telemetry.configure() first")
    return _latest


def open_reader(store: str | None = None) -> Reader:
    """Open a store for reading, without recording anything and without creating it.

    Args:
        store: URL of the store; by default what the settings say.

    Raises:
        StoreUnavailableError: there is no store, or it cannot be reached.
    """
    from otel_telemetry.reader import Reader  # noqa: PLC0415  (SQLAlchemy: most programs that record never read)

    return Reader(registry.open_store(store or settings.load().store), alive=live_leases)


def _current_recorder() -> Recorder | None:
    return _latest._active if _latest is not None else None  # noqa: SLF001  (this module's own class)


_instruments: Final = Instruments(_current_recorder)
workflow = execution = _instruments.workflow
step = task = _instruments.step
tool = _instruments.tool


def _batches(rows: Iterable[SpanRow], size: int) -> Iterator[list[SpanRow]]:
    iterator = iter(rows)
    while batch := list(islice(iterator, size)):
        yield batch


def _is_otlp(exporter: SpanExporter | str) -> bool:
    return exporter == "otlp" or type(exporter).__module__.startswith("opentelemetry.exporter.otlp")


def _ends_execution(span: SpanData) -> bool:
    return span.attributes.get(KIND) == "execution"


def _durability(configured: Settings) -> dict[str, str]:
    """Return the backend's option, if it needs one: not every backend knows it."""
    if configured.durability == "normal":
        return {}
    if configured.store.startswith("memory:"):
        raise ConfigurationError("what is in memory survives nothing: durability needs a SQLite or PostgreSQL store")
    return {"durability": configured.durability}


def _exporters(chosen: Iterable[SpanExporter | str]) -> list[SpanExporter]:
    return [_otlp() if exporter == "otlp" else _checked(exporter) for exporter in chosen]


def _checked(exporter: SpanExporter | str) -> SpanExporter:
    if isinstance(exporter, str) or not hasattr(exporter, "export"):
        raise ConfigurationError(f"unknown exporter {exporter!r}: give 'otlp' or an OpenTelemetry SpanExporter")
    return exporter


def _otlp() -> SpanExporter:
    protocol = os.environ.get("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL") or os.environ.get("OTEL_EXPORTER_OTLP_PROTOCOL")
    try:
        if protocol == "grpc":
            from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as Grpc  # noqa: PLC0415

            return Grpc()
        if protocol in {None, "", "http/protobuf"}:
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as Http  # noqa: PLC0415

            return Http()
    except ImportError:
        raise MissingExtraError("sending spans over OTLP", "otlp") from None
    raise ConfigurationError(f"OTEL_EXPORTER_OTLP_PROTOCOL={protocol!r} is unknown: use http/protobuf or grpc")


def _redaction(configured: Settings) -> RedactionSettings:
    try:
        return RedactionSettings(
            redact_inputs=configured.redact_inputs,
            redact_outputs=configured.redact_outputs,
            sensitive_field_patterns=configured.sensitive_field_patterns,
            allow=configured.allow_fields,
            value_patterns=configured.value_patterns,
            max_result_size=configured.max_result_size,
        )
    except ValueError as error:
        raise ConfigurationError(str(error)) from None


def _resource(configured: Settings) -> Resource:
    from opentelemetry.sdk.resources import SERVICE_NAME, Resource  # noqa: PLC0415

    return Resource.create({SERVICE_NAME: configured.service_name} if configured.service_name else {})
