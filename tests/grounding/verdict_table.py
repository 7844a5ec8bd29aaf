"""The verdicts on every labelled chain, on its own clip and on clips of others, as one table.

Rates over labels hide a verdict that turns; this table does not. After a change that is meant to turn verdicts,
`python -m tests.grounding.verdict_table` writes it anew, and `git diff` shows which.
"""

from pathlib import Path

from mgrd.grounding.scorer import score_text
from tests.grounding.clips import CLIPS
from tests.grounding.labelled import ROWS, evidence

PATH = Path(__file__).parents[1] / "golden" / "verdicts.txt"
OTHERS = (11, 29, 47)
"""How far in the list of clips the other clips are from a chain's own."""
SIGN = {"supported": "+", "contradicted": "-", "unverifiable": "?"}


def verdict_lines() -> list[str]:
    """`chain clip attribute+ attribute- ...`, one line for each chain and clip."""
    names = list(CLIPS)
    lines = []
    for row in ROWS:
        if "clip" not in row:
            continue
        at = names.index(row["clip"])
        for clip in [row["clip"], *(names[(at + far) % len(names)] for far in OTHERS)]:
            claims = score_text(row["chain"], evidence(clip)).claims
            said = [f"{c.claim.attribute}{SIGN[c.verification.verdict]}" for c in claims]
            lines.append(" ".join([row["id"], clip, *said]))
    return lines


if __name__ == "__main__":
    PATH.write_text("\n".join(verdict_lines()) + "\n", encoding="utf-8")
