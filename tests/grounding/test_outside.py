"""Outside chains: exact shapes, one measurement per clip, and bad rows that stop nothing."""

import json
from pathlib import Path

import pytest
import soundfile
from typer.testing import CliRunner

from mgrd.audio.evidence import measure_file
from mgrd.audio.facts import FACT_UNITS, Fact
from mgrd.cli import app
from mgrd.grounding.checking.verdicts import UNREAD
from mgrd.grounding.outside import same_answer
from mgrd.selection.outside import OutsideFilter
from tests.audio.sounds import RATE, glide, placed, tone


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    soundfile.write(tmp_path / "up.wav", glide(200, 450, 2.0), RATE)
    soundfile.write(tmp_path / "beeps.wav", placed([(0.2 + 0.4 * k, tone(500, 0.15)) for k in range(4)], 2.0), RATE)
    (tmp_path / "bad.wav").write_bytes(b"RIFF?")
    return tmp_path


def row(**fields: object) -> str:
    base = {"id": 1, "audio": "up.wav", "question": "How does the pitch move?", "choices": ["rising", "falling"]}
    return json.dumps(base | {"answer": "rising", "chain": "the pitch rises"} | fields)


def decided(lines: list[str], folder: Path) -> list[dict[str, object]]:
    return list(OutsideFilter().decide_rows(lines, folder))


def test_a_row_comes_back_with_its_claims(folder: Path) -> None:
    text = "<think>\nthe pitch climbs from low to high.</think>\n\nrising"
    (result,) = decided([row(id="a", chain=text, gold="rising")], folder)
    assert (result["id"], result["kept"], result["reasons"]) == ("a", True, [])
    claims = result["claims"]
    assert isinstance(claims, list)
    (claim,) = claims
    assert set(claim) == {"start", "end", "attribute", "verdict", "claimed", "measured", "unit", "time"}
    assert text[claim["start"] : claim["end"]] == "pitch climbs from low to high"
    assert (claim["attribute"], claim["verdict"], claim["unit"]) == ("contour", "supported", "semitones")
    assert claim["measured"] == pytest.approx(14, abs=1.5)
    json.dumps(result)


COUNTED = {"question": "How many sounds are there?", "choices": ["three", "four"]}


@pytest.mark.parametrize(
    ("fields", "reasons"),
    [
        ({"chain": "the pitch falls"}, ["no_supported_claim", "contradicted_claim"]),
        ({"gold": "falling"}, ["wrong_answer"]),
        ({"chain": ""}, ["no_reasoning"]),
        ({"chain": "the caption says it rises"}, ["no_supported_claim", "surrogate"]),
        ({"audio": "beeps.wav", "chain": "i hear four beeps", "answer": "four", "gold": "four", **COUNTED}, []),
        ({"audio": "beeps.wav", "chain": "i hear four beeps"}, ["irrelevant_claims"]),
        ({"audio": "bad.wav"}, ["unscored", "bad_audio"]),
        ({"audio": "none.wav"}, ["unscored", "bad_audio"]),
        ({"audio": ""}, ["unscored", "bad_row"]),
        ({"audio": 3}, ["unscored", "bad_row"]),
        ({"chain": None}, ["unscored", "bad_row"]),
        ({"choices": "rising"}, ["unscored", "bad_row"]),
        ({"answer": ["rising"]}, ["unscored", "bad_row"]),
    ],
)
def test_reasons_of_rows(folder: Path, fields: dict[str, object], reasons: list[str]) -> None:
    (result,) = decided([row(**fields)], folder)
    assert (result["reasons"], result["kept"]) == (reasons, not reasons)
    assert ("message" in result) == (result["decision"] == "unscored") == ("unscored" in reasons)


def test_bad_lines_stop_nothing_and_keep_their_order(folder: Path) -> None:
    lines = ["{torn", "", "[1]", row(id=4), '{"id": 5}']
    results = decided(lines, folder)
    assert [result["reasons"] for result in results] == [
        ["unscored", "bad_row"],
        ["unscored", "bad_row"],
        [],
        ["unscored", "bad_row"],
    ]
    assert [result["id"] for result in results] == [None, None, 4, 5]


def test_a_clip_is_measured_once(folder: Path) -> None:
    calls: list[Path] = []

    def counting(path: Path) -> list[Fact]:
        calls.append(path)
        return measure_file(path)

    lines = [row(id=k, audio=name) for k in range(3) for name in ("up.wav", "bad.wav", str(folder / "up.wav"))]
    assert len(list(OutsideFilter().decide_rows(lines, folder, counting))) == 9
    assert len(calls) == 2


@pytest.mark.parametrize(
    ("answer", "gold", "same"),
    [
        ("Rising.", "rising", True),
        (" rising ", "rising", True),
        ("A", "rising", True),
        ("(b) falling", "falling", True),
        ("(a) falling", "falling", False),
        ("falling", "rising", False),
        ("the pitch is rising", "rising", False),
        (None, "rising", False),
    ],
)
def test_answers_are_the_same_but_for_their_dress(answer: str | None, gold: str, same: bool) -> None:
    assert same_answer(answer, gold, ("rising", "falling")) is same


def test_the_ground_command_prints_one_object_a_line(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = folder / "chains.jsonl"
    file.write_text("\n".join([row(id=1), row(id=2, chain="the pitch falls"), "{torn"]))
    done = CliRunner().invoke(app, ["ground", str(file), "--json"])
    assert done.exit_code == 0, done.output
    assert [json.loads(line)["kept"] for line in done.output.splitlines()] == [True, False, False]
    monkeypatch.chdir(folder)
    piped = CliRunner().invoke(app, ["ground", "-", "--json"], input=file.read_text())
    assert piped.output == done.output
    assert "1 of 3 chains kept, 1 rejected, 1 unscored" in CliRunner().invoke(app, ["ground", str(file)]).output


def test_a_claim_that_is_open_for_its_reading_says_so(folder: Path) -> None:
    file = folder / "chains.jsonl"
    file.write_text(row(id=1, chain="The pitch climbs. It has a vibrato hugger."))
    done = CliRunner().invoke(app, ["ground", str(file), "--json"])
    assert [claim.get("note") for claim in json.loads(done.output)["claims"]] == [None, UNREAD]
    assert f"; {UNREAD})" in CliRunner().invoke(app, ["ground", str(file)], env={"COLUMNS": "200"}).output


def test_the_measure_command_names_bad_files_and_measures_the_rest(folder: Path) -> None:
    files = [str(folder / name) for name in ("bad.wav", "up.wav")]
    done = CliRunner().invoke(app, ["measure", *files, "--json"])
    bad, good = (json.loads(line) for line in done.stdout.splitlines())
    assert done.exit_code == 1
    assert "corrupt" in bad["error"]
    assert (bad["path"], good["path"]) == tuple(files)
    for fact in good["facts"]:
        assert set(fact) == {"name", "value", "unit", "start", "end", "reliability"}
        assert fact["unit"] == FACT_UNITS[fact["name"]]
    table = CliRunner().invoke(app, ["measure", files[1]])
    assert table.exit_code == 0
    assert "f0_median" in table.output
