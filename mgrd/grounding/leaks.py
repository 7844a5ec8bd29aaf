"""What must never reach training whatever the claims: broken shapes, echoes, denials, an answer before its evidence."""

import re
from collections.abc import Sequence

from mgrd.grounding.surrogate import DENIAL

THINK, END_THINK = "<think>", "</think>"
_PROVIDER_JSON = re.compile(
    r'\{\s*"(?:model|id|object|choices|role|content|created|usage|messages|completion|finish_reason|type|error)"\s*:'
    r'|"finish_reason"\s*:|chat\.completion|"(?:prompt|completion)_tokens"\s*:'
)
_TEMPLATE = re.compile(
    r"<\|[a-z_]+\|>|<audio>|\bchoices:\s|\bquestion:\s|\buser:\s|\bassistant:\s|\bsystem:\s|reason from what you hear, citing|"
    r"\bciting the sound, then answer\b|\[inst\]|you are a helpful",
    re.IGNORECASE,
)
_ANSWER = re.compile(
    r"\b(?:(?:the|my|final|correct|right) (?:final |correct |right |best )?answer (?:is|must be|will be|should be|would be|:)|answer\s*:|"
    r"i (?:choose|pick|select|go with|answer)\b|(?:the )?correct (?:choice|option) is|option [a-e]\b|"
    r"(?:the )?(?:right|best) (?:choice|option) is|my choice is)",
    re.IGNORECASE,
)
_WORD = re.compile(r"[a-z0-9]+")
MIN_ECHO_WORDS = 4
RUN_WORDS = 8


def split_chain(raw: str) -> tuple[str | None, int]:
    """(reasoning, its offset in `raw`) of a chain with or without think tags; None when the block is missing or empty.

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
    codes: list[str] = []
    chain = reasoning or ""
    if _PROVIDER_JSON.search(raw_text):
        codes.append("provider_json")
    if _echoes(chain, question or "", choices or ()):
        codes.append("prompt_echo")
    opened, closed = raw_text.count(THINK), raw_text.count(END_THINK)
    if opened > closed:
        codes.append("unclosed_think")
    if opened > 1 or closed > 1:
        codes.append("doubled_think")
    if not chain.strip():
        codes.append("no_reasoning")
    elif _answers_first(chain, first_claim):
        codes.append("answer_before_evidence")
    if DENIAL.search(chain) or (answer and DENIAL.search(answer)):
        codes.append("denial")
    return codes


def _answers_first(chain: str, first_claim: int | None) -> bool:
    named = _ANSWER.search(chain)
    if named is None:
        return False
    if first_claim is not None:
        return named.start() < first_claim
    return not chain[: named.start()].strip(" \n.,:;-") and bool(chain[named.end() :].strip())


def _echoes(chain: str, question: str, choices: Sequence[str]) -> bool:
    """Template marks, the question word by word, or a long run of the prompt's words."""
    if _TEMPLATE.search(chain):
        return True
    words = _WORD.findall(chain.lower())
    asked = _WORD.findall(question.lower())
    text = " ".join(words)
    if len(asked) >= MIN_ECHO_WORDS and f" {' '.join(asked)} " in f" {text} ":
        return True
    listed = " ".join(_WORD.findall(" ".join(choices).lower()))
    if len(choices) >= 3 and f" {listed} " in f" {text} ":
        return True
    if len(asked) < RUN_WORDS:
        return False
    runs = {tuple(asked[i : i + RUN_WORDS]) for i in range(len(asked) - RUN_WORDS + 1)}
    return any(tuple(words[i : i + RUN_WORDS]) in runs for i in range(len(words) - RUN_WORDS + 1))
