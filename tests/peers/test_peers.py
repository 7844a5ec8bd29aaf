"""The readers we export for read our exports with their own code: the same rows, texts and sounds as our tables."""

import io
from collections import Counter
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import soundfile

from mgrd.export.choices import ExportConfig
from mgrd.export.directory import export_round
from mgrd.export.formats import Format, Purpose
from mgrd.models.render import completion_text
from mgrd.store import Workspace
from schemas import CLIPS, DISTILLED, PREFERENCES, QUESTIONS, TRACES
from tests.export.made_workspace import PROMPT
from tests.peers.conftest import Read
from tests.tiny_model import tiny_model

pytestmark = pytest.mark.peers

Row = dict[str, Any]
AUDIO_PROMPT_TOKENS = 5
"""Of a clip of 0.2 s in a model of 25 audio tokens a second."""


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole Qwen2-Audio checkpoint of a few thousand parameters."""
    return tiny_model(tmp_path_factory.mktemp("model") / "tiny")


def export(workspace: Workspace, out: Path, format_: Format, purpose: Purpose = "sft", *, embed: bool = False) -> Path:
    export_round(workspace, ExportConfig(round=1, format=format_, purpose=purpose, embed_audio=embed), out)
    return out


def shards(folder: Path, split: str = "train", suffix: str = "parquet") -> list[Path]:
    return sorted((folder / "data").glob(f"{split}-*.{suffix}"))


def chains(workspace: Workspace) -> dict[str, Row]:
    """Kept chains by row id: prompt, completion and the clip's row."""
    clips = {row["clip_id"]: row for row in workspace.store.read(CLIPS).iter_rows(named=True)}
    rows = workspace.store.read(DISTILLED, {"round": 1}).iter_rows(named=True)
    return {
        row["row_id"]: {**row, "completion": completion_text(row["reasoning"], row["answer"]), **clips[row["clip_id"]]}
        for row in rows
    }


def pairs(workspace: Workspace) -> Counter[tuple[str, str]]:
    """(chosen, rejected) completions of the round's pairs."""
    texts = {
        row["trace_id"]: completion_text(row["reasoning"], row["answer"])
        for row in workspace.store.read(TRACES).iter_rows(named=True)
    }
    table = workspace.store.read(PREFERENCES).select("chosen_trace_id", "rejected_trace_id")
    return Counter((texts[chosen], texts[rejected]) for chosen, rejected in table.iter_rows())


def samples(workspace: Workspace, row: Row) -> Any:
    return soundfile.read(io.BytesIO((workspace.root / row["uri"]).read_bytes()), dtype="float32")[0]


@pytest.mark.parametrize("embed", [True, False])
def test_datasets_sees_every_row_and_an_audio_feature(
    workspace: Workspace, read: Read, tmp_path: Path, embed: bool
) -> None:
    folder = export(workspace, tmp_path / "x", "hf", embed=embed)
    expected = chains(workspace)
    seen: set[str] = set()
    for split in ("train", "validation"):
        found = read("huggingface", "datasets", folder, "distilled", split)
        assert found["declared"], "the schema's metadata must make `audio` an Audio feature"
        assert found["streamed"] == [row["id"] for row in found["rows"]]
        for row in found["rows"]:
            ours = expected[row["id"]]
            assert row["audio_sha"] == ours["sha256"]
            assert (row["reasoning"], row["answer"]) == (ours["reasoning"], ours["answer"])
            assert row["messages"][1]["content"][0]["text"] == ours["completion"]
            assert row["messages"][0]["content"][1]["text"] == ours["prompt"]
            assert row["grounding"]["claims"][0]["verdict"] == "supported"
        seen |= {row["id"] for row in found["rows"]}
    assert seen == expected.keys()


def test_datasets_sees_text_replay_as_a_config_of_its_own(workspace: Workspace, read: Read, tmp_path: Path) -> None:
    folder = export(workspace, tmp_path / "x", "hf")
    found = read("huggingface", "datasets", folder, "text", "train")
    texts = workspace.store.read(DISTILLED, {"round": 0})
    assert {row["id"] for row in found["rows"]} == set(texts["row_id"])
    assert all(row["audio_sha"] is None and row["audio_tokens"] == 0 for row in found["rows"])


def test_trl_takes_rows_for_conversations_and_renders_prompt_and_completion_apart(
    workspace: Workspace, read: Read, tmp_path: Path, model: Path
) -> None:
    folder = export(workspace, tmp_path / "x", "trl", embed=True)
    expected = chains(workspace)
    rows = [
        row
        for split in ("train", "validation")
        for row in read("huggingface", "trl", folder, "distilled", split, model)
    ]
    assert {row["id"] for row in rows} == expected.keys()
    for row in rows:
        assert row["conversational"]
        assert row["prompt"].count("<|AUDIO|>") == 1
        assert expected[row["id"]]["prompt"] in row["prompt"]
        assert row["completion"] == f"{expected[row['id']]['completion']}<|im_end|>\n"


def test_trl_reads_preference_pairs(workspace: Workspace, read: Read, tmp_path: Path, model: Path) -> None:
    folder = export(workspace, tmp_path / "x", "trl", "dpo")
    rows = [
        row
        for split in ("train", "validation")
        for row in read("huggingface", "trl", folder, "preferences", split, model)
    ]
    end = "<|im_end|>\n"
    assert Counter((r["chosen"].removesuffix(end), r["rejected"].removesuffix(end)) for r in rows) == pairs(workspace)


def test_webdataset_pairs_every_row_with_its_sound(workspace: Workspace, read: Read, tmp_path: Path) -> None:
    folder = export(workspace, tmp_path / "x", "webdataset")
    rows = read("huggingface", "webdataset", *shards(folder, "*", "tar"))
    expected = chains(workspace)
    assert {row["id"] for row in rows} == expected.keys()
    for row in rows:
        assert row["key"] == row["id"]
        assert row["audio_sha"] == expected[row["id"]]["sha256"]
        assert row["messages"][1]["content"][0]["text"] == expected[row["id"]]["completion"]


@pytest.mark.parametrize("embed", [True, False])
def test_swift_loads_and_encodes_what_the_loss_lies_on(
    workspace: Workspace, read: Read, tmp_path: Path, model: Path, embed: bool
) -> None:
    folder = export(workspace, tmp_path / "x", "ms-swift", embed=embed)
    rows = read("ms-swift", "swift", "sft", model, folder / "train.jsonl", folder / "validation.jsonl")
    expected = chains(workspace).values()
    assert Counter(row["learnt"] for row in rows) == Counter(f"{row['completion']}<|im_end|>\n" for row in expected)
    assert Counter(row["messages"][0]["content"] for row in rows) == Counter(
        f"<audio>{row['prompt']}" for row in expected
    )
    assert all(row["audio_tokens"] == 1 for row in rows), "its template leaves one place, which the model widens"
    from transformers import AutoProcessor

    extractor = AutoProcessor.from_pretrained(model).feature_extractor
    features = {
        round(
            float(
                extractor(samples(workspace, row), sampling_rate=16_000, return_tensors="pt")
                .input_features.double()
                .sum()
            ),
            1,
        )
        for row in expected
    }
    assert {round(row["features"][1], 1) for row in rows} == features, "it heard the same sounds"


def test_swift_reads_text_rows_pairs_and_tasks(workspace: Workspace, read: Read, tmp_path: Path, model: Path) -> None:
    texts = export(workspace, tmp_path / "sft", "ms-swift")
    assert len(read("ms-swift", "swift", "sft", model, texts / "text.jsonl")) == 3
    dpo = export(workspace, tmp_path / "dpo", "ms-swift", "dpo")
    rows = read("ms-swift", "swift", "dpo", model, dpo / "train.jsonl", dpo / "validation.jsonl")
    assert Counter((row["messages"][1]["content"], row["rejected"]) for row in rows) == pairs(workspace)
    rl = export(workspace, tmp_path / "rl", "ms-swift", "rl")
    tasks = read("ms-swift", "swift", "rl", model, rl / "train.jsonl", rl / "validation.jsonl")
    questions = workspace.store.read(QUESTIONS)
    assert {row["id"]: row["solution"] for row in tasks} == {
        key: f"<answer>{answer}</answer>" for key, answer in questions.select("question_id", "answer").iter_rows()
    }
    assert all([message["role"] for message in row["messages"]] == ["user"] and row["audios"] for row in tasks)


def test_factory_converts_and_tokenizes_with_the_loss_on_the_completion(
    workspace: Workspace, read: Read, tmp_path: Path, model: Path
) -> None:
    folder = export(workspace, tmp_path / "x", "llama-factory")
    rows = [
        row
        for name in ("mgrd_train", "mgrd_validation")
        for row in read("llama-factory", "factory", folder, name, "sft", model, tmp_path / name)
    ]
    expected = list(chains(workspace).values())
    assert Counter(row["learnt"] for row in rows) == Counter(f"{row['completion']}<|im_end|>\n" for row in expected)
    assert all(row["audio_tokens"] == AUDIO_PROMPT_TOKENS for row in rows)
    heard = Counter(path for row in rows for path in row["audios"])
    assert heard == Counter(str(folder / "audio" / f"{row['clip_id']}.wav") for row in expected)


def test_factory_reads_text_rows_and_pairs(workspace: Workspace, read: Read, tmp_path: Path, model: Path) -> None:
    folder = export(workspace, tmp_path / "sft", "llama-factory")
    texts = read("llama-factory", "factory", folder, "mgrd_text", "sft", model, tmp_path / "t")
    assert len(texts) == 3
    assert all(row["audio_tokens"] == 0 for row in texts)
    dpo = export(workspace, tmp_path / "dpo", "llama-factory", "dpo")
    rows = [
        row
        for name in ("mgrd_train", "mgrd_validation")
        for row in read("llama-factory", "factory", dpo, name, "rm", model, tmp_path / name)
    ]
    end = "<|im_end|>\n"
    learnt = Counter((r["chosen_learnt"].removesuffix(end), r["rejected_learnt"].removesuffix(end)) for r in rows)
    assert learnt == pairs(workspace)


@pytest.mark.parametrize("embed", [True, False])
def test_verl_builds_prompts_with_audio_and_a_ground_truth(
    workspace: Workspace, read: Read, tmp_path: Path, model: Path, embed: bool
) -> None:
    folder = export(workspace, tmp_path / "x", "verl", "rl", embed=embed)
    rows = read("verl", "verl", model, *shards(folder, "*"))
    questions = {row["question_id"]: row for row in workspace.store.read(QUESTIONS).iter_rows(named=True)}
    assert {row["extra_info"]["id"] for row in rows} == questions.keys()
    for row in rows:
        ours = questions[row["extra_info"]["id"]]
        (turn,) = row["raw_prompt"]
        sound, text = turn["content"]
        assert sound["type"] == "audio"
        assert sound["audio"].startswith("data:audio/wav;base64," if embed else str(folder / "audio" / ours["clip_id"]))
        assert text == {"type": "text", "text": PROMPT.render(question=ours["text"], choices=ours["choices"])}
        assert row["reward_model"] == {"style": "rule", "ground_truth": ours["answer"]}


def test_nemo_reads_conversations_and_opens_their_recordings(workspace: Workspace, read: Read, tmp_path: Path) -> None:
    folder = export(workspace, tmp_path / "x", "nemo")
    rows = [row for split in ("train", "validation") for row in read("nemo", "nemo", folder / f"{split}.jsonl")]
    expected = chains(workspace)
    assert {row["id"] for row in rows} == expected.keys()
    for row in rows:
        sound, asked, said = row["turns"]
        ours = samples(workspace, expected[row["id"]])
        assert (sound["samples"], sound["seconds"]) == (len(ours), expected[row["id"]]["duration"])
        assert sound["sum"] == pytest.approx(float(ours.sum()), abs=1e-3)
        assert (asked["role"], asked["text"]) == ("user", expected[row["id"]]["prompt"])
        assert (said["role"], said["text"]) == ("assistant", expected[row["id"]]["completion"])


def test_nemo_reads_text_rows(workspace: Workspace, read: Read, tmp_path: Path) -> None:
    folder = export(workspace, tmp_path / "x", "nemo")
    rows = read("nemo", "nemo", folder / "text.jsonl")
    texts = workspace.store.read(DISTILLED, {"round": 0}).filter(pl.col("origin") == "text")
    assert {row["id"] for row in rows} == set(texts["row_id"])
    assert all(len(row["turns"]) == 2 for row in rows)
