"""``evaluation power``."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from evaluation.cli.shared import MOST_DRAWS, Json, print_json, progress_bar
from evaluation.errors import InputError


class Curve(StrEnum):
    """What a curve runs over."""

    treated = "treated"
    years = "years"
    leavers = "leavers"


def power(
    data: Annotated[Path, typer.Option(help="CSV, .xlsx or .parquet: one row per unit and year.")],
    unit: Annotated[str, typer.Option(help="Column of the unit.")],
    time: Annotated[str, typer.Option(help="Column of the year.")],
    outcome: Annotated[str, typer.Option(help="Column of the outcome.")],
    treated: Annotated[
        int | None, typer.Option(help="How many units are treated; drawn from all.")
    ] = None,
    treated_units: Annotated[
        str | None,
        typer.Option(help="Or which, by comma; units like them stand in for them."),
    ] = None,
    cohort_year: Annotated[
        int | None, typer.Option(help="First treated year. Default: the middle of the data.")
    ] = None,
    size: Annotated[
        str | None,
        typer.Option(
            help="Column of size that makes units alike (--treated-units). Default: the variance "
            "before adoption."
        ),
    ] = None,
    donors: Annotated[
        int | None, typer.Option(min=1, help="Stand-ins per treated unit (--treated-units). [30]")
    ] = None,
    effects: Annotated[
        str | None,
        typer.Option(help="Effects to try, by comma. Default: up to eight standard deviations."),
    ] = None,
    curve: Annotated[
        list[Curve] | None, typer.Option(help="Add a curve over this; may be given again.")
    ] = None,
    leavers: Annotated[
        str | None, typer.Option(help="Column of people behind each value (--curve leavers).")
    ] = None,
    plot: Annotated[
        Path | None, typer.Option(help="Write a figure here: .svg, .png or .pdf.")
    ] = None,
    target: Annotated[
        float, typer.Option(min=0.01, max=0.99, help="Power that an effect must be found with.")
    ] = 0.8,
    draws: Annotated[int, typer.Option(min=50, max=MOST_DRAWS, help="Simulated studies.")] = 1000,
    assignments: Annotated[
        int,
        typer.Option(
            min=19, max=MOST_DRAWS, help="Assignments that each study's permutation compares with."
        ),
    ] = 9999,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the draws.")] = 1,
    alpha: Annotated[float, typer.Option(min=0.001, max=0.499, help="Level of the test.")] = 0.05,
    workers: Annotated[int, typer.Option(min=1, help="Processes; the numbers are the same.")] = 1,
    as_json: Json = False,
) -> None:
    """Find the smallest effect that a design could detect, on the data's own variation.

    Units of the file are declared treated, an effect is added, and a permutation test is asked;
    the share that rejects is the power. Best on data without treatment in them.
    """
    from evaluation.questions.power_file import check_format, power_file

    names = None if treated_units is None else _parts(treated_units, "--treated-units")
    if (treated is None) == (names is None):
        raise InputError("give either --treated N or --treated-units A,B", field="--treated")
    if names is not None and len(set(names)) < len(names):
        raise InputError(f"{treated_units!r} names a unit twice", field="--treated-units")
    for option, given in (("--size", size), ("--donors", donors)):
        if given is not None and names is None:
            raise InputError("is used with --treated-units only", field=option)
    if leavers is not None and Curve.leavers not in (curve or []):
        raise InputError("is used with --curve leavers only", field="--leavers")
    if names is not None and Curve.treated in (curve or []):
        raise InputError("treated goes with --treated N only", field="--curve")
    if plot is not None:
        check_format(plot)
    with progress_bar(2 + len(curve or []), as_json) as step:
        result = power_file(
            data,
            unit=unit,
            time=time,
            outcome=outcome,
            n_treated=treated,
            treated_units=names,
            cohort_year=cohort_year,
            size=size,
            donors=donors or 30,
            effects=None if effects is None else _numbers(effects),
            leavers=leavers,
            curves=[c.value for c in curve or []],
            target=target,
            draws=draws,
            n_assignments=assignments,
            seed=seed,
            alpha=alpha,
            workers=workers,
            progress=step,
        )
    if plot is not None:
        result.save_plot(plot)
    if as_json:
        print_json(result.to_dict())
    else:
        typer.echo(result.summary())


def _parts(text: str, option: str) -> list[str]:
    parts = [p.strip() for p in text.split(",")]
    if not all(parts):
        raise InputError(f"{text!r} has an empty place between commas", field=option)
    return parts


def _numbers(text: str) -> list[float]:
    found = []
    for part in _parts(text, "--effects"):
        try:
            found.append(float(part))
        except ValueError:
            raise InputError(f"{part!r} is not a number", field="--effects") from None
    return found
