"""docs/evidence.md, written from the code: every fact, and every word with its bands.

python -m mgrd.audio.reference > docs/evidence.md
"""

import sys
from collections.abc import Iterator, Mapping
from math import inf

from mgrd.audio.decode import MAX_SECONDS, MAX_VALUES
from mgrd.audio.facts import FACTS
from mgrd.audio.words import ATTRIBUTES, MORE_ATTRIBUTES, Attribute

HEAD = """\
# Evidence: what is measured of a clip

`mgrd measure FILE...` prints these facts; the evidence stage stores them once per clip. A fact has a value, a unit, a
time range and a reliability from 0 to 1. A fact whose reliability is under 0.5 supports and refutes nothing; a fact
that cannot be measured is absent. One picture of the clip in time and frequency (frames of 8 ms, at most 48 kHz; 16 kHz
for clips over 150 s) is computed once and read by every measurement. `mgrd measure --json` prints one object a file:
`{"path", "facts": [{"name", "value", "unit", "start", "end", "reliability"}]}`, or `{"path", "error"}` for a file that
cannot be measured. `python benchmarks/evidence.py` prints how fast this is.

This page is generated: `python -m mgrd.audio.reference > docs/evidence.md`.

## What can be read

wav, flac, mp3, ogg, opus and aiff; 4 to 384 kHz; up to 64 channels, mixed to mono but for the stereo facts. A file is
refused, with the reason, when it is missing, empty, corrupt, shorter than 16 samples, longer than {seconds} s or
{millions} million samples over all channels (`mgrd ingest` cuts longer files into windows), or holds NaN, infinite or
absurd samples. In a batch it goes to quarantine and the batch goes on.

## Facts
"""

WORDS = """\
## Words

A word holds inside its band. Between two bands lies a neutral zone in which a word is neither supported nor
contradicted; beyond the zone it is contradicted. Other words for the same are read by the grammar
(`mgrd/grounding/reading/lexicon.toml`): a crescendo is a loudness that gets louder, a steady pulse a regularity that is
regular.
"""

ASKED = "### Words from which questions are derived"
HEARD = "### Words that are only verified"


def evidence_reference() -> str:
    """The whole page as Markdown."""
    return "\n".join(
        [
            HEAD.replace("{seconds}", f"{MAX_SECONDS:.0f}").replace("{millions}", f"{MAX_VALUES / 1e6:.0f}"),
            *_facts(),
            "",
            WORDS,
            ASKED,
            "",
            *_words(ATTRIBUTES),
            "",
            HEARD,
            "",
            *_words(MORE_ATTRIBUTES),
            "",
        ]
    )


def _facts() -> Iterator[str]:
    yield "| fact | unit | how it is measured | its reliability |"
    yield "|---|---|---|---|"
    for name, kind in FACTS.items():
        yield f"| `{name}` | {kind.unit} | {kind.how} | {kind.trust} |"


def _words(attributes: Mapping[str, Attribute]) -> Iterator[str]:
    yield "| attribute | fact | words with their bands |"
    yield "|---|---|---|"
    for attribute in attributes.values():
        unit = FACTS[attribute.fact].unit
        bands = "; ".join(f"{band.word}: {_range(band.low, band.high)}" for band in attribute.bands)
        yield f"| {attribute.name} | `{attribute.fact}` ({unit}) | {bands} |"


def _range(low: float, high: float) -> str:
    """The band in words; the ends of a scale are left open."""
    if high == inf:
        return f"from {low:g}"
    if low in (-inf, 0):
        return f"under {high:g}"
    return f"{low:g} to {high:g}"


if __name__ == "__main__":
    sys.stdout.write(evidence_reference())
