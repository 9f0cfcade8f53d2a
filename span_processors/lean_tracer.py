"""A tracer provider for whoever records many spans, and gives them to one processor only."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from opentelemetry.sdk.trace import SpanLimits, TracerProvider
from opentelemetry.sdk.trace import Tracer as SdkTracer
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON, Decision, Sampler
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import (
    NonRecordingSpan,
    NoOpTracer,
    Span,
    SpanContext,
    SpanKind,
    TraceFlags,
    Tracer,
    get_current_span,
)

from span_processors.current import SPAN_KEY, Entry, current, entry_at
from span_processors.data import CleanAttributes
from span_processors.lean_span import LeanSpan

if TYPE_CHECKING:
    from collections.abc import Sequence

    from opentelemetry.context import Context
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import SpanProcessor
    from opentelemetry.sdk.trace.id_generator import IdGenerator
    from opentelemetry.trace import Link, TraceState
    from opentelemetry.util.types import Attributes

    from span_processors.processor import RedactingSpanProcessor

_SAMPLED: Final = 1
_RANDOM: Final = 2
"""The trace flag that says that the trace id is random, of the W3C's Trace Context Level 2."""
_NEW_TRACE: Final = TraceFlags(_SAMPLED | _RANDOM)


class LeanTracerProvider(TracerProvider):
    """A provider with one processor, whose spans in one scope are `LeanSpan`s.

    Such a span costs a fifth of the SDK's. It is told to no other processor, which may count on more than a public
    interface: from the moment another one is added, new spans are the SDK's own. Those of other scopes always are.
    """

    def __init__(
        self,
        processor: RedactingSpanProcessor,
        *,
        lean_scope: str,
        sampler: Sampler,
        resource: Resource,
        id_generator: IdGenerator,
    ) -> None:
        """Make a provider.

        Args:
            processor: gets the spans.
            lean_scope: the name of the scope.
            sampler: decides which spans there are.
            resource: what produces them.
            id_generator: draws their ids, all bits at random.
        """
        # A limit that cuts text would cut the JSON of a payload in two; payloads have a limit of their own.
        self._lean_limits = SpanLimits(
            max_attribute_length=SpanLimits.UNSET, max_span_attribute_length=SpanLimits.UNSET
        )
        super().__init__(
            sampler=sampler,
            resource=resource,
            id_generator=id_generator,
            span_limits=self._lean_limits,
            shutdown_on_exit=False,
        )
        self._lean_scope = lean_scope
        self._lean_processor = processor
        self.has_one_processor = True
        super().add_span_processor(processor)

    def add_span_processor(self, span_processor: SpanProcessor) -> None:
        """Add a processor; new spans are the SDK's own from now on."""
        self.has_one_processor = False
        super().add_span_processor(span_processor)

    def get_tracer(
        self,
        instrumenting_module_name: str,
        instrumenting_library_version: str | None = None,
        schema_url: str | None = None,
        attributes: Attributes = None,
    ) -> Tracer:
        """Return the tracer of a scope; one that does nothing where no span of the lean scope is ever sampled."""
        if instrumenting_module_name == self._lean_scope and self.sampler is ALWAYS_OFF:
            return NoOpTracer()
        tracer = super().get_tracer(instrumenting_module_name, instrumenting_library_version, schema_url, attributes)
        if instrumenting_module_name != self._lean_scope or not isinstance(tracer, SdkTracer):
            return tracer
        scope = InstrumentationScope(
            instrumenting_module_name, instrumenting_library_version or "", schema_url, attributes
        )
        return LeanTracer(self, tracer, scope, self._lean_processor, self._lean_limits)


class LeanTracer(Tracer):
    """Starts spans of one scope.

    Attributes:
        scope: the scope.
        limits: how much a span may hold.
        on_end: takes a span that has ended.
    """

    def __init__(
        self,
        provider: LeanTracerProvider,
        full: SdkTracer,
        scope: InstrumentationScope,
        processor: RedactingSpanProcessor,
        limits: SpanLimits,
    ) -> None:
        """Make a tracer.

        Args:
            provider: whose tracer it is.
            full: the SDK's tracer for the same scope, for what is not lean.
            scope: the scope.
            processor: gets the spans.
            limits: how much a span may hold.
        """
        self._provider = provider
        self._full = full
        self.scope = scope
        self.limits = limits
        self._opened = processor.opened
        self.on_end = processor.on_end
        self._sampler = None if provider.sampler is ALWAYS_ON else provider.sampler
        self._new_trace_id = provider.id_generator.generate_trace_id
        self._new_span_id = provider.id_generator.generate_span_id

    @property
    def resource(self) -> Resource:
        """What produces the spans."""
        return self._provider.resource  # asked for each time: the SDK changes it in the child of a fork

    def start_span(  # noqa: PLR0917  (the API's signature)
        self,
        name: str,
        context: Context | None = None,
        kind: SpanKind = SpanKind.INTERNAL,
        attributes: Attributes = None,
        links: Sequence[Link] | None = (),
        start_time: int | None = None,
        record_exception: bool = True,  # noqa: FBT001, FBT002  (the API's signature)
        set_status_on_exception: bool = True,  # noqa: FBT001, FBT002
    ) -> Span:
        """Start a span, as the API says."""
        is_usual = kind is SpanKind.INTERNAL and not links and record_exception and set_status_on_exception
        if not (is_usual and self._provider.has_one_processor):
            return self._full.start_span(
                name, context, kind, attributes, links, start_time, record_exception, set_status_on_exception
            )
        around = (current() if context is None else context).get(SPAN_KEY)
        parent_id: int | None
        if around.__class__ is LeanSpan:
            trace_id, parent_id, flags, state = around.trace_id, around.span_id, around.flags, around.trace_state
            remote: SpanContext | None = None
            entry = around._span_processors_entry  # noqa: SLF001  (private to hosts, not to us)
        else:
            trace_id, parent_id, flags, state, remote = self._from_others(context)
            entry = Entry() if remote is not None else None if parent_id is None else entry_at(around)
        if self._sampler is not None:
            verdict = self._sampler.should_sample(context, trace_id, name, kind, attributes, links)
            state = verdict.trace_state
            if verdict.attributes != attributes:
                attributes = verdict.attributes  # the sampler's own are not clean
            if verdict.decision is not Decision.RECORD_AND_SAMPLE:
                flags = TraceFlags(flags & ~_SAMPLED)
                return NonRecordingSpan(
                    SpanContext(trace_id, self._new_span_id(), is_remote=False, trace_flags=flags, trace_state=state)
                )
        if start_time is None:
            start_time = time.time_ns()
        span = LeanSpan(self, name, trace_id, self._new_span_id(), flags, state, parent_id, start_time)
        if entry is not None:
            span.remote_parent, span._span_processors_entry = remote, entry  # noqa: SLF001
        if attributes.__class__ is CleanAttributes:
            span.clean = attributes
        elif attributes:
            span.set_attributes(attributes)
        self._opened(span)
        return span

    def _from_others(
        self, context: Context | None
    ) -> tuple[int, int | None, TraceFlags, TraceState | None, SpanContext | None]:
        """Return what a span inherits where its parent is none of ours: the last is the parent, if that is remote."""
        parent = get_current_span(context).get_span_context()
        if not parent.is_valid:
            return self._new_trace_id(), None, _NEW_TRACE, None, None
        flags = TraceFlags(parent.trace_flags | _SAMPLED)
        return parent.trace_id, parent.span_id, flags, parent.trace_state, parent if parent.is_remote else None

    def start_as_current_span(self, *arguments: Any, **options: Any) -> Any:
        """Start a span that is the current one in a block, as the API says."""
        return self._full.start_as_current_span(*arguments, **options)
