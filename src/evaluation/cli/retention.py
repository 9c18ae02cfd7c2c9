"""``evaluation retention``: who stays in the kommun, as far as person records may say."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from evaluation.cli.shared import (
    MOST_DRAWS,
    Alpha,
    Json,
    Lang,
    Pseudonymised,
    print_json,
    say_unused,
)

__all__ = ["attach", "retention"]


def attach(app: typer.Typer) -> None:
    """Add ``evaluation retention``."""
    app.command("retention")(retention)


def retention(
    data: Annotated[
        Path,
        typer.Option(
            help="Life tables (column at_risk) or person records (column received): .csv, .xlsx "
            "or .parquet."
        ),
    ],
    by: Annotated[
        list[str] | None,
        typer.Option(help="Compare groups: sex, exposed, stance, cohort; may be given again."),
    ] = None,
    stance: Annotated[
        Path | None,
        typer.Option(help="Who is active since when: code and start, or coded_year, coded_month."),
    ] = None,
    horizon: Annotated[int, typer.Option(min=1, max=600, help="Months since reception.")] = 36,
    step: Annotated[
        int | None,
        typer.Option(
            min=1, help="Months of a step of the life table that leaves. [the finest possible]"
        ),
    ] = None,
    threshold: Annotated[
        int, typer.Option(min=3, help="Counts below it, but for 0, are hidden.")
    ] = 5,
    outcome: Annotated[
        str | None,
        typer.Option(
            help="A yes or no that is seen only of those who stay, COLUMN or COLUMN=VALUE,VALUE: "
            "bounds of the effect on it (person records, --stance)."
        ),
    ] = None,
    until: Annotated[
        str | None,
        typer.Option(help="Last known month of person records, such as 2025-12."),
    ] = None,
    over_time: Annotated[
        bool, typer.Option("--over-time", help="Exposure may begin during the stay.")
    ] = False,
    pseudonymised: Pseudonymised = False,
    draws: Annotated[
        int | None,
        typer.Option(min=19, max=MOST_DRAWS, help="Assignments drawn for the effect. [999]"),
    ] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Seed of the draws. [1]")] = None,
    alpha: Alpha = 0.05,
    lang: Annotated[Lang, typer.Option(help="Language of what is written.")] = Lang.sv,
    out: Annotated[
        Path | None, typer.Option(help="Write curves, figures and results.json into this folder.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Show who stays in the kommun, where the others go, and what activity changes about it.

    Everything shown or written has been through disclosure control, simulated records too: the
    life table leaves in steps with no small counts, curves and tests are computed from it, and
    models and the effect are rounded.

    Example: evaluation retention --data persons.parquet --stance stance.csv --by exposed
    """
    from evaluation.data.disclosure import Rules
    from evaluation.questions.retention.answer import retention as ask
    from evaluation.questions.retention.reading import read_retention

    found = ask(
        read_retention(
            data,
            stance=stance,
            until=until,
            exposure_over_time=over_time,
            pseudonymised=pseudonymised,
        ),
        by=by or [],
        horizon=horizon,
        step=step,
        rules=Rules(k=threshold),
        draws=999 if draws is None else draws,
        seed=1 if seed is None else seed,
        alpha=alpha,
    )
    if found.effect is None:
        why = "without --stance no effect is tested" if stance is None else "no effect is given"
        given = [n for n, v in (("--draws", draws), ("--seed", seed)) if v is not None]
        say_unused(given, f"nothing is drawn, since {why}")
    if outcome is not None:
        from evaluation.errors import InputError
        from evaluation.questions.retention.selection import with_selection

        if stance is None or over_time:
            raise InputError(
                "needs --stance, and exposure at reception (no --over-time)", field="--outcome"
            )
        found = with_selection(found, data, outcome, stance=stance, until=until)
    if out is not None:
        from evaluation.report.retention_files import write_retention

        write_retention(found, out, lang.value)
    if as_json:
        print_json(found.to_dict())
    else:
        from evaluation.questions.retention.printed import printed

        typer.echo(printed(found, lang.value))
