"""Benchmark: a checkpoint answers a public benchmark; predictions, scores and grounding in a folder."""

import logging
from contextlib import closing
from pathlib import Path
from typing import Any

from mgrd.engines import open_engine
from mgrd.engines.journal import JournaledEngine
from mgrd.errors import ConfigError
from mgrd.evaluation.benchmarks import named
from mgrd.evaluation.benchmarks.run import Evaluating, evaluate_benchmark
from mgrd.ingest.listing import listing_digest
from mgrd.models import model_sha
from mgrd.settings import SETTINGS_FILE, Settings, load_settings
from mgrd.store import Workspace
from mgrd.store.checkpoints import current_checkpoint
from mgrd.store.deadline import deadline
from tasks.artifacts import publish_benchmark
from tasks.run import Run
from tasks.stage_task import stage_task

LOGGER = logging.getLogger("mgrd")
JOURNAL = "answers.jsonl"


@stage_task("benchmark", uses="gpu")
def benchmark(
    run: Run, name: str, data: str, out: str, model: str | None, limit: int | None, asking: Evaluating
) -> dict[str, Any]:
    """The document of `evaluate_benchmark`; what the model was asked before stands in `out`/answers.jsonl."""
    folder = Path(out)
    settings = load_settings(Path(run.workspace), dict(run.overrides))
    family = named(name)
    items = family.read(Path(data), folder)[:limit]
    folder.mkdir(parents=True, exist_ok=True)
    limit_seconds = settings.runtime.time_limit("evaluate")
    with (
        deadline(f"benchmark {name}", limit_seconds),
        closing(_engine(settings, Path(run.workspace), model, folder)) as engine,
    ):
        document = evaluate_benchmark(engine, family, items, settings.spec, asking)
        if engine.replayed:
            LOGGER.info("%s: %d answers were there from an earlier run", name, len(engine.replayed))
    publish_benchmark(document)
    return document


def _engine(settings: Settings, workspace: Path, model: str | None, out: Path) -> JournaledEngine:
    """The settings' engine on a folder, or on the campaign's current model. Raises ConfigError without either."""
    journal = out / JOURNAL
    if model is not None:
        checkpoint = Path(model).resolve()
        identity = listing_digest(checkpoint) if checkpoint.is_dir() else ""
        return JournaledEngine(open_engine(settings, checkpoint, model, out / "features"), journal, identity)
    if settings.runtime.engine == "mock":
        return JournaledEngine(open_engine(settings, workspace, "mock", out / "features"), journal)
    if not (workspace / SETTINGS_FILE).is_file():
        raise ConfigError(f"{workspace}: no campaign; name a checkpoint with --model, or the campaign with --workspace")
    opened = Workspace(workspace, settings)
    checkpoint = current_checkpoint(opened)
    return JournaledEngine(open_engine(settings, checkpoint, model_sha(checkpoint), opened.features), journal)
