"""Faults of the mock judge: what can go wrong, and when it does.

A plan is a list of faults in JSON, such as

    [{"fault": "429", "first": 3, "retry_after": 1}, {"fault": "hang", "when": "flute"}]

A chain may carry its own fault as a mark, `[[mock:prose]]`, or `[[mock:500*2]]` for the first two
requests whose prompt holds the mark.
"""

import json
import re
from dataclasses import replace
from typing import Annotated

from pydantic import Field, TypeAdapter, ValidationError

from mgrd.errors import ConfigError
from mgrd.judging.mock.answers import Answer, grade
from mgrd.serving.faults import Schedule
from mgrd.settings.runtime import FaultCondition
from schemas.verdicts import CRITERIA

HANG_SECONDS = 3600.0
FAULTS: dict[str, Answer] = {
    "429": Answer("too many requests", status=429),
    "500": Answer("internal error", status=500),
    "503": Answer("overloaded", status=503),
    "400": Answer("maximum context length exceeded", status=400),
    "401": Answer("incorrect API key", status=401),
    "hang": Answer(grade(), delay=HANG_SECONDS),
    "drip": Answer(grade(), drip=0.1),
    "cut": Answer(grade(), cut=True),
    "html": Answer(body="<html><body>Bad gateway</body></html>", headers={"Content-Type": "text/html"}),
    "prose": Answer("A pleasant chain, I would say four of five."),
    "null": Answer(None),
    "empty": Answer(""),
    "schema": Answer(json.dumps({"score": 5, "verdict": "excellent"})),
    "range": Answer(grade(**dict.fromkeys(CRITERIA, 11))),
    "length": Answer(grade()[:120], finish_reason="length"),
    "refusal": Answer(None, refusal="I cannot help with that."),
    "content_filter": Answer("", finish_reason="content_filter"),
    "no-usage": Answer(grade(), usage=False),
}
"""By name. `429` takes `retry_after`, `hang` takes `seconds`."""
_MARK = re.compile(r"\[\[mock:([a-z0-9_-]+)(?:\*(\d+))?\]\]")


class Fault(FaultCondition):
    """One fault, counted in requests since the plan was set."""

    fault: str = Field(json_schema_extra={"enum": list(FAULTS)})
    retry_after: Annotated[float, Field(ge=0)] | None = None
    """Seconds, sent as the Retry-After header."""
    seconds: Annotated[float, Field(ge=0)] | None = None
    """How long a hang lasts."""

    def answer(self) -> Answer:
        base = FAULTS[self.fault]
        headers = dict(base.headers)
        if self.retry_after is not None:
            headers["Retry-After"] = f"{self.retry_after:g}"
        delay = base.delay if self.seconds is None else self.seconds
        return replace(base, headers=headers, delay=delay)


_PLAN = TypeAdapter(list[Fault])


class Plan(Schedule[Fault]):
    """Faults in order of precedence, and how often each has struck."""

    def next_fault(self, prompt: str) -> Answer | None:
        """The fault that answers this request, or None for an honest grade."""
        marked = _MARK.search(prompt)
        if marked is None or marked[1] not in FAULTS:
            due = self.next_due(prompt)
            return None if due is None else due.answer()
        self.asked += 1
        if marked[2] is None or self.strikes((marked[0], prompt[:4000]), int(marked[2])):
            return Fault(fault=marked[1]).answer()
        return None


def parse_plan(text: str) -> Plan:
    """The plan in a JSON text. Raises ConfigError naming what is wrong."""
    try:
        faults = _PLAN.validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        raise ConfigError(
            f"fault plan: {'.'.join(map(str, first['loc']))}: {first['msg']}; give a JSON list such as "
            '[{"fault": "429", "first": 3}]'
        ) from error
    for fault in faults:
        _known(fault.fault)
    return Plan(tuple(faults))


def parse_fault(text: str) -> Fault:
    """A fault as the command line writes it: `NAME` always, `NAME:N` for the first N requests, `NAME/N` every N-th."""
    found = re.fullmatch(r"([a-z0-9_-]+)(?:([:/])([1-9]\d*))?", text)
    if found is None:
        raise ConfigError(f"fault {text!r}: write NAME, NAME:N (the first N requests) or NAME/N (every N-th request)")
    name = _known(found[1])
    if found[2] is None:
        return Fault(fault=name)
    return Fault(fault=name, first=int(found[3])) if found[2] == ":" else Fault(fault=name, every=int(found[3]))


def _known(name: str) -> str:
    if name not in FAULTS:
        raise ConfigError(f"no fault {name!r}; there are {', '.join(FAULTS)}")
    return name
