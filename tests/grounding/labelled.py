"""The labelled chains of tests/golden/chains.jsonl: read, judged, and counted.

Labels were written from what each clip was built as, before the filter saw the chains, and never from its output. A row
with `clip` is a chain about a clip of tests.grounding.clips; a row with `scene` one about a scene of constructed facts.
To add a chain, add a line; `python -m tests.grounding.labelled` prints the figures and every row that is judged
otherwise than labelled.
"""

import json
import sys
from collections import Counter
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from mgrd.grounding.verify import Evidence
from mgrd.selection.outside import OutsideFilter
from tests.grounding.clips import CLIPS, measured

PATH = Path(__file__).parents[1] / "golden" / "chains.jsonl"
ROWS = [json.loads(line) for line in PATH.open(encoding="utf-8")]

FAMILIES = (
    {"contour", "pitch_order", "f0_trend", "intonation", "melody", "event_interval"},
    {"loudness", "loudness_order", "loudness_trend"},
    {"pauses", "pause_count", "longest_pause"},
    {"reverberation", "decay_time"},
    {"tempo", "tempo_trend", "speech_rate", "syllable_rate"},
    {"vibrato", "vibrato_rate"},
    {"timbre", "brightness_trend", "spectral_centroid", "muffling", "bass"},
    {"noise", "snr"},
)
"""Attributes that say nearly the same: a label of one is met by a claim of another with the same verdict."""
_FAMILY = {name: f"{min(family)}..." for family in FAMILIES for name in family}


@dataclass(frozen=True, slots=True)
class Figures:
    """`accuracy`: decidable labelled claims found with their verdict, of all. `precision` and `recall`: kept chains."""

    accuracy: float
    precision: float
    recall: float
    kept_share: dict[str, float]
    """Kind -> share of its chains that were kept."""
    wrong: tuple[str, ...]


facts = cache(measured)


@cache
def evidence(clip: str) -> Evidence:
    return Evidence(facts(clip))


def judged(row: dict) -> tuple[bool, Counter[tuple[str, str]]]:
    """(kept, claims found) of a row with a clip, by the same way that `mgrd ground` takes."""
    clip = CLIPS[row["clip"]]
    asked = {"question": clip.question, "choices": clip.choices, "answer": clip.answer}
    line = json.dumps({"id": row["id"], "audio": row["clip"], "chain": row["chain"]} | asked)
    (result,) = OutsideFilter().decide_rows([line], Path(), lambda path: facts(path.name))
    claims = result["claims"]
    assert isinstance(claims, list)
    return bool(result["kept"]), Counter((family(c["attribute"]), c["verdict"]) for c in claims)


def family(attribute: object) -> str:
    return _FAMILY.get(str(attribute), str(attribute))


def figures() -> Figures:
    """The figures over all rows with a clip."""
    right = total = 0
    kept_of: dict[str, list[bool]] = {}
    wrong: list[str] = []
    for row in ROWS:
        if "clip" not in row:
            continue
        kept, found = judged(row)
        wanted = [(family(name), verdict) for name, verdict in row["claims"] if verdict != "unverifiable"]
        met = [label in found for label in wanted]
        right, total = right + sum(met), total + len(wanted)
        kept_of.setdefault(row["kind"], []).append(kept)
        if kept != row["grounded"] or not all(met):
            wrong.append(f"{row['id']} {row['kind']} kept={kept} found={dict(found)} {row['chain']!r}")
    grounded = kept_of["grounded"]
    every = sum(sum(flags) for flags in kept_of.values())
    return Figures(
        accuracy=right / total,
        precision=sum(grounded) / every,
        recall=sum(grounded) / len(grounded),
        kept_share={kind: sum(flags) / len(flags) for kind, flags in kept_of.items()},
        wrong=tuple(wrong),
    )


if __name__ == "__main__":
    found = figures()
    shares = {kind: round(share, 3) for kind, share in found.kept_share.items()}
    summary = f"claim accuracy {found.accuracy:.3f}, precision {found.precision:.3f}, recall {found.recall:.3f}"
    sys.stdout.write(
        "\n".join([*found.wrong, f"{len(ROWS)} chains, {len(CLIPS)} clips", summary, f"kept: {shares}", ""])
    )
