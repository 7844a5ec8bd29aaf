"""Where a chain stands in each queue: how much its signals disagree, how near it lies to where the decision turns.

A rank is a number that an index holds, the lowest first; None: the chain is not in the queue. Nothing here reads a
table.

* disagreement: the highest level that applies, of `LEVELS`; the judges' spread counts too, as a share of their scale.
* near the threshold: the distance of a score to where the decision turns, up to NEAR.
* audit and gold: chains in an order drawn by their id, which is a hash and so a fair coin.
"""

import sqlite3
from dataclasses import dataclass

from mgrd.selection.overrides import GROUNDED, NOT_GROUNDED
from mgrd.settings import PolicySpec

AUDIT_SHARE, GOLD_SHARE = 0.02, 0.05
"""Of all chains, and of those whose grounding is known by construction."""
NEAR = 0.15
ONE_CLAIM = 0.1
"""The distance of a chain that one claim more or less would decide, where only the count of claims decides."""
JUDGES_SCALE = 4.0
"""Judges score from 1 to 5."""
EQUALS = 1e-3
"""Span over which chains of equal rank are spread."""
REVIEWERS, POLICY, JUDGES, COUNTERFACTUAL, TRUTH, CLAIMS = 4.0, 3.0, 2.0, 1.5, 0.8, 0.5
LEVELS: dict[float, str] = {
    REVIEWERS: "reviewers differ",
    POLICY: "reviewers against the policy",
    JUDGES: "judges against the checks",
    COUNTERFACTUAL: "checks against the counterfactual",
    TRUTH: "measured against constructed truth",
    CLAIMS: "some claims hold, some do not",
}
"""Disagreements by their level, in words; what lies between them is the judges' spread."""


@dataclass(frozen=True, slots=True)
class Threshold:
    """Where decisions turn: the grounding score (None where only the count of claims decides), and the judges'."""

    score: float | None
    judged: float
    margin: float

    @classmethod
    def of(cls, policy: PolicySpec, calibrated: float | None) -> "Threshold":
        return cls(policy.min_score or calibrated, policy.min_judge_grounding, policy.min_silence_margin)


def share_of(key: str) -> float:
    """A number in [0, 1) drawn by the id: the audit's coin, and what orders chains that are otherwise equal.

    Equals in one place of an index would have to be walked; and a reviewer is better served by a mixture.
    """
    return int(key[:8], 16) / 2**32 if _is_hash(key) else 0.0


def _is_hash(key: str) -> bool:
    return len(key) >= 16 and all(sign in "0123456789abcdef" for sign in key)


def audit_rank(share: float) -> float | None:
    """A chain's own number, for those that the coin chooses."""
    return share if share < AUDIT_SHARE else None


def gold_rank(row: sqlite3.Row, key: str) -> float | None:
    """Chains whose grounding is known by construction, a share of them by other digits of the id than the audit's."""
    if row["truth_grounded"] is None or not _is_hash(key):
        return None
    share = int(key[8:16], 16) / 2**32
    return share if share < GOLD_SHARE else None


def machine_disagreement(row: sqlite3.Row, threshold: Threshold) -> tuple[float, bool | None]:
    """(the highest disagreement among the machine's own signals, the machine's word on the grounding)."""
    grounded = None if row["grounded"] is None else bool(row["grounded"])
    levels = [0.0]
    if row["acoustic_grounding"] is not None and grounded is not None:
        judged = row["acoustic_grounding"] >= threshold.judged
        levels.append(JUDGES if judged != grounded else 0.0)
    if row["spread"] is not None:
        levels.append(min(1.0, row["spread"] / JUDGES_SCALE))
    if row["silence_margin"] is not None and grounded:
        levels.append(COUNTERFACTUAL if row["silence_margin"] <= threshold.margin else 0.0)
    if row["truth_grounded"] is not None and grounded is not None and bool(row["truth_grounded"]) != grounded:
        levels.append(TRUTH)
    if row["supported"] and row["contradicted"]:
        levels.append(CLAIMS)
    return max(levels), grounded


def disagreement_rank(base: float | None, machine: bool | None, verdicts: list[str], share: float) -> float | None:
    """Negative, so that the queue begins with the highest; None where all agree."""
    said = {verdict for verdict in verdicts if verdict in (GROUNDED, NOT_GROUNDED)}
    level = base or 0.0
    if len(said) > 1:
        level = REVIEWERS
    elif said and machine is not None and (said == {GROUNDED}) != machine:
        level = POLICY
    return share * EQUALS - level if level else None


def threshold_rank(row: sqlite3.Row, threshold: Threshold, share: float) -> float | None:
    """Distance to where the decision turns, None beyond NEAR."""
    distances = []
    if row["score"] is not None and threshold.score is not None:
        distances.append(abs(row["score"] - threshold.score))
    if row["acoustic_grounding"] is not None:
        distances.append(abs(row["acoustic_grounding"] - threshold.judged) / JUDGES_SCALE)
    if row["silence_margin"] is not None:
        distances.append(abs(row["silence_margin"] - threshold.margin))
    if threshold.score is None and (row["supported"], row["contradicted"]) in ((1, 0), (1, 1), (2, 1)):
        distances.append(ONE_CLAIM)
    nearest = min(distances, default=None)
    return nearest + share * EQUALS if nearest is not None and nearest <= NEAR else None


def place_words(queue: str, place: float) -> str:
    """Why a chain stands at its place of a queue; empty where the queue's name says it."""
    if queue == "disagreement":
        level = -place
        return next((words for rank, words in LEVELS.items() if 0 <= rank - level < EQUALS), "judges differ")
    return f"{place:.2f} from the threshold" if queue == "threshold" else ""
