"""`launch.sh`: a commented command that trains on an export with ms-swift or verl, and the reward that RL needs.

Written from the option names of the versions that docs/export.md lists. It is a start, not a tuned recipe: what
depends on the cluster stands at its top as variables.
"""

from pathlib import Path

from mgrd.export.choices import ExportConfig
from mgrd.export.listings import write_text
from mgrd.export.manifest import FileEntry, Manifest
from mgrd.export.split import TRAIN, VALIDATION
from mgrd.export.templates import filled

LAUNCH, REWARD = "launch.sh", "reward.py"

ROLLOUTS = 16
"""Chains per question in the report."""

_SCORE = '''\
"""Reward of an audio question (arXiv 2511.15848, eq. 7): 0.8 for a right answer and 0.2 for reasoning before it."""

import re


def compute_score(data_source, solution_str, ground_truth, extra_info=None):
    """`solution_str` is the completion; its opening think tag may stand in the prompt."""
    reasoning, closed, answer = solution_str.rpartition("</think>")
    said, truth = (re.sub(r"[^\\w]+", " ", text.casefold()).split() for text in (answer, ground_truth))
    places = range(len(said) - len(truth) + 1)
    right = bool(truth) and any(said[at : at + len(truth)] == truth for at in places)
    present = bool(closed and reasoning.replace("<think>", "").strip())
    return 0.8 * right + 0.2 * present
'''
_SWIFT_PLUGIN = """

from swift.rewards import ORM, orms


class Mgrd(ORM):
    def __call__(self, completions, solution, **kwargs):
        truths = [re.sub(r"</?answer>", "", text) for text in solution]
        return [compute_score("mgrd", said, truth) for said, truth in zip(completions, truths)]


orms["mgrd"] = Mgrd
"""


def write_recipe(folder: Path, config: ExportConfig, manifest: Manifest) -> list[FileEntry]:
    """Write `launch.sh`, and `reward.py` for RL; nothing for formats that need no recipe."""
    if config.format not in ("ms-swift", "verl"):
        return []
    entries = []
    if config.purpose == "rl":
        entries.append(write_text(folder, REWARD, _SCORE + (_SWIFT_PLUGIN if config.format == "ms-swift" else "")))
    paths = {split: [e.path for e in manifest.files if e.split == split] for split in (TRAIN, VALIDATION)}
    values = {
        "round": config.round, "purpose": config.purpose, "trainer": config.format, "rollouts": ROLLOUTS,
        "train": paths[TRAIN], "held": paths[VALIDATION],
    }  # fmt: skip
    return [*entries, write_text(folder, LAUNCH, filled(f"{LAUNCH}.jinja", values))]
