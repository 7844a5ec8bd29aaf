"""Chooses among the questions that could be asked, so that skills and answers stay balanced.

Each split is balanced by itself, so held-out questions do not depend on what the pool holds.

1. Clips come in the order of how few questions they allow, then of their hash. In each of
   `per_clip` rounds every clip takes, of its own candidates, the one whose answer was taken least
   often, then whose skill was, then by hash.
2. Where one answer of a skill then has more than MAX_RATIO times the questions of that skill's next
   answer (at least MIN_TOP), the surplus is dropped, by hash: whoever guesses the commonest
   word must not score by it. A skill in which only one answer occurs keeps MIN_TOP questions.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from mgrd.ids import content_key

MAX_RATIO = 2
MIN_TOP = 2


@dataclass(frozen=True, slots=True)
class Candidate:
    """A question that could be asked of a clip (a row of the clips table)."""

    clip: Mapping[str, object]
    skill: str
    choices: tuple[str, ...]
    answer: str

    @property
    def clip_id(self) -> str:
        return str(self.clip["clip_id"])


def choose_balanced(candidates: Iterable[Candidate], per_clip: int, seed: int) -> list[Candidate]:
    """At most `per_clip` candidates per clip, in the order of clip and skill."""
    by_split: dict[str, list[Candidate]] = defaultdict(list)
    for candidate in candidates:
        by_split[str(candidate.clip["split"])].append(candidate)
    chosen = [c for split in by_split.values() for c in _trim(_take(split, per_clip, seed), seed)]
    return sorted(chosen, key=lambda c: (c.clip_id, c.skill))


def _hash(candidate: Candidate, seed: int) -> str:
    return content_key("balance", seed, candidate.clip_id, candidate.skill)


def _take(candidates: list[Candidate], per_clip: int, seed: int) -> list[Candidate]:
    by_clip: dict[str, list[Candidate]] = defaultdict(list)
    for candidate in candidates:
        by_clip[candidate.clip_id].append(candidate)
    order = sorted(by_clip, key=lambda clip_id: (len(by_clip[clip_id]), content_key("clip order", seed, clip_id)))
    hashes = {(c.clip_id, c.skill): _hash(c, seed) for c in candidates}
    answers: Counter[tuple[str, str]] = Counter()
    skills: Counter[str] = Counter()
    taken: list[Candidate] = []
    for _ in range(per_clip):
        for clip_id in order:
            left = by_clip[clip_id]
            if not left:
                continue
            best = min(left, key=lambda c: (answers[c.skill, c.answer], skills[c.skill], hashes[c.clip_id, c.skill]))
            left.remove(best)
            answers[best.skill, best.answer] += 1
            skills[best.skill] += 1
            taken.append(best)
    return taken


def _trim(taken: list[Candidate], seed: int) -> list[Candidate]:
    """Without the surplus of each skill's commonest answer."""
    by_skill: dict[str, dict[str, list[Candidate]]] = defaultdict(lambda: defaultdict(list))
    for candidate in sorted(taken, key=lambda c: _hash(c, seed)):
        by_skill[candidate.skill][candidate.answer].append(candidate)
    kept: list[Candidate] = []
    for answers in by_skill.values():
        sizes = sorted((len(members) for members in answers.values()), reverse=True)
        limit = max(MIN_TOP, MAX_RATIO * sizes[1] if len(sizes) > 1 else 0)
        for members in answers.values():
            kept += members[:limit]
    return kept
