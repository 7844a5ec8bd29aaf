"""The tables: one file each, a pydantic row and an Arrow schema side by side."""

from schemas.base import FACT, FactRow, Row, Table
from schemas.calibrations import CALIBRATIONS, Calibration
from schemas.claims import CLAIMS, ClaimRow
from schemas.clips import CLIPS, Clip
from schemas.counterfactuals import COUNTERFACTUALS, Counterfactual
from schemas.curriculum import CURRICULUM, CurriculumRow
from schemas.decisions import DECISIONS, Decision
from schemas.distilled import DISTILLED, DistilledRow
from schemas.evidence import EVIDENCE, Evidence
from schemas.ledger import LEDGER, LedgerRow
from schemas.metrics import METRICS, Metric
from schemas.models import MODELS, ModelRow
from schemas.overlaps import OVERLAPS, Overlap
from schemas.overrides import OVERRIDES, ClaimVote, Override
from schemas.panels import PANELS, Panel
from schemas.preferences import PREFERENCES, Preference
from schemas.quarantine import QUARANTINE, QuarantineRow
from schemas.questions import QUESTIONS, Question
from schemas.traces import TRACES, Trace
from schemas.verdicts import VERDICTS, Verdict

TABLES: dict[str, Table] = {
    table.name: table
    for table in (
        CLIPS,
        QUESTIONS,
        EVIDENCE,
        TRACES,
        CLAIMS,
        VERDICTS,
        COUNTERFACTUALS,
        PANELS,
        DECISIONS,
        OVERRIDES,
        OVERLAPS,
        CALIBRATIONS,
        DISTILLED,
        PREFERENCES,
        CURRICULUM,
        QUARANTINE,
        MODELS,
        METRICS,
        LEDGER,
    )
}

__all__ = [
    "CALIBRATIONS",
    "CLAIMS",
    "CLIPS",
    "COUNTERFACTUALS",
    "CURRICULUM",
    "DECISIONS",
    "DISTILLED",
    "EVIDENCE",
    "FACT",
    "LEDGER",
    "METRICS",
    "MODELS",
    "OVERLAPS",
    "OVERRIDES",
    "PANELS",
    "PREFERENCES",
    "QUARANTINE",
    "QUESTIONS",
    "TABLES",
    "TRACES",
    "VERDICTS",
    "Calibration",
    "ClaimRow",
    "ClaimVote",
    "Clip",
    "Counterfactual",
    "CurriculumRow",
    "Decision",
    "DistilledRow",
    "Evidence",
    "FactRow",
    "LedgerRow",
    "Metric",
    "ModelRow",
    "Overlap",
    "Override",
    "Panel",
    "Preference",
    "QuarantineRow",
    "Question",
    "Row",
    "Table",
    "Trace",
    "Verdict",
]
