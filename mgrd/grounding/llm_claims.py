"""What a chain claims, read by a language model with structured output into the schema of the grammar's claims.

The model is not trusted: each claim must quote the text, and a quote that is not there is dropped and counted as
invented, as are attributes and words that nothing can verify. The chain is fenced data, never an instruction. Nothing
here knows a server: a caller passes `complete`, which turns messages and a JSON schema into the reply's text.
"""

import json
import re
import unicodedata
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from mgrd.audio.facts import FACT_UNITS
from mgrd.grounding.claim import Claim
from mgrd.grounding.claims import extract_claims
from mgrd.grounding.reading.drafts import HEDGE_WEIGHT
from mgrd.grounding.reading.senses import RELATION
from mgrd.grounding.tolerances import ALL_ATTRIBUTES
from mgrd.ids import content_key
from prompts import Prompt, load_prompt

Extractor = Literal["grammar", "llm", "both"]
Message = dict[str, str]
Complete = Callable[[list[Message], dict[str, object]], Awaitable[str]]
"""Messages and a JSON schema in, the reply's text out. It raises what its server raises; nothing is caught here."""

PROMPT = "claims/extract"
ATTEMPTS = 2
MOST_CLAIMS = 200  # of one reply; more is a loop of the model
LISTED_FACTS = (
    *("f0_median", "f0_trend", "tempo", "event_count", "pause_count", "longest_pause", "duration", "decay_time", "snr"),
    *("syllable_rate", "vibrato_rate", "spectral_centroid", "rms", "loudness_trend", "stereo_balance"),
)
"""The facts that chains give numbers for."""
CORRECTION = 'That was not the JSON object that was asked for. Reply with {"claims": [...]} only.'
_OBJECT = re.compile(r"\{.*\}", re.DOTALL)
_LOOK_ALIKE = str.maketrans("<>[]|", "‹›()¦")
_INVISIBLE = frozenset({"Cc", "Cf", "Co", "Cs", "Cn"})
_SPACES = re.compile(r"\s+")


class Proposed(BaseModel):
    """A claim as the model writes it."""

    model_config = ConfigDict(extra="ignore")

    quote: str
    attribute: str
    word: str | None = None
    value: float | None = None
    relation: Literal["is", "above", "below"] = "is"
    negated: bool = False
    hedged: bool = False
    time_start: float | None = None
    time_end: float | None = None
    time_unit: Literal["s", "share"] | None = None
    subject: int | None = None
    reference: int | None = None


@dataclass(frozen=True, slots=True)
class Extraction:
    """The claims that stand in the text, in order, and what was dropped.

    `invented`: the quote is not in the text. `unknown`: no such attribute, word or fact. `malformed`: items that do
    not fit the schema. `readable` is False when no reply could be read at all: then nothing is known of the chain.
    """

    claims: tuple[Claim, ...]
    invented: int = 0
    unknown: int = 0
    malformed: int = 0
    readable: bool = True


def claims_schema() -> dict[str, object]:
    """The JSON schema of a reply, strict in the sense of structured outputs: all keys named, none beside them."""

    def nullable(kind: str) -> dict[str, object]:
        return {"type": [kind, "null"]}

    fields: dict[str, dict[str, object]] = {
        "quote": {"type": "string"},
        "attribute": {"type": "string", "enum": sorted({*ALL_ATTRIBUTES, *LISTED_FACTS})},
        "word": nullable("string"),
        "value": nullable("number"),
        "relation": {"type": "string", "enum": ["is", "above", "below"]},
        "negated": {"type": "boolean"},
        "hedged": {"type": "boolean"},
        "time_start": nullable("number"),
        "time_end": nullable("number"),
        "time_unit": {"type": ["string", "null"], "enum": ["s", "share", None]},
        "subject": nullable("integer"),
        "reference": nullable("integer"),
    }
    item = {"type": "object", "properties": fields, "required": list(fields), "additionalProperties": False}
    claims = {"type": "array", "items": item}
    return {"type": "object", "properties": {"claims": claims}, "required": ["claims"], "additionalProperties": False}


def claims_messages(chain: str, prompt: Prompt | None = None) -> list[Message]:
    """The request for one chain."""
    prompt = prompt or load_prompt(PROMPT)
    words = [f"{name}: {', '.join(b.word for b in a.bands)}" for name, a in sorted(ALL_ATTRIBUTES.items())]
    facts = [f"{name} ({FACT_UNITS[name]})" for name in LISTED_FACTS]
    plain = as_material(chain)
    text = prompt.render(chain=plain, fence=_mark(plain), words=words, facts=facts)
    return [{"role": "user", "content": text}]


def as_material(chain: str) -> str:
    """The chain, character for character, without what a chat template could take for the end of a turn: brackets
    look alike, and signs that nobody sees are spaces. Places in it are places in the chain."""
    return "".join(
        sign if sign in "\n\t" or unicodedata.category(sign) not in _INVISIBLE else " "
        for sign in chain.translate(_LOOK_ALIKE)
    )


def _mark(chain: str) -> str:
    """A mark that does not occur in the chain."""
    attempt = 0
    while (mark := content_key("claims", attempt, chain)) in chain.lower():
        attempt += 1
    return mark


async def extract_with_model(chain: str, complete: Complete, prompt: Prompt | None = None) -> Extraction:
    """The claims of a chain by a model. A reply that cannot be read is asked for once more, then given up."""
    if not chain.strip():
        return Extraction(())
    messages = claims_messages(chain, prompt)
    for _ in range(ATTEMPTS):
        reply = await complete(messages, claims_schema())
        items = parse_reply(reply)
        if items is not None:
            return located(chain, items)
        messages = [*messages, {"role": "assistant", "content": reply}, {"role": "user", "content": CORRECTION}]
    return Extraction((), readable=False)


async def extract_by(
    extractor: Extractor, chain: str, complete: Complete | None = None, prompt: Prompt | None = None
) -> Extraction:
    """The claims of a chain by the extractor of `spec.claims`.

    `complete` is needed for "llm" and "both" (ValueError without). Where a model's reply cannot be read, "both" falls
    back on the grammar, and "llm" returns an extraction that is not `readable`.
    """
    if extractor == "grammar":
        return Extraction(tuple(extract_claims(chain)))
    if complete is None:
        raise ValueError(f"the {extractor!r} extractor needs a model to ask")
    found = await extract_with_model(chain, complete, prompt)
    if extractor == "llm":
        return found
    claims = merged(extract_claims(chain), found.claims)
    return Extraction(claims, found.invented, found.unknown, found.malformed, found.readable)


def parse_reply(reply: str) -> list[object] | None:
    """The items of `{"claims": [...]}` in a reply, with or without prose or a code fence around it; None if there is
    no such object."""
    for text in (reply, *(match.group() for match in _OBJECT.finditer(reply[:1_000_000]))):
        try:
            data = json.loads(text)
        except (ValueError, RecursionError):
            continue
        if isinstance(data, dict) and isinstance(data.get("claims"), list):
            return data["claims"][:MOST_CLAIMS]
    return None


def located(chain: str, items: Sequence[object]) -> Extraction:
    """The proposed claims as claims at their places in the chain, without those that have none."""
    claims: list[Claim] = []
    dropped = Counter[str]()
    taken: dict[str, int] = {}
    plain = as_material(chain)
    for item in items:
        try:
            proposed = Proposed.model_validate(item)
        except ValidationError:
            dropped["malformed"] += 1
            continue
        if not _is_known(proposed):
            dropped["unknown"] += 1
            continue
        quote = as_material(proposed.quote)
        span = find_quote(plain, quote, taken.get(quote, 0)) or find_quote(plain, quote)
        if span is None:
            dropped["invented"] += 1
            continue
        taken[quote] = span[1]
        claims.append(_claim(chain, proposed, span))
    ordered = tuple(sorted(claims, key=lambda c: (c.start, c.end)))
    return Extraction(ordered, dropped["invented"], dropped["unknown"], dropped["malformed"])


def _is_known(proposed: Proposed) -> bool:
    """A word of its attribute, or a finite number of a fact."""
    if proposed.word is not None and proposed.value is None:
        attribute = ALL_ATTRIBUTES.get(proposed.attribute)
        words = {"steady", "moderate"} | {band.word for band in attribute.bands} if attribute else set()
        return proposed.word in words
    if proposed.value is None or proposed.word is not None:
        return False
    return proposed.attribute in FACT_UNITS and isfinite(proposed.value)


def find_quote(chain: str, quote: str, begin: int = 0) -> tuple[int, int] | None:
    """Place [start, end) of a quote in the chain from `begin` on: as written, else but for case and spaces."""
    wanted = quote.strip().strip("\"'“”`")
    if not wanted:
        return None
    at = chain.find(wanted, begin)
    if at >= 0:
        return at, at + len(wanted)
    pattern = r"\s+".join(re.escape(part) for part in _SPACES.split(wanted))
    match = re.compile(pattern, re.IGNORECASE).search(chain, begin)
    return match.span() if match else None


def _claim(chain: str, proposed: Proposed, span: tuple[int, int]) -> Claim:
    start, end = span
    unit = FACT_UNITS[proposed.attribute] if proposed.value is not None else None
    said = proposed.word if proposed.word is not None else f"{proposed.value:.4g} {unit}"
    relation = proposed.relation
    if proposed.word is not None:
        relation = RELATION.get(proposed.word, "is")
    elif unit == "count" and relation == "is":
        relation = "count"
    timed = proposed.time_start is not None and proposed.time_end is not None and proposed.time_unit is not None
    return Claim(
        start=start,
        end=end,
        text=chain[start:end],
        attribute=proposed.attribute,
        relation=relation,
        claimed=f"{proposed.attribute} {said}",
        value=proposed.value,
        unit=unit,
        time_start=proposed.time_start if timed else None,
        time_end=proposed.time_end if timed else None,
        time_unit=proposed.time_unit if timed else None,
        negated=proposed.negated,
        weight=HEDGE_WEIGHT if proposed.hedged else 1.0,
        word=proposed.word,
        subject=proposed.subject or None,
        reference=proposed.reference or None,
    )


def merged(first: Sequence[Claim], second: Sequence[Claim]) -> tuple[Claim, ...]:
    """All claims of `first`, and those of `second` that do not speak of the same attribute at an overlapping place."""
    more = [
        claim
        for claim in second
        if not any(c.attribute == claim.attribute and claim.overlaps(c.start, c.end) for c in first)
    ]
    return tuple(sorted([*first, *more], key=lambda c: (c.start, c.end)))
