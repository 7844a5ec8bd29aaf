"""The report of a workspace lands in its reports folder, made from its tables and its audio."""

from pathlib import Path

import campaign_frames as campaign

from mgrd.report import write_report
from mgrd.store import Workspace, init_workspace
from schemas import CLAIMS, CLIPS, DECISIONS, LEDGER, METRICS, MODELS, QUESTIONS, TRACES


def test_a_workspace_with_tables_and_audio_gets_its_report(tmp_path: Path) -> None:
    init_workspace(tmp_path)
    workspace = Workspace.open(tmp_path)
    inputs = campaign.campaign()
    for table in (METRICS, LEDGER, TRACES, CLAIMS, DECISIONS, CLIPS, QUESTIONS, MODELS):
        workspace.store.append(table, getattr(inputs, table.name))
    for uri in inputs.clips["uri"]:
        path = workspace.resolve(uri)
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(campaign.sound(uri))
    path = write_report(workspace)
    html = path.read_text()
    assert path.parent == workspace.reports
    assert [file.name for file in workspace.reports.iterdir()] == [path.name]
    assert html.count("data:audio/wav") == 10
    assert '<mark class="surrogate">The transcript says hello there.</mark>' in html
    assert "spec.selection.arm" in html


def test_an_empty_workspace_gets_a_report_that_says_so(tmp_path: Path) -> None:
    init_workspace(tmp_path)
    assert "No round has sampled yet" in write_report(Workspace.open(tmp_path)).read_text()
