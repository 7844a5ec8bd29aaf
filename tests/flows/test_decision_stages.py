"""The stages that decide, on real tables with a tiny model: what each redoes, and what the commands print of it."""

import json
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from mgrd.audio.facts import fact
from mgrd.cli import app
from mgrd.errors import CalibrationError, DataError, EngineError
from mgrd.models.checkpoints import model_sha
from mgrd.models.render import completion_text
from mgrd.selection.overrides import reviewers_wait
from mgrd.store import DatasetRef, Outcome, Stage, Workspace, frame_of, init_workspace, run_stage
from prompts import load_prompt
from schemas import (
    CALIBRATIONS,
    CLAIMS,
    CLIPS,
    COUNTERFACTUALS,
    DECISIONS,
    EVIDENCE,
    LEDGER,
    MODELS,
    OVERRIDES,
    QUARANTINE,
    QUESTIONS,
    TRACES,
)
from tasks.calibrate import calibrate, check_calibration
from tasks.counterfactual import counterfactual
from tasks.decide import decide
from tasks.ground import ground
from tasks.rejudge import compare, sampled_traces, standing_decisions
from tasks.run import Run
from tasks.select import select
from tests.tiny_model import tiny_model, tones

QUESTION = "How does the pitch move?"
RISES, FALLS, QUOTES, CLIMBS = (f"{start}{0:012d}" for start in ("1a00", "1b00", "2c00", "2d00"))
CHAINS = {
    RISES: ("the pitch rises steadily, so it is rising.", "rising"),
    FALLS: ("the pitch falls, so it is falling.", "falling"),
    QUOTES: ("the caption says that it is a rising tone.", "rising"),
    CLIMBS: ("the pitch climbs from low to high.", "falling"),
}
PARTITION: dict[str, int | str] = {"round": 1, "purpose": "distill"}


def key_of(number: int) -> str:
    """A key as the tables want them: 16 hexadecimal digits."""
    return f"{number:016x}"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_model(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture
def root(tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A sampled round of four chains on three rising clips, one chain each and two on the first."""
    monkeypatch.setattr("tasks.select.publish_funnel", lambda *_: None)
    root = tmp_path / "w"
    init_workspace(root)
    workspace = Workspace.open(root)
    store = workspace.store
    audio = {key_of(int(name.removeprefix("clip"))): path for name, path in tones(root / "audio", 3).items()}
    clip = {"sha256": "s", "duration": 1.0, "sample_rate": 16_000, "channels": 1, "domain": "synthetic"}
    clip |= {"source": "s", "licence": "l", "provenance": "p", "split": "pool", "collection": "x"}
    asked = {
        "text": QUESTION,
        "choices": ["rising", "falling"],
        "skill": "contour",
        "split": "pool",
        "origin": "embedded",
    }
    rising = [fact("f0_trend", 9.0, end=1.0), fact("duration", 1.0, end=1.0)]
    facts = {"version": "1", "facts": [one.row() for one in rising], "seconds": 0.1}
    questions = [
        {**asked, "question_id": key_of(i), "clip_id": key_of(i), "answer": answer, "collection": "x", "origin": "o"}
        for i, answer in enumerate(["rising", "rising", "falling"])
    ]
    store.append(CLIPS, frame_of(CLIPS, [{**clip, "clip_id": k, "uri": f"audio/{p.name}"} for k, p in audio.items()]))
    store.append(QUESTIONS, frame_of(QUESTIONS, questions))
    store.append(EVIDENCE, frame_of(EVIDENCE, [{**facts, "clip_id": clip_id} for clip_id in audio]))
    sha = model_sha(model)
    row = {"model_id": sha, "round": 0, "stage": "cold start", "uri": str(model), "template_sha": "t"}
    row |= {"arm": "filtered", "promoted": True, "metrics": "{}"}
    store.append(MODELS, frame_of(MODELS, [row]))
    traces = frame_of(TRACES, [trace(key, i, sha) for i, key in enumerate(CHAINS)])

    def sampled() -> Outcome:
        store.append(TRACES, traces)
        counts = {"sampled": traces.height, "quarantined": 0}
        return Outcome((store.reference(TRACES, PARTITION),), traces.height, counts)

    run_stage(workspace, Stage("sample-distill", 1, 1, {}, {}), sampled)
    return root


def trace(key: str, index: int, model_id: str) -> dict[str, object]:
    reasoning, answer = CHAINS[key]
    prompt = load_prompt("sample/perceive")
    row = dict.fromkeys(("prompt_tokens", "completion_tokens", "reasoning_tokens", "audio_tokens", "seed"), 1)
    row |= {"temperature": 1.0, "top_p": 1.0, "max_new_tokens": 64, "engine": "transformers", "finish_reason": "stop"}
    row |= {"prompt_id": prompt.id, "prompt_sha": prompt.sha, "split": "pool", "problems": [], **PARTITION}
    place = max(0, index - 1)
    row |= {"trace_id": key, "question_id": key_of(place), "clip_id": key_of(place), "sample_index": index}
    said = {"reasoning": reasoning, "answer": answer, "choice": answer, "correct": answer == "rising"}
    return {**row, **said, "raw_text": completion_text(reasoning, answer), "model_id": model_id}


def decided(root: Path, **overrides: object) -> DatasetRef:
    """A round's stages from its chains to training rows, without an orchestrator."""
    dotted = {f"spec.{name.replace('__', '.')}": value for name, value in overrides.items()}
    run = Run.model_validate({"workspace": str(root), "overrides": dotted})
    traces = sampled_traces.fn(run, 1)
    checked = ground.fn(run, 1, traces)
    share = run.open().settings.spec.counterfactual.share
    gains = counterfactual.fn(run, 1, traces, checked) if share else None
    decisions = decide.fn(run, 1, traces, checked, None, gains)
    select.fn(run, 1, traces, decisions)
    return decisions


def rows(root: Path) -> dict[str, dict]:
    return {row["trace_id"]: row for row in Workspace.open(root).store.read(DECISIONS).iter_rows(named=True)}


def vote(root: Path, trace_id: str, verdict: str, reviewer: str = "ann", at: int = 0) -> None:
    row = {"override_id": f"{trace_id}{reviewer}{at}", "trace_id": trace_id, "reviewer": reviewer, "verdict": verdict}
    made = {"seconds": 2.0, "made_at": f"2026-01-01T00:00:{at:02d}Z", "reason": "heard it twice"}
    Workspace.open(root).store.append(OVERRIDES, frame_of(OVERRIDES, [{**row, **made}]))


def ran(root: Path) -> dict[str, int]:
    return dict(Workspace.open(root).store.read(LEDGER)["stage"].value_counts().iter_rows())


def test_a_round_is_decided_once_and_again_only_where_something_changed(root: Path) -> None:
    first = decided(root)
    assert {key: row["decision"] for key, row in rows(root).items()} == {
        RISES: "kept", FALLS: "rejected", QUOTES: "rejected", CLIMBS: "rejected",
    }  # fmt: skip
    before = ran(root)
    assert decided(root).digest == first.digest
    assert ran(root) == before
    decided(root, policy__reasons__silence_margin="reject")
    assert ran(root)["ground-distill"] == before["ground-distill"] + 1
    assert ran(root)["sample-distill"] == 1


def test_a_vote_decides_anew_without_grounding_anew_and_its_withdrawal_undoes_it(root: Path) -> None:
    automatic = decided(root)
    assert not reviewers_wait(Workspace.open(root), 1)
    vote(root, FALLS, "grounded")
    vote(root, RISES, "not_grounded")
    assert reviewers_wait(Workspace.open(root), 1)
    decided(root)
    assert not reviewers_wait(Workspace.open(root), 1)
    settled = rows(root)
    assert (settled[RISES]["decision"], settled[RISES]["decided_by"]) == (
        "rejected",
        "override",
    )
    assert settled[FALLS]["reasons"] == ["wrong_answer"], "grounded or not, the answer is wrong"
    assert "contradicted_claim" in settled[FALLS]["warnings"]
    assert ran(root)["ground-distill"] == 1
    for key in (RISES, FALLS):
        vote(root, key, "withdrawn", at=1)
    assert decided(root).digest == automatic.digest


def test_counterfactuals_are_scored_once_and_a_killed_stage_scores_what_is_owed(root: Path) -> None:
    decided(root, counterfactual__share=1.0)
    store = Workspace.open(root).store
    whole = store.read(COUNTERFACTUALS).sort("trace_id")
    assert whole["trace_id"].to_list() == list(CHAINS)
    assert {row["decided_by"] for row in rows(root).values()} == {"checks+counterfactual"}
    placed = {gain["claim_id"]: gain for row in whole["claims"] for gain in row}
    assert set(placed) == set(store.read(CLAIMS)["claim_id"])
    assert all(gain["tokens"] > 0 for gain in placed.values())
    *others, last = whole["swap_clip_id"]
    assert others == [key_of(2)] * 3, "the only clip whose answer is falling"
    assert last in {key_of(0), key_of(1)}
    survived = whole.filter(pl.col("trace_id") != RISES).with_columns(silence_margin=pl.lit(7.0))
    store.replace(COUNTERFACTUALS, survived, PARTITION)
    store.replace(LEDGER, store.read(LEDGER).filter(pl.col("stage") != "counterfactual-distill"), {})
    decided(root, counterfactual__share=1.0)
    again = store.read(COUNTERFACTUALS).sort("trace_id")
    assert again["silence_margin"].to_list()[1:] == [7.0] * 3, "what was committed is not scored again"
    assert again["silence_margin"][0] == pytest.approx(whole["silence_margin"][0], abs=1e-4)
    decided(root)
    assert {row["decided_by"] for row in rows(root).values()} == {"checks"}, "switched off again"


def test_chains_that_cannot_be_scored_are_told_and_stop_the_stage_when_they_are_many(root: Path) -> None:
    store = Workspace.open(root).store
    clips = store.read(CLIPS).with_columns(
        uri=pl.when(pl.col("clip_id") == key_of(2)).then(pl.lit("gone.wav")).otherwise("uri")
    )
    store.replace(CLIPS, clips, {})
    with pytest.raises(EngineError, match=r"4 of 4 rows failed, more than runtime\.fail_on_error"):
        decided(root, counterfactual__share=1.0)
    assert store.read(QUARANTINE)["stage"].unique().to_list() == ["counterfactual-distill"]


def test_a_checkpoint_that_is_gone_is_named(root: Path) -> None:
    store = Workspace.open(root).store
    store.replace(MODELS, store.read(MODELS).with_columns(uri=pl.lit("models/gone")), {})
    with pytest.raises(EngineError, match=r"checkpoint .* restore it, or set spec\.counterfactual\.share = 0"):
        decided(root, counterfactual__share=1.0)


def test_rejudging_tells_what_moved(root: Path) -> None:
    decided(root)
    run = Run(workspace=str(root))
    before = standing_decisions.fn(run, 1)
    vote(root, RISES, "not_grounded")
    after = decided(root, policy__reasons__surrogate="warn", policy__min_supported=0)
    distilled = Workspace.open(root).store.reference(DECISIONS, PARTITION)
    found = compare.fn(run, before, after, distilled)
    assert found["moves"] == {"kept->rejected": 1, "rejected->kept": 1, "rejected->rejected": 2}
    assert (found["changed"], found["kept"], found["chains"]) == (2, 1, 4)
    assert found["reasons"]["after"]["reviewer_not_grounded"] == 1


def test_a_round_that_was_not_sampled_is_refused_by_name(root: Path) -> None:
    with pytest.raises(DataError, match=r"round 7 has no sampled chains \(rounds with some: 1\)"):
        sampled_traces.fn(Run(workspace=str(root)), 7)


def test_calibration_is_stored_and_opens_or_shuts_the_gate(root: Path, tmp_path: Path) -> None:
    decided(root)
    run = Run(workspace=str(root), overrides={"spec.gate.min_kappa": 0.9})
    with pytest.raises(CalibrationError, match="there is none"):
        check_calibration.fn(run)
    with pytest.raises(CalibrationError, match="no chain of this workspace has a label"):
        calibrate.fn(run)
    for key in (RISES, CLIMBS):
        vote(root, key, "grounded")
    labels = tmp_path / "labels.jsonl"
    given = [{"trace_id": FALLS, "verdict": "not_grounded"}, {"trace_id": "none", "verdict": "grounded"}]
    labels.write_text("\n".join([*map(json.dumps, given), "{torn"]))
    found = calibrate.fn(run, str(labels), 0.9)
    assert (found["labels"], found["unknown"], found["split"], len(found["bad"])) == (3, 1, 0, 1)
    assert {row["signal"]: row["kappa"] for row in found["signals"]} == {"policy": 1.0, "checks": 1.0}
    json.dumps(found)
    check_calibration.fn(run)
    vote(root, QUOTES, "grounded")
    vote(root, RISES, "not_grounded", at=1)
    calibrate.fn(run, str(labels), 0.9)
    assert Workspace.open(root).store.read(CALIBRATIONS).height == 4
    with pytest.raises(CalibrationError, match="on 4 labelled chains the policy's kappa is"):
        check_calibration.fn(run)
    with pytest.raises(DataError, match="no such file"):
        calibrate.fn(run, str(tmp_path / "none.jsonl"))


def explain(root: Path, *arguments: str) -> str:
    done = CliRunner().invoke(app, ["explain", *arguments, "-w", str(root)], catch_exceptions=False)
    assert done.exit_code == 0
    return done.output


def test_explain_shows_chain_claims_signals_and_decision(root: Path) -> None:
    vote(root, FALLS, "not_grounded")
    decided(root, counterfactual__share=1.0)
    text = explain(root, "1b")
    for part in (
        FALLS,
        QUESTION,
        "pitch falls[1-]",
        "contradicted",
        "semitones",
        "wrong; right is rising",
        "counterfactual",
    ):
        assert part in text
    for part in ("override", "not_grounded by ann", "reviewer_not_grounded", "rejected (score 0.00, by override)"):
        assert part in text
    assert "[surrogate]" in explain(root, QUOTES)
    assert "\x1b" not in text, "no colours where there is no terminal"


def test_explain_prints_json_for_scripts(root: Path) -> None:
    decided(root, counterfactual__share=1.0)
    found = json.loads(explain(root, RISES, "--json"))
    assert found["decision"]["decision"] == "kept"
    (claim, *_) = found["claims"]
    assert found["reasoning"][claim["start"] : claim["end"]] == claim["text"]
    assert (claim["verdict"], claim["measured"], claim["measured_unit"]) == ("supported", 9.0, "semitones")
    assert claim["silence_gain"] is not None
    assert found["counterfactual"]["silence_margin"] != 0
    assert found["verdicts"] == found["overrides"] == []


def test_explain_of_a_chain_before_its_decision(root: Path) -> None:
    assert "none yet; `mgrd run` grounds and decides" in explain(root, RISES)


@pytest.mark.parametrize(
    ("beginning", "message"),
    [
        ("9", "no trace of .* begins with '9'; ids are"),
        ("1", "2 traces begin with '1': 1a00000000000000, 1b00000000000000; give more digits"),
    ],
)
def test_an_unknown_or_ambiguous_id_says_what_to_do(root: Path, beginning: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        CliRunner().invoke(app, ["explain", beginning, "-w", str(root)], catch_exceptions=False)


def test_what_a_chain_hides_is_shown_and_not_obeyed(root: Path) -> None:
    store = Workspace.open(root).store
    evil = "\x1b[2Jthe pitch rises\u202e\ud800[bold]".encode("utf-8", "replace").decode()
    store.replace(TRACES, store.read(TRACES).with_columns(reasoning=pl.lit(evil)), PARTITION)
    decided(root)
    text = explain(root, RISES)
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "[bold]" in text
