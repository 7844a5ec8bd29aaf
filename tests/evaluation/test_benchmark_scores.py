"""The owners' rules on constructed predictions, corner cases included; each fixture is in the owners' format."""

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from mgrd.errors import ConfigError, DataError
from mgrd.evaluation.benchmarks import Score, named, score_predictions
from mgrd.evaluation.benchmarks.files import read_table
from mgrd.evaluation.benchmarks.rules import choice_letter, number_match, spoken_number, string_match

CHOICES = ["Dog bark", "Rain", "A car", "Church bell"]


def mmau_row(key: str, answer: str = "Dog bark") -> dict[str, Any]:
    return {
        "id": key, "audio_id": f"./test-mini-audios/{key}.wav", "question": "What sounds?", "choices": CHOICES,
        "answer": answer, "dataset": "made", "task": "sound", "split": "test-mini", "category": "Reasoning",
        "sub-category": "Events", "difficulty": "easy",
    }  # fmt: skip


def lettered_row(key: str, answer: str, name: str = "id") -> dict[str, Any]:
    choices = {f"choice_{letter}": text for letter, text in zip("abcd", CHOICES, strict=True)}
    return {name: key, "question": "What sounds?", **choices, "answer_gt": answer, "task_name": "t",
            "category": "Perception", "sub-category": "x"}  # fmt: skip


def scored(tmp_path: Path, name: str, file: str, rows: list[dict[str, Any]], predicted: list[dict[str, Any]]) -> Score:
    text = "".join(f"{json.dumps(row)}\n" for row in rows) if file.endswith("l") else json.dumps(rows)
    (tmp_path / file).write_text(text)
    family = named(name)
    return score_predictions(family, family.read(tmp_path, tmp_path / "scratch"), predicted)


@pytest.mark.parametrize(
    ("prediction", "right"),
    [
        ("Dog bark", True),
        ("bark, DOG!", True),
        ("(B) dog bark", True),
        ("Dog", False),
        ("dog bark and rain", False),
        ("a dog bark", False),  # "a" is a word of another choice alone
        ("dogbark", False),
        ("", False),
    ],
)
def test_words_match_when_all_of_the_answer_and_none_of_another_choice_are_said(prediction: str, right: bool) -> None:
    assert string_match("Dog bark", prediction, CHOICES) is right


def test_a_choice_that_is_part_of_the_answer_does_not_forbid_its_words() -> None:
    assert string_match("Dog bark", "dog bark", ["Dog", "Dog bark"])
    assert not string_match("Dog", "dog bark", ["Dog", "Dog bark"])


@pytest.mark.parametrize(
    ("response", "letter"),
    [
        ("B", "B"),
        ("B. Rain", "B"),
        ("The answer is C.", "C"),
        ("the answer is (D)", "D"),
        ("Apples", "A"),  # the quirk: any word that starts with one of the letters
        ("C\n", "C"),
        ("I think it is C", None),
        ("b", None),
        ("", None),
    ],
)
def test_a_letter_is_the_first_character_or_the_second_to_last(response: str, letter: str | None) -> None:
    assert choice_letter(response) == letter


@given(st.text())
def test_any_response_has_a_letter_of_the_four_or_none(response: str) -> None:
    assert choice_letter(response) in {"A", "B", "C", "D", None}


def test_mmau_skips_rows_without_the_key_and_the_strict_score_does_not(tmp_path: Path) -> None:
    rows = [mmau_row(key) for key in "abcd"]
    predicted = [
        {**rows[0], "model_output": "Dog bark"},
        {**rows[1], "model_output": "Rain"},
        {**rows[2], "model_prediction": "Dog bark"},
    ]
    score = scored(tmp_path, "mmau", "mmau-test-mini.json", rows, predicted)
    assert (score.official, score.strict, score.left_out, score.missing) == (0.5, 0.25, 1, 1)
    assert score.groups["task"]["sound"] == (0.25, 4)


def test_mmar_reads_its_own_key(tmp_path: Path) -> None:
    row = {"id": "v", "audio_path": "./audio/v.wav", "question": "?", "choices": ["Yes", "No"], "answer": "No",
           "modality": "speech", "category": "Semantic Layer", "sub-category": "x", "language": "en"}  # fmt: skip
    right = scored(tmp_path, "mmar", "MMAR-meta.jsonl", [row], [{**row, "answer_prediction": "No."}])
    other = scored(tmp_path, "mmar", "MMAR-meta.jsonl", [row], [{**row, "model_output": "No."}])
    assert (right.official, other.official, other.left_out) == (1.0, 0.0, 1)


def test_air_bench_drops_what_it_cannot_parse_and_the_strict_score_does_not(tmp_path: Path) -> None:
    rows = [{**lettered_row(key, "Rain", "uniq_id"), "path": f"{key}.wav"} for key in "abc"]
    predicted = [{**row, "response": said} for row, said in zip(rows, ["B", "rain, surely", "A"], strict=True)]
    score = scored(tmp_path, "air-bench", "Foundation_meta.json", rows, predicted)
    assert (score.official, score.strict, score.left_out) == (0.5, pytest.approx(1 / 3), 1)


def test_air_bench_finds_sound_where_the_owners_put_it(tmp_path: Path) -> None:
    row = {**lettered_row("a", "Rain", "uniq_id"), "path": "a.wav", "task_name": "Audio_Grounding", "dataset_name": "d"}
    (tmp_path / "Foundation_meta.json").write_text(json.dumps([row]))
    (tmp_path / "Audio_Grounding_d").mkdir()
    (tmp_path / "Audio_Grounding_d" / "a.flac").touch()
    (item,) = named("air-bench").read(tmp_path, tmp_path / "scratch")
    assert item.audio == (tmp_path / "Audio_Grounding_d" / "a.flac").resolve()
    assert item.groups == {"task": "Audio_Grounding_d"}
    assert item.row == row


def test_mmsu_judges_an_empty_response_by_the_letter_before_and_the_strict_score_does_not(tmp_path: Path) -> None:
    rows = [lettered_row(key, "Rain") for key in "abcd"]
    predicted = [{**row, "response": said} for row, said in zip(rows, ["", "B", "None", "unsure"], strict=True)]
    score = scored(tmp_path, "mmsu", "train.jsonl", rows, predicted)
    assert (score.official, score.left_out, score.strict) == (1.0, 2, 0.25)


def test_a_letter_without_a_choice_is_wrong(tmp_path: Path) -> None:
    row = {**lettered_row("a", "Rain", "uniq_id"), "path": "a.wav", "choice_d": None}
    score = scored(tmp_path, "air-bench", "Foundation_meta.json", [row], [{**row, "response": "D"}])
    assert (score.official, score.left_out) == (0.0, 0)


def test_mmsu_reads_sound_inside_parquet_and_predicts_the_letter_of_the_named_choice(tmp_path: Path) -> None:
    sound = io.BytesIO()
    soundfile.write(sound, np.zeros(1600), 16_000, format="WAV")
    row = {**lettered_row("m1", "Rain"), "audio": {"bytes": sound.getvalue(), "path": "m1.wav"}}
    pq.write_table(pa.Table.from_pylist([row]), tmp_path / "train-00000-of-00001.parquet")
    family = named("mmsu")
    (item,) = family.read(tmp_path, tmp_path / "scratch")
    assert item.audio is not None
    assert item.audio.read_bytes() == sound.getvalue()
    predicted = family.predict(item, "", "it is rain")
    assert predicted["response"] == "B. Rain"
    assert score_predictions(family, [item], [predicted]).official == 1.0


@pytest.mark.parametrize(
    ("reply", "number"),
    [
        ("42 or rather 43", "43"),
        ("The answer is 42, not 43.", "42"),
        ("I had 3. #### 42", "42"),
        ("The answer is 1.\n\nThe answer is 2.", "1"),  # said twice: only what stands before the blank line
        ("1,200", "1200"),
        ("it is -3.50", "-3.5"),
        ("3/4 of it", "0.75"),
        ("7.", "7"),
        ("forty-two", "empty"),
        ("", "empty"),
        ("9" * 130, "10000000000000.0"),  # 1e+130, whose last zero is dropped
    ],
)
def test_one_number_is_read_from_a_spoken_answer(reply: str, number: str) -> None:
    assert spoken_number(reply) == number


def test_an_answer_that_is_no_plain_number_is_compared_as_text() -> None:
    assert number_match("42", "42.0")
    assert not number_match("42.0", "42.0")  # the reply's number is written plainly, the answer is not


@given(st.text(alphabet="0123456789./,- #the answris\n"))
def test_any_reply_has_a_number_or_nothing(reply: str) -> None:
    assert 0 < len(spoken_number(reply)) <= 100


def test_big_bench_audio_has_no_official_score_here_and_says_why(tmp_path: Path) -> None:
    row = {"category": "formal_fallacies", "official_answer": "invalid", "file_name": "data/question_0.mp3", "id": 0}
    count = {"category": "object_counting", "official_answer": "7", "file_name": "data/question_1.mp3", "id": 1}
    predicted = [{**row, "answer": "It is invalid."}, {**count, "answer": "There are 6, no, 7."}]
    score = scored(tmp_path, "big-bench-audio", "metadata.jsonl", [row, count], predicted)
    assert score.official is None
    assert score.strict == 1.0
    assert "language model" in str(score.stand_in)


def test_predictions_of_unknown_or_repeated_questions_are_refused(tmp_path: Path) -> None:
    rows = [mmau_row("a")]
    with pytest.raises(DataError, match="no question"):
        scored(tmp_path, "mmau", "x-test-mini.json", rows, [{"id": "z", "model_output": ""}])
    with pytest.raises(DataError, match="two predictions"):
        scored(tmp_path, "mmau", "x-test-mini.json", rows, [mmau_row("a"), mmau_row("a")])


def test_audio_outside_of_the_data_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="outside"):
        scored(tmp_path, "mmau", "x-test-mini.json", [{**mmau_row("a"), "audio_id": "../../etc/passwd"}], [])


def test_a_broken_line_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"id": 1}\n{"id"\n')
    with pytest.raises(DataError, match="line 2"):
        read_table(tmp_path / "a.jsonl")


def test_an_unknown_benchmark_names_those_there_are() -> None:
    with pytest.raises(ConfigError, match="mmau"):
        named("mmlu")
