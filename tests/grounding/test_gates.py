"""Gates keep patterns from texts that lack their words, and never from one that they match."""

import json
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mgrd.grounding import leaks, surrogate
from mgrd.grounding.reading import constructions, moods, quantities
from mgrd.grounding.reading.gates import TABLE, WORDS, Gates, asked, gate_of, stems, stems_of, table_of
from mgrd.grounding.reading.lexer import read_sentences
from mgrd.grounding.reading.times import find_times, time_at
from tests.grounding.labelled import PATH

CHAINS = [json.loads(line)["chain"] for line in PATH.read_text(encoding="utf-8").splitlines()]


def patterns() -> list[re.Pattern[str]]:
    found = [pattern for family in constructions.FAMILIES for pattern, _ in family.patterns]
    found += [rule[0] for rule in quantities.RULES]
    found += [*surrogate.PATTERNS.values(), surrogate.DENIAL]
    found += [moods._OPENING, moods._COUNTERFACTUAL, moods._SEEKING]
    return [*found, leaks._PROVIDER_JSON, leaks._TEMPLATE, leaks._ANSWER]


PATTERNS = patterns()
GATES = Gates([gate_of(pattern) for pattern in PATTERNS])


def test_no_pattern_is_kept_from_a_labelled_chain_that_it_matches() -> None:
    for chain in CHAINS:
        for text in (chain, chain.lower()):
            opened = set(GATES.open(stems_of(text)))
            shut = [k for k, pattern in enumerate(PATTERNS) if k not in opened and pattern.search(text)]
            assert not shut, (text, PATTERNS[shut[0]].pattern)


def test_most_patterns_have_a_gate() -> None:
    assert sum(gate_of(pattern) != () for pattern in PATTERNS) > 0.95 * len(PATTERNS)


@pytest.mark.parametrize(
    ("pattern", "text", "opened"),
    [
        (r"\bgaps? (?:is|are) short", "the gap is short", True),
        (r"\bgaps? (?:is|are) short", "the gaps are long", False),
        (r"\bgaps? (?:is|are) short", "a gape, an isle, shorter", False),
        (r"^\W*(?:low|high), then", "- high, then low", True),
        (r"^\W*(?:low|high), then", "high and low", False),
        (r"\w+ly|\bfast", "anything", True),
        (r"no ['’]d\b", "no ’d", True),
        (r"\b(?:very )*loud", "very very loud", True),
        (r"\b(?:very )*loud", "very very quiet", False),
        (r"\b\d+ hz", "440 hz", True),
        (r"\b(?:one|two)-?tone\b", "a two-tone horn", True),
        (r"\b(?:one|two)-?tone\b", "a twotone horn", True),
    ],
)
def test_a_gate_opens_to_the_words_of_its_pattern(pattern: str, text: str, opened: bool) -> None:
    assert bool(Gates([gate_of(re.compile(pattern))]).open(stems_of(text))) is opened


@given(
    st.lists(st.sampled_from(sorted({w for chain in CHAINS[:300] for w in WORDS.findall(chain.lower())})), max_size=30)
)
@example(["it", "'", "s", "a", "pure", "tone"])
def test_words_in_any_order_open_the_gates_of_what_they_match(words: list[str]) -> None:
    text = " ".join(words)
    opened = set(GATES.open(stems(words)))
    assert all(k in opened or not pattern.search(text) for k, pattern in enumerate(PATTERNS))


def test_time_phrases_found_word_by_word_are_those_found_in_the_whole_text() -> None:
    for chain in CHAINS:
        items = [item for sentence in read_sentences(chain) for item in sentence.items]
        read = {item.start: (item.end, item.time) for item in items if item.kind == "time"}
        starts = {item.start for item in items}
        whole = {start: (end, time) for start, end, time in find_times(chain) if start in starts}
        assert read == whole
        assert all(time_at(chain, start) == found for start, found in read.items())


def test_the_stored_gates_are_those_of_the_patterns() -> None:
    assert TABLE.read_text() == table_of(asked_by(patterns())), "run `python -m mgrd.grounding.gate_table`"


def asked_by(found: list[re.Pattern[str]]) -> dict[str, re.Pattern[str]]:
    """The patterns under their keys."""
    for pattern in found:
        gate_of(pattern)
    return {key: pattern for key, pattern in asked.items() if pattern in set(found)}
