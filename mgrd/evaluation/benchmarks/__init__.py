"""Public benchmarks: owners' files in, predictions in the owners' format, their score and a strict one out."""

from mgrd.errors import ConfigError
from mgrd.evaluation.benchmarks.lettered import AIR_BENCH, MMSU
from mgrd.evaluation.benchmarks.matched import MMAR, MMAU, MMAU_PRO
from mgrd.evaluation.benchmarks.protocol import Benchmark, Item, Score, score_predictions
from mgrd.evaluation.benchmarks.spoken import BIG_BENCH_AUDIO, SPOKEN_MQA

__all__ = ["BENCHMARKS", "Benchmark", "Item", "Score", "named", "score_predictions"]

BENCHMARKS = {b.name: b for b in (MMAU, MMAU_PRO, MMAR, MMSU, BIG_BENCH_AUDIO, SPOKEN_MQA, AIR_BENCH)}


def named(name: str) -> Benchmark:
    """The benchmark of that name. Raises ConfigError listing the names there are."""
    if name not in BENCHMARKS:
        raise ConfigError(f"no benchmark {name!r}; there are {', '.join(sorted(BENCHMARKS))}")
    return BENCHMARKS[name]
