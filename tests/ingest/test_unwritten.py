"""Questions that stand in no table are made again by their id, whatever the settings have become."""

import json
from pathlib import Path

from mgrd.ids import question_key
from mgrd.ingest.probes import PROBES, probe_questions
from mgrd.ingest.text_set import heldout_texts
from mgrd.ingest.unwritten import unwritten_question
from mgrd.store import Workspace
from schemas import CLIPS
from tests.export.made_workspace import make_workspace


def test_a_probe_is_found_by_its_id_under_other_settings(tmp_path: Path) -> None:
    root = make_workspace(tmp_path / "w", clips=4).root
    asked = probe_questions(Workspace.open(root).store.read(CLIPS), count=3, seed=9)
    other = Workspace.open(root, {"spec.evaluation.probes": 0, "spec.seed": 1})
    for row in asked.iter_rows(named=True):
        found = unwritten_question(other, row["question_id"], row["clip_id"])
        assert found is not None
        assert {**found, "split": row["split"]} == row
    unknown = question_key("another clip", PROBES[0], [], "")
    assert unwritten_question(other, unknown, asked["clip_id"][0]) is None


def test_a_text_problem_is_found_generated_or_from_a_file_and_is_none_once_the_file_is_gone(tmp_path: Path) -> None:
    root = make_workspace(tmp_path / "w", clips=4).root
    lines = [{"question": f"What is {n} twice?", "chain": "so.", "answer": str(2 * n)} for n in range(60)]
    file = root / "texts.jsonl"
    file.write_text("\n".join(map(json.dumps, lines)))
    generated = Workspace.open(root)
    of_file = Workspace.open(root, {"spec.training.text": file.name})
    for workspace in (generated, of_file):
        row = heldout_texts(workspace).row(-1, named=True)
        assert unwritten_question(workspace, row["question_id"], None) == row
    file.unlink()
    assert unwritten_question(of_file, row["question_id"], None) is None
