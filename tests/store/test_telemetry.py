"""What observers are told of a stage, through the systems' own clients and real receivers on loopback."""

import gzip
import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from openlineage.client.transport.http_common import DEFAULT_RETRY_CONFIG
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from mgrd.errors import JudgeError
from mgrd.store import Outcome, Stage, Workspace, frame_of, init_workspace, run_stage, telemetry
from schemas import METRICS

KEY = "planted-key-31415"
SETTINGS = """
[[spec.panel.judges]]
base_url = "http://127.0.0.1:9/v1"
model = "m"
api_key_env = "PLANTED_KEY"
"""


class Receiver:
    """A server that keeps the bodies of what is posted, by path."""

    def __init__(self) -> None:
        self.bodies: list[tuple[str, bytes]] = []
        bodies = self.bodies

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                bodies.append((self.path, gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body))
                self.send_response(200)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class names it so
                """Quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    for name in (*telemetry.LINEAGE, *telemetry.TELEMETRY):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PLANTED_KEY", KEY)
    telemetry._lineage_client.cache_clear()
    telemetry._instruments.cache_clear()
    made = Receiver()
    yield made
    if telemetry._instruments.cache_info().currsize:
        telemetry._instruments().close()
    made.server.shutdown()


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    settings = tmp_path / "settings.toml"
    settings.write_text(SETTINGS)
    init_workspace(tmp_path / "w", settings)
    return Workspace.open(tmp_path / "w")


STAGE = Stage("evaluate", 1, 1, {}, {"metrics": "d0", "model": "m1"})


def scored(workspace: Workspace) -> Outcome:
    row = {"round": 1, "split": "dev", "name": "accuracy", "value": 0.5, "low": 0.4, "high": 0.6, "n": 300}
    workspace.store.replace(METRICS, frame_of(METRICS, [row]), {"round": 1})
    return Outcome((workspace.store.reference(METRICS, {"round": 1}),), 1, {"scored": 1}, tokens=7, cost=0.25)


def refused() -> Outcome:
    raise JudgeError(f"the judge refused the key {KEY}")


def test_openlineage_hears_of_the_tables_that_a_stage_reads_and_writes(
    receiver: Receiver, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENLINEAGE_URL", receiver.url)
    run_stage(workspace, STAGE, lambda: scored(workspace))
    start, complete = (json.loads(body) for _, body in receiver.bodies)
    assert (start["eventType"], complete["eventType"]) == ("START", "COMPLETE")
    assert start["run"]["runId"] == complete["run"]["runId"]
    assert complete["job"] == {"namespace": "mgrd", "name": "round-01.evaluate", "facets": {}}
    place = workspace.store.location(METRICS)
    assert [(one["namespace"], one["name"]) for one in complete["inputs"]] == [("file", place)]
    (written,) = complete["outputs"]
    assert written["name"] == place
    assert written["outputFacets"]["outputStatistics"]["rowCount"] == 1


def test_a_failed_stage_is_told_without_the_key_that_its_error_repeats(
    receiver: Receiver, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENLINEAGE_URL", receiver.url)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.url)
    with pytest.raises(JudgeError):
        run_stage(workspace, STAGE, refused)
    sent = b"".join(body for _, body in receiver.bodies)
    assert b"the judge refused the key ***" in sent
    assert KEY.encode() not in sent
    assert {path for path, _ in receiver.bodies} == {"/api/v1/lineage", "/v1/traces", "/v1/metrics"}


def test_opentelemetry_gets_a_span_and_metrics_of_a_stage(
    receiver: Receiver, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.url)
    run_stage(workspace, STAGE, lambda: scored(workspace))
    traces = next(ExportTraceServiceRequest.FromString(body) for path, body in receiver.bodies if path == "/v1/traces")
    (span,) = traces.resource_spans[0].scope_spans[0].spans
    told = {one.key: one.value for one in span.attributes}
    assert span.name == "stage evaluate"
    assert (told["mgrd.round"].int_value, told["mgrd.rows.scored"].int_value) == (1, 1)
    (body,) = [body for path, body in receiver.bodies if path == "/v1/metrics"]
    scope = ExportMetricsServiceRequest.FromString(body).resource_metrics[0].scope_metrics[0]
    values = {metric.name: metric for metric in scope.metrics}
    assert values["mgrd.tokens"].sum.data_points[0].as_int == 7
    assert values["mgrd.cost"].sum.data_points[0].as_double == 0.25
    assert values["mgrd.stage.duration"].histogram.data_points[0].count == 1


def test_stages_stand_below_the_flows_that_they_run_in_and_a_flow_that_fails_says_why_without_the_key(
    receiver: Receiver, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.url)
    settings = workspace.settings
    with telemetry.traced_flow(settings, "distill"):
        with telemetry.traced_flow(settings, "distill round", 1):
            run_stage(workspace, STAGE, lambda: scored(workspace))
        with pytest.raises(JudgeError), telemetry.traced_flow(settings, "distill round", 2):
            refused()
    run_stage(workspace, Stage("promote", 1, 1, {}, {}), lambda: Outcome((), 0, {}))
    bodies = [ExportTraceServiceRequest.FromString(body) for path, body in receiver.bodies if path == "/v1/traces"]
    spans = [span for body in bodies for span in body.resource_spans[0].scope_spans[0].spans]
    assert [span.name for span in spans] == [
        "stage evaluate", "flow distill round", "flow distill round", "flow distill", "stage promote"
    ]  # fmt: skip
    stage, round_, failed, campaign, alone = spans
    assert (stage.parent_span_id, round_.parent_span_id, failed.parent_span_id) == (
        round_.span_id, campaign.span_id, campaign.span_id
    )  # fmt: skip
    assert {span.trace_id for span in spans[:4]} == {campaign.trace_id} != {alone.trace_id}
    assert not campaign.parent_span_id
    assert not alone.parent_span_id
    assert failed.status.message == "JudgeError: the judge refused the key ***"
    assert {one.key: one.value.int_value for one in round_.attributes}["mgrd.round"] == 1


def test_an_observer_that_is_out_of_reach_stops_nothing(
    receiver: Receiver, workspace: Workspace, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    receiver.server.shutdown()
    receiver.server.server_close()
    monkeypatch.setenv("OPENLINEAGE_URL", receiver.url)
    monkeypatch.setitem(DEFAULT_RETRY_CONFIG, "total", 0)  # five tries take nine seconds
    _, ran = run_stage(workspace, STAGE, lambda: scored(workspace))
    assert ran
    assert caplog.text.count("an observer could not be told") == 1, "its end is not waited for again"
    telemetry._lineage_client.cache_clear()  # as a minute later
    monkeypatch.setattr(telemetry, "UNREACHED_SECONDS", 0.0)
    run_stage(workspace, replace(STAGE, version=2), lambda: scored(workspace))
    assert caplog.text.count("an observer could not be told") == 3, "later it is tried again"


def test_without_their_variables_nothing_is_imported(receiver: Receiver, workspace: Workspace) -> None:
    run_stage(workspace, STAGE, lambda: scored(workspace))
    assert not receiver.bodies
    assert telemetry._lineage_client.cache_info().currsize == telemetry._instruments.cache_info().currsize == 0
