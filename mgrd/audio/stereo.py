"""Where a clip's sound stands between two loudspeakers: the only theme that hears the channels apart."""

import numpy as np
import numpy.typing as npt

from mgrd.audio.facts import Fact, fact

WIDEST = 60.0  # dB; a channel that is silent is this far away at most


def stereo_facts(samples: npt.NDArray[np.floating], duration: float) -> list[Fact]:
    """Balance and width of samples [frames, 2] without their DC; nothing for other numbers of channels."""
    if samples.ndim != 2 or samples.shape[1] != 2:
        return []
    moving = samples.astype(np.float64)
    moving -= moving.mean(axis=0)
    left, right = np.mean(moving**2, axis=0)
    if left + right < 1e-10:
        return []
    floor = (left + right) * 10 ** (-WIDEST / 10)
    balance = 10 * np.log10(max(right, floor) / max(left, floor))
    middle, side = moving.sum(axis=1), moving[:, 0] - moving[:, 1]
    width = float(np.mean(side**2) / (np.mean(side**2) + np.mean(middle**2)))
    return [fact("stereo_balance", balance, end=duration), fact("stereo_width", width, end=duration)]
