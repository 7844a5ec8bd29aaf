"""The pages over HTTP: what they show, what they hide, and what they refuse."""

import json
import re
from collections.abc import Iterator

import polars as pl
import pytest
from fastapi.testclient import TestClient
from review_workspace import HOSTILE, add_judge, add_traces, trace_row, traces_of
from typer.testing import CliRunner

from mgrd.cli import app
from mgrd.errors import ConfigError
from mgrd.grounding.checking.verdicts import UNREAD
from mgrd.report.explain import explain_trace
from mgrd.review.access import NAME, Access, csrf_token
from mgrd.review.app import make_app
from mgrd.store import Workspace, frame_of
from schemas import CLIPS, OVERRIDES, QUARANTINE, QUESTIONS

BASE = "http://127.0.0.1:8765"


@pytest.fixture
def client(workspace: Workspace) -> Iterator[TestClient]:
    with TestClient(make_app(workspace, Access(reviewer="ann")), base_url=BASE) as client:
        yield client


def post(client: TestClient, path: str, **form: str):
    client.get("/queue")
    return client.post(path, data=form, headers={"X-CSRF-Token": csrf_token(client.cookies["mgrd_session"])})


def test_model_text_is_escaped_and_no_page_may_run_inline_script(client: TestClient, workspace: Workspace) -> None:
    hostile = traces_of(workspace).filter(pl.col("reasoning") == HOSTILE)["trace_id"][0]
    for path in (f"/item/{hostile}", f"/diff/{hostile}", "/queue?queue=all&q=hurt"):
        answer = client.get(path)
        assert answer.status_code == 200
        assert "<script>window" not in answer.text
        assert "<img src=x" not in answer.text
        assert "&lt;script&gt;" in answer.text
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "script-src 'self';" in policy
        assert "unsafe" not in policy
        assert not re.search(r"<script(?![^>]*src=)|\son\w+=\"|style=\"", answer.text)


def test_an_open_claim_says_why_wherever_it_is_shown_but_in_blind_mode(workspace: Workspace) -> None:
    question = workspace.store.read(QUESTIONS).to_dicts()[0]
    chain = trace_row(question, 2, 7, "It builds a nervous tension, so the answer is rising.")
    add_traces(workspace.store, [chain])
    trace_id = str(chain["trace_id"])
    with TestClient(make_app(workspace, Access(reviewer="ann")), base_url=BASE) as client:
        assert UNREAD in client.get(f"/item/{trace_id}").text
        assert UNREAD not in client.get(f"/item/{trace_id}?blind=1").text
    assert [claim["note"] for claim in explain_trace(workspace, trace_id)["claims"]] == [UNREAD]
    shown = CliRunner().invoke(app, ["explain", trace_id, "-w", str(workspace.root)]).output
    assert "unverifiable" in shown
    assert "unread" in shown


def test_a_search_is_shown_as_text(client: TestClient) -> None:
    answer = client.get("/queue", params={"q": "<script>alert(1)</script>", "queue": "all"})
    assert "<script>alert" not in answer.text


@pytest.mark.parametrize("missing", ["token", "session", "both"])
def test_a_write_without_its_guard_is_refused(client: TestClient, workspace: Workspace, missing: str) -> None:
    client.get("/queue")
    headers = {"X-CSRF-Token": csrf_token(client.cookies["mgrd_session"])} if missing == "session" else {}
    if missing != "token":
        client.cookies.clear()
    form = {"trace_id": traces_of(workspace)["trace_id"][0], "verdict": "grounded"}
    assert client.post("/verdicts", data=form, headers=headers).status_code == 403
    assert workspace.store.read(OVERRIDES).is_empty()


def test_a_write_from_another_site_is_refused_even_with_the_token(client: TestClient, workspace: Workspace) -> None:
    client.get("/queue")
    headers = {"X-CSRF-Token": csrf_token(client.cookies["mgrd_session"]), "Sec-Fetch-Site": "cross-site"}
    form = {"trace_id": traces_of(workspace)["trace_id"][0], "verdict": "grounded"}
    assert client.post("/verdicts", data=form, headers=headers).status_code == 403


def test_a_foreign_host_name_is_refused(client: TestClient) -> None:
    assert client.get("/queue", headers={"Host": "evil.example:8765"}).status_code == 421


def test_other_addresses_than_loopback_need_a_guard() -> None:
    with pytest.raises(ConfigError, match="MGRD_REVIEW_TOKEN"):
        Access().check_host("0.0.0.0")
    Access().check_host("127.0.0.1")
    Access(token="t").check_host("0.0.0.0")
    Access(user_header="X-User").check_host("10.0.0.1")


def test_a_token_opens_the_door_once_it_is_given(workspace: Workspace) -> None:
    with TestClient(make_app(workspace, Access(token="sesame")), base_url="http://box:80") as client:
        assert client.get("/queue", follow_redirects=False).headers["location"] == "/login"
        clip = workspace.store.read(CLIPS)["clip_id"][0]
        assert client.get(f"/clips/{clip}/audio", follow_redirects=False).status_code == 303
        assert client.get("/queue", headers={"Authorization": "Bearer sesame"}).status_code == 200
        client.get("/login")
        csrf = csrf_token(client.cookies["mgrd_session"])
        assert client.post("/login", data={"token": "wrong", "csrf": csrf}).status_code == 401
        assert client.post("/login", data={"token": "sesame", "csrf": csrf}).status_code == 200
        assert client.get("/queue", follow_redirects=False).status_code == 200


def test_a_proxy_names_the_reviewer_and_nobody_else_can(workspace: Workspace) -> None:
    with TestClient(make_app(workspace, Access(user_header="X-User")), base_url="http://box") as client:
        assert client.get("/queue").status_code == 401
        client.cookies.set(NAME, "mallory")
        page = client.get("/queue", headers={"X-User": "carol"}).text
        assert "carol" in page
        assert "mallory" not in page


def test_audio_comes_by_clip_id_alone_and_in_ranges(client: TestClient, workspace: Workspace) -> None:
    clip = workspace.store.read(CLIPS).to_dicts()[0]
    data = (workspace.root / clip["uri"]).read_bytes()
    answer = client.get(f"/clips/{clip['clip_id']}/audio", headers={"Range": "bytes=100-199"})
    assert answer.status_code == 206
    assert answer.headers["content-range"] == f"bytes 100-199/{len(data)}"
    assert answer.content == data[100:200]
    for path in ("..%2f..%2fmgrd.toml", "%2e%2e", "../../mgrd.toml", "f" * 16, "a/b", "mgrd.toml", "%00"):
        assert client.get(f"/clips/{path}/audio").status_code == 404, path
        assert client.get(f"/static/{path}").status_code in (404, 405), path


def test_pictures_were_made_when_evidence_was_measured(client: TestClient, workspace: Workspace) -> None:
    clip = workspace.store.read(CLIPS)["clip_id"][0]
    made = sorted(workspace.pictures.glob(f"{clip}.*"))
    assert [path.suffix for path in made] == [".json", ".png"]
    stamps = [path.stat().st_mtime_ns for path in made]
    picture = client.get(f"/clips/{clip}/picture.json").json()
    assert picture["seconds"] == pytest.approx(2.0)
    voiced = [hz for hz in picture["f0"] if hz]
    assert voiced[-1] > 1.5 * voiced[0]
    assert len(picture["onsets"]) == 1
    assert client.get(f"/clips/{clip}/spectrogram.png").content.startswith(b"\x89PNG")
    assert [path.stat().st_mtime_ns for path in made] == stamps


def test_a_picture_that_is_missing_is_drawn_once(client: TestClient, workspace: Workspace) -> None:
    clip = workspace.store.read(CLIPS)["clip_id"][0]
    before = client.get(f"/clips/{clip}/picture.json").json()
    for path in workspace.pictures.glob(f"{clip}.*"):
        path.unlink()
    assert client.get(f"/clips/{clip}/picture.json").json() == before


def test_blind_mode_leaves_the_secrets_out_of_the_page(client: TestClient, workspace: Workspace) -> None:
    chosen = traces_of(workspace)["trace_id"][0]
    add_judge(workspace.store, [chosen], "stern-judge", 1.0)
    bob = {"override_id": "1", "trace_id": chosen, "reviewer": "bob-the-other", "verdict": "grounded", "seconds": 1.0,
           "made_at": "2030-01-01T00:00:00+00:00"}  # fmt: skip
    workspace.store.append(OVERRIDES, frame_of(OVERRIDES, [bob]))
    from mgrd.review.items import refresh_items

    refresh_items(client.app.state.mirror)  # type: ignore[attr-defined]
    secrets = ("stern-judge", "bob-the-other", 'class="decision', "kept", "rejected", "contradicted", "supported")
    page = client.get(f"/item/{chosen}").text
    assert "stern-judge" in page
    assert "bob-the-other" in page
    assert 'class="decision' in page
    assert "&lt;b&gt;nothing" in page
    blind = client.get(f"/item/{chosen}?blind=1").text
    shown = re.sub(r'<span class="vote".*?</span>', "", blind, flags=re.DOTALL)
    assert not [secret for secret in secrets if secret in shown]
    posted = post(client, "/verdicts", trace_id=chosen, verdict="unsure", state="queue=all&blind=1").text
    assert "bob-the-other" not in posted
    assert "unsure" in posted
    assert "bob-the-other" not in client.get("/agreement?blind=1").text


def test_a_verdict_and_its_undo_over_http(client: TestClient, workspace: Workspace) -> None:
    chosen = traces_of(workspace)["trace_id"][0]
    form = {"trace_id": chosen, "verdict": "grounded", "correct": "true", "reason": "vague", "seconds": "7.5"}
    assert 'data-verdict="grounded"' in post(client, "/verdicts", **form).text
    row = workspace.store.read(OVERRIDES).to_dicts()[0]
    assert (row["reviewer"], row["correct"], row["reason"], row["seconds"]) == ("ann", True, "vague", 7.5)
    assert "You said" in client.get(f"/item/{chosen}").text
    assert post(client, "/undo").json() == {"undone": chosen, "verdict": "withdrawn"}
    assert "You said" not in client.get(f"/item/{chosen}").text
    assert post(client, "/undo").json() == {"undone": None}


@pytest.mark.parametrize("bad", [{"verdict": "kept"}, {"trace_id": "../x"}, {"seconds": "nan", "verdict": ""}], ids=str)
def test_a_wrong_form_is_told_and_writes_nothing(client: TestClient, workspace: Workspace, bad: dict[str, str]) -> None:
    form = {"trace_id": traces_of(workspace)["trace_id"][0], "verdict": "grounded", **bad}
    assert post(client, "/verdicts", **form).status_code == 400
    assert workspace.store.read(OVERRIDES).is_empty()


def test_a_long_body_is_refused(client: TestClient) -> None:
    assert post(client, "/verdicts", trace_id="x" * 70_000).status_code == 413


def test_a_reviewer_may_choose_a_name_and_is_never_led_away(client: TestClient) -> None:
    answer = post(client, "/reviewer", name="dora", back="//evil.example/x")
    assert answer.history[0].headers["location"] == "/"
    assert "dora" in client.get("/queue").text


def test_quarantined_rows_are_listed_as_text(client: TestClient, workspace: Workspace) -> None:
    row = {"row_id": "r", "stage": "evidence made", "round": 0, "boundary": "measure", "message": "<b>broken</b>",
           "attempts": 2, "payload": json.dumps({"uri": "a.wav"})}  # fmt: skip
    workspace.store.append(QUARANTINE, frame_of(QUARANTINE, [row]))
    from mgrd.review.items import refresh_items

    refresh_items(client.app.state.mirror)  # type: ignore[attr-defined]
    page = client.get("/quarantine").text
    assert "&lt;b&gt;broken" in page
    assert "evidence made" in page


def test_unknown_things_are_not_found(client: TestClient) -> None:
    for path in ("/item/nothing", "/diff/nothing", "/clips/nothing/picture.json", "/nowhere"):
        assert client.get(path).status_code == 404, path
    assert "there is no page /nowhere" in client.get("/nowhere").text


def test_every_page_opens_on_an_empty_workspace(tmp_path) -> None:
    from mgrd.store import init_workspace

    init_workspace(tmp_path / "w")
    with TestClient(make_app(Workspace.open(tmp_path / "w")), base_url=BASE) as client:
        for path in ("/", "/queue", "/start", "/rounds", "/agreement", "/quarantine", "/export/label-studio.json"):
            assert client.get(path).status_code == 200, path
