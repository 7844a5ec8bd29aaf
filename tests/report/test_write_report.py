"""The report of a workspace lands in its reports folder, made from its tables and its audio."""

import json
from pathlib import Path

import campaign_frames as campaign
import pytest
from typer.testing import CliRunner

from mgrd.cli import app
from mgrd.errors import DataError
from mgrd.report import read_inputs, report_document, write_report
from mgrd.store import Workspace, init_workspace
from schemas import CLAIMS, CLIPS, DECISIONS, LEDGER, METRICS, MODELS, QUESTIONS, TRACES


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    root = tmp_path_factory.mktemp("campaign")
    init_workspace(root)
    workspace = Workspace.open(root)
    inputs = campaign.campaign()
    for table in (METRICS, LEDGER, TRACES, CLAIMS, DECISIONS, CLIPS, QUESTIONS, MODELS):
        workspace.store.append(table, getattr(inputs, table.name))
    for uri in inputs.clips["uri"]:
        path = workspace.resolve(uri)
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(campaign.sound(uri))
    return workspace


def test_a_workspace_with_tables_and_audio_gets_its_report(workspace: Workspace) -> None:
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


def test_a_round_is_told_as_it_stood_with_nothing_of_later_ones(workspace: Workspace) -> None:
    whole = write_report(workspace).read_text()
    path = write_report(workspace, 1)
    assert path.name == "report-round-1.html"
    assert (workspace.reports / "report.html").read_text() == whole, "the campaign's report stays"
    page = path.read_text()
    assert "Round 1<" in page
    assert "Round 2" not in page
    document = report_document(read_inputs(workspace, 1))
    assert document["rounds"] == [0, 1]
    assert {example["round"] for example in document["examples"]} == {1}
    assert [one["round"] for one in document["cost"]["rounds"]] == [0, 1]
    assert max(model["round"] for model in document["provenance"]["models"]) == 1
    path.unlink()


def test_a_round_that_never_ran_is_refused_with_those_that_did(workspace: Workspace) -> None:
    with pytest.raises(DataError, match=r"no stage of round 9 has finished; rounds here: 0, 1, 2, 3"):
        write_report(workspace, 9)


def test_an_empty_workspace_has_no_round_to_tell(tmp_path: Path) -> None:
    init_workspace(tmp_path)
    with pytest.raises(DataError, match="rounds here: none; `mgrd run` makes them"):
        read_inputs(Workspace.open(tmp_path), 0)


def test_the_command_prints_the_document_and_writes_no_page(workspace: Workspace) -> None:
    before = sorted(workspace.reports.glob("*")) if workspace.reports.exists() else []
    done = CliRunner().invoke(app, ["report", "--json", "--round", "2", "-w", str(workspace.root)])
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout) == report_document(read_inputs(workspace, 2))
    assert (sorted(workspace.reports.glob("*")) if workspace.reports.exists() else []) == before


def test_the_command_prints_the_path_of_a_rounds_page(workspace: Workspace) -> None:
    done = CliRunner().invoke(app, ["report", "--round", "0", "-w", str(workspace.root)])
    path = Path(done.stdout.strip())
    assert path == workspace.reports / "report-round-0.html"
    assert "cold start" in path.read_text()
    path.unlink()
