"""The ledger: equal fingerprints skip, any change runs again, lost rows are never recorded."""

from pathlib import Path

import pytest

from mgrd.errors import ConfigError, ContractError
from mgrd.store import Outcome, Stage, Workspace, fingerprint, init_workspace, run_stage
from mgrd.store.request import Request, code_digest


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    init_workspace(tmp_path / "w")
    return Workspace.open(tmp_path / "w")


def stage(**changes: object) -> Stage:
    fields = {"name": "s", "round": 1, "version": 1, "config": {"a": 1}, "inputs": {"t": "digest"}}
    return Stage(**{**fields, **changes})


def done() -> Outcome:
    return Outcome((), 3, {"kept": 2, "rejected": 1})


def refuse() -> Outcome:
    raise AssertionError("a finished stage ran again")


def test_a_finished_stage_is_skipped_also_by_another_process(workspace: Workspace) -> None:
    entry, ran = run_stage(workspace, stage(), done)
    assert ran
    again, ran = run_stage(Workspace.open(workspace.root), stage(), refuse)
    assert not ran
    assert again == entry


@pytest.mark.parametrize("change", [{"version": 2}, {"config": {"a": 2}}, {"inputs": {"t": "other"}}])
def test_changed_code_settings_or_inputs_run_again(workspace: Workspace, change: dict[str, object]) -> None:
    run_stage(workspace, stage(), done)
    _, ran = run_stage(workspace, stage(**change), done)
    assert ran


def test_going_back_to_old_settings_runs_again_since_the_table_changed(workspace: Workspace) -> None:
    run_stage(workspace, stage(), done)
    run_stage(workspace, stage(version=2), done)
    _, ran = run_stage(workspace, stage(), done)
    assert ran


def test_lost_rows_are_an_error_and_the_stage_stays_owed(workspace: Workspace) -> None:
    with pytest.raises(ContractError, match=r"4 rows in, but 2 kept \+ 1 rejected = 3 out"):
        run_stage(workspace, stage(), lambda: Outcome((), 4, {"kept": 2, "rejected": 1}))
    assert workspace.ledger.newest(1, "s") is None


def test_a_failing_stage_is_not_recorded(workspace: Workspace) -> None:
    def fail() -> Outcome:
        raise RuntimeError("disk full")

    with pytest.raises(RuntimeError):
        run_stage(workspace, stage(), fail)
    assert workspace.ledger.newest(1, "s") is None


def test_fingerprints_do_not_depend_on_the_order_of_settings() -> None:
    assert fingerprint("s", 1, {"a": 1, "b": 2}, {}) == fingerprint("s", 1, {"b": 2, "a": 1}, {})


def test_a_request_is_finished_until_its_inputs_or_settings_change(workspace: Workspace) -> None:
    Request(workspace, "run", {"clips": "1"}).record()
    assert Request(Workspace.open(workspace.root), "run", {"clips": "1"}).finished()
    assert not Request(workspace, "run", {"clips": "2"}).finished()
    changed = Workspace.open(workspace.root, {"spec.sampling.samples": 3})
    assert not Request(changed, "run", {"clips": "1"}).finished()


@pytest.mark.parametrize("file", ["mgrd/a.py", "prompts/a.jinja", "data_contracts/a.json", "mgrd/grounding/a.toml"])
def test_a_request_covers_all_that_stages_are_made_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str
) -> None:
    monkeypatch.setattr("mgrd.store.request.PROJECT", tmp_path)
    source = tmp_path / file
    source.parent.mkdir(parents=True)
    source.write_text("before")
    before = code_digest.__wrapped__()
    source.write_text("after")
    assert code_digest.__wrapped__() != before


def test_runtime_settings_do_not_change_a_request(workspace: Workspace) -> None:
    Request(workspace, "run", {}).record()
    assert Request(Workspace.open(workspace.root, {"runtime.workers": 7}), "run", {}).finished()


def test_a_folder_without_settings_is_no_workspace(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="mgrd init"):
        Workspace.open(tmp_path)


def test_init_keeps_an_existing_workspace(tmp_path: Path) -> None:
    assert init_workspace(tmp_path)
    (tmp_path / "mgrd.toml").write_text("[spec]\nseed = 9\n")
    assert not init_workspace(tmp_path)
    assert Workspace.open(tmp_path).settings.spec.seed == 9


def test_a_folder_with_files_in_it_becomes_a_workspace(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    assert init_workspace(tmp_path)
    assert Workspace.open(tmp_path).settings.spec.seed == 0
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_init_refuses_wrong_settings_and_leaves_no_folder(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.toml"
    wrong.write_text("[spec.sampling]\nsample = 3\n")
    with pytest.raises(ConfigError, match=r"spec\.sampling\.sample"):
        init_workspace(tmp_path / "w", wrong)
    assert not (tmp_path / "w").exists()
