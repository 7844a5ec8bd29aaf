"""Where a stage's work on its rows runs: processes of this machine, or a Ray cluster.

A stage gives a function from a frame to frames and the frames to work on; what comes back is the same, in the
same order, whichever executor runs it. Executors know nothing of tables: the stage commits, in one process.
"""

from mgrd.executors.local import LocalExecutor
from mgrd.executors.protocol import Executor, Frames, Work
from mgrd.settings import Settings

__all__ = ["Executor", "Frames", "LocalExecutor", "Work", "open_executor"]


def open_executor(settings: Settings, *, with_gpus: bool = False) -> Executor:
    """The executor of `runtime.executor`; `with_gpus` gives each worker of a cluster `runtime.ray_gpus` of them.

    Raises ConfigError when it is `ray` and Ray is not installed, or the cluster has too few GPUs.
    """
    runtime = settings.runtime
    if runtime.executor == "ray":
        from mgrd.executors.ray import RayExecutor

        return RayExecutor(runtime.ray_address, runtime.workers, runtime.ray_gpus if with_gpus else 0.0)
    return LocalExecutor(settings.runtime.workers)
