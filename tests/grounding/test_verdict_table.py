"""No verdict turns unseen (tests/golden/verdicts.txt)."""

from tests.grounding.verdict_table import PATH, verdict_lines

BORDERLINE = 4
"""Lines that another processor's rounding may turn."""


def test_no_verdict_turns_unseen() -> None:
    stored = PATH.read_text(encoding="utf-8").splitlines()
    found = verdict_lines()
    turned = [f"{old}\n  now {new}" for old, new in zip(stored, found, strict=True) if old != new]
    assert len(turned) <= BORDERLINE, "\n".join(
        [f"{len(turned)} lines; if meant, `python -m tests.grounding.verdict_table`", *turned[:40]]
    )
