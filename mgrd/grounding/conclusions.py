"""Conclusions: what a chain says last, after "so" or "therefore", to state the answer. They are no evidence for it."""

import re
from collections.abc import Sequence

_CONCLUDING = re.compile(
    r"\b(?:so|hence|thus|therefore|consequently|accordingly|ergo|conclud\w*|deduc\w*|infer\w*|"
    r"it follows|given (?:that|this)|must|"
    r"which means|this means|i (?:believe|guess|suppose|assume|say|pick|choose)|i'd (?:say|guess|go)|one can say|"
    r"so (?:that'?s|it'?s)|i would (?:say|guess|go|conclude)|(?:my|the) answer|suggests?|points? to|"
    r"leads? (?:me )?to|taken together|"
    r"analys[ie]s (?:gives?|shows?|says?)|logically|by my knowledge|go (?:for|with)|i take it|reasonabl[ey]|"
    r"because of (?:this|that)|for (?:this|that) reason|perhaps|probably)\b|[→⇒]|->|=>",
    re.IGNORECASE,
)
_SENTENCE_END = re.compile(r"[.!?\n](?=\s|$)")
_WORD = re.compile(r"[^\W_]+")
_STEM = 4  # letters by which "rises" answers "rising"
_EMPTY = frozenset(
    {"the", "a", "an", "it", "is", "are", "was", "to", "of", "in", "on", "at", "and", "or"}
    | {"its", "this", "that", "there", "not", "no", "yes", "be", "as", "by", "for", "with", "sound", "sounds", "tone"}
)
_FILLING = frozenset({"char", "answ", "conc", "logi", "real", "then", "inde", "over", "all"})
"""Beginnings of words that add nothing to an answer: "rumbly in character, I conclude"."""
READ_BACK = 300  # characters before a claim in which its sentence begins


def concludes(chain: str, start: int, end: int, answer: str | None) -> bool:
    """Whether the claim at [start, end) restates the answer: after a word that draws a conclusion, or as a last
    sentence that is nothing but the answer."""
    if not answer:
        return False
    if _is_last_word(chain, start, answer):
        return True
    said = _stems(chain[start:end])
    if not said & _stems(answer):
        return False
    before = chain[max(0, start - READ_BACK) : start]
    ends = [match.end() for match in _SENTENCE_END.finditer(before)]
    opening = before[ends[-1] :] if ends else before
    return _CONCLUDING.search(opening) is not None


def _is_last_word(chain: str, start: int, answer: str) -> bool:
    """The last sentence of several, without any word that the answer has not."""
    text = chain.rstrip().rstrip(".!")
    last = max((match.end() for match in _SENTENCE_END.finditer(text)), default=0)
    return 0 < last <= start and _stems(text[last:]) <= _stems(answer) | _FILLING


def _stems(text: str) -> set[str]:
    words: Sequence[str] = _WORD.findall(text.lower())
    return {word[:_STEM] for word in words if word not in _EMPTY}
