"""`mgrd config`: what can be set."""

import typer

app = typer.Typer(no_args_is_help=True)


@app.command("schema")
def config_schema_command() -> None:
    """Print the JSON Schema of the settings."""
    from mgrd.settings.reference import settings_schema

    typer.echo(settings_schema())


@app.command("reference")
def config_reference_command() -> None:
    """Print docs/configuration.md: every key explained.

    With its default, range, meaning and environment variable.
    """
    from mgrd.settings.reference import configuration_reference

    typer.echo(configuration_reference(), nl=False)
