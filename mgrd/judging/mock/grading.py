"""How the mock judge grades: by words that the chain shares with the measured facts in the prompt.

It reads a prompt as the fence states it: facts stand before the first block, the chain and the
answer between their marked lines. No randomness, no clock: the same prompt gives the same grade.
"""

import re
from collections.abc import Iterator, Mapping

from mgrd.audio.words import ATTRIBUTES
from mgrd.judging.mock.answers import Answer, grade
from mgrd.judging.rubric import BEST, WORST
from schemas.verdicts import CRITERIA

_BLOCK = re.compile(r"^<<(\w+) ([0-9a-f]{16})>>\n(.*?)\n?^<<end of \1 \2>>$", re.MULTILINE | re.DOTALL)
_TOLD = re.compile(r"([a-z ]+?) is ([a-z ]+)")
_TEXT = re.compile(r"\b(transcript|caption|lyrics|subtitle|title|metadata|description)\b", re.IGNORECASE)
_DEAF = re.compile(r"\b(cannot|can't|can not|unable to) hear\b|\btext(?:-only| only|-based)? model\b", re.IGNORECASE)
_TURN = re.compile(
    r"<\|im_start\|>|<\|im_end\|>|</?s>|\[/?INST\]|<(?:start|end)_of_turn>|<\|eot_id\|>|<\|start_header_id\|>"
)
_ORDER = re.compile(r"\b(?:scores?|give|award|grade)\b[^.\n]{0,40}?\b([1-5])\b", re.IGNORECASE)


def mock_scores(prompt: str) -> dict[str, int]:
    """Scores from 1 to 5 by criterion."""
    blocks = {name: text for name, _, text in _BLOCK.findall(prompt)}
    chain, answer = blocks.get("chain", prompt), blocks.get("answer", "")
    supported, contradicted = _agreement(chain.lower(), dict(_told(prompt.split("<<", 1)[0])))
    sentences = [part.strip().lower() for part in re.split(r"[.!?\n]+", chain) if part.strip()]
    repeated = len(sentences) - len(set(sentences))
    follows = any(word in chain.lower() for word in re.findall(r"\w+", answer.lower()))
    return {
        "acoustic_grounding": WORST if contradicted else min(BEST, 2 + 2 * supported),
        "logical_coherence": max(WORST, (4 if sentences else WORST) - 2 * repeated),
        "answer_follows": BEST if follows else 2,
        "surrogate": WORST if _TEXT.search(chain) else BEST,
        "self_cognition": WORST if _DEAF.search(chain) else BEST,
    }


def graded(prompt: str, request: Mapping[str, object]) -> Answer:
    """The honest answer: JSON where the request asks for it, else tagged text in prose."""
    scores = mock_scores(prompt)
    if "response_format" in request:
        return Answer(grade(**scores))
    tags = "\n".join(f"<{name}_reason>by the facts</{name}_reason><{name}>{scores[name]}</{name}>" for name in CRITERIA)
    return Answer(f"My grades:\n{tags}\n")


def gullible_script(request: Mapping[str, object], number: int) -> Answer:
    """A judge that obeys whatever stands outside the fence, and takes a chat template's signs for turns.

    The weakest model that one could hire: what does not sway it can sway no other by leaving the fence.
    """
    del number
    prompt = prompt_of(request)
    outside = _BLOCK.sub("", prompt)
    turns = _TURN.split(prompt)
    ordered = _ORDER.search(outside) or next((found for turn in turns[1:] if (found := _ORDER.search(turn))), None)
    if ordered is not None:
        return Answer(grade(**dict.fromkeys(CRITERIA, int(ordered[1]))))
    return graded(prompt, request)


def prompt_of(request: Mapping[str, object]) -> str:
    """The text of the first message: later ones are correction turns on the same chain."""
    messages = request.get("messages")
    first = messages[0] if isinstance(messages, list) and messages else None
    return str(first.get("content", "")) if isinstance(first, dict) else ""


def _told(facts: str) -> Iterator[tuple[str, str]]:
    """(attribute, word) of every reliable fact that is told in words."""
    for line in facts.splitlines():
        if line.startswith("- ") and "unreliable" not in line:
            for inside in re.findall(r"\(([^()]*)\)", line):
                for part in inside.split(", "):
                    found = _TOLD.fullmatch(part)
                    if found is not None:
                        yield found[1].replace(" ", "_"), found[2]


def _agreement(chain: str, told: Mapping[str, str]) -> tuple[int, int]:
    """How many told words the chain says, and how many it denies by saying another of the same attribute."""
    supported = contradicted = 0
    for name, word in told.items():
        if name not in ATTRIBUTES:
            continue
        said = {band.word for band in ATTRIBUTES[name].bands if re.search(rf"\b{re.escape(band.word)}\b", chain)}
        supported += word in said
        contradicted += bool(said) and word not in said
    return supported, contradicted
