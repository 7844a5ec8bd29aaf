"""How far reviewers agree with each other, with the judges, with the policy and with its single reasons.

Only what stands counts: of each reviewer the newest verdict on a chain that was not taken back.
"""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from mgrd.evaluation.agreement import wilson
from mgrd.evaluation.raters import MISSING, Figure, cohen, fleiss, krippendorff
from mgrd.review.mirror import Mirror
from mgrd.review.verdicts import CLAIM_VERDICTS, SAID
from mgrd.selection.overrides import GROUNDED, NOT_GROUNDED

MOST_REVIEWERS = 12
"""With the most verdicts; pairs among more are not shown."""
RESAMPLES = 500


@dataclass(frozen=True, slots=True)
class Confusion:
    """Counts [rows: said by the machine, columns: said by people]."""

    title: str
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]
    kappa: Figure


@dataclass(frozen=True, slots=True)
class ReasonLine:
    """Of the chains that a reason speaks against, how many people call not grounded; 95 % interval (Wilson)."""

    reason: str
    chains: int
    agreed: int
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class AgreementPage:
    """Everything that the page shows; figures are None where there is nothing to compare."""

    reviewers: Sequence[tuple[str, int, float, Figure | None]]
    """Name, verdicts, median seconds, and kappa with the truth known by construction, of each reviewer."""
    pairs: Sequence[tuple[str, str, Figure]]
    fleiss: Figure
    krippendorff: Figure
    confusions: Sequence[Confusion]
    reasons: Sequence[ReasonLine]
    claims: Confusion | None


def agreement_page(mirror: Mirror) -> AgreementPage:
    """The figures over all standing verdicts; clips' sources are resampled as a whole."""
    rows = _standing(mirror)
    names = [name for name, _ in Counter(row["reviewer"] for row in rows).most_common(MOST_REVIEWERS)]
    keys = sorted({row["trace_id"] for row in rows})
    at = {key: index for index, key in enumerate(keys)}
    ratings = np.full((len(keys), len(names)), MISSING, dtype=np.int64)
    clusters = np.array([""] * len(keys), dtype=object)
    for row in rows:
        clusters[at[row["trace_id"]]] = row["cluster"]
        if row["reviewer"] in names:
            ratings[at[row["trace_id"]], names.index(row["reviewer"])] = SAID.index(row["verdict"])
    clusters = clusters.astype(str)
    kinds = len(SAID)
    drawn = {"resamples": RESAMPLES, "seed": mirror.workspace.settings.spec.seed}
    several = ratings if len(names) > 1 else ratings[:, :0]
    return AgreementPage(
        reviewers=_reviewers(rows, names, drawn),
        pairs=[
            (names[a], names[b], cohen(ratings[:, a], ratings[:, b], kinds, clusters=clusters, **drawn))
            for a, b in combinations(range(len(names)), 2)
        ],
        fleiss=fleiss(several, kinds, clusters=clusters, **drawn),
        krippendorff=krippendorff(several, kinds, clusters=clusters, **drawn),
        confusions=_confusions(mirror, rows, drawn),
        reasons=_reasons(rows),
        claims=_claims(mirror, rows, drawn),
    )


def _standing(mirror: Mirror) -> list[dict[str, Any]]:
    """Standing verdicts with the policy's word, its reasons, the truth where it is known, and the clip's source."""
    found = mirror.reader.execute(
        """SELECT s.trace_id, s.reviewer, s.verdict, s.seconds, s.claims, d.decision, d.reasons, d.warnings,
                  d.truth_grounded, d.decided_by, ifnull(c.source, s.trace_id) AS cluster
           FROM standing s JOIN items i ON i.trace_id = s.trace_id
           LEFT JOIN decisions d ON d.trace_id = s.trace_id LEFT JOIN clips c ON c.clip_id = i.clip_id
           WHERE s.verdict != 'withdrawn' ORDER BY s.trace_id, s.reviewer"""
    )
    return [dict(row) for row in found]


def _reviewers(
    rows: list[dict[str, Any]], names: list[str], drawn: dict[str, int]
) -> list[tuple[str, int, float, Figure | None]]:
    lines = []
    for name in names:
        mine = [row for row in rows if row["reviewer"] == name]
        known = [row for row in mine if row["truth_grounded"] is not None and row["verdict"] in SAID[:2]]
        gold = _two_by_two(known, [bool(row["truth_grounded"]) for row in known], drawn) if known else None
        lines.append((name, len(mine), float(np.median([row["seconds"] or 0.0 for row in mine])), gold))
    return lines


def _two_by_two(rows: list[dict[str, Any]], machine: list[bool], drawn: dict[str, int]) -> Figure:
    said = np.array([int(row["verdict"] == GROUNDED) for row in rows], dtype=np.int64)
    clusters = np.array([row["cluster"] for row in rows])
    return cohen(np.array(machine, dtype=np.int64), said, 2, clusters=clusters, **drawn)


def _settled(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One row per chain that the reviewers settled by majority."""
    by_trace: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        by_trace.setdefault(row["trace_id"], []).append(row)
    settled = []
    for group in by_trace.values():
        lean = sum((row["verdict"] == GROUNDED) - (row["verdict"] == NOT_GROUNDED) for row in group)
        if lean:
            settled.append({**group[0], "verdict": GROUNDED if lean > 0 else NOT_GROUNDED})
    return settled


def _machine_reasons(row: dict[str, Any]) -> set[str]:
    """Reasons of the signals, whether they counted or a reviewer overruled them; a wrong answer is no matter of it."""
    found = {*json.loads(row["reasons"] or "[]"), *json.loads(row["warnings"] or "[]")}
    return found - {"wrong_answer", "reviewer_not_grounded"}


def _confusions(mirror: Mirror, rows: list[dict[str, Any]], drawn: dict[str, int]) -> list[Confusion]:
    settled = _settled(rows)
    decided = [row for row in settled if row["decision"] is not None]
    tables = [_confusion("policy", decided, [not _machine_reasons(row) for row in decided], drawn)] if decided else []
    limit = mirror.workspace.settings.spec.policy.min_judge_grounding
    judged: dict[str, tuple[list[dict[str, Any]], list[bool]]] = {}
    for row in settled:
        for name, score in mirror.reader.execute(
            "SELECT judge, acoustic_grounding FROM verdicts WHERE trace_id = ? AND scored", (row["trace_id"],)
        ):
            kept, said = judged.setdefault(name, ([], []))
            kept.append(row)
            said.append(score >= limit)
    return tables + [_confusion(f"judge {name}", *judged[name], drawn) for name in sorted(judged)]


def _confusion(title: str, rows: list[dict[str, Any]], machine: list[bool], drawn: dict[str, int]) -> Confusion:
    cells = Counter((said, row["verdict"] == GROUNDED) for said, row in zip(machine, rows, strict=True))
    counts = tuple(tuple(cells[said, human] for human in (True, False)) for said in (True, False))
    words = ("grounded", "not grounded")
    return Confusion(title, words, words, counts, _two_by_two(rows, machine, drawn))


def _reasons(rows: list[dict[str, Any]]) -> list[ReasonLine]:
    chains: Counter[str] = Counter()
    agreed: Counter[str] = Counter()
    for row in _settled(rows):
        for reason in _machine_reasons(row):
            chains[reason] += 1
            agreed[reason] += row["verdict"] == NOT_GROUNDED
    return [
        ReasonLine(reason, count, agreed[reason], *wilson(agreed[reason], count))
        for reason, count in chains.most_common()
    ]


def _claims(mirror: Mirror, rows: list[dict[str, Any]], drawn: dict[str, int]) -> Confusion | None:
    """The checks' verdict on single claims against the reviewers'."""
    pairs: list[tuple[int, int, str]] = []
    for row in rows:
        votes = json.loads(row["claims"]) if row["claims"] else []
        if votes:
            machine = dict(
                mirror.reader.execute("SELECT claim_id, verdict FROM claims WHERE trace_id = ?", (row["trace_id"],))
            )
            pairs += [
                (CLAIM_VERDICTS.index(machine[v["claim_id"]]), CLAIM_VERDICTS.index(v["verdict"]), row["cluster"])
                for v in votes
                if machine.get(v["claim_id"]) in CLAIM_VERDICTS and v["verdict"] in CLAIM_VERDICTS
            ]
    if not pairs:
        return None
    said, human, clusters = (np.array(column) for column in zip(*pairs, strict=True))
    counts = tuple(tuple(int(((said == a) & (human == b)).sum()) for b in range(3)) for a in range(3))
    kappa = cohen(said, human, 3, clusters=clusters, **drawn)
    return Confusion("checks, claim by claim", CLAIM_VERDICTS, CLAIM_VERDICTS, counts, kappa)
