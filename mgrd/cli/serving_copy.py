"""`mgrd serving-copy`: a checkpoint in the shapes that vLLM takes, for a server that somebody else starts."""

from pathlib import Path
from typing import Annotated

import typer

CheckpointArgument = Annotated[Path, typer.Argument(help="Folder of a Qwen2-Audio-class checkpoint.")]
OutArgument = Annotated[Path, typer.Argument(help="Folder for the copy; a copy that is there is replaced.")]


def serving_copy_command(checkpoint: CheckpointArgument, out: OutArgument) -> None:
    """Write a copy of a checkpoint that vLLM can serve.

    It computes the same in the shapes that vLLM takes. A server that mgrd starts itself gets its copy by `{servable}`
    in runtime.server.start.
    """
    from mgrd.errors import ConfigError
    from mgrd.models.serving_copy import needs_copy, read_record, write_serving_copy

    folder, place = checkpoint.expanduser().resolve(), out.expanduser().resolve()
    if not (folder / "config.json").is_file():
        raise ConfigError(f"{folder} is no checkpoint: it has no config.json; name a folder below `models`")
    if not needs_copy(folder):
        typer.echo(f"{folder} needs no copy: vLLM takes it as it is")
        return
    if place.exists() and any(place.iterdir()) and read_record(place) is None:
        raise ConfigError(f"{place} is not empty and holds no copy; name another folder")
    record = write_serving_copy(folder, place)
    typer.echo(
        f"{place} is the checkpoint {record.source} for clips of up to {record.window_seconds:g} s; serve it with\n"
        f"  python -m vllm.entrypoints.openai.api_server --model {place} --served-model-name {record.source} "
        "--enable-prompt-tokens-details"
    )
