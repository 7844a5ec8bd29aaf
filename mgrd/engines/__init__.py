"""Engines: sampling and scoring behind one protocol."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mgrd.engines.protocol import Engine
    from mgrd.settings import Settings


def open_engine(
    settings: "Settings", model_folder: Path, model_id: str, features: Path, *, worker: str = ""
) -> "Engine":
    """The engine that the settings name, on a checkpoint; `features` is the folder of the encoder cache.

    `worker` names one of several that open it at once; each then has a log of its own.

    Raises EngineStopError when a server is asked for that does not serve this checkpoint, or vLLM cannot load it.
    """
    runtime = settings.runtime
    if runtime.engine == "mock":
        from mgrd.engines.mock import MockEngine

        return MockEngine(model_id, runtime.mock)
    if runtime.engine == "vllm":
        from mgrd.engines.vllm import VllmEngine

        log = f"vllm-{worker}.log" if worker else "vllm.log"
        return VllmEngine(runtime.vllm, model_id, model_folder, features.parent, runtime.batch_requests, log)
    if runtime.engine == "openai":
        from mgrd.engines.openai import OpenAIEngine

        assert runtime.server is not None, "the settings ask for it"
        base = settings.spec.model.base
        outside = base != "embedded" and model_folder == Path(base).expanduser().resolve()
        return OpenAIEngine(runtime.server, model_id, model_folder, features.parent / "server.log", trusted=outside)
    from mgrd.engines.transformers import TransformersEngine

    model = settings.spec.model
    return TransformersEngine(
        model_folder, features, runtime.device, runtime.batch_requests, model.features, model.long_clips
    )
