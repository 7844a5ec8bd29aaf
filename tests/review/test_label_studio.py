"""To Label Studio and back: every chain of a queue once, and its annotations as verdicts once."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from review_workspace import traces_of

from mgrd.errors import DataError
from mgrd.review.filters import View
from mgrd.review.label_studio import CONFIG, export_tasks, import_results
from mgrd.review.mirror import Mirror
from schemas import OVERRIDES


def annotated(trace_id: str, verdict: str, who: object = 7, **more: object) -> dict[str, object]:
    result = [{"from_name": "grounding", "to_name": "audio", "type": "choices", "value": {"choices": [verdict]}}]
    return {
        "data": {"trace_id": trace_id},
        "annotations": [{"completed_by": who, "result": result, "lead_time": 4.2, **more}],
    }


def test_the_export_holds_the_queue_and_leads_nobody(mirror: Mirror) -> None:
    tasks = [json.loads(task) for task in export_tasks(mirror, View(queue="all"), "", audio=lambda clip: f"/a/{clip}")]
    assert {task["data"]["trace_id"] for task in tasks} == set(traces_of(mirror.workspace)["trace_id"])
    assert all(task["data"]["audio"].startswith("/a/") for task in tasks)
    assert not any(word in json.dumps(tasks) for word in ("rejected", "contradicted", "predictions"))
    assert CONFIG.count("<Choice ") >= 5


def test_results_become_verdicts_once(mirror: Mirror) -> None:
    first, second = traces_of(mirror.workspace)["trace_id"][:2]
    tasks = [
        annotated(first, "grounded"),
        annotated(second, "unsure", {"email": "a@b.c"}),
        annotated(second, "grounded", was_cancelled=True),
    ]
    assert import_results(mirror, tasks).recorded == 2
    again = import_results(mirror, tasks)
    assert (again.recorded, again.known, again.bad) == (0, 2, ())
    rows = mirror.workspace.store.read(OVERRIDES).sort("reviewer")
    assert rows["reviewer"].to_list() == ["label-studio 7", "label-studio a@b.c"]
    assert rows["seconds"].to_list() == [4.2, 4.2]


def test_bad_results_are_told_and_the_rest_is_kept(mirror: Mirror) -> None:
    first = traces_of(mirror.workspace)["trace_id"][0]
    done = import_results(
        mirror, [annotated("f" * 16, "grounded"), annotated(first, "perfect"), 7, annotated(first, "grounded")]
    )
    assert done.recorded == 1
    assert len(done.bad) == 3
    with pytest.raises(DataError, match="JSON list"):
        import_results(mirror, {"tasks": []})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["data", "annotations", "result", "value", "choices", "trace_id"]), inner, max_size=4
        )
    ),
    max_leaves=12,
)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(JSON, max_size=4))
def test_no_json_is_a_crash(mirror: Mirror, tasks: list[object]) -> None:
    assert import_results(mirror, tasks).recorded == 0
