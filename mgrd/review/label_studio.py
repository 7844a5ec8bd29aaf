"""A queue as Label Studio's tasks, and its results as reviewers' verdicts: for crowds that work elsewhere.

Tasks follow Label Studio's JSON format: `data` holds what the labeling interface shows, `predictions` nothing, so that
nobody is led. CONFIG is the interface to paste into a project. What comes back is hostile: a bad entry is told.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mgrd.errors import DataError
from mgrd.review.filters import View
from mgrd.review.mirror import Mirror
from mgrd.review.queues import PAGE, Place, list_items
from mgrd.review.verdicts import REASONS, SAID, Said, record_verdict, reviewer_name
from schemas import CLAIMS, CLIPS, QUESTIONS, TRACES

CHOICE, CORRECT, REASON = "grounding", "correct", "reason"
MOST_TASKS = 100_000
MOST_TOLD = 20

CONFIG = f"""<View>
  <Audio name="audio" value="$audio"/>
  <Header value="$question"/>
  <Text name="chain" value="$chain"/>
  <Text name="answer" value="$answer"/>
  <Choices name="{CHOICE}" toName="audio" choice="single-radio" required="true">
{"".join(f'    <Choice value="{verdict}"/>' + chr(10) for verdict in SAID)}  </Choices>
  <Choices name="{CORRECT}" toName="audio" choice="single-radio">
    <Choice value="true"/>
    <Choice value="false"/>
  </Choices>
  <Choices name="{REASON}" toName="audio" choice="single-radio">
{"".join(f'    <Choice value="{reason}"/>' + chr(10) for reason in REASONS)}  </Choices>
</View>
"""


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did: verdicts recorded, annotations that were there already, and what was wrong with the rest."""

    recorded: int
    known: int
    bad: tuple[str, ...]


def export_tasks(mirror: Mirror, view: View, reviewer: str, *, audio: Callable[[str], str]) -> Iterator[str]:
    """JSON of one task per chain of the view, in its order; `audio` maps a clip_id to the address to play it from."""
    after: Place | None = None
    for _ in range(MOST_TASKS // PAGE):
        rows = list_items(mirror, view, reviewer, after)
        for row in rows[:PAGE]:
            yield json.dumps(_task(mirror, row["trace_id"], audio), ensure_ascii=False)
        if len(rows) <= PAGE:
            return
        after = Place(rows[PAGE - 1]["place"], rows[PAGE - 1]["no"])


def json_list(tasks: Iterable[str]) -> Iterator[str]:
    """The tasks as one JSON list, a task a line, in parts that can be sent or written as they come."""
    yield "["
    for number, task in enumerate(tasks):
        yield f"{',' if number else ''}\n{task}"
    yield "\n]\n"


def _task(mirror: Mirror, trace_id: str, audio: Callable[[str], str]) -> dict[str, Any]:
    trace = mirror.rows(TRACES, "trace_id", trace_id)[0]
    questions = mirror.rows(QUESTIONS, "question_id", trace["question_id"])
    clips = mirror.rows(CLIPS, "clip_id", trace["clip_id"])
    claims = sorted(mirror.rows(CLAIMS, "trace_id", trace_id), key=lambda row: row["start"])
    return {
        "data": {
            "trace_id": trace_id,
            "audio": audio(trace["clip_id"]) if clips else None,
            "question": questions[0]["text"] if questions else "",
            "choices": questions[0]["choices"] if questions else [],
            "chain": trace["reasoning"] or trace["raw_text"],
            "answer": trace["answer"] or "",
            "claims": [{"claim_id": claim["claim_id"], "text": claim["text"]} for claim in claims],
        },
        "meta": {"round": trace["round"], "purpose": trace["purpose"]},
    }


def import_results(mirror: Mirror, tasks: object) -> Imported:
    """Record each completed annotation once as its annotator's verdict. Raises DataError when it is no export."""
    if not isinstance(tasks, list):
        raise DataError("a Label Studio export is a JSON list of tasks; choose the JSON format when exporting")
    recorded = known = 0
    bad: list[str] = []
    for number, task in enumerate(tasks):
        for annotation in _annotations(task):
            try:
                trace_id, who, said = _read(task, annotation)
                if _stands(mirror, trace_id, who, said):
                    known += 1
                    continue
                record_verdict(mirror, who, trace_id, said)
                recorded += 1
            except (DataError, TypeError, ValueError, KeyError, AttributeError) as error:
                if len(bad) < MOST_TOLD:
                    bad.append(f"task {number}: {error}"[:300])
    return Imported(recorded, known, tuple(bad))


def _annotations(task: object) -> Iterable[Mapping[str, Any]]:
    found = task.get("annotations") if isinstance(task, dict) else None
    entries = found if isinstance(found, list) else [None]
    return [entry if isinstance(entry, dict) else {} for entry in entries if _counts(entry)]


def _counts(entry: object) -> bool:
    return not (isinstance(entry, dict) and entry.get("was_cancelled"))


def _read(task: Any, annotation: Mapping[str, Any]) -> tuple[str, str, Said]:
    if not isinstance(task, dict) or not isinstance(task.get("data"), dict):
        raise DataError("a task needs `data` with a trace_id")
    trace_id = task["data"].get("trace_id")
    if not isinstance(trace_id, str):
        raise DataError("`data.trace_id` must be a trace's id")
    chosen = _choices(annotation)
    if CHOICE not in chosen:
        raise DataError(f"the annotation has no choice named {CHOICE}")
    correct = {"true": True, "false": False}.get(chosen.get(CORRECT, ""))
    seconds = annotation.get("lead_time")
    spent = float(seconds) if isinstance(seconds, (int, float)) and 0 <= seconds < float("inf") else 0.0
    return trace_id, _annotator(annotation), Said(chosen[CHOICE], correct, chosen.get(REASON), None, spent)


def _choices(annotation: Mapping[str, Any]) -> dict[str, str]:
    results = annotation.get("result")
    chosen: dict[str, str] = {}
    for result in results if isinstance(results, list) else ():
        if isinstance(result, dict) and isinstance(result.get("value"), dict):
            picked = result["value"].get("choices")
            if isinstance(picked, list) and picked and isinstance(picked[0], str):
                chosen[str(result.get("from_name"))] = picked[0]
    return chosen


def _annotator(annotation: Mapping[str, Any]) -> str:
    """The annotator's address or number; Label Studio gives one or the other by its edition."""
    who = annotation.get("completed_by")
    who = who.get("email") or who.get("id") if isinstance(who, dict) else who
    return reviewer_name(f"label-studio {who if who is not None else 'unknown'}")


def _stands(mirror: Mirror, trace_id: str, who: str, said: Said) -> bool:
    """The same word of the same annotator stands already: the file was imported before."""
    found = mirror.reader.execute(
        "SELECT verdict, correct, reason FROM standing WHERE trace_id = ? AND reviewer = ?", (trace_id, who)
    ).fetchone()
    correct = None if found is None or found["correct"] is None else bool(found["correct"])
    return found is not None and (found["verdict"], correct, found["reason"]) == (
        said.verdict,
        said.correct,
        said.reason,
    )
