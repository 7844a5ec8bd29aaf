"""What a chain earns (eq. 7 and 8 of arXiv 2511.15848), and the grounding term that goes beyond it.

R_audio = 0.8 [right] + 0.2 [reasoning present], R_text = [right]. The grounding term adds the verdict of the
filter's own scorer to audio chains, so that what is rewarded is what is kept.
"""

from mgrd.settings.training import RewardSpec


def reward(spec: RewardSpec, *, audio: bool, correct: bool, reasoned: bool, grounded: bool = False) -> float:
    """Reward of one chain. A text task (`audio` False) knows the answer alone."""
    if not audio:
        return float(correct)
    return spec.correct * correct + spec.reasoning * reasoned + spec.grounding * grounded
