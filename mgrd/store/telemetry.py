"""What outside observers are told of a stage: OpenLineage events, OpenTelemetry spans and metrics.

Nothing is sent, and nothing imported, unless the variables that these systems define are set: `OPENLINEAGE_URL` (or
`OPENLINEAGE_CONFIG`), `OTEL_EXPORTER_OTLP_ENDPOINT` (or its variants for traces and metrics). Both need the extra
`observability`. An observer that is out of reach is told of in the log and stops nothing. Rows, prompts and replies
are never sent: only names, counts, versions and the message of an error, and never the value of a key.
"""

import logging
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from mgrd.errors import ConfigError
from mgrd.settings import Settings
from mgrd.store.delta import DatasetRef, Store
from mgrd.store.ledger import Outcome
from mgrd.store.secrets import secrets_of, starred
from schemas import TABLES

LOGGER = logging.getLogger("mgrd")
NAMESPACE = "mgrd"
PRODUCER = "https://github.com/openlineage/openlineage/tree/main/client/python"
FLUSH_MILLISECONDS = 3_000
UNREACHED_SECONDS = 60.0  # until an endpoint that could not be reached is tried again
LINEAGE = ("OPENLINEAGE_URL", "OPENLINEAGE_CONFIG")
TELEMETRY = tuple(f"OTEL_EXPORTER_OTLP_{part}ENDPOINT" for part in ("", "TRACES_", "METRICS_"))


_flows: list[Any] = []
"""Spans of the flows that this process is in, innermost last. A list, not OpenTelemetry's own context: the
orchestrator puts spans of its own there."""


@dataclass(slots=True)
class Told:
    """What a stage tells its observers when it is done."""

    outcome: Outcome | None = None


@contextmanager
def observed(store: Store, settings: Settings, name: str, round_: int, inputs: Mapping[str, str]) -> Iterator[Told]:
    """Tell the observers of a stage that runs in the block: that it starts, and how it ends."""
    told = Told()
    observers: list[_Lineage | _Telemetry] = []
    if any(os.environ.get(name) for name in LINEAGE):
        observers.append(_Lineage(store, name, round_, inputs))
    if any(os.environ.get(name) for name in TELEMETRY):
        observers.append(_Telemetry(name, round_))
    for observer in observers:
        _tell(observer.started)
    try:
        yield told
    except BaseException as error:
        message = starred(f"{type(error).__name__}: {error}", secrets_of(settings))
        for observer in observers:
            _tell(observer.failed, message)
        raise
    if told.outcome is not None:
        for observer in observers:
            _tell(observer.finished, told.outcome)


@contextmanager
def traced_flow(settings: Settings, name: str, round_: int | None = None) -> Iterator[None]:
    """A span around the block, parent of the spans of the flows and stages in it."""
    if not any(os.environ.get(name) for name in TELEMETRY):
        yield
        return
    from opentelemetry.trace import Status, StatusCode

    told = _instruments()
    attributes = {} if round_ is None else {"mgrd.round": round_}
    span = told.tracer.start_span(f"flow {name}", context=_around(), attributes={"mgrd.flow": name, **attributes})
    _flows.append(span)
    try:
        yield
    except BaseException as error:
        span.set_status(Status(StatusCode.ERROR, starred(f"{type(error).__name__}: {error}", secrets_of(settings))))
        raise
    finally:
        _flows.remove(span)
        span.end()
        _tell(told.flush)


def _around() -> Any:
    """The context of the innermost flow; none outside of flows."""
    from opentelemetry.trace import set_span_in_context

    return set_span_in_context(_flows[-1]) if _flows else None


def _tell(say: Any, *what: object) -> None:
    try:
        say(*what)
    except ConfigError:
        raise
    except Exception as error:
        LOGGER.warning("an observer could not be told: %s: %s", type(error).__name__, error)


class _Lineage:
    """OpenLineage: a run per stage, with the tables that it reads and writes and their versions."""

    def __init__(self, store: Store, stage: str, round_: int, inputs: Mapping[str, str]) -> None:
        from openlineage.client.uuid import generate_new_uuid

        self.store = store
        self.stage = stage
        self.round = round_
        self.inputs = inputs
        self.run_id = str(generate_new_uuid())

    def started(self) -> None:
        self._emit("START", (), {})

    def finished(self, outcome: Outcome) -> None:
        self._emit("COMPLETE", outcome.outputs, {})

    def failed(self, message: str) -> None:
        from openlineage.client.facet_v2 import error_message_run

        facet = error_message_run.ErrorMessageRunFacet(message=message, programmingLanguage="python")
        self._emit("FAIL", (), {"errorMessage": facet})

    def _emit(self, kind: str, outputs: Sequence[DatasetRef], facets: dict[str, Any]) -> None:
        from openlineage.client.event_v2 import InputDataset, Job, OutputDataset, Run, RunEvent, RunState
        from openlineage.client.facet_v2 import dataset_version_dataset, output_statistics_output_dataset

        def version(text: str) -> dict[str, Any]:
            return {"version": dataset_version_dataset.DatasetVersionDatasetFacet(datasetVersion=text)}

        read = [
            InputDataset(*self._place(table), facets=version(digest))
            for table, digest in self.inputs.items()
            if table in TABLES
        ]
        written = [
            OutputDataset(
                *self._place(ref.table),
                facets=version(str(ref.version)),
                outputFacets={
                    "outputStatistics": output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet(
                        rowCount=ref.rows
                    )
                },
            )
            for ref in outputs
        ]
        _lineage_client().emit(
            RunEvent(
                eventTime=datetime.now(UTC).isoformat(),
                producer=PRODUCER,
                run=Run(self.run_id, facets),
                job=Job(NAMESPACE, f"round-{self.round:02d}.{self.stage.replace(' ', '-')}"),
                eventType=RunState[kind],
                inputs=read,
                outputs=written,
            )
        )

    def _place(self, table: str) -> tuple[str, str]:
        """Namespace and name of a table, as OpenLineage names files and objects."""
        location = self.store.location(TABLES[table])
        parts = urlsplit(location)
        return (f"{parts.scheme}://{parts.netloc}", parts.path.lstrip("/")) if parts.scheme else ("file", location)


class _Telemetry:
    """OpenTelemetry: a span per stage, below its flows'; counters of rows, tokens, money, a histogram of seconds."""

    def __init__(self, stage: str, round_: int) -> None:
        self.instruments = _instruments()
        self.attributes: dict[str, Any] = {"mgrd.stage": stage, "mgrd.round": round_}
        tracer = self.instruments.tracer
        self.span = tracer.start_span(f"stage {stage}", context=_around(), attributes=self.attributes)
        self.began = time.perf_counter()

    def started(self) -> None:
        """The span was started when this was made."""

    def finished(self, outcome: Outcome) -> None:
        counts = {f"mgrd.rows.{name.replace('/', '.')}": count for name, count in outcome.accounted.items()}
        self.span.set_attributes(
            {"mgrd.rows_in": outcome.rows_in, "mgrd.tokens": outcome.tokens, "mgrd.cost": outcome.cost, **counts}
        )
        told = self.instruments
        told.rows.add(outcome.rows_in, self.attributes)
        told.tokens.add(outcome.tokens, self.attributes)
        told.cost.add(outcome.cost, self.attributes)
        self._ended()

    def failed(self, message: str) -> None:
        from opentelemetry.trace import Status, StatusCode

        self.span.set_status(Status(StatusCode.ERROR, message))
        self.instruments.failures.add(1, self.attributes)
        self._ended()

    def _ended(self) -> None:
        self.instruments.seconds.record(time.perf_counter() - self.began, self.attributes)
        self.span.end()
        self.instruments.flush()


@dataclass(frozen=True, slots=True)
class _Instruments:
    tracer: Any
    rows: Any
    tokens: Any
    cost: Any
    failures: Any
    seconds: Any
    flush: Any
    close: Any


@cache
def _lineage_client() -> "_Endpoint":
    try:
        from openlineage.client import OpenLineageClient
    except ImportError as error:
        raise _missing("OPENLINEAGE_URL") from error
    return _Endpoint(OpenLineageClient())


class _Endpoint:
    """Where run events go. One that could not be reached is left alone for a while, and so are those events: the client
    tries for nine seconds each time, which a campaign would wait for twice a stage."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._left_alone_until = 0.0

    def emit(self, event: Any) -> None:
        if time.monotonic() < self._left_alone_until:
            return
        try:
            self._client.emit(event)
        except Exception:
            self._left_alone_until = time.monotonic() + UNREACHED_SECONDS
            raise


@cache
def _instruments() -> _Instruments:
    """Providers of this process alone: other libraries' spans are their own affair."""
    try:
        from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.metrics import MeterProvider
        from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as error:
        raise _missing("OTEL_EXPORTER_OTLP_ENDPOINT") from error
    resource = Resource.create({"service.name": os.environ.get("OTEL_SERVICE_NAME", "mgrd")})
    traces = TracerProvider(resource=resource)
    traces.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    metrics = MeterProvider(resource=resource, metric_readers=[PeriodicExportingMetricReader(OTLPMetricExporter())])
    meter = metrics.get_meter("mgrd")

    def flush() -> None:
        traces.force_flush(FLUSH_MILLISECONDS)
        metrics.force_flush(FLUSH_MILLISECONDS)

    def close() -> None:
        traces.shutdown()
        metrics.shutdown()

    return _Instruments(
        tracer=traces.get_tracer("mgrd"),
        rows=meter.create_counter("mgrd.rows", description="rows that stages took in"),
        tokens=meter.create_counter("mgrd.tokens", description="tokens that stages wrote and read"),
        cost=meter.create_counter("mgrd.cost", description="money that judges cost"),
        failures=meter.create_counter("mgrd.stage.failures", description="stages that ended in an error"),
        seconds=meter.create_histogram("mgrd.stage.duration", unit="s", description="time of a stage"),
        flush=flush,
        close=close,
    )


def _missing(variable: str) -> ConfigError:
    return ConfigError(f"{variable} is set, but what it needs is not installed: install the extra `observability`")
