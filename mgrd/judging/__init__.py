"""The LLM judge: a panel of rubric judges at OpenAI-compatible servers, and verdicts that are never lost.

One synchronous entry point serves the stage, the command line and the flows:

    cases = cases_of(traces, questions, evidence_by_clip)     # or Case(...) for chains from elsewhere
    judged = judge_chains(cases, spec.panel, cache=folder)
    judged.verdicts    # VERDICTS rows, one per case and judge that was asked
    judged.results     # one PanelResult per case, in the cases' order
    judged.failures    # one sentence per judge that had to be given up; judged.check() raises them

`Case(trace_id, question, choices, chain, answer, evidence, round=0)`: `evidence` is the text that
`evidence_words(facts)` makes of a clip's measured facts. `PanelResult.reaches(criterion, minimum)` is
True, False, or None where only a judge that could not be read would have decided; `scores`, `spread`
and `reason` hold the rest. `cache` is a folder for the replies (None: this call only). `known` passes
VERDICTS rows that exist already, which are then not asked again; `on_verdicts` is handed each part of
the new rows to be committed while the rest is still asked. `judge_on_cluster(executor, cases, panel, ...)`
does the same over the workers of an executor. `panel_results(cases, verdicts, panel)` reads stored rows
without asking anybody; `panel_frame` makes rows of the table `panels`;
`panel_identity(panel)` is what results depend on, for a stage's fingerprint.

A chain is never held responsible for its judge: what could not be read or reached is unscored.
"""

from mgrd.judging.cases import Case, cases_of, judge_identity
from mgrd.judging.cluster import judge_on_cluster
from mgrd.judging.evidence import evidence_words
from mgrd.judging.judge import Judged, judge_chains, standing, verdict_keys
from mgrd.judging.panel import PanelResult, panel_frame, panel_identity, panel_results

__all__ = [
    "Case",
    "Judged",
    "PanelResult",
    "cases_of",
    "evidence_words",
    "judge_chains",
    "judge_identity",
    "judge_on_cluster",
    "panel_frame",
    "panel_identity",
    "panel_results",
    "standing",
    "verdict_keys",
]
