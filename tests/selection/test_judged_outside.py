"""A judge over chains from elsewhere, and a model that reads claims: both through a real server on loopback."""

import json
from pathlib import Path

import pytest
import soundfile
from typer.testing import CliRunner

from mgrd.cli import app
from mgrd.errors import ConfigError, JudgeError
from mgrd.grounding.claims import extract_claims
from mgrd.judging.mock import Answer, MockJudge, good, serving
from mgrd.selection.extraction import extract_chains, extractor_identity
from mgrd.selection.outside import OutsideFilter
from mgrd.settings import ClaimsSpec, JudgeSpec, PanelSpec
from tests.audio.sounds import RATE, glide

UP, DOWN = "the pitch rises", "the pitch falls"


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mgrd.serving.connection.FIRST_PAUSE", 0.01)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    soundfile.write(tmp_path / "up.wav", glide(200, 450, 2.0), RATE)
    row = {
        "audio": "up.wav",
        "question": "How does the pitch move?",
        "choices": ["rising", "falling"],
        "answer": "rising",
    }
    rows = [{**row, "id": "good", "chain": UP}, {**row, "id": "refuted", "chain": DOWN}]
    rows.append({**row, "id": "low", "chain": f"{UP}, clearly"})
    (tmp_path / "chains.jsonl").write_text("\n".join([*map(json.dumps, rows), "{torn"]))
    return tmp_path


def panel_of(server: MockJudge, **keys: object) -> PanelSpec:
    judge = {"base_url": server.url, "model": "m", "attempts": 2, **keys}
    return PanelSpec(judges=(JudgeSpec.model_validate(judge),))


def write_settings(folder: Path, server: MockJudge) -> None:
    text = f'[[spec.panel.judges]]\nbase_url = "{server.url}"\nmodel = "m"\nattempts = 1\n'
    (folder / "mgrd.toml").write_text(text)


def script(request: dict, _: int) -> Answer:
    return good(acoustic_grounding=1) if "clearly" in request["messages"][0]["content"] else good()


def test_the_judge_is_asked_about_what_passed_and_its_low_score_rejects(folder: Path) -> None:
    with serving(script) as server:
        write_settings(folder, server)
        arguments = ["ground", str(folder / "chains.jsonl"), "--judge", "--json", "-w", str(folder)]
        done = CliRunner().invoke(app, arguments, catch_exceptions=False)
        assert len(server.requests) == 2, "what the clip refutes costs nothing"
        again = CliRunner().invoke(app, arguments, catch_exceptions=False)
        assert len(server.requests) == 2, "replies are kept beside the settings"
    results = [json.loads(line) for line in done.output.splitlines()]
    assert [(r["id"], r["decision"]) for r in results] == [
        ("good", "kept"), ("refuted", "rejected"), ("low", "rejected"), (None, "unscored"),
    ]  # fmt: skip
    assert results[2]["reasons"] == ["judge_grounding"]
    assert results[0]["judge"]["scores"]["acoustic_grounding"] >= 3
    assert "judge" not in results[1]
    assert again.output == done.output


def test_without_judge_nobody_is_asked(folder: Path) -> None:
    with serving(script) as server:
        write_settings(folder, server)
        arguments = ["ground", str(folder / "chains.jsonl"), "--json", "-w", str(folder)]
        results = [json.loads(line) for line in CliRunner().invoke(app, arguments).output.splitlines()]
        assert not server.requests
    assert [r["kept"] for r in results] == [True, False, True, False]


def test_the_policy_of_the_workspace_decides(folder: Path) -> None:
    (folder / "mgrd.toml").write_text(
        '[spec.policy.reasons]\ncontradicted_claim = "warn"\nno_supported_claim = "warn"\n'
    )
    arguments = ["ground", str(folder / "chains.jsonl"), "--json", "-w", str(folder)]
    results = [json.loads(line) for line in CliRunner().invoke(app, arguments).output.splitlines()]
    assert results[1]["kept"]
    assert results[1]["warnings"] == ["no_supported_claim", "contradicted_claim"]


def test_a_judge_out_of_reach_leaves_chains_unscored_and_fails_at_the_end(folder: Path) -> None:
    with serving(lambda *_: Answer("no", status=401)) as server:
        write_settings(folder, server)
        done = CliRunner().invoke(app, ["ground", str(folder / "chains.jsonl"), "--judge", "--json", "-w", str(folder)])
    results = [json.loads(line) for line in done.output.splitlines() if line.startswith("{")]
    assert [r["decision"] for r in results] == ["unscored", "rejected", "unscored", "unscored"]
    assert isinstance(done.exception, JudgeError)


def test_a_judge_that_is_not_set_is_asked_for(folder: Path) -> None:
    with pytest.raises(ConfigError, match=r"\[\[spec\.panel\.judges\]\]"):
        CliRunner().invoke(
            app, ["ground", str(folder / "chains.jsonl"), "--judge", "-w", str(folder)], catch_exceptions=False
        )


def test_rows_are_judged_in_parts_and_keep_their_order(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mgrd.selection.outside.JUDGED_TOGETHER", 2)
    lines = (folder / "chains.jsonl").read_text().splitlines() * 2
    with serving(script) as server:
        results = list(OutsideFilter(panel=panel_of(server)).decide_rows(lines, folder))
    assert [r["id"] for r in results] == ["good", "refuted", "low", None] * 2
    assert [r["decision"] for r in results] == ["kept", "rejected", "rejected", "unscored"] * 2


def claims_reply(*quotes: str) -> str:
    item = {
        "attribute": "contour",
        "word": "rising",
        "value": None,
        "relation": "is",
        "negated": False,
        "hedged": False,
    }
    places = dict.fromkeys(("time_start", "time_end", "time_unit", "subject", "reference"))
    return json.dumps({"claims": [{**item, **places, "quote": quote} for quote in quotes]})


CHAINS = {"a": UP, "b": "it goes up and up", "c": ""}


def test_a_model_reads_claims_once_and_its_replies_are_kept(tmp_path: Path) -> None:
    def reads(request: dict, _: int) -> Answer:
        return Answer(claims_reply("goes up" if "goes up" in request["messages"][0]["content"] else "pitch rises"))

    spec = ClaimsSpec(extractor="llm")
    with serving(reads) as server:
        panel = panel_of(server)
        found = extract_chains(CHAINS, spec, panel, tmp_path)
        assert len(server.requests) == 2, "nothing is asked about an empty chain"
        assert extract_chains(CHAINS, spec, panel, tmp_path) == found
        assert len(server.requests) == 2
    assert {key: [claim.text for claim in read.claims] for key, read in found.items()} == {
        "a": ["pitch rises"], "b": ["goes up"], "c": [],
    }  # fmt: skip
    assert all(read.readable for read in found.values())


def test_a_model_that_cannot_be_read_leaves_the_chain_open_or_to_the_grammar(tmp_path: Path) -> None:
    with serving(lambda *_: Answer("I would rather not.")) as server:
        alone = extract_chains({"a": UP}, ClaimsSpec(extractor="llm"), panel_of(server), tmp_path)
        both = extract_chains({"a": UP}, ClaimsSpec(extractor="both"), panel_of(server), tmp_path / "other")
    assert (alone["a"].readable, alone["a"].claims) == (False, ())
    assert both["a"].claims == tuple(extract_claims(UP))
    with serving(lambda *_: Answer("down", status=503)) as server:
        down = extract_chains({"a": UP}, ClaimsSpec(extractor="both"), panel_of(server), None)
    assert down["a"].claims == tuple(extract_claims(UP))


def test_a_server_that_refuses_all_stops_the_reading(tmp_path: Path) -> None:
    with serving(lambda *_: Answer("no", status=401)) as server, pytest.raises(JudgeError, match="refuses"):
        extract_chains(CHAINS, ClaimsSpec(extractor="llm"), panel_of(server), tmp_path)


def test_who_reads_the_claims_is_part_of_what_they_depend_on() -> None:
    panel = PanelSpec(judges=(JudgeSpec(base_url="http://localhost/v1", model="m"),))
    grammar = extractor_identity(ClaimsSpec(), panel)
    assert grammar == extractor_identity(ClaimsSpec(), None), "another judge grounds nothing anew"
    other = PanelSpec(judges=(JudgeSpec(base_url="http://localhost/v1", model="n"),))
    llm = ClaimsSpec(extractor="llm")
    assert len({str(extractor_identity(llm, panel)), str(extractor_identity(llm, other)), str(grammar)}) == 3
