"""``evaluation costs``: the cohort cost model of a parameter file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from evaluation.cli.shared import (
    MOST_DRAWS,
    Json,
    Lang,
    asked_for,
    print_json,
    progress_bar,
    say_unused,
)
from evaluation.errors import InputError

__all__ = ["attach"]


def attach(app: typer.Typer) -> None:
    """Add ``costs`` to the command line."""
    app.command("costs")(costs)


def costs(
    ctx: typer.Context,
    parameters: Annotated[
        str,
        typer.Argument(
            help="A parameter file (YAML), or the name of one that ships: example, by_hand."
        ),
    ],
    out: Annotated[
        Path | None, typer.Option(help="Folder of the report. Without it none is written.")
    ] = None,
    draws: Annotated[
        int | None, typer.Option(min=100, max=MOST_DRAWS, help="Draws. Default: the file's.")
    ] = None,
    seed: Annotated[
        int | None, typer.Option(min=0, help="Seed of the draws. Default: the file's.")
    ] = None,
    lang: Annotated[Lang, typer.Option(help="Language of what is written.")] = Lang.sv,
    formats: Annotated[
        str, typer.Option("--format", help="Documents of the report, separated by commas.")
    ] = "html,pdf,docx",
    as_json: Json = False,
) -> None:
    """Compute what being active saves and costs: municipality, state and household apart.

    Every parameter of the file has value, unit, year, source, and whether it was found or
    assumed. The effect enters with its own interval: stated, or read from the results.json
    of a report. With --out: results.json, tables/*.csv, figures/*.svg and the documents.

    Example: evaluation costs example --out build/costs
    """
    known = ("html", "pdf", "docx")
    wanted = [f.strip() for f in formats.split(",") if f.strip()]
    if not wanted or any(f not in known for f in wanted):
        found = next((f for f in wanted if f not in known), formats)
        raise InputError(f"{found!r} is none of {', '.join(known)}", field="--format")
    from evaluation.questions.costs import cost_analysis, load_costs

    plan = load_costs(parameters)
    with progress_bar(3 + len(wanted) if out else 1, as_json) as step:
        step("draws")
        result = cost_analysis(plan, draws=draws, seed=seed)
        if out is not None:
            from evaluation.report.costs import write_costs

            write_costs(
                result,
                out,
                lang=lang.value,
                formats=wanted,  # type: ignore[arg-type]
                progress=step,
            )
    if not result.tornado:
        say_unused(asked_for(ctx, "draws", "seed"), "nothing is uncertain in the parameter file")
    if as_json:
        print_json(result.to_dict() | ({"folder": str(out)} if out else {}))
        return
    typer.echo(result.summary(lang.value))
    if out is not None:
        typer.echo(f"\n{out}")
