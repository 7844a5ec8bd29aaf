"""The doctor: each check finds what it is there for, and a healthy engine passes all of them."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from mgrd.engines.doctor import Finding, examine
from mgrd.engines.mock import MockEngine
from mgrd.engines.protocol import Completion, SampleRequest, Sampling, Score, ScoreRequest
from mgrd.engines.transformers import TransformersEngine
from mgrd.errors import AudioError, EngineError, EngineStopError
from tests.tiny_model import WINDOW, tiny_model

CHECKS = ["engine", "1 kHz tone", "silence", "over-long clip", "seed", "template round trip", "sound"]


class Patient(MockEngine):
    """A mock with a window of five seconds, and one complaint."""

    def __init__(self, complaint: str = "") -> None:
        super().__init__()
        self.complaint = complaint
        self.asked = 0

    def sample(self, requests: Sequence[SampleRequest], sampling: Sampling) -> Iterator[list[Completion]]:
        for batch in super().sample(requests, sampling):
            self.asked += 1
            if batch[0].audio_tokens > 125 and self.complaint != "cuts":
                raise AudioError("longer than the window")
            tokens = 125 if self.complaint == "pads" else min(125, batch[0].audio_tokens)
            text = f"{batch[0].text} {self.asked}" if self.complaint == "forgets its seed" else batch[0].text
            yield [replace(batch[0], audio_tokens=tokens, text=text)]

    def score(self, requests: Sequence[ScoreRequest]) -> list[Score]:
        if self.complaint == "no scores":
            raise EngineStopError("no prompt_logprobs here")
        deaf = self.complaint == "deaf"
        return super().score([replace(request, clip_id="same") if deaf else request for request in requests])


def findings(complaint: str, folder: Path) -> list[Finding]:
    return list(examine(lambda: Patient(complaint), folder, 4.0, 8.0))


def test_a_healthy_engine_passes_every_check(tmp_path: Path) -> None:
    found = findings("", tmp_path)
    assert [finding.check for finding in found] == CHECKS
    assert all(finding.good for finding in found)


@pytest.mark.parametrize(
    ("complaint", "bad"),
    [
        ("pads", ["1 kHz tone", "silence"]),
        ("cuts", ["over-long clip"]),
        ("forgets its seed", ["seed"]),
        ("deaf", ["sound"]),
        ("no scores", ["scores"]),
    ],
)
def test_each_complaint_is_found_with_what_to_do(complaint: str, bad: list[str], tmp_path: Path) -> None:
    found = [finding for finding in findings(complaint, tmp_path) if not finding.good]
    assert [finding.check for finding in found] == bad
    assert all(finding.fix for finding in found)


def test_an_engine_that_does_not_open_is_the_only_finding(tmp_path: Path) -> None:
    def broken() -> MockEngine:
        raise EngineError("no such server")

    (found,) = examine(broken, tmp_path, 4.0, 8.0)
    assert (found.good, found.found) == (False, "no such server")


def test_the_projects_own_model_is_healthy(tmp_path: Path) -> None:
    folder = tiny_model(tmp_path / "tiny")
    found = examine(lambda: TransformersEngine(folder, tmp_path / "features"), tmp_path, WINDOW, WINDOW + 1)
    assert [(finding.check, finding.good) for finding in found] == [(check, True) for check in CHECKS]
