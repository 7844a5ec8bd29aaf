"""The command line: one file per noun. Modules import heavy libraries inside their functions only."""

import sys

import typer

from mgrd.cli import (
    ablate,
    calibrate,
    campaign,
    config,
    data,
    decontaminate,
    doctor,
    evaluate,
    explain,
    export,
    ground,
    ingest,
    measure,
    plan,
    rejudge,
    report,
    review,
    serve_mock_judge,
    serving_copy,
    status,
    workspace,
)
from mgrd.cli.interrupts import Interrupts
from mgrd.errors import ConfigError, MgrdError

app = typer.Typer(
    name="mgrd",
    help="Modality-Grounded Reasoning Distillation: audio reasoning chains, checked against the waveform.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    rich_markup_mode=None,
)
app.command("init")(workspace.init_command)
app.command("ingest")(ingest.ingest_command)
app.command("plan")(plan.plan_command)
app.command("run")(campaign.run_command)
app.command("status")(status.status_command)
app.command("report")(report.report_command)
app.command("export")(export.export_command)
app.command("verify")(export.verify_command)
app.command("publish")(export.publish_command)
app.command("measure")(measure.measure_command)
app.command("ground")(ground.ground_command)
app.command("explain")(explain.explain_command)
app.command("doctor")(doctor.doctor_command)
app.command("decontaminate")(decontaminate.decontaminate_command)
app.command("evaluate")(evaluate.evaluate_command)
app.command("rejudge")(rejudge.rejudge_command)
app.command("calibrate")(calibrate.calibrate_command)
app.command("requeue")(data.requeue_command)
app.command("serve-mock-judge")(serve_mock_judge.serve_mock_judge_command)
app.command("serving-copy")(serving_copy.serving_copy_command)
app.command("ablate")(ablate.ablate_command)
app.add_typer(data.app, name="data")
app.add_typer(review.app, name="review")
app.add_typer(config.app, name="config", help="Print the schema and the reference of the settings.")


def main() -> None:
    """Entry point: an error of ours is a message on standard error, never a traceback."""
    interrupts = Interrupts()
    interrupts.install()
    try:
        app()
    except BaseException as error:
        if isinstance(error, SystemExit) and not error.code:
            raise
        if interrupts.have_come():  # whatever it looks like: the orchestrator's own signal, a server that is gone
            interrupts.leave()
        if not isinstance(error, MgrdError):
            raise
        from mgrd.store.logs import told_as_json

        if not told_as_json(error):
            sys.stderr.write(f"error: {error}\n")
        sys.exit(2 if isinstance(error, ConfigError) else 1)
