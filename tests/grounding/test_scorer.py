"""The scorer on golden chains: against constructed truth, and against what is measured of the sound."""

import time
from collections import Counter
from functools import cache

import pytest

from mgrd.audio.evidence import measure
from mgrd.audio.facts import Fact, fact
from mgrd.grounding import claims as grammar
from mgrd.grounding.scorer import Grounding, score_chain, score_text
from mgrd.settings import GroundingSpec
from tests.audio.sounds import RATE
from tests.grounding.labelled import ROWS
from tests.grounding.scenes import TRUTH, sound

GOLDEN = [row for row in ROWS if "scene" in row]
NEVER_KEPT = {"surrogate", "stuffed", "denial", "leak", "empty", "no-claim"}


@cache
def measured(scene: str) -> list[Fact] | None:
    samples = sound(scene)
    return None if samples is None else measure(samples, RATE)


def chain(text: str, facts: list[Fact], truth: list[Fact] | None = None, **policy: float) -> Grounding:
    return score_chain(
        raw_text=text, reasoning=text, answer="x", question="How?", choices=[], facts=facts, truth=truth,
        policy=GroundingSpec.model_validate(policy),
    )  # fmt: skip


def test_the_golden_chains_are_many_and_of_every_kind() -> None:
    kinds = Counter(row["kind"] for row in GOLDEN)
    assert len(GOLDEN) >= 120
    assert NEVER_KEPT | {"grounded", "contradicted", "half-true", "unverifiable", "hedged"} <= set(kinds)


@pytest.mark.parametrize("source", ["truth", "measured"])
def test_decisions_on_the_golden_chains(source: str) -> None:
    decided: list[tuple[dict, bool]] = []
    for row in GOLDEN:
        facts = TRUTH[row["scene"]] if source == "truth" else measured(row["scene"])
        if facts is not None:
            decided.append((row, score_text(row["chain"], facts).grounded))
    right = sum(kept == row["grounded"] for row, kept in decided)
    kept_rows = [row for row, kept in decided if kept]
    assert right / len(decided) >= 0.97
    assert sum(row["grounded"] for row in kept_rows) / len(kept_rows) >= 0.97
    assert len(kept_rows) / sum(row["grounded"] for row, _ in decided) >= 0.9
    assert not [row["id"] for row in kept_rows if row["kind"] in NEVER_KEPT]


@pytest.mark.parametrize("source", ["truth", "measured"])
def test_verdicts_on_the_golden_claims(source: str) -> None:
    right = total = 0
    for row in GOLDEN:
        facts = TRUTH[row["scene"]] if source == "truth" else measured(row["scene"])
        if facts is None:
            continue
        found = Counter((c.claim.attribute, c.verification.verdict) for c in score_text(row["chain"], facts).claims)
        wanted = Counter(tuple(claim) for claim in row["claims"])
        right += (found & wanted).total()
        total += wanted.total()
    assert right / total >= 0.97


def test_reasons_say_what_is_missing() -> None:
    facts = TRUTH["glide_up"]
    assert chain("the pitch rises", facts).reasons == ()
    assert chain("the pitch falls", facts).reasons == ("no_supported_claim", "contradicted_claim")
    assert chain("hm", facts).reasons == ("no_supported_claim",)
    assert chain("", facts).reasons == ("no_reasoning",)
    assert "surrogate" in chain("the pitch rises, as the caption says", facts).reasons
    assert {"denial", "surrogate"} <= set(chain("as a text model i guess it rises", facts).reasons)


def test_grounded_is_the_absence_of_reasons() -> None:
    for row in GOLDEN:
        grounding = score_text(row["chain"], TRUTH[row["scene"]])
        assert grounding.grounded == (not grounding.reasons)
        counted = grounding.supported + grounding.contradicted + grounding.unverifiable
        assert counted <= len(grounding.claims)


def test_the_policy_decides() -> None:
    facts = TRUTH["notes_down"]
    half_true = "there are three notes and they climb in pitch"
    assert not chain(half_true, facts).grounded
    assert chain(half_true, facts, max_contradicted=1).grounded
    assert not chain("there are three notes", facts, min_supported=2).grounded
    leaning = "i hear three notes in all here, the pitch falls, and the tempo is slow, the title says so"
    assert chain(leaning, facts).reasons == ("surrogate",)
    assert chain(leaning, facts, max_surrogate_share=0.5).grounded


def test_truth_is_judged_apart_from_measurement() -> None:
    truth = TRUTH["glide_up"]
    wrongly_measured = [fact("duration", 3.0, end=3.0), fact("f0_trend", -8.0, end=3.0)]
    grounding = chain("the pitch rises", wrongly_measured, truth)
    assert (grounding.grounded, grounding.truth_grounded) == (False, True)
    assert (grounding.truth_supported, grounding.truth_contradicted) == (1, 0)
    assert grounding.claims[0].truth is not None
    assert chain("the pitch rises", wrongly_measured).truth_grounded is None


def test_claims_inside_a_surrogate_are_no_evidence() -> None:
    grounding = chain("the transcript says the pitch rises", TRUTH["glide_up"], max_surrogate_share=1.0)
    assert grounding.claims == ()
    assert grounding.reasons == ("no_supported_claim",)


def test_doubled_hedges_carry_no_weight() -> None:
    assert chain("maybe the pitch rises", TRUTH["glide_up"]).grounded
    assert not chain("perhaps the pitch might possibly rise", TRUTH["glide_up"]).grounded


def test_times_of_claims_come_back_in_seconds() -> None:
    (checked,) = chain("the pitch rises in the first half", TRUTH["glide_up"]).claims
    assert (checked.claim.time_start, checked.claim.time_end, checked.claim.time_unit) == (0.0, 1.5, "s")


def test_offsets_count_from_the_chain_as_given() -> None:
    text = "<think>\nthe pitch rises</think>\n\nrising"
    (checked,) = score_text(text, TRUTH["glide_up"]).claims
    assert text[checked.claim.start : checked.claim.end] == "pitch rises"


def test_scoring_is_fast_enough_for_millions() -> None:
    grammar._extract.cache_clear()
    texts = [f"the pitch rises, take {index}, so the answer is rising." for index in range(2_000)]
    began = time.process_time()
    for text in texts:
        chain(text, TRUTH["glide_up"])
    assert 2_000 / (time.process_time() - began) > 600  # over 3,000 on an idle core; the suite runs on busy ones
