"""Questions come only from facts that leave no doubt, balanced, and the same on every run."""

from collections import Counter
from collections.abc import Mapping
from math import inf, nan

import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mgrd.audio.facts import FACT_UNITS, fact
from mgrd.audio.words import ATTRIBUTES
from mgrd.ids import content_key, question_key
from mgrd.ingest.balance import MAX_RATIO, MIN_TOP
from mgrd.ingest.derive import clear_word, derive_questions
from mgrd.ingest.labels import shared_words, sound_name
from mgrd.ingest.skills import NUMBER_WORDS, SKILLS
from mgrd.settings import IngestSpec
from schemas import CLIPS, EVIDENCE, QUESTIONS, Clip, Evidence, Question

SPEC = IngestSpec(questions_per_clip=12)
SUITED: dict[str, tuple[str, dict[str, float]]] = {
    "contour": ("music", {"f0_trend": 5.0, "voiced_share": 0.9, "event_count": 1}),
    "register": ("music", {"f0_median": 800.0, "voiced_share": 0.9}),
    "tempo": ("music", {"tempo": 120.0, "event_count": 6, "pulse_regularity": 0.95}),
    "loudness": ("environment", {"loudness_trend": -8.0, "duration": 2.0}),
    "timbre": ("environment", {"spectral_centroid": 4000.0}),
    "noise": ("speech", {"snr": 40.0}),
    "reverberation": ("speech", {"decay_time": 0.9}),
    "speech_rate": ("speech", {"syllable_rate": 6.0, "duration": 2.0}),
    "intonation": ("speech", {"final_rise": -4.0, "voiced_share": 0.6}),
    "event_count": ("environment", {"event_count": 3, "duration": 2.0}),
}
"""A domain and facts on which exactly the skill (and others whose facts are there) may be asked."""


def clip(number: int = 0, **known: str | None) -> Clip:
    row: dict[str, object] = {
        "clip_id": content_key(number),
        "sha256": "0" * 64,
        "uri": "audio/x.wav",
        "duration": 2.0,
        "sample_rate": 16000,
        "channels": 1,
        "domain": "music",
        "source": f"source {number}",
        "licence": "CC0-1.0",
        "provenance": "made by hand",
        "split": "pool",
        "collection": "test",
    }
    return Clip.model_validate(row | known)


def evidence(of: Clip, values: Mapping[str, float], reliability: float = 1.0, pitched: int = 0) -> Evidence:
    facts = [fact(name, value, end=of.duration, reliability=reliability) for name, value in values.items()]
    facts += [fact("event_f0", 440.0, end=of.duration) for _ in range(pitched)]
    return Evidence.model_validate(
        {"clip_id": of.clip_id, "version": "1", "facts": [one.row() for one in facts], "seconds": 0.0}
    )


def derive(clips: list[Clip], facts: list[Evidence], spec: IngestSpec = SPEC, seed: int = 0) -> list[dict[str, object]]:
    frames = []
    for table, rows in ((CLIPS, clips), (EVIDENCE, facts)):
        frame = pl.from_arrow(pa.Table.from_pylist([row.model_dump() for row in rows], schema=table.arrow))
        assert isinstance(frame, pl.DataFrame)
        frames.append(frame)
    questions = derive_questions(frames[0], frames[1], spec, seed)
    assert questions.schema == pl.DataFrame(QUESTIONS.arrow.empty_table()).schema
    return questions.to_dicts()


def skills_of(domain: str, values: Mapping[str, float], reliability: float = 1.0, pitched: int = 0) -> set[str]:
    one = clip(domain=domain)
    return {str(q["skill"]) for q in derive([one], [evidence(one, values, reliability, pitched)])}


@pytest.mark.parametrize("skill", SUITED)
def test_a_clear_and_reliable_fact_is_asked_for(skill: str) -> None:
    domain, values = SUITED[skill]
    assert skill in skills_of(domain, values)


def test_every_skill_is_covered_by_these_tests() -> None:
    assert set(SUITED) | {"pitch_order", "label"} == set(SKILLS)


@pytest.mark.parametrize("skill", SUITED)
def test_an_unreliable_fact_is_not_asked_for(skill: str) -> None:
    domain, values = SUITED[skill]
    assert not skills_of(domain, values, reliability=SPEC.min_reliability - 0.01)
    assert skill in skills_of(domain, values, reliability=SPEC.min_reliability)


@pytest.mark.parametrize(
    ("skill", "domain", "changed"),
    [
        ("contour", "speech", {}),
        ("contour", "music", {"event_count": 3}),
        ("contour", "music", {"voiced_share": 0.1}),
        ("contour", "music", {"f0_trend": 70.0}),
        ("register", "music", {"voiced_share": 0.1}),
        ("register", "speech", {"f0_median": 1100.0}),
        ("tempo", "speech", {}),
        ("tempo", "music", {"event_count": 3}),
        ("tempo", "music", {"pulse_regularity": 0.6}),
        ("loudness", "environment", {"duration": 0.5}),
        ("timbre", "speech", {}),
        ("timbre", "environment", {"speech": 0.9}),
        ("noise", "environment", {}),
        ("noise", "music", {}),
        ("reverberation", "music", {}),
        ("speech_rate", "music", {}),
        ("speech_rate", "speech", {"duration": 0.4}),
        ("intonation", "music", {}),
        ("intonation", "speech", {"final_rise": 100.0}),
        ("event_count", "speech", {}),
        ("event_count", "environment", {"event_count": 9}),
        ("event_count", "environment", {"event_count": 0}),
        ("event_count", "environment", {"event_count": 2.5}),
    ],
)
def test_a_skill_is_not_asked_of_a_clip_on_which_it_makes_no_sense(
    skill: str, domain: str, changed: dict[str, float]
) -> None:
    assert skill not in skills_of(domain, SUITED[skill][1] | changed)


def test_the_order_of_pitches_needs_two_pitched_events() -> None:
    values = {"order_pitch": 6.0, "event_count": 2.0}
    assert skills_of("music", values, pitched=2) >= {"pitch_order"}
    assert "pitch_order" not in skills_of("music", values, pitched=1)


@pytest.mark.parametrize("name", [skill.attribute for skill in SKILLS.values() if skill.attribute])
@given(st.floats(-100, 10_000))
def test_a_clear_word_is_the_word_of_the_band_and_of_all_near_values(name: str, value: float) -> None:
    attribute = ATTRIBUTES[name]
    word = clear_word(attribute, value)
    if word is None:
        return
    assert attribute.word(value) == word
    gaps = [high.low - low.high for low, high in zip(attribute.bands, attribute.bands[1:], strict=False)]
    step = 0.24 * min(gaps)
    if value - step >= attribute.bands[0].low:
        assert attribute.word(value - step) == word
    assert attribute.word(value + step) == word


def test_the_margins_are_those_of_the_table_in_the_docstring() -> None:
    edges = {"register": [(159.9, "low"), (160.0, None), (219.9, None), (220.0, "middle"), (545.0, "high")]}
    edges |= {"contour": [(-2.31, "falling"), (-2.29, None), (0.49, "flat"), (0.51, None), (2.3, "rising")]}
    edges |= {"timbre": [(624.0, "dark"), (626.0, None), (2274.0, None), (2275.0, "bright")]}
    for name, pairs in edges.items():
        assert [clear_word(ATTRIBUTES[name], value) for value, _ in pairs] == [word for _, word in pairs]


@pytest.mark.parametrize("value", [nan, inf, -inf])
def test_a_value_that_is_no_number_has_no_word(value: float) -> None:
    assert all(clear_word(attribute, value) is None for attribute in ATTRIBUTES.values())


@pytest.mark.parametrize("count", range(1, 9))
def test_a_count_stands_among_three_neighbouring_numbers(count: int) -> None:
    places = Counter()
    for number in range(40):
        one = clip(number, domain="environment")
        (question,) = derive([one], [evidence(one, {"event_count": float(count), "duration": 2.0})])
        numbers = sorted(NUMBER_WORDS.index(str(choice)) for choice in question["choices"])
        assert numbers == list(range(numbers[0], numbers[0] + 3))
        assert numbers[0] >= 1
        assert question["answer"] == NUMBER_WORDS[count]
        places[numbers.index(count)] += 1
    assert len(places) == min(count, 3), "the right number is not always the middle one"


def test_labels_are_asked_with_others_of_the_domain_that_share_no_word() -> None:
    labels = ["snare drum: dub", "drum roll", "violin", "cello", "violins high", "10", "a, b", "trumpet: mute"]
    clips = [clip(n, label=label) for n, label in enumerate(labels)] + [clip(99, label="rain", domain="environment")]
    questions = derive(clips, [])
    by_clip = {q["clip_id"]: q for q in questions}
    snare = by_clip[clips[0].clip_id]
    assert snare["answer"] == "snare drum"
    assert "drum roll" not in snare["choices"]
    for question in questions:
        choices = question["choices"]
        assert isinstance(choices, list)
        assert "rain" not in choices
        assert not any(shared_words(a, b) for n, a in enumerate(choices) for b in choices[n + 1 :])
    assert not {clips[5].clip_id, clips[6].clip_id, clips[8].clip_id} & set(by_clip), "no names, or no others"


def test_windows_of_a_longer_file_are_not_asked_for_its_label() -> None:
    part = (
        '{"parent":"a.wav","parent_sha256":"0","parent_rate":8000,"parent_channels":1,"start":3.0,"end":6.0,"whole":%s}'
    )
    others = [clip(n, label=label) for n, label in enumerate(["violin", "cello"])]
    for whole, asked in (("true", 1), ("false", 0)):
        window = clip(7, label="trumpet", provenance=part % whole)
        questions = derive([*others, window], [])
        assert sum(q["clip_id"] == window.clip_id for q in questions) == asked


def test_names_of_sounds_are_plain_words() -> None:
    assert sound_name("Bass_Drum: gas") == "bass drum"
    assert sound_name("cat's meow") == "cat's meow"
    assert [sound_name(text) for text in (None, "", "10", "read/spoken", "a, b", "one two three four five")] == [
        None
    ] * 6


measured = st.dictionaries(
    st.sampled_from(sorted(FACT_UNITS)), st.floats(-50, 5000) | st.integers(0, 9).map(float), max_size=20
)
batches = st.lists(
    st.tuples(
        measured,
        st.sampled_from(["speech", "music", "environment", "synthetic"]),
        st.sampled_from(["pool", "dev", "test"]),
        st.sampled_from([None, "violin", "cello", "drum", "rain", "dog bark"]),
        st.sampled_from([0.5, 0.8, 1.0]),
    ),
    max_size=30,
)


@given(batches, st.integers(1, 4), st.integers(0, 3))
@settings(deadline=None, max_examples=60)
def test_derived_questions_keep_their_promises(batch: list[tuple], per_clip: int, seed: int) -> None:
    clips = [clip(n, domain=b[1], split=b[2], label=b[3]) for n, b in enumerate(batch)]
    facts = [evidence(one, b[0], b[4], pitched=3) for one, b in zip(clips, batch, strict=True)]
    spec = IngestSpec(questions_per_clip=per_clip)
    questions = derive(clips, facts, spec, seed)
    assert questions == derive(clips[::-1], facts[::-1], spec, seed)
    splits = {one.clip_id: one.split for one in clips}
    assert max(Counter(q["clip_id"] for q in questions).values(), default=0) <= per_clip
    assert len({q["question_id"] for q in questions}) == len(questions)
    for row in questions:
        question = Question.model_validate(row)
        assert question.clip_id is not None
        assert question.split == splits[question.clip_id]
        assert question.origin == "derived"
        assert question.answer in question.choices
        assert len(set(question.choices)) == len(question.choices) >= 2
        key = question_key(question.clip_id, question.text, question.choices, question.answer)
        assert question.question_id == key
    for split, skill in {(q["split"], q["skill"]) for q in questions}:
        answers = Counter(q["answer"] for q in questions if (q["split"], q["skill"]) == (split, skill))
        first, second = [*sorted(answers.values(), reverse=True), 0][:2]
        assert first <= max(MIN_TOP, MAX_RATIO * second)


def test_a_common_answer_gets_at_most_twice_the_questions_of_the_next() -> None:
    values = [800.0] * 20 + [100.0] * 3
    clips = [clip(n) for n in range(len(values))]
    facts = [evidence(one, {"f0_median": f0, "voiced_share": 0.9}) for one, f0 in zip(clips, values, strict=True)]
    assert Counter(q["answer"] for q in derive(clips, facts)) == {"high": 6, "low": 3}
    assert Counter(q["answer"] for q in derive(clips[:20], facts[:20])) == {"high": MIN_TOP}


def test_skills_share_the_questions_of_clips_that_allow_many() -> None:
    values = {"f0_median": 800.0, "voiced_share": 0.9, "spectral_centroid": 4000.0, "loudness_trend": -8.0}
    low = {"f0_median": 100.0, "voiced_share": 0.9, "spectral_centroid": 300.0, "loudness_trend": 8.0}
    clips = [clip(n) for n in range(60)]
    facts = [evidence(one, (values if n % 2 else low) | {"duration": 2.0}) for n, one in enumerate(clips)]
    questions = derive(clips, facts, IngestSpec(questions_per_clip=1))
    assert len(questions) == 60
    per_skill = Counter(q["skill"] for q in questions)
    assert max(per_skill.values()) - min(per_skill.values()) <= 4
    assert set(per_skill) == {"register", "timbre", "loudness"}


def test_the_right_choice_stands_at_every_place_alike() -> None:
    clips = [clip(n) for n in range(300)]
    values = ({"f0_median": value, "voiced_share": 0.9} for value in [100.0, 300.0, 800.0] * 100)
    questions = derive(clips, [evidence(one, facts) for one, facts in zip(clips, values, strict=True)])
    places = Counter(q["choices"].index(q["answer"]) for q in questions)
    assert min(places.values()) > 70


def test_another_seed_shuffles_differently() -> None:
    clips = [clip(n) for n in range(30)]
    facts = [
        evidence(one, {"f0_median": 100.0 if n % 2 else 800.0, "voiced_share": 0.9}) for n, one in enumerate(clips)
    ]
    assert derive(clips, facts, seed=0) != derive(clips, facts, seed=1)
