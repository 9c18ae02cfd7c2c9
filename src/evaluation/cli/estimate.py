"""``evaluation estimate``."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from evaluation.cli.shared import Json, print_json, progress_bar


class Method(StrEnum):
    """Estimator."""

    cs = "cs"
    twfe = "twfe"


class Control(StrEnum):
    """Comparison group."""

    never = "never"
    notyet = "notyet"


class Inference(StrEnum):
    """How the interval is made."""

    analytic = "analytic"
    permutation = "permutation"


class Aggregate(StrEnum):
    """Which aggregate of the group-time effects."""

    simple = "simple"
    cohort = "cohort"
    dynamic = "dynamic"
    calendar = "calendar"


def estimate(
    data: Annotated[Path, typer.Option(help="CSV: one row per unit and year.")],
    unit: Annotated[str, typer.Option(help="Column of the unit.")],
    time: Annotated[str, typer.Option(help="Column of the year.")],
    outcome: Annotated[str, typer.Option(help="Column of the outcome.")],
    cohort: Annotated[
        str, typer.Option(help="Column of the first treated year; empty or 0 is never treated.")
    ],
    method: Annotated[
        Method,
        typer.Option(help="cs: Callaway–Sant'Anna; twfe: two-way fixed effects."),
    ] = Method.cs,
    control: Annotated[
        Control, typer.Option(help="never: never treated; notyet: not yet treated.")
    ] = Control.never,
    aggregate: Annotated[
        Aggregate, typer.Option(help="Which aggregate of the group-time effects (cs).")
    ] = Aggregate.simple,
    inference: Annotated[
        Inference,
        typer.Option(
            help="analytic: too short with few treated units; permutation: exact if the units "
            "of a matched set are exchangeable."
        ),
    ] = Inference.analytic,
    size: Annotated[
        str | None,
        typer.Option(help="Column of size for matched sets (permutation). Default: no matching."),
    ] = None,
    donors: Annotated[
        int, typer.Option(min=1, help="Donors per treated unit (permutation with --size).")
    ] = 30,
    draws: Annotated[int, typer.Option(min=99, help="Draws of permutation and band.")] = 9999,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the draws.")] = 1,
    alpha: Annotated[float, typer.Option(min=0.001, max=0.499, help="One minus the level.")] = 0.05,
    as_json: Json = False,
) -> None:
    """Estimate an average treatment effect on the treated from your own file.

    Units without a value in every year are left out and named. Standard errors of cs are
    analytic with divisor n, as in R's did; those of twfe are clustered by unit with the
    convention of R's fixest.
    """
    from evaluation.questions.own_data import estimate_file

    with progress_bar(3, as_json) as step:
        result = estimate_file(
            data,
            unit=unit,
            time=time,
            outcome=outcome,
            cohort=cohort,
            method=method.value,
            control=control.value,
            aggregate=aggregate.value,
            inference=inference.value,
            size=size,
            donors=donors,
            draws=draws,
            seed=seed,
            alpha=alpha,
            progress=step,
        )
    if as_json:
        print_json(result.to_dict())
    else:
        typer.echo(result.summary())
