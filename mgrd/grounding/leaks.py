"""What must never reach training whatever the claims: broken shapes, echoes, denials, an answer before its evidence."""

import re
from collections.abc import Sequence
from functools import lru_cache

from mgrd.grounding.reading.gates import Gates, gate_of, stems_of
from mgrd.grounding.surrogate import denies_hearing

THINK, END_THINK = "<think>", "</think>"
MIN_ECHO_WORDS = 4  # a shorter question may be said by chance
CACHED_QUESTIONS = 4096
RUN_WORDS = 8  # words of the question in a row that are an echo

_PROVIDER_JSON = re.compile(
    r'\{\s*"(?:model|id|object|choices|role|content|created|usage|messages|completion|finish_reason|type|error)"\s*:'
    r'|^\s*\{\s*"\w+"\s*:.*\}\s*$|"finish_reason"\s*:|chat\.completion|"(?:prompt|completion)_tokens"\s*:'
)
_TEMPLATE = re.compile(
    r"<\|[a-z_]+\|>|<audio>|\bchoices:\s|\bquestion:\s|\buser:\s|\bassistant:\s|\bsystem:\s|"
    r"reason from what you hear, citing|\bciting the sound, then answer\b|\[inst\]|you are a helpful|"
    r"^#{1,6} *(?:instructions?|response|input|output|system|user|assistant|prompt) *:|"
    r"</?(?:reasoning|answer|response|instructions?|prompt|system)>",
    re.IGNORECASE,
)
_ANSWER = re.compile(
    r"\b(?:(?:the|my|final|correct|right) (?:final |correct |right |best )?answer"
    r" (?:is|must be|will be|should be|would be|:)|answer\s*:|i (?:choose|pick|select|go with|answer)\b|"
    r"(?:the )?(?:correct|right|best) (?:choice|option) is|option [a-e]\b|my choice is)",
    re.IGNORECASE,
)
_JSON_GATE, _TEMPLATE_GATE, _ANSWER_GATE = (Gates([gate_of(p)]) for p in (_PROVIDER_JSON, _TEMPLATE, _ANSWER))
_WORD = re.compile(r"[a-z0-9]+")
_SET_ASIDE = re.compile(
    r"\b(?:not|isn|out|wrong|excluded?|ruled?|rules|"
    r"eliminated?|drop|dropped|no|never|cannot|can t|unlike|rather than)\b"
)


LEAKS = (
    *("provider_json", "prompt_echo", "unclosed_think", "doubled_think", "no_reasoning", "answer_before_evidence"),
    "denial",
)
"""Reason codes of find_leaks, in their order."""


def split_chain(raw: str) -> tuple[str | None, int]:
    """(reasoning, its offset in `raw`) of a chain with or without think tags; None when it is missing or empty.

    Both shapes are read: `<think>...</think>answer` and, where the prompt opened the block, `...</think>answer`.
    """
    start = raw.find(THINK)
    begin = start + len(THINK) if start >= 0 else 0
    end = raw.find(END_THINK, begin)
    body = raw[begin : end if end >= 0 else len(raw)]
    return (body, begin) if body.strip() else (None, begin)


def find_leaks(
    raw_text: str,
    reasoning: str | None,
    answer: str | None,
    question: str | None,
    choices: Sequence[str] | None,
    first_claim: int | None = None,
) -> list[str]:
    """Reason codes against a chain, in a fixed order. `first_claim` is where its first acoustic claim starts."""
    chain = reasoning or ""
    opened, closed = raw_text.count(THINK), raw_text.count(END_THINK)
    found = {
        "provider_json": bool(_JSON_GATE.open(stems_of(raw_text)) and _PROVIDER_JSON.search(raw_text)),
        "prompt_echo": _echoes(chain, question or "", choices or ()),
        "unclosed_think": opened > closed,
        "doubled_think": opened > 1 or closed > 1,
        "no_reasoning": not chain.strip(),
        "answer_before_evidence": _answers_first(chain, first_claim),
        "denial": denies_hearing(chain) or (answer is not None and denies_hearing(answer)),
    }
    return [code for code in LEAKS if found[code]]


def _answers_first(chain: str, first_claim: int | None) -> bool:
    """The answer is named before the first claim, or, without claims, at the very start of a longer text."""
    named = _ANSWER.search(chain) if _ANSWER_GATE.open(stems_of(chain)) else None
    if named is None:
        return False
    if first_claim is not None:
        return named.start() < first_claim
    return not chain[: named.start()].strip(" \n.,:;-") and bool(chain[named.end() :].strip())


def _weighs(after: str, choices: Sequence[str]) -> bool:
    """The choices were listed in order to go through them: one is spoken of, and set aside, after the list."""
    named = [choice for choice in choices if " ".join(_WORD.findall(choice.lower())) in after]
    return len(named) >= 2 and _SET_ASIDE.search(after) is not None


@lru_cache(maxsize=CACHED_QUESTIONS)
def _echoed(question: str, choices: tuple[str, ...]) -> tuple[frozenset[str], ...]:
    """The beginnings of the words of all that may be echoed: the question, a long run of it, the choices."""
    asked = question.lower()
    words = [match.span() for match in _WORD.finditer(asked)]
    runs = [asked[words[k][0] : words[k + RUN_WORDS - 1][1]] for k in range(len(words) - RUN_WORDS + 1)]
    texts = [asked, *runs, " ".join(choices).lower()]
    return tuple(frozenset(stem for stem in stems_of(text) if stem.isalnum()) for text in texts)


def _echoes(chain: str, question: str, choices: Sequence[str]) -> bool:
    """Template marks, the question word by word, the list of choices, or a long run of the question's words."""
    said = stems_of(chain)
    if _TEMPLATE_GATE.open(said) and _TEMPLATE.search(chain):
        return True
    if not any(needed <= said for needed in _echoed(question, tuple(choices))):
        return False
    words = _WORD.findall(chain.lower())
    asked = _WORD.findall(question.lower())
    text = f" {' '.join(words)} "
    if len(asked) >= MIN_ECHO_WORDS and f" {' '.join(asked)} " in text:
        return True
    listed = " ".join(_WORD.findall(" ".join(choices).lower()))
    if len(choices) >= 3 and listed and f" {listed} " in text:
        return not _weighs(text.partition(f" {listed} ")[2], choices)
    runs = (" ".join(asked[i : i + RUN_WORDS]) for i in range(len(asked) - RUN_WORDS + 1))
    return any(f" {run} " in text for run in runs)
