"""The report of a workspace, written where reports live."""

from pathlib import Path

from mgrd.grounding.surrogate import find_surrogates
from mgrd.report.inputs import ReportInputs
from mgrd.report.page import build_report
from mgrd.store import Workspace
from schemas import CLAIMS, CLIPS, DECISIONS, LEDGER, METRICS, MODELS, QUESTIONS, TRACES

FILE = "report.html"


def write_report(workspace: Workspace) -> Path:
    """Write `reports/report.html` and return its path. The file is replaced whole, never half written."""
    read = workspace.store.read
    inputs = ReportInputs(
        metrics=read(METRICS),
        ledger=read(LEDGER),
        traces=read(TRACES),
        claims=read(CLAIMS),
        decisions=read(DECISIONS),
        clips=read(CLIPS),
        questions=read(QUESTIONS),
        models=read(MODELS),
        settings=workspace.settings.model_dump(mode="json"),
        load_audio=lambda uri: workspace.resolve(uri).read_bytes(),
        surrogate_spans=lambda reasoning: find_surrogates(reasoning).spans,
    )
    workspace.reports.mkdir(parents=True, exist_ok=True)
    path = workspace.reports / FILE
    draft = path.with_suffix(".draft")
    draft.write_text(build_report(inputs), encoding="utf-8")
    draft.replace(path)
    return path
