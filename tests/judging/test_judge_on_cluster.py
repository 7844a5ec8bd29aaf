"""Judging over workers, here in this process: equal to judging without them, and nothing is lost or paid twice."""

import pickle
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import polars as pl
import pytest
from judge_frames import cases, panel_of
from polars.testing import assert_frame_equal

from mgrd.errors import JudgeError, StoreError
from mgrd.executors import Frames, LocalExecutor, Work
from mgrd.judging import Case, Judged, judge_chains, judge_on_cluster
from mgrd.judging.cache import CachedReply, ReplyCache
from mgrd.judging.cluster import OWED, WORKERS, AskJudges, take_replies
from mgrd.judging.dealing import deal
from mgrd.judging.mock import Answer, good, serving
from mgrd.settings import PanelSpec
from mgrd.store import frame_of
from schemas import VERDICTS

TOKENS = len(good().content or "") // 4
ONE_DOLLAR = {"price_in": 0.001, "price_out": 1e6 / TOKENS, "max_tokens": TOKENS}
"""A judge whose every good reply costs hardly more than 1, nearly the most that a request can."""


@dataclass
class Workers(LocalExecutor):
    """Workers as a cluster has them: each frame and its work arrive pickled, the last frame is done first."""

    workers: int = 3
    dies_after: int = 1000

    def map_unordered(self, work: Work, parts: Sequence[pl.DataFrame], at_most: int | None = None) -> Iterator[Frames]:
        for number, part in enumerate(reversed(parts)):
            assert at_most
            done = pickle.loads(pickle.dumps(work))(pickle.loads(pickle.dumps(part)))
            if number == self.dies_after:
                raise KeyboardInterrupt("the driver is killed before it has committed what the worker paid")
            yield done


@pytest.fixture(autouse=True)
def small_hands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mgrd.serving.connection.FIRST_PAUSE", 0.01)
    monkeypatch.setattr("mgrd.judging.cluster.deal", partial(deal, fewest=2, most=4))


def on_workers(
    folder: Path, asked: Sequence[Case], panel: PanelSpec, executor: LocalExecutor | None = None, spent: float = 0.0,
    known: pl.DataFrame | None = None,
) -> tuple[Judged, pl.DataFrame]:  # fmt: skip
    """What came of it, and what was handed over to be committed."""
    kept = [frame_of(VERDICTS, [])]
    known = frame_of(VERDICTS, []) if known is None else known
    executor = executor or Workers()
    judged = judge_on_cluster(executor, asked, panel, cache=folder, known=known, on_verdicts=kept.append, spent=spent)
    return judged, pl.concat(kept)


def doubled(count: int) -> list[Case]:
    """Cases of which each has a twin with the same prompt."""
    return [
        case
        for number, one in enumerate(cases(count))
        for case in (one, Case(f"twin{number}", one.question, one.choices, one.chain, one.answer, one.evidence))
    ]


def test_verdicts_and_requests_are_those_of_one_process(tmp_path: Path) -> None:
    with serving() as server:
        panel = panel_of(server, judges=2, price_in=3.0, price_out=15.0)
        here = judge_chains(doubled(7), panel, cache=tmp_path / "here")
        alone = len(server.requests)
        there, kept = on_workers(tmp_path / "there", doubled(7), panel)
        assert len(server.requests) == 2 * alone == 2 * 14, "the same prompt is asked once"
    assert_frame_equal(here.fresh.sort("verdict_id"), there.fresh.sort("verdict_id"))
    assert_frame_equal(there.fresh.sort("verdict_id"), kept.sort("verdict_id"))
    assert here.results == there.results
    assert not list((tmp_path / "there" / WORKERS).iterdir()), "committed replies are in the campaign's cache alone"


def test_replies_of_earlier_rounds_are_not_dealt_to_anybody(tmp_path: Path) -> None:
    with serving() as server:
        panel = panel_of(server)
        judge_chains(cases(3), panel, cache=tmp_path)
        judged, kept = on_workers(tmp_path, cases(6, round_=2), panel)
        assert len(server.requests) == 6
    assert kept.height == judged.verdicts.height == 6
    assert kept["cached"].sum() == 3


def test_what_is_known_is_not_asked(tmp_path: Path) -> None:
    with serving() as server:
        panel = panel_of(server)
        known = judge_chains(cases(4), panel).verdicts
        judged, kept = on_workers(tmp_path, cases(6), panel, known=known)
        assert len(server.requests) == 6
    assert (judged.verdicts.height, kept.height) == (6, 2)


@pytest.mark.parametrize("limit", [0.5, 1.0, 7.5, 12.5, 40.0])
def test_the_limit_is_never_passed_and_all_that_it_pays_is_asked(tmp_path: Path, limit: float) -> None:
    """With a reply at 1 each, as many of the twelve as one process asks, however few a worker's share would pay."""
    with serving(lambda *_: good()) as server:
        panel = panel_of(server, panel={"max_cost": limit}, **ONE_DOLLAR)
        judged, kept = on_workers(tmp_path / "there", cases(12), panel)
        there = len(server.requests)
        here = judge_chains(cases(12), panel, cache=tmp_path / "here")
        assert there == len(server.requests) - there == here.fresh.height == kept.height
    assert kept["cost"].sum() <= limit
    assert judged.limited == here.limited == (limit < 12)


def test_money_that_was_spent_before_counts(tmp_path: Path) -> None:
    with serving(lambda *_: good()) as server:
        panel = panel_of(server, panel={"max_cost": 10.5}, **ONE_DOLLAR)
        judged, kept = on_workers(tmp_path, cases(12), panel, spent=6.0)
    assert judged.limited
    assert kept.height == 4


def test_what_workers_paid_before_the_driver_was_killed_is_not_paid_again(tmp_path: Path) -> None:
    with serving(lambda *_: good()) as server:
        with pytest.raises(KeyboardInterrupt):
            on_workers(tmp_path, cases(12), panel_of(server), Workers(dies_after=1))
        paid = len(server.requests)
        assert 0 < paid < 12
        assert list((tmp_path / WORKERS).iterdir())
        judged, _ = on_workers(tmp_path, cases(12), panel_of(server))
        assert len(server.requests) == 12
        assert set(Counter(str(request["messages"]) for request in server.requests).values()) == {1}
    assert judged.verdicts.height == 12
    assert judged.fresh["cached"].sum() == paid


@dataclass
class Replacing(Workers):
    """The first worker dies when it is done, before anybody hears of it: another does its frame again."""

    def map_unordered(self, work: Work, parts: Sequence[pl.DataFrame], at_most: int | None = None) -> Iterator[Frames]:
        pickle.loads(pickle.dumps(work))(parts[0])
        yield from super().map_unordered(work, parts, at_most)


def test_a_worker_that_replaces_a_dead_one_pays_nothing_again_and_spends_what_the_dead_one_left(tmp_path: Path) -> None:
    with serving(lambda *_: good()) as server:
        panel = panel_of(server, panel={"max_cost": 30.0}, **ONE_DOLLAR)
        judged, kept = on_workers(tmp_path, cases(12), panel, Replacing())
        assert len(server.requests) == kept.height == judged.verdicts.height == 12


def test_what_a_dead_worker_paid_counts_against_the_share_of_its_frame(tmp_path: Path) -> None:
    row = {"judge": 0, "verdict_id": "v", "money": 2.5, **asdict(cases(1)[0])}
    frame = pl.DataFrame([row], schema=OWED)
    with serving(lambda *_: good()) as server:
        work = AskJudges(panel_of(server, **ONE_DOLLAR), tmp_path)
        _, first = work(frame)
        verdicts, second = work(frame)
        assert len(server.requests) == 1
    assert verdicts["cost"].sum() == 0
    assert second["spent"].item() == pytest.approx(first["spent"].item()) == pytest.approx(1, rel=0.1)


def test_a_judge_that_refuses_is_given_up_with_the_words_of_one_process_and_the_others_go_on(tmp_path: Path) -> None:
    def script(request: dict, _: int) -> Answer:
        return Answer("no", status=401) if request["model"] == "judge-1" else good()

    with serving(script) as server:
        panel = panel_of(server, judges=2)
        there, kept = on_workers(tmp_path / "there", cases(12), panel)
        here = judge_chains(cases(12), panel, cache=tmp_path / "here")
    assert there.failures == here.failures != ()
    assert set(kept["judge"]) == {"judge-2"}
    assert kept.height == 12
    with pytest.raises(JudgeError, match="refuses judge-1"):
        there.check()


def test_a_judge_out_of_reach_is_given_up_with_the_words_of_one_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mgrd.judging.judge.OUT_OF_REACH", 3)
    with serving(lambda *_: Answer("down", status=503)) as server:
        panel = panel_of(server, attempts=1, concurrency=1)
        here = judge_chains(cases(12), panel, cache=tmp_path / "here")
        there, _ = on_workers(tmp_path / "there", cases(12), panel)
    assert there.failures == here.failures
    assert "chains in a row" in there.failures[0]


def test_a_missing_key_stops_with_the_words_of_one_process(tmp_path: Path) -> None:
    with serving() as server:
        panel = panel_of(server, api_key_env="JUDGE_KEY_OF_NOBODY")
        with pytest.raises(JudgeError, match="JUDGE_KEY_OF_NOBODY, which is not set"):
            on_workers(tmp_path, cases(3), panel)


def test_no_key_travels_with_the_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = "sk-planted-1c99"
    sent: list[bytes] = []

    class Watched(Workers):
        def map_unordered(
            self, work: Work, parts: Sequence[pl.DataFrame], at_most: int | None = None
        ) -> Iterator[Frames]:
            for part in parts[:at_most]:
                done = work(part)
                sent.append(pickle.dumps((work, part, done)))
                yield done

    monkeypatch.setenv("JUDGE_KEY", secret)
    with serving(lambda *_: Answer(f"your key {secret} is good, the chain is not")) as server:
        on_workers(tmp_path, cases(3), panel_of(server, api_key_env="JUDGE_KEY"), Watched())
        assert server.headers[0]["authorization"] == f"Bearer {secret}"
    assert sent
    assert not any(secret.encode() in one for one in sent)


def test_workers_share_the_concurrency(tmp_path: Path) -> None:
    """Two workers side by side of five requests get two each."""
    found: list[tuple[int | None, int]] = []

    class Counted(Workers):
        def map_unordered(
            self, work: Work, parts: Sequence[pl.DataFrame], at_most: int | None = None
        ) -> Iterator[Frames]:
            assert isinstance(work, AskJudges)
            found.append((at_most, work.panel.judges[0].concurrency))
            return super().map_unordered(work, parts, at_most)

    with serving(lambda *_: good()) as server:
        on_workers(tmp_path / "a", cases(12), panel_of(server, concurrency=5), Counted(workers=2))
        on_workers(tmp_path / "b", cases(12), panel_of(server, concurrency=2), Counted(workers=8))
    assert found == [(2, 2), (2, 1)]


def test_a_damaged_file_of_a_worker_is_named(tmp_path: Path) -> None:
    left = tmp_path / WORKERS / "frame"
    left.mkdir(parents=True)
    (left / "replies.sqlite").write_bytes(b"no database, but long enough to be one" * 50)
    with pytest.raises(StoreError, match=r"workers/frame/replies\.sqlite \(it may be deleted"):
        take_replies(tmp_path)


def test_replies_that_are_taken_do_not_replace_those_that_are_there(tmp_path: Path) -> None:
    for folder, text in ((tmp_path, "first"), (tmp_path / WORKERS / "frame", "second")):
        cache = ReplyCache(folder, alone=True)
        cache.put("key", "judge-1", CachedReply(text, 1, 1))
        cache.close()
    take_replies(tmp_path)
    cache = ReplyCache(tmp_path)
    found = cache.get("key")
    cache.close()
    assert found is not None
    assert found.content == "first"
