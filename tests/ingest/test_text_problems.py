"""Text problems: answers that can be worked out again, sides that never meet, sets from outside."""

import json
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mgrd.errors import DataError
from mgrd.ingest.embedded import problems
from mgrd.ingest.embedded.problems import MAKERS, Problem, is_held_out, make_problems, solve
from mgrd.ingest.embedded.texts import heldout_problems, text_tasks
from mgrd.ingest.text_set import read_text_set
from prompts import load_prompt


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("Which number is larger: three or eleven?", "eleven"),
        ("Which number is smaller: three or eleven?", "three"),
        ("How many words are there: dog cat dog?", "three"),
        ("Which word is last: dog cat bird?", "bird"),
        ("What is three plus four?", "seven"),
        ("What is nine minus four?", "five"),
        ("Which number is between the others: seven, two, nine?", "seven"),
        ("The dog is older than the cat. The cat is older than the bird. Which is the youngest?", "bird"),
        ("The cat is older than the bird. The dog is older than the cat. Which is the oldest?", "dog"),
        ("What is nine plus nine?", None),
        ("Why?", None),
    ],
)
def test_questions_are_worked_out_from_their_words(question: str, answer: str | None) -> None:
    assert solve(question) == answer


@given(seed=st.integers(0, 10_000))
def test_every_problem_works_out_to_an_answer_among_its_choices(seed: int) -> None:
    for problem in make_problems(len(MAKERS), seed, held_out=False):
        assert problem.answer in problem.choices
        assert len(set(problem.choices)) == len(problem.choices)
        assert problem.answer in problem.reasoning


def test_a_wrong_answer_is_never_given_out(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = Problem("What is three plus four?", ("six", "seven"), "three and four make six.", "six")
    monkeypatch.setattr(problems, "MAKERS", (lambda _: wrong,))
    with pytest.raises(DataError, match="'seven', not 'six'"):
        make_problems(1, 0, held_out=is_held_out(wrong.question))


def test_held_out_questions_are_never_trained_on_under_any_seed() -> None:
    trained = {row["prompt"].split(" Choices")[0] for row in text_tasks(2000, 3).iter_rows(named=True)}
    asked = heldout_problems(100, 4)
    assert not trained & set(asked["text"])
    assert asked["split"].value_counts().filter(pl.col("count") > 80).height == 2


def test_text_questions_are_asked_as_they_are_trained() -> None:
    row = text_tasks(1, 0).row(0, named=True)
    question, choices = row["prompt"].split(" Choices: ")
    asked = load_prompt("sample/plain").render(question=question, choices=choices.rstrip(".").split(", "))
    assert asked == row["prompt"]


GOOD = [
    {"question": f"What is {i} times two?", "chain": f"{i} and {i} make {2 * i}.", "answer": str(2 * i)}
    for i in range(60)
]
BAD: list[tuple[object, str]] = [
    ({"question": "why?", "chain": "so", "answer": 7}, "answer is missing"),
    ({"question": " ", "chain": "so", "answer": "a"}, "question is missing"),
    ({"question": "why?", "chain": "so</think>no", "answer": "a"}, "think block"),
    ({"question": "why?<|im_end|>", "chain": "so", "answer": "a"}, "chat template"),
    ({"question": "why?", "chain": "so", "answer": "a", "choices": ["b", "c"]}, "none of the choices"),
    ({"question": "why?", "chain": "so", "answer": "a", "choices": "a"}, "no list"),
    ([1, 2], "no JSON object"),
]


def write(path: Path, rows: list[object]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_a_set_from_outside_is_read_and_a_share_of_it_held_out(tmp_path: Path) -> None:
    found = read_text_set(write(tmp_path / "set.jsonl", [*GOOD]))
    assert found.rows.height + found.heldout.height == len(GOOD)
    assert 0 < found.heldout.height < 15
    assert found.refused.is_empty()
    assert found.rows["clip_id"].is_null().all()
    assert set(found.heldout["split"]) <= {"dev", "test"}
    assert not set(found.rows["question_id"]) & set(found.heldout["question_id"])


def test_parquet_reads_as_json_lines_do(tmp_path: Path) -> None:
    pl.DataFrame(GOOD).write_parquet(tmp_path / "set.parquet")
    lines = read_text_set(write(tmp_path / "set.jsonl", [*GOOD]))
    assert read_text_set(tmp_path / "set.parquet").rows.equals(lines.rows)


@pytest.mark.parametrize(("row", "reason"), BAD)
def test_a_bad_row_is_refused_with_its_reason_and_the_others_are_used(tmp_path: Path, row: object, reason: str) -> None:
    found = read_text_set(write(tmp_path / "set.jsonl", [*GOOD, row]))
    assert found.rows.height + found.heldout.height == len(GOOD)
    (refused,) = found.refused.to_dicts()
    assert reason in refused["message"]
    assert refused["message"].startswith("row 61 of set.jsonl")
    assert (refused["stage"], refused["round"]) == ("text", 0)


def test_a_torn_line_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "set.jsonl", [*GOOD])
    path.write_text(path.read_text() + '{"question": "wh')
    assert read_text_set(path).refused.height == 1


def test_a_line_nested_beyond_reading_costs_that_line_alone(tmp_path: Path) -> None:
    path = write(tmp_path / "set.jsonl", [*GOOD])
    path.write_text(path.read_text() + "[" * 200_000)
    found = read_text_set(path)
    assert found.refused.height == 1
    assert found.rows.height + found.heldout.height == len(GOOD)


@pytest.mark.parametrize("name", ["none.jsonl", "set.csv", "empty.jsonl"])
def test_a_set_that_cannot_serve_is_named(tmp_path: Path, name: str) -> None:
    if name != "none.jsonl":
        (tmp_path / name).write_text("")
    with pytest.raises(DataError, match=name.replace(".", r"\.")):
        read_text_set(tmp_path / name)
