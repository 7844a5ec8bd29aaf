"""Decontamination as a stage: what the campaign is measured on is neither asked nor trained on."""

import json
from pathlib import Path

import contract_frames as synthetic
import numpy as np
import polars as pl
import pytest
import soundfile

from mgrd.errors import ConfigError, ContractError
from mgrd.ids import clip_key, sha256_file
from mgrd.store import Workspace, frame_of, init_workspace
from schemas import CLAIMS, CLIPS, DECISIONS, DISTILLED, LEDGER, OVERLAPS, QUESTIONS, TRACES
from tasks.contracts import check_round
from tasks.decontaminate import decontaminate
from tasks.rows import questions_of
from tasks.run import Run
from tasks.texts import replay_rows

RATE = 16_000
WORDING = "which of the four instruments enters last in this recording"
SETTINGS = '[[spec.decontamination.benchmarks]]\nname = "mmau"\ndata = "mmau"\n'


def melody(seed: int) -> np.ndarray:
    """Three seconds of short notes of random pitch over some noise."""
    draw = np.random.default_rng(seed)
    times = np.arange(RATE // 4) / RATE
    notes = [np.sin(2 * np.pi * draw.uniform(150, 900) * times) * np.exp(-4 * times) for _ in range(12)]
    sound = np.concatenate(notes)
    return (0.3 * sound + 0.01 * draw.standard_normal(len(sound))).astype(np.float32)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """Pool clips 0 to 3 and test clip 4, which is clip 1 as an MP3; a benchmark holds clip 2 and asks question 3."""
    settings = tmp_path / "settings.toml"
    settings.write_text(SETTINGS)
    root = tmp_path / "w"
    init_workspace(root, settings)
    (root / "audio").mkdir()
    (root / "mmau").mkdir()
    workspace = Workspace.open(root)
    clips, questions = synthetic.clips(5).to_dicts(), synthetic.questions(5).to_dicts()
    for number, (clip, question) in enumerate(zip(clips, questions, strict=True)):
        held = number == 4
        path = root / "audio" / f"{number}.{'mp3' if held else 'wav'}"
        soundfile.write(path, melody(1 if held else number), RATE)
        split = "test" if held else "pool"
        sha = sha256_file(path)
        clip |= {
            "sha256": sha,
            "clip_id": clip_key(sha),
            "uri": f"audio/{path.name}",
            "split": split,
            "source": str(number),
        }
        question |= {"clip_id": clip["clip_id"], "split": split}
    questions[3]["text"] = f"Tell me, {WORDING}?"
    workspace.store.append(CLIPS, frame_of(CLIPS, clips))
    workspace.store.append(QUESTIONS, frame_of(QUESTIONS, questions))
    soundfile.write(root / "mmau" / "held.wav", 0.3 * melody(2), RATE)
    soundfile.write(root / "mmau" / "other.wav", melody(99), RATE)
    item = {"choices": ["a", "b"], "answer": "a"}
    rows = [
        item | {"id": "m1", "audio_id": "held.wav", "question": "What is it?"},
        item | {"id": "m2", "audio_id": "other.wav", "question": WORDING},
    ]
    (root / "mmau" / "mmau.json").write_text(json.dumps(rows))
    return workspace


def run_of(workspace: Workspace) -> Run:
    return Run(workspace=str(workspace.root))


def test_near_duplicates_of_held_out_clips_and_benchmark_items_are_left_out_of_the_pool(workspace: Workspace) -> None:
    before = questions_of(workspace, "pool", "test")
    decontaminate.fn(run_of(workspace))
    questions, clips = workspace.store.read(QUESTIONS), workspace.store.read(CLIPS)
    found = {row["question_id"]: (row["benchmark"], row["other"], row["reason"])
             for row in workspace.store.read(OVERLAPS).iter_rows(named=True)}  # fmt: skip
    keys = synthetic.questions(5)["question_id"]
    held = clips.filter(pl.col("split") == "test")["clip_id"].item()
    assert found == {
        keys[1]: ("held-out", held, "audio"), keys[2]: ("mmau", "m1", "audio"), keys[3]: ("mmau", "m2", "question")
    }  # fmt: skip
    left = questions_of(workspace, "pool", "test")
    assert set(left["question_id"]) == {keys[0], keys[4]}, "held-out questions stay: they are what is measured on"
    assert before.height == questions.height == 5


def test_text_rows_of_a_file_that_a_benchmark_asks_are_not_replayed(workspace: Workspace) -> None:
    asked = [f"What is {number} and {number} together?" for number in range(60)]
    asked += [f"Somebody asks {WORDING}, number {number}?" for number in range(10)]
    lines = [json.dumps({"question": text, "chain": "so it is.", "answer": "b"}) for text in asked]
    (workspace.root / "texts.jsonl").write_text("\n".join(lines))
    run = Run(workspace=str(workspace.root), overrides={"spec.training.text": "texts.jsonl"})
    before = replay_rows(run.open())
    decontaminate.fn(run)
    left = replay_rows(run.open())
    taken = before.filter(pl.col("prompt").str.contains(WORDING))
    assert taken.height
    assert left.equals(before.filter(~pl.col("prompt").str.contains(WORDING)))
    found = workspace.store.read(OVERLAPS).filter(pl.col("clip_id").is_null())
    assert set(found["question_id"]) == set(taken["question_id"])
    assert set(found.select("benchmark", "other", "reason").rows()) == {("mmau", "m2", "question")}
    (entry,) = workspace.store.read(LEDGER).iter_rows(named=True)
    assert (entry["rows_in"], json.loads(entry["counts"])["overlapping"]) == (4 + before.height, 3 + taken.height)


def test_it_is_done_once_and_again_when_a_benchmark_is_changed(workspace: Workspace) -> None:
    decontaminate.fn(run_of(workspace))
    decontaminate.fn(run_of(workspace))
    assert workspace.store.read(LEDGER).height == 1
    (workspace.root / "mmau" / "mmau.json").write_text("[]")
    reference = decontaminate.fn(run_of(workspace))
    assert (workspace.store.read(LEDGER).height, reference.rows) == (2, 1)


def test_a_benchmark_that_is_not_there_is_an_error_and_not_a_clean_bill(workspace: Workspace) -> None:
    (workspace.root / "mmau").rename(workspace.root / "elsewhere")
    with pytest.raises(ConfigError, match=r"spec\.decontamination\.benchmarks: no files at mmau: .*correct `data`"):
        decontaminate.fn(run_of(workspace))


def test_a_round_whose_training_rows_overlap_is_stopped_before_it_trains(workspace: Workspace) -> None:
    """As when a round is decided anew on chains that were sampled before the benchmark was named."""
    decontaminate.fn(run_of(workspace))
    store = workspace.store
    clips = dict(store.read(QUESTIONS).select("question_id", "clip_id").iter_rows())
    asked = [{**row, "clip_id": clips[row["question_id"]]} for row in synthetic.traces(5).to_dicts()]
    store.append(TRACES, frame_of(TRACES, [{**row, "purpose": "distill", "split": "pool"} for row in asked[:4]]))
    rows = [row for row in synthetic.distilled().to_dicts() if row["question_id"] in clips]
    rows = [{**row, "clip_id": clips[row["question_id"]]} for row in rows]
    store.append(DISTILLED, frame_of(DISTILLED, rows))
    store.append(CLAIMS, synthetic.claims(4))
    store.append(DECISIONS, synthetic.decisions(4))
    sampled: dict[str, int | str] = {"round": 1, "purpose": "distill"}
    with pytest.raises(ContractError, match=rf"table distilled: 1 rows overlap with held-out.*{rows[0]['row_id']}"):
        check_round.fn(
            run_of(workspace),
            1,
            store.reference(TRACES, sampled),
            store.reference(DECISIONS, sampled),
            store.reference(DISTILLED, {"round": 1}),
        )
