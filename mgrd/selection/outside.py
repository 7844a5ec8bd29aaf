"""The filter on chains from elsewhere: the checks, judges and policy of a round, without the tables of one."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path

from mgrd.grounding.leaks import split_chain
from mgrd.grounding.outside import (
    BadRow,
    GroundedRow,
    Measure,
    claims_of,
    correct,
    ground_rows,
)
from mgrd.ids import content_key
from mgrd.judging import Case, PanelResult, evidence_words, judge_chains
from mgrd.selection.decisions import signals_of
from mgrd.selection.policy import Signals, decide
from mgrd.settings import PanelSpec, PolicySpec

UNSCORED = "unscored"
JUDGED_TOGETHER = 256
"""Rows that are read before the panel is asked about those among them that passed the checks."""

Result = dict[str, object]


class OutsideFilter:
    """Decides on rows one after the other; `failures` names judges that had to be given up."""

    def __init__(
        self, policy: PolicySpec | None = None, panel: PanelSpec | None = None, replies: Path | None = None
    ) -> None:
        """`panel` None leaves the judges out; `replies` is the folder of their reply cache."""
        self.policy = policy or PolicySpec()
        self.panel = panel
        self.replies = replies
        self.failures: list[str] = []

    def decide_rows(self, lines: Iterable[str], root: Path, measure: Measure | None = None) -> Iterator[Result]:
        """A result per non-blank line, in order: `{"id", "kept", "decision", "reasons", "claims"}`.

        `kept` is grounded, by the policy over all signals at hand, with the right answer where a gold answer is
        given. `warnings` stand beside it where there are some, `judge` where a panel was asked. A row that cannot be
        read is `unscored`, with a `message`. Offsets of claims are characters of `chain` as given.
        """
        rows = ground_rows(lines, root, self.policy, measure)
        if self.panel is None:
            for row in rows:
                yield self._result(row, None)
            return
        while together := list(islice(rows, JUDGED_TOGETHER)):
            said = self._judged(together, self.panel)
            for place, row in enumerate(together):
                yield self._result(row, said.get(place))

    def _judged(self, rows: Sequence[GroundedRow | BadRow], panel: PanelSpec) -> dict[int, PanelResult]:
        """Place -> what the panel says, for the rows that passed the checks."""
        asked = {
            place: _case(row)
            for place, row in enumerate(rows)
            if isinstance(row, GroundedRow) and not decide(_signals(row), self.policy).reasons
        }
        judged = judge_chains(list(asked.values()), panel, cache=self.replies)
        self.failures += [failure for failure in judged.failures if failure not in self.failures]
        return dict(zip(asked, judged.results, strict=True))

    def _result(self, row: GroundedRow | BadRow, said: PanelResult | None) -> Result:
        if isinstance(row, BadRow):
            reasons = [UNSCORED, row.code]
            bad = {"id": row.id, "kept": False, "decision": UNSCORED, "reasons": reasons, "claims": []}
            return {**bad, "message": row.message}
        ruling = decide(_signals(row, said), self.policy)
        return {
            "id": row.row.id,
            "kept": ruling.decision == "kept",
            "decision": ruling.decision,
            "reasons": list(ruling.reasons),
            "claims": claims_of(row.grounding),
            **({"warnings": list(ruling.warnings)} if ruling.warnings else {}),
            **({"judge": {"scores": dict(said.scores), "reason": said.reason}} if said is not None else {}),
        }


def _signals(row: GroundedRow, said: PanelResult | None = None) -> Signals:
    checks = signals_of(row.grounding, correct(row.row))
    return Signals(checks.correct, checks.checks, checks.score, said)


def _case(row: GroundedRow) -> Case:
    outside = row.row
    facts = [fact for found in row.evidence.by_name.values() for fact in found]
    chain = split_chain(outside.chain)[0] or ""
    return Case(
        trace_id=content_key("outside", outside.audio, outside.question, list(outside.choices), outside.chain),
        question=outside.question or "",
        choices=outside.choices,
        chain=chain,
        answer=outside.answer or "",
        evidence=evidence_words(facts),
    )
