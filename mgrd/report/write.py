"""The report of a workspace, written where reports live."""

from pathlib import Path

import polars as pl

from mgrd.errors import DataError
from mgrd.files import whole_file
from mgrd.grounding.surrogate import find_surrogates
from mgrd.report.inputs import ReportInputs
from mgrd.report.page import build_report
from mgrd.report.studies import read_studies
from mgrd.store import Workspace
from schemas import CLAIMS, CLIPS, DECISIONS, LEDGER, METRICS, MODELS, QUESTIONS, TRACES, Table


def write_report(workspace: Workspace, round_: int | None = None) -> Path:
    """Write `reports/report.html` (of a round: `report-round-N.html`) and return its path.

    The file is replaced whole, never half written. `round_` as in `read_inputs`.
    """
    page = build_report(read_inputs(workspace, round_))
    path = workspace.reports / ("report.html" if round_ is None else f"report-round-{round_}.html")
    with whole_file(path) as draft:
        draft.write_text(page, encoding="utf-8")
    return path


def read_inputs(workspace: Workspace, round_: int | None = None) -> ReportInputs:
    """What the report reads; with `round_` the campaign as it stood after that round: nothing of later rounds.

    Raises DataError for a round of which the ledger holds no stage.
    """
    rounds = sorted(workspace.store.read(LEDGER, columns=["round"])["round"].unique())
    if round_ is not None and round_ not in rounds:
        known = ", ".join(map(str, rounds)) or "none; `mgrd run` makes them"
        raise DataError(f"{workspace.root}: no stage of round {round_} has finished; rounds here: {known}")

    def read(table: Table) -> pl.DataFrame:
        if round_ is None:
            return workspace.store.read(table)
        return workspace.store.scan(table).filter(pl.col("round") <= round_).collect()

    return ReportInputs(
        metrics=read(METRICS),
        ledger=read(LEDGER),
        traces=read(TRACES),
        claims=read(CLAIMS),
        decisions=read(DECISIONS),
        clips=workspace.store.read(CLIPS),
        questions=workspace.store.read(QUESTIONS),
        models=read(MODELS),
        settings=workspace.settings.model_dump(mode="json"),
        load_audio=lambda uri: workspace.resolve(uri).read_bytes(),
        surrogate_spans=lambda reasoning: find_surrogates(reasoning).spans,
        studies=read_studies(workspace.reports),
    )
