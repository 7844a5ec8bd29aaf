"""Options that several commands share: one spelling, one meaning, one default place."""

from pathlib import Path
from typing import Annotated

import typer

WorkspaceOption = Annotated[
    Path, typer.Option("--workspace", "-w", envvar="MGRD_WORKSPACE", help="Folder of the campaign.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")]
BenchmarkOption = Annotated[
    str, typer.Option(help="mmau, mmau-pro, mmar, mmsu, big-bench-audio, spoken-mqa or air-bench.")
]
BenchmarkDataOption = Annotated[
    Path, typer.Option("--data", help="Folder of the owners' files as published, or one of their files.")
]
