"""A judge that needs no model: an OpenAI-compatible server on loopback whose grades and faults are known.

It ships with the package, for trying a pipeline out, for tests, and for rehearsing what a real
server does on a bad day. Grades are a function of the prompt alone. Faults come from a plan
(`Fault`), by the number of the request, by a text in the prompt, or by a mark in a chain; a script
in Python may answer instead. `mgrd serve-mock-judge` serves it; `serving()` does so inside a test.
"""

from mgrd.judging.mock.answers import Answer, good, grade
from mgrd.judging.mock.faults import FAULTS, Fault, Plan, parse_fault
from mgrd.judging.mock.grading import gullible_script, mock_scores
from mgrd.judging.mock.server import MockJudge, Script, serve, serving

__all__ = [
    "FAULTS",
    "Answer",
    "Fault",
    "MockJudge",
    "Plan",
    "Script",
    "good",
    "grade",
    "gullible_script",
    "mock_scores",
    "parse_fault",
    "serve",
    "serving",
]
