"""The command line: thin, and quick to answer because heavy libraries wait for their use.

Exit codes: 0 done; 1 the analysis ran and a comparison it was told to enforce failed;
2 the input or the call is at fault.
"""

from __future__ import annotations

import sys

import typer

from evaluation.cli import (
    cohorts,
    costs,
    data,
    effect,
    estimate,
    gender,
    models,
    power,
    regress,
    report,
    retention,
    simulate,
    stance,
)
from evaluation.errors import InputError

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help=(
        "Evaluate municipalities' models for receiving newly arrived people: active from day "
        "one against not known to be active.\n\n"
        "Start with:  evaluation run settlement\n\n"
        "Exit codes: 0 done, 1 a comparison failed, 2 the input or the call is at fault."
    ),
)
app.command()(report.run)
app.command()(report.verify)
app.command()(estimate.estimate)
app.command()(regress.regress)
app.command()(power.power)
app.command()(simulate.simulate)
app.add_typer(data.app, name="data")
models.attach(app)
stance.attach(app)
cohorts.attach(app)
costs.attach(app)
effect.attach(app)
gender.attach(app)
retention.attach(app)


def main() -> None:
    """Run the command line; an input error is one line on stderr and exit code 2."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8")
    try:
        code = app(standalone_mode=False)
    except InputError as error:
        typer.echo(f"evaluation: {error}", err=True)
        code = 2
    except (typer.Abort, KeyboardInterrupt):
        typer.echo("evaluation: stopped", err=True)
        code = 130
    except Exception as error:
        # a fault of the call: the parser's own exceptions know their message
        if not hasattr(error, "format_message"):
            raise
        text = error.format_message().replace("Value error, ", "")
        is_help = "\n" in text
        typer.echo(text if is_help else f"evaluation: {text} (see --help)", err=True)
        code = 2
    sys.exit(code if isinstance(code, int) else 0)
