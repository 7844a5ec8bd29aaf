"""What the sound adds to a chain: the same tokens, scored with the clip, with silence and with another clip.

A token's gain is log p(token | clip) - log p(token | other sound). Where a chain speaks of its clip, the clip makes
the words likelier; where it recites, nothing changes. The figures are a weak signal beside the checks: fluent words
follow from the words before them, whatever is heard. Nothing here runs a model: scores come in, figures go out.
"""

from collections.abc import Mapping, Sequence

from mgrd.ids import content_key, seed_from

Span = tuple[int, int]
Row = Mapping[str, object]


def token_gains(own: Sequence[float], other: Sequence[float]) -> list[float]:
    """Per token, how much likelier the clip makes it (nats). Both are of the same tokens."""
    return [with_clip - without for with_clip, without in zip(own, other, strict=True)]


def mean(values: Sequence[float]) -> float:
    """The mean; 0 of nothing, since a completion without tokens gains nothing."""
    return sum(values) / len(values) if values else 0.0


def tokens_within(spans: Sequence[Span], start: int, end: int) -> range:
    """The tokens that share a character with [start, end), as positions; empty where none does."""
    inside = [at for at, (low, high) in enumerate(spans) if low < end and start < high]
    return range(inside[0], inside[-1] + 1) if inside else range(0)


def place_of(reasoning: str | None, raw_text: str, think_open: str = "<think>") -> int | None:
    """Where the reasoning stands in the raw text; None when it does not stand there in one piece."""
    if not reasoning:
        return None
    after = raw_text.find(think_open)
    place = raw_text.find(reasoning, after + len(think_open) if after >= 0 else 0)
    return place if place >= 0 else None


def claim_gains(
    claims: Sequence[Row], offset: int | None, spans: Sequence[Span], silence: Sequence[float], swap: Sequence[float]
) -> list[dict[str, object]]:
    """Rows of a counterfactual's claims: each claim's tokens and their mean gains.

    Claims count characters of the reasoning, which stands at `offset` of the completion; `spans` count characters
    of the completion. `swap` is empty where there was no other clip.
    """
    rows: list[dict[str, object]] = []
    for claim in claims:
        tokens = range(0)
        if offset is not None:
            tokens = tokens_within(spans, int(str(claim["start"])) + offset, int(str(claim["end"])) + offset)
        rows.append(
            {
                "claim_id": claim["claim_id"],
                "first_token": tokens.start,
                "tokens": len(tokens),
                "silence": mean([silence[at] for at in tokens]) if tokens else None,
                "swap": mean([swap[at] for at in tokens]) if tokens and swap else None,
            }
        )
    return rows


def likeliest(logprobs: Mapping[str, float]) -> str | None:
    """The choice of the greatest log-probability; of equals the first. None without choices."""
    return max(logprobs, key=lambda choice: logprobs[choice]) if logprobs else None


def other_clips(questions: Sequence[Row]) -> dict[str, str]:
    """question_id -> the clip that stands in for its own: of the same split, with another answer.

    Taken from questions with the same text where there are some, else of the same skill, else from any; the choice
    depends on the keys alone. Questions without a clip, or with nothing to swap with, are left out.
    """
    heard = sorted((row for row in questions if row["clip_id"] is not None), key=lambda row: str(row["question_id"]))
    pools: dict[tuple[str, ...], list[Row]] = {}
    for row in heard:
        for key in _kinship(row):
            pools.setdefault(key, []).append(row)
    for pool in pools.values():
        pool.sort(key=lambda row: content_key("swap", row["clip_id"], row["question_id"]))
    swaps: dict[str, str] = {}
    for row in heard:
        found = next((clip for key in _kinship(row) if (clip := _other(row, pools[key])) is not None), None)
        if found is not None:
            swaps[str(row["question_id"])] = found
    return swaps


def _kinship(row: Row) -> list[tuple[str, ...]]:
    """The pools to look in, closest kin first."""
    split, skill, text = (str(row[name]) for name in ("split", "skill", "text"))
    return [(split, skill, text), (split, skill), (split,)]


def _other(row: Row, pool: Sequence[Row]) -> str | None:
    """The first clip from a hashed place on that is not the row's own and whose answer differs."""
    start = seed_from("swap", row["question_id"]) % len(pool)
    for step in range(len(pool)):
        other = pool[(start + step) % len(pool)]
        if other["clip_id"] != row["clip_id"] and (other["answer"] != row["answer"] or row["answer"] is None):
            return str(other["clip_id"])
    return None
