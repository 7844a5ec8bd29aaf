"""Our rules beside the owners' scripts: constructed predictions, and what each script printed of them.

`owners/<benchmark>.json` holds made rows and replies, corner cases among them, with the accuracy (per cent, two
digits), the rows counted and the accuracies by group as the owners' published script printed them of these predictions.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from mgrd.evaluation.benchmarks import named, score_predictions

OWNERS = Path(__file__).parent / "owners"
FILES = {
    "mmau": "mmau-test-mini.json",
    "mmar": "MMAR-meta.jsonl",
    "mmsu": "train.jsonl",
    "air-bench": "Foundation_meta.json",
    "spoken-mqa-text": "rows.jsonl",
    "spoken-mqa-list": "rows.jsonl",
}


@pytest.mark.parametrize("fixture", FILES)
def test_the_same_predictions_score_as_the_owners_script_printed(fixture: str, tmp_path: Path) -> None:
    held: dict[str, Any] = json.loads((OWNERS / f"{fixture}.json").read_text())
    file = tmp_path / FILES[fixture]
    lines = "".join(f"{json.dumps(row)}\n" for row in held["rows"])
    file.write_text(lines if file.suffix == ".jsonl" else json.dumps(held["rows"]))
    family = named(fixture.removesuffix("-text").removesuffix("-list"))
    score = score_predictions(family, family.read(tmp_path, tmp_path / "scratch"), held["predictions"])
    assert score.official is not None
    assert 100 * score.official == pytest.approx(held["percent"], abs=0.0051)
    assert len(held["predictions"]) - score.left_out == held["counted"]
    ours = {value: found for group in score.official_groups.values() for value, found in group.items()}
    for value, (percent, counted) in held["percent_of"].items():
        assert 100 * ours[value][0] == pytest.approx(percent, abs=0.0051), value
        assert counted in (None, ours[value][1]), value
    assert score.strict <= score.official or fixture.startswith("mmsu"), "what is missing is wrong"
