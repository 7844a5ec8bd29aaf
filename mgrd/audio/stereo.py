"""Where a clip's sound stands between two loudspeakers: the only theme that hears the channels apart."""

import numpy as np
import numpy.typing as npt

from mgrd.audio.facts import Fact, fact

WIDEST = 60.0  # dB; a channel that is silent is this far away at most
SILENT = 1e-10  # mean square of both channels under which there is no sound
TREND_SECONDS = 0.6  # a shorter clip has no movement between the channels
TREND_PARTS = 3
SOUNDING_DB = 40.0  # under the largest sample, down to which a sample is part of what sounds


def balance_of(samples: npt.NDArray[np.floating]) -> float | None:
    """Level (dB) of the right channel minus the left one of samples [frames, 2]; None for silence."""
    moving = samples.astype(np.float64)
    if not len(moving):
        return None
    left, right = np.mean((moving - moving.mean(axis=0)) ** 2, axis=0)
    if left + right < SILENT:
        return None
    floor = (left + right) * 10 ** (-WIDEST / 10)
    return float(10 * np.log10(max(right, floor) / max(left, floor)))


def stereo_facts(samples: npt.NDArray[np.floating], duration: float) -> list[Fact]:
    """Balance and width of samples [frames, 2] without their DC; nothing for other numbers of channels."""
    if samples.ndim != 2 or samples.shape[1] != 2:
        return []
    moving = samples.astype(np.float64)
    moving -= moving.mean(axis=0)
    left, right = np.mean(moving**2, axis=0)
    if left + right < SILENT:
        return []
    balance = balance_of(moving)
    assert balance is not None
    middle, side = moving.sum(axis=1), moving[:, 0] - moving[:, 1]
    width = float(np.mean(side**2) / (np.mean(side**2) + np.mean(middle**2)))
    return [
        fact("stereo_balance", balance, end=duration),
        fact("stereo_width", width, end=duration),
        *_movement(moving, duration),
    ]


def _movement(samples: npt.NDArray[np.float64], duration: float) -> list[Fact]:
    """How far the sound moves between the channels: balance of the last third of what sounds minus the first's."""
    if duration < TREND_SECONDS:
        return []
    loud = np.flatnonzero(np.abs(samples).max(axis=1) > 10 ** (-SOUNDING_DB / 20) * np.abs(samples).max())
    parts = np.array_split(samples[loud[0] : loud[-1] + 1], TREND_PARTS)
    balances = [balance_of(part) for part in parts]
    if balances[0] is None or balances[-1] is None:
        return []
    return [fact("balance_trend", balances[-1] - balances[0], end=duration, reliability=0.9)]
