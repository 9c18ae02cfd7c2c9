"""``evaluation regress``."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from evaluation.cli.shared import (
    MOST_DRAWS,
    Alpha,
    Json,
    asked_for,
    print_json,
    progress_bar,
    say_unused,
)


class Model(StrEnum):
    """Panel model."""

    fixed = "fixed"
    random = "random"
    between = "between"
    first_difference = "first-difference"
    mundlak = "mundlak"
    pooled = "pooled"


class Cov(StrEnum):
    """Kind of errors."""

    clustered = "clustered"
    two_way = "two-way"
    driscoll_kraay = "driscoll-kraay"
    cr2 = "cr2"
    cr3 = "cr3"
    wild = "wild"
    robust = "robust"
    unadjusted = "unadjusted"


NO_CLUSTERS = {Cov.driscoll_kraay, Cov.robust, Cov.unadjusted}


class Multiplier(StrEnum):
    """Random factors of the wild bootstrap."""

    rademacher = "rademacher"
    webb = "webb"


def regress(
    ctx: typer.Context,
    data: Annotated[
        Path,
        typer.Option(help="CSV, .xlsx or .parquet: one row per unit and year; gaps are allowed."),
    ],
    formula: Annotated[
        str,
        typer.Option(
            help='"y ~ x + EntityEffects + TimeEffects". Also np.log(x), x:z, I(x**2), C(region); '
            "an intercept is there unless 0 + is written."
        ),
    ],
    unit: Annotated[str, typer.Option(help="Column of the unit.")],
    time: Annotated[str, typer.Option(help="Column of the year.")],
    weights: Annotated[
        str | None,
        typer.Option(
            help="Column of weights above zero, such as the number of people behind a share: "
            "variance proportional to 1/weight (fixed, pooled, first-difference)."
        ),
    ] = None,
    model: Annotated[
        Model,
        typer.Option(
            help="fixed: within units; random: Swamy–Arora; between: unit means; first-difference: "
            "neighbouring years; mundlak: random effects with unit means; pooled: no effects."
        ),
    ] = Model.fixed,
    cov: Annotated[
        Cov,
        typer.Option(
            help="clustered: by unit, as R's fixest; two-way: unit and year; driscoll-kraay: "
            "dependent across units; cr2: Bell–McCaffrey, for few clusters; cr3: jackknife; wild: "
            "bootstrap-t; robust and unadjusted take rows as independent."
        ),
    ] = Cov.clustered,
    cluster: Annotated[
        str | None,
        typer.Option(
            help="Column of clusters (clustered, two-way, cr2, cr3, wild). Default: the unit."
        ),
    ] = None,
    bandwidth: Annotated[
        int | None,
        typer.Option(min=0, help="Lags (driscoll-kraay). Default: 4(T/100)^(2/9), cut off."),
    ] = None,
    multiplier: Annotated[
        Multiplier, typer.Option(help="rademacher: ±1; webb: six points, for few clusters (wild).")
    ] = Multiplier.rademacher,
    unrestricted: Annotated[
        bool, typer.Option("--unrestricted", help="Do not impose the null on residuals (wild).")
    ] = False,
    draws: Annotated[int, typer.Option(min=99, max=MOST_DRAWS, help="Draws (wild).")] = 9999,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the draws (wild).")] = 1,
    alpha: Alpha = 0.05,
    as_json: Json = False,
) -> None:
    """Fit a panel regression to your own file, with errors whose convention is printed.

    Rows with a missing value in a column of the formula are left out and counted. Few treated
    units make clustered errors too short: the check effective_clusters says so; then take
    cr2 or wild, or evaluation estimate with --inference auto.

    Example: evaluation regress --data panel.csv --formula "share ~ active + EntityEffects +
    TimeEffects" --unit code --time year --weights leavers --cov cr2
    """
    from evaluation.errors import InputError
    from evaluation.questions.regression import regress_file

    if cov is not Cov.driscoll_kraay and bandwidth is not None:
        raise InputError("is used by --cov driscoll-kraay only", field="--bandwidth")
    if cov is not Cov.wild and (unrestricted or multiplier is not Multiplier.rademacher):
        field = "--unrestricted" if unrestricted else "--multiplier"
        raise InputError("is used by --cov wild only", field=field)
    if cluster is not None and cov in NO_CLUSTERS:
        raise InputError(f"is not used by --cov {cov.value}", field="--cluster")
    if cov is not Cov.wild:
        say_unused(asked_for(ctx, "draws", "seed"), f"nothing is drawn by --cov {cov.value}")
    named: dict[str, Any] = {
        "model": model.value.replace("-", "_"),
        "cov": cov.value,
        "multiplier": multiplier.value,
    }
    with progress_bar(3, as_json) as step:
        result = regress_file(
            data,
            formula,
            unit=unit,
            time=time,
            weights=weights,
            cluster=cluster,
            bandwidth=bandwidth,
            restricted=not unrestricted,
            draws=draws,
            seed=seed,
            alpha=alpha,
            progress=step,
            **named,
        )
    if as_json:
        print_json(result.to_dict())
    else:
        typer.echo(result.summary())
