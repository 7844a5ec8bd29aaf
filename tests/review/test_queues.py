"""The query layer: what is in a queue, in which order, and that no question reads a whole table."""

import json

import polars as pl
import pytest
from review_workspace import CHAINS, add_judge, add_traces, trace_row, traces_of

from mgrd.review.filters import QUEUES, View, parse_view
from mgrd.review.item import open_item
from mgrd.review.items import refresh_items
from mgrd.review.mirror import Mirror
from mgrd.review.queues import PAGE, Place, count_items, filter_words, find_neighbours, list_items, match_words
from mgrd.review.verdicts import Said, record_verdict
from mgrd.store import frame_of
from schemas import DECISIONS, PANELS, QUESTIONS

ALL = View(queue="all")


def ids(mirror: Mirror, view: View, reviewer: str = "me") -> list[str]:
    return [row["trace_id"] for row in list_items(mirror, view, reviewer)]


def test_every_chain_is_in_all_and_the_newest_round_comes_first(mirror: Mirror) -> None:
    rounds = [row["round"] for row in list_items(mirror, ALL, "me")]
    assert rounds == sorted(rounds, reverse=True)
    assert set(ids(mirror, ALL)) == set(traces_of(mirror.workspace)["trace_id"])


def test_walking_the_neighbours_visits_the_queue_in_its_order(mirror: Mirror) -> None:
    listed = ids(mirror, ALL)
    walked, at = [listed[0]], find_neighbours(mirror, ALL, "me", listed[0])
    assert at.earlier is None
    while at.later:
        walked.append(at.later)
        at = find_neighbours(mirror, ALL, "me", at.later)
    assert walked == listed
    assert at.position == at.total == len(listed)


def test_filters_agree_with_the_tables(mirror: Mirror) -> None:
    decisions = mirror.workspace.store.read(DECISIONS)
    kept = decisions.filter((pl.col("decision") == "kept") & (pl.col("round") == 2))["trace_id"]
    assert set(ids(mirror, View(queue="all", decision="kept", round="2"))) == set(kept)
    for reason in filter_words(mirror)["reason"]:
        wanted = decisions.filter(pl.col("reasons").list.contains(reason))["trace_id"]
        assert set(ids(mirror, View(queue="all", reason=reason))) == set(wanted), reason
    assert ids(mirror, View(queue="all", reason="never heard of")) == []
    assert ids(mirror, View(queue="all", round="x")) == []


def test_search_finds_words_and_heeds_no_operator(mirror: Mirror) -> None:
    found = ids(mirror, View(queue="all", q="transcript hel"))
    texts = traces_of(mirror.workspace).filter(pl.col("trace_id").is_in(found))["reasoning"].to_list()
    assert texts
    assert all("transcript says hello" in text for text in texts)
    for hostile in ('"', "a OR b", "NEAR(", "*", "'; DROP TABLE items; --", "text:x", "-"):
        list_items(mirror, View(queue="all", q=hostile), "me")
    assert match_words('say "hi"') == '"say" """hi"""*'
    assert len(ids(mirror, ALL)) == 24


def test_flipped_holds_what_was_decided_otherwise_in_the_round_before(mirror: Mirror) -> None:
    traces = traces_of(mirror.workspace).join(mirror.workspace.store.read(DECISIONS), on="trace_id")
    slots = traces.pivot("round", index=["question_id", "sample_index"], values="decision")
    flips = slots.filter(pl.col("1") != pl.col("2")).height
    rows = list_items(mirror, View(queue="flipped"), "me")
    assert 0 < len(rows) == flips
    assert all(row["round"] == 2 and row["earlier"] for row in rows)


def test_reviewers_who_differ_lead_the_disagreements(mirror: Mirror) -> None:
    chosen = ids(mirror, ALL)[-1]
    record_verdict(mirror, "ann", chosen, Said("grounded"))
    record_verdict(mirror, "bob", chosen, Said("not_grounded"))
    assert ids(mirror, View())[0] == chosen
    record_verdict(mirror, "bob", chosen, Said("grounded"))
    row = mirror.reader.execute("SELECT by_disagreement FROM items WHERE trace_id = ?", (chosen,)).fetchone()
    assert row[0] is None or row[0] >= -3.0


def test_a_judge_against_the_checks_is_a_disagreement_and_a_filter(mirror: Mirror) -> None:
    kept = mirror.workspace.store.read(DECISIONS).filter(pl.col("grounded"))["trace_id"][0]
    add_judge(mirror.workspace.store, [kept], "stern", 1.0)
    panel = {
        "trace_id": kept, "round": 1, "panel_sha": "0", "reducer": "median", "judges": 1, "scored": 1,
        "acoustic_grounding": 1.0,
    }  # fmt: skip
    mirror.workspace.store.append(PANELS, frame_of(PANELS, [panel]))
    assert refresh_items(mirror)
    assert ids(mirror, View())[0] == kept
    assert ids(mirror, View(judge="stern")) == [kept]


def test_todo_leaves_out_what_the_reviewer_judged(mirror: Mirror) -> None:
    first, *rest = ids(mirror, ALL)
    record_verdict(mirror, "me", first, Said("unsure"))
    assert ids(mirror, View(queue="all", todo=True)) == rest
    assert ids(mirror, View(queue="all", todo=True), "you")[0] == first


def test_a_view_survives_its_url() -> None:
    view = View(queue="flipped", round="2", reason="wrong_answer", q="a&b=c", todo=True, blind=True)
    from urllib.parse import parse_qsl

    assert parse_view(dict(parse_qsl(view.query()))) == view
    assert parse_view({"queue": "../etc", "round": "\x00x"}) == View(round="x")


def test_the_mirror_follows_a_round_that_is_decided_anew_and_one_that_is_gone(mirror: Mirror) -> None:
    store = mirror.workspace.store
    assert not refresh_items(mirror)
    decisions = store.read(DECISIONS, {"round": 2, "purpose": "distill"})
    changed = decisions.with_columns(decision=pl.lit("unscored"))
    store.replace(DECISIONS, changed, {"round": 2, "purpose": "distill"})
    numbers = {row[1]: row[0] for row in mirror.reader.execute("SELECT no, trace_id FROM items")}
    assert refresh_items(mirror)
    assert len(ids(mirror, View(queue="all", decision="unscored"))) == decisions.height
    assert {row[1]: row[0] for row in mirror.reader.execute("SELECT no, trace_id FROM items")} == numbers
    from schemas import TRACES

    store.replace(TRACES, store.read(TRACES).head(0), {"round": 2})
    assert refresh_items(mirror)
    assert {row["round"] for row in list_items(mirror, ALL, "me")} == {1}
    assert count_items(mirror, ALL, "me") == (12, True)


def test_pages_follow_each_other_without_gap_or_repeat(mirror: Mirror) -> None:
    question = mirror.workspace.store.read(QUESTIONS).to_dicts()[0]
    add_traces(mirror.workspace.store, [trace_row(question, 3, n, CHAINS[n % 4]) for n in range(60)])
    refresh_items(mirror)
    seen: list[str] = []
    after: Place | None = None
    while rows := list_items(mirror, ALL, "me", after):
        seen += [row["trace_id"] for row in rows[:PAGE]]
        if len(rows) <= PAGE:
            break
        after = Place.parse(str(Place(rows[PAGE - 1]["place"], rows[PAGE - 1]["no"])))
    assert len(seen) == len(set(seen)) == 84


VIEWS = [
    *(View(queue=queue) for queue in QUEUES),
    View(queue="all", decision="kept", skill="contour", reason="wrong_answer", domain="music", round="1"),
    View(queue="all", todo=True),
    View(queue="all", q="pitch"),
]


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.query())
def test_no_question_of_an_item_page_scans_a_table(mirror: Mirror, view: View) -> None:
    """Every step of every query is a search by index; walking a queue's own index is bounded by a LIMIT."""
    chosen = ids(mirror, ALL)[5]
    asked: list[str] = []
    mirror.reader.set_trace_callback(asked.append)
    open_item(mirror, chosen)
    find_neighbours(mirror, view, "me", chosen)
    list_items(mirror, view, "me")
    mirror.reader.set_trace_callback(None)
    assert asked
    for statement in asked:
        if statement.startswith("--") or "words_" in statement:  # the full-text index's own look-ups
            continue
        for step in mirror.reader.execute(f"EXPLAIN QUERY PLAN {statement}"):
            if step["detail"].startswith("SCAN"):
                bounded = "LIMIT" in statement and any(
                    word in step["detail"] for word in ("USING COVERING INDEX items_by", "USING INDEX items_by")
                )
                virtual = "VIRTUAL TABLE" in step["detail"] or "CONSTANT ROW" in step["detail"]
                inner = step["detail"] in ("SCAN i", "SCAN (subquery-1)", "SCAN (subquery-2)") and "LIMIT" in statement
                assert bounded or virtual or inner, f"{step['detail']}: {statement}"


def test_opening_an_item_costs_the_same_work_among_many_as_among_few(mirror: Mirror) -> None:
    """Work is counted in steps of SQLite's virtual machine, not in seconds."""
    before = steps_to_open(mirror)
    question = mirror.workspace.store.read(QUESTIONS).to_dicts()[0]
    add_traces(mirror.workspace.store, [trace_row(question, 3 + n // 50, n % 50, CHAINS[n % 4]) for n in range(1_500)])
    refresh_items(mirror)
    assert mirror.reader.execute("SELECT count(*) FROM items").fetchone()[0] == 1_524
    assert steps_to_open(mirror) < 2 * before + 2_000


def steps_to_open(mirror: Mirror) -> int:
    steps = 0

    def count() -> int:
        nonlocal steps
        steps += 10
        return 0

    rows = list_items(mirror, View(), "me")
    chosen = rows[0]["trace_id"]
    mirror.reader.set_progress_handler(count, 10)
    open_item(mirror, chosen)
    find_neighbours(mirror, View(), "me", chosen)
    mirror.reader.set_progress_handler(None, 0)
    return steps


def test_an_item_tells_where_each_claim_was_measured(mirror: Mirror) -> None:
    chosen = traces_of(mirror.workspace).filter(pl.col("reasoning") == CHAINS[0])["trace_id"][0]
    item = open_item(mirror, chosen)
    assert item.claims
    claim = item.claims[0]
    assert claim.view.verdict == "supported"
    assert "semitones" in claim.view.measured
    assert 0 <= claim.region.start < claim.region.end <= 2.0
    assert "".join(piece.text for piece in item.pieces) == CHAINS[0]
    assert json.loads(mirror.reader.execute("SELECT said FROM items WHERE trace_id = ?", (chosen,)).fetchone()[0])
