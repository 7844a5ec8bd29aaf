"""The panel: several judges' scores become one, and how far they were apart is kept.

A judge that gave no scores is no vote against the chain. What it could still have said is bounded:
the panel's score is reduced once for each set of scores that the missing judges could have given. A
threshold is reached, or missed, only when all of these agree; otherwise the chain is unscored.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations_with_replacement
from statistics import median

import polars as pl

from mgrd.ids import content_key
from mgrd.judging.cases import Case, judge_identity, verdict_ids
from mgrd.judging.rubric import BEST, WORST
from mgrd.settings import PanelSpec
from mgrd.store import frame_of
from schemas import PANELS
from schemas.verdicts import CRITERIA

NOT_ASKED = "not asked"


@dataclass(frozen=True, slots=True)
class PanelResult:
    """What a panel makes of one chain.

    `scores` holds the reduced score per criterion, over the judges that gave scores (empty when too few
    did); `lowest` and `highest` bound it over what the missing judges could have said; `spread` is the
    distance between the highest and the lowest judge. `reason` says of each missing judge why.
    """

    trace_id: str
    judges: int
    scored: int
    scores: Mapping[str, float] = field(default_factory=dict)
    lowest: Mapping[str, float] = field(default_factory=dict)
    highest: Mapping[str, float] = field(default_factory=dict)
    spread: Mapping[str, float] = field(default_factory=dict)
    reason: str = ""

    def reaches(self, criterion: str, minimum: float) -> bool | None:
        """Whether the panel's score is at least `minimum`; None where a missing judge could have decided it."""
        if not self.scored:
            return None
        if self.lowest[criterion] >= minimum:
            return True
        return False if self.highest[criterion] < minimum else None

    @property
    def disagreement(self) -> float:
        """The widest spread of any criterion, in points; 0 when the judges agree or only one gave scores."""
        return max(self.spread.values(), default=0.0)


def panel_identity(panel: PanelSpec) -> dict[str, object]:
    """What a panel's results depend on beside the cases: its judges and its reducer, not its thresholds."""
    k = panel.at_least if panel.reducer == "at_least_k" else None
    return {"judges": [judge_identity(judge) for judge in panel.judges], "reducer": panel.reducer, "at_least": k}


def panel_results(cases: Sequence[Case], verdicts: pl.DataFrame, panel: PanelSpec) -> list[PanelResult]:
    """One result per case from VERDICTS rows; rows of other judges, prompts or chains are ignored."""
    wanted = [list(verdict_ids(cases, judge)) for judge in panel.judges]
    keys = pl.Series([key for keyed in wanted for _, key in keyed], dtype=pl.String)
    found = verdicts.filter(pl.col("verdict_id").is_in(keys.implode()))
    rows = {row["verdict_id"]: row for row in found.iter_rows(named=True)}
    return [
        _result(case.trace_id, [rows.get(keyed[number][1]) for keyed in wanted], panel)
        for number, case in enumerate(cases)
    ]


def panel_frame(cases: Sequence[Case], results: Sequence[PanelResult], panel: PanelSpec) -> pl.DataFrame:
    """The results as rows of the table `panels`."""
    sha = content_key("panel", panel_identity(panel))
    rows = [
        {
            "trace_id": result.trace_id,
            "round": case.round,
            "panel_sha": sha,
            "reducer": panel.reducer,
            "judges": result.judges,
            "scored": result.scored,
            **{name: result.scores.get(name) for name in CRITERIA},
            **{f"{name}_spread": result.spread.get(name) for name in CRITERIA},
            "disagreement": result.disagreement if result.scored else None,
            "reason": result.reason or None,
        }
        for case, result in zip(cases, results, strict=True)
    ]
    return frame_of(PANELS, rows)


def reduce_scores(scores: Sequence[float], panel: PanelSpec) -> float:
    """One score of several (at least one).

    `mode`: the most frequent, of equally frequent ones the lowest; `median`: the middle, or the mean
    of the two middle ones; `at_least_k`: the k-th highest, so it reaches a threshold exactly when at
    least k judges do. Raises IndexError for fewer than k scores.
    """
    if panel.reducer == "median":
        return float(median(scores))
    if panel.reducer == "at_least_k":
        return float(sorted(scores, reverse=True)[panel.at_least - 1])
    counts = Counter(scores)
    most = max(counts.values())
    return float(min(score for score, count in counts.items() if count == most))


def _result(trace_id: str, verdicts: Sequence[Mapping[str, object] | None], panel: PanelSpec) -> PanelResult:
    scored = [verdict for verdict in verdicts if verdict is not None and verdict["scored"]]
    reason = "; ".join(_missing(verdicts, panel))
    if not scored:
        return PanelResult(trace_id, len(verdicts), 0, reason=reason)
    given = {name: [float(str(verdict[name])) for verdict in scored] for name in CRITERIA}
    enough = panel.reducer != "at_least_k" or len(scored) >= panel.at_least
    # `mode` is not monotone in a vote, so all that the missing judges could have said is tried, not only the ends.
    unsaid = list(combinations_with_replacement(range(WORST, BEST + 1), len(verdicts) - len(scored)))
    possible = {name: [reduce_scores([*scores, *more], panel) for more in unsaid] for name, scores in given.items()}
    return PanelResult(
        trace_id,
        len(verdicts),
        len(scored),
        scores={name: reduce_scores(scores, panel) for name, scores in given.items()} if enough else {},
        lowest={name: min(reduced) for name, reduced in possible.items()},
        highest={name: max(reduced) for name, reduced in possible.items()},
        spread={name: max(scores) - min(scores) for name, scores in given.items()},
        reason=reason,
    )


def _missing(verdicts: Sequence[Mapping[str, object] | None], panel: PanelSpec) -> Iterable[str]:
    for verdict, judge in zip(verdicts, panel.judges, strict=True):
        if verdict is None:
            yield f"{judge.model}: {NOT_ASKED}"
        elif not verdict["scored"]:
            yield f"{judge.model}: {verdict['reason']}"
