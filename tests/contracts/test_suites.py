"""Each suite passes good rows and finds each broken promise, with its severity and the key of the row."""

import os
import subprocess
import sys
from pathlib import Path

import contract_frames as synthetic
import polars as pl
import pytest

from data_contracts.runner import Finding, check, load_suite, suite_tables
from mgrd.errors import ContractError
from schemas import TABLES

BAD_FACT = synthetic.fact() | {"value": float("nan")}
BACKWARDS = synthetic.fact() | {"start": 2.0, "end": 1.0}
UNRELIABLE = synthetic.fact() | {"reliability": 1.5}
DISTRUSTED = synthetic.fact() | {"reliability": -0.5}
ONE = "one"
ALL = "all"

Case = tuple[str, dict[str, object], str, str]

# table, what is broken, in one row or all, and every expectation that must see it (column:type)
BREAKS: list[Case] = [
    ("clips", {"clip_id": "clip 7"}, ONE, "clip_id:match"),
    ("clips", {"sha256": "00"}, ONE, "sha256:match"),
    ("clips", {"sha256": "0" * 64}, ONE, "sha256_names_clip:in_set"),
    ("clips", {"uri": " "}, ONE, "uri:match"),
    ("clips", {"duration": 0.0}, ONE, "duration:between:error"),
    ("clips", {"duration": 31.0}, ONE, "duration:between:warn"),
    ("clips", {"sample_rate": 16}, ONE, "sample_rate:between"),
    ("clips", {"channels": 0}, ONE, "channels:between"),
    ("clips", {"domain": "radio"}, ONE, "domain:in_set"),
    ("clips", {"split": "train"}, ONE, "split:in_set"),
    ("clips", {"source": ""}, ONE, "source:match"),
    ("clips", {"licence": ""}, ONE, "licence:match"),
    ("clips", {"provenance": ""}, ONE, "provenance:match"),
    ("clips", {"truth": [DISTRUSTED]}, ONE, "truth_low_reliability:between"),
    ("clips", {"truth": [UNRELIABLE]}, ONE, "truth_high_reliability:between"),
    ("clips", {"truth": [BACKWARDS]}, ONE, "truth_shortest:between"),
    ("clips", {"truth": [BAD_FACT]}, ONE, "truth_finite:in_set"),
    ("questions", {"question_id": "q"}, ONE, "question_id:match"),
    ("questions", {"text": ""}, ONE, "text:match"),
    ("questions", {"choices": ["rising"]}, ONE, "choices_count:between"),
    ("questions", {"choices": ["rising", "rising"]}, ONE, "choices_distinct:in_set"),
    ("questions", {"answer": "loud"}, ONE, "answer_is_choice:in_set"),
    ("questions", {"answer": None}, ALL, "answer:not_be_null"),
    ("questions", {"skill": ""}, ONE, "skill:match"),
    ("questions", {"split": "train"}, ONE, "split:in_set"),
    ("questions", {"origin": "web"}, ONE, "origin:in_set"),
    ("evidence", {"clip_id": "c"}, ONE, "clip_id:match"),
    ("evidence", {"version": ""}, ONE, "version:match"),
    ("evidence", {"facts": []}, ONE, "facts_count:between:error"),
    ("evidence", {"facts": [synthetic.fact()]}, ALL, "facts_count:between:warn"),
    ("evidence", {"facts": [DISTRUSTED]}, ONE, "facts_low_reliability:between"),
    ("evidence", {"facts": [UNRELIABLE]}, ONE, "facts_high_reliability:between"),
    ("evidence", {"facts": [BACKWARDS]}, ONE, "facts_shortest:between"),
    ("evidence", {"facts": [BAD_FACT]}, ONE, "facts_finite:in_set"),
    ("evidence", {"seconds": 99.0}, ONE, "seconds:between"),
    ("traces", {"trace_id": "t"}, ONE, "trace_id:match"),
    ("traces", {"question_id": "q"}, ONE, "question_id:match"),
    ("traces", {"purpose": "play"}, ONE, "purpose:in_set"),
    ("traces", {"split": "train"}, ONE, "split:in_set"),
    ("traces", {"split": "test", "purpose": "distill"}, ONE, "split:in_set:distill"),
    ("traces", {"sample_index": -2}, ONE, "sample_index:between"),
    ("traces", {"prompt_sha": ""}, ONE, "prompt_sha:match"),
    ("traces", {"finish_reason": "error"}, ONE, "finish_reason:in_set:error"),
    ("traces", {"finish_reason": "length"}, ALL, "finish_reason:in_set:warn"),
    ("traces", {"completion_tokens": 65}, ONE, "max_new_tokens+completion_tokens:greater"),
    ("traces", {"reasoning_tokens": 21}, ONE, "completion_tokens+reasoning_tokens:greater"),
    ("traces", {"audio_tokens": 0}, ONE, "audio_tokens:between"),
    ("traces", {"logprob": 1.0}, ONE, "logprob:between"),
    ("traces", {"temperature": -1.0}, ONE, "temperature:between"),
    ("traces", {"top_p": 0.0}, ONE, "top_p:between"),
    ("traces", {"model_id": ""}, ONE, "model_id:match"),
    ("traces", {"problems": ["unclosed"]}, ALL, "problems_count:between"),
    ("traces", {"raw_text": ""}, ALL, "raw_text:match"),
    ("traces", {"raw_text": "a" * 500_001}, ONE, "raw_text:value_lengths"),
    ("claims", {"claim_id": "c"}, ONE, "claim_id:match"),
    ("claims", {"trace_id": "t"}, ONE, "trace_id:match"),
    ("claims", {"start": -1}, ONE, "start:between"),
    ("claims", {"end": 0}, ONE, "end+start:greater"),
    ("claims", {"text": ""}, ONE, "text:match"),
    ("claims", {"attribute": ""}, ONE, "attribute:match"),
    ("claims", {"verdict": "maybe"}, ONE, "verdict:in_set:error"),
    ("claims", {"truth_verdict": "maybe"}, ONE, "truth_verdict:in_set"),
    ("claims", {"verdict": "unverifiable"}, ALL, "verdict:in_set:warn"),
    ("claims", {"measured": None}, ALL, "measured:not_be_null"),
    ("claims", {"weight": 0.0}, ONE, "weight:between"),
    ("claims", {"reliability": 1.2}, ONE, "reliability:between"),
    ("claims", {"time_start": 2.0, "time_end": 1.0}, ONE, "time_end+time_start:greater"),
    ("claims", {"extractor": "guess"}, ONE, "extractor:in_set"),
    ("decisions", {"trace_id": "t"}, ONE, "trace_id:match"),
    ("decisions", {"question_id": "q"}, ONE, "question_id:match"),
    ("decisions", {"decision": "maybe"}, ONE, "decision:in_set:error"),
    ("decisions", {"decision": "kept", "reasons": ["wrong"]}, ONE, "reasons_count:between:kept"),
    ("decisions", {"decision": "rejected", "reasons": []}, ONE, "reasons_count:between:not kept"),
    ("decisions", {"decision": "unscored", "reasons": ["judge"]}, ALL, "decision:in_set:warn"),
    ("decisions", {"supported": -1}, ONE, "supported:between"),
    ("decisions", {"contradicted": -1}, ONE, "contradicted:between"),
    ("decisions", {"unverifiable": -1}, ONE, "unverifiable:between"),
    ("decisions", {"surrogate_share": 1.1}, ONE, "surrogate_share:between"),
    ("decisions", {"decided_by": "judge"}, ONE, "decided_by:match"),
    ("decisions", {"score": 1.5}, ONE, "score:between"),
    ("decisions", {"policy_sha": ""}, ONE, "policy_sha:match"),
    ("decisions", {"purpose": "play"}, ONE, "purpose:in_set"),
    ("distilled", {"row_id": "r"}, ONE, "row_id:match"),
    ("distilled", {"origin": "web"}, ONE, "origin:in_set"),
    ("distilled", {"prompt": ""}, ONE, "prompt:match"),
    ("distilled", {"answer": ""}, ONE, "answer:match"),
    ("distilled", {"trace_id": None}, ONE, "trace_id:not_be_null"),
    ("distilled", {"clip_id": None}, ONE, "clip_id:not_be_null"),
    ("distilled", {"reasoning": "</think> rises"}, ONE, "reasoning:not_match"),
    ("distilled", {"answer": "<|im_end|>"}, ONE, "answer:not_match"),
    ("distilled", {"reasoning": ""}, ALL, "reasoning:match"),
    ("distilled", {"weight": 0.0}, ONE, "weight:between"),
    ("distilled", {"phase": -1}, ONE, "phase:between"),
    ("metrics", {"name": "Accuracy (%)"}, ONE, "name:match"),
    ("metrics", {"split": "train"}, ONE, "split:in_set"),
    ("metrics", {"value": float("inf")}, ONE, "value_finite:in_set"),
    ("metrics", {"value": 50.0, "low": None}, ONE, "value:between"),
    ("metrics", {"value": 0.9}, ONE, "interval_margin:between"),
    ("metrics", {"n": 0}, ONE, "n:between:error"),
    ("metrics", {"n": 12}, ONE, "n:between:warn"),
]


def all_rows_broken(table: str, values: dict[str, object]) -> pl.DataFrame:
    return synthetic.frame(table, [row | values for row in synthetic.GOOD[table]().to_dicts()])


def signs(expectation: dict[str, object]) -> str:
    """Column, type, severity and condition in one text, to look a short name up in."""
    kwargs = expectation["kwargs"]
    meta = expectation["meta"]
    assert isinstance(kwargs, dict)
    assert isinstance(meta, dict)
    columns = "+".join(str(kwargs[name]) for name in ("column", "column_A", "column_B") if name in kwargs)
    return f"{columns}:{expectation['type']}:{meta['severity']}:{kwargs.get('row_condition', '')}"


def matches(expectation: dict[str, object], name: str) -> bool:
    columns, type_, *further = name.split(":")
    found_columns, found_type, severity, condition = signs(expectation).split(":", 3)
    if columns != found_columns or type_ not in found_type or (type_ == "match" and "not_match" in found_type):
        return False
    wanted = further[0] if further else ""
    if wanted in ("error", "warn"):
        return wanted == severity
    conditions = {"": True, "distill": "distill" in condition, "kept": "==" in condition, "not kept": "!=" in condition}
    narrowed = name == "split:in_set" and condition  # the rule for chains to be distilled has its own case
    return conditions[wanted] and not narrowed


@pytest.mark.parametrize("table", suite_tables())
def test_good_rows_yield_no_finding(table: str) -> None:
    assert check(table, synthetic.GOOD[table]()) == []


@pytest.mark.parametrize("table", suite_tables())
def test_each_broken_row_is_found(table: str) -> None:
    """One check for all cases of a table, each in its own row: a check takes most of a second."""
    cases = [(values, name) for case_table, values, where, name in BREAKS if case_table == table and where == ONE]
    rows = synthetic.GOOD[table]().to_dicts()
    for row, (values, _) in zip(rows, cases, strict=False):
        row.update(values)
    frame = synthetic.frame(table, rows)
    found = check(table, frame)
    for index, (_, name) in enumerate(cases):
        key = ",".join(str(frame[index, part]) for part in TABLES[table].key)
        assert_found(table, name, found, key)


@pytest.mark.parametrize(("table", "values", "name"), [(t, v, n) for t, v, where, n in BREAKS if where == ALL])
def test_what_most_rows_break_is_found(table: str, values: dict[str, object], name: str) -> None:
    assert_found(table, name, check(table, all_rows_broken(table, values)), None)


def assert_found(table: str, name: str, found: list[Finding], key: str | None) -> None:
    promised = [e for e in load_suite(table)["expectations"] if matches(e, name)]
    assert promised, f"no expectation {name} in the suite of {table}"
    for expectation in promised:
        meta = expectation["meta"]
        hits = [f for f in found if meta["why"] in f.message and f.severity == meta["severity"]]
        hits = [f for f in hits if f.expectation.startswith(signs(expectation).split(":")[0].replace("+", "."))]
        assert hits, f"{signs(expectation)} saw nothing; found {found}"
        assert key is None or key in hits[0].keys, f"{name}: {key} is not among {hits[0]}"


@pytest.mark.parametrize("table", suite_tables())
def test_every_expectation_is_broken_by_some_case(table: str) -> None:
    names = [name for case_table, _, _, name in BREAKS if case_table == table]
    for expectation in load_suite(table)["expectations"]:
        if expectation["type"] != "expect_table_row_count_to_be_between":
            assert any(matches(expectation, name) for name in names), signs(expectation)


@pytest.mark.parametrize("table", suite_tables())
def test_an_empty_table_is_found(table: str) -> None:
    found = check(table, synthetic.GOOD[table]().clear())
    assert "expect_table_row_count_to_be_between" in [f.expectation for f in found]


def test_a_missing_column_is_a_finding_and_not_a_crash() -> None:
    found = check("metrics", synthetic.metrics().drop("n"))
    assert any(f.expectation.startswith("n.") and "is a column missing" in f.message for f in found)


def test_large_frames_are_thinned_evenly_and_the_finding_says_so() -> None:
    frame = all_rows_broken("metrics", {"n": 0})
    found = check("metrics", frame, limit_rows=3)
    assert "looked at 3 of 10 rows" in found[0].message


def test_errors_come_before_warnings() -> None:
    severities = [f.severity for f in check("metrics", all_rows_broken("metrics", {"n": 0, "value": 7.0}))]
    assert severities == sorted(severities)
    assert set(severities) == {"error", "warn"}


def test_a_table_without_a_suite_is_refused_by_name() -> None:
    with pytest.raises(ContractError, match="no suite for table 'ledger'; there are claims"):
        check("ledger", pl.DataFrame())


def test_importing_the_runner_does_not_import_great_expectations() -> None:
    code = "import sys, data_contracts.runner; sys.exit('great_expectations' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_checking_writes_no_file(tmp_path: Path) -> None:
    code = "import contract_frames as f; from data_contracts.runner import check; check('metrics', f.metrics())"
    here = Path(__file__).parent
    path = f"{here}{os.pathsep}{here.parents[1]}"
    environment = {"HOME": str(tmp_path), "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"}
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=True, cwd=tmp_path, env=environment)
    assert list(tmp_path.rglob("*")) == []
