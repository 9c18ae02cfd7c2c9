"""``evaluation estimate``."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

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


class Method(StrEnum):
    """Estimator."""

    cs = "cs"
    sunab = "sunab"
    imputation = "imputation"
    twostage = "twostage"
    etwfe = "etwfe"
    stacked = "stacked"
    twfe = "twfe"
    sdid = "sdid"


class Control(StrEnum):
    """Comparison group."""

    never = "never"
    notyet = "notyet"


class Inference(StrEnum):
    """How the interval is made."""

    auto = "auto"
    analytic = "analytic"
    multiplier = "multiplier"
    wild = "wild"
    permutation = "permutation"
    conley_taber = "conley-taber"
    ferman_pinto = "ferman-pinto"
    cr2 = "cr2"
    own_history = "own-history"
    integrated_t = "integrated-t"


class EstMethod(StrEnum):
    """How covariates are used."""

    dr = "dr"
    ipw = "ipw"
    reg = "reg"


class Base(StrEnum):
    """Base of the years before adoption."""

    varying = "varying"
    universal = "universal"


class Unbalanced(StrEnum):
    """What becomes of units with a gap."""

    drop = "drop"
    keep = "keep"


class Variance(StrEnum):
    """Variance of synthetic difference-in-differences."""

    placebo = "placebo"
    jackknife = "jackknife"


class Multiplier(StrEnum):
    """Random factors of the bootstraps."""

    rademacher = "rademacher"
    mammen = "mammen"
    webb = "webb"


class Aggregate(StrEnum):
    """Which aggregate of the group-time effects."""

    simple = "simple"
    cohort = "cohort"
    dynamic = "dynamic"
    calendar = "calendar"


def _columns(text: str | None) -> tuple[str, ...]:
    """Split a list of columns at its commas."""
    from evaluation.errors import InputError

    if text is None:
        return ()
    names = tuple(n.strip() for n in text.split(","))
    if "" in names or len(set(names)) < len(names):
        raise InputError(
            f"{text!r} must be different columns, separated by commas", field="--covariates"
        )
    return names


def _window(text: str | None) -> tuple[int, int] | None:
    """Read two whole numbers separated by a comma."""
    from evaluation.errors import InputError

    if text is None:
        return None
    parts = [p.strip() for p in text.split(",")]
    if len(parts) != 2 or not all(p.isdecimal() for p in parts):
        raise InputError(
            f"{text!r} must be two whole numbers such as 3,2: years before and after adoption",
            field="--window",
        )
    return int(parts[0]), int(parts[1])


def estimate(
    ctx: typer.Context,
    data: Annotated[Path, typer.Option(help="CSV, .xlsx or .parquet: one row per unit and year.")],
    unit: Annotated[str, typer.Option(help="Column of the unit.")],
    time: Annotated[str, typer.Option(help="Column of the year.")],
    outcome: Annotated[str, typer.Option(help="Column of the outcome.")],
    cohort: Annotated[
        str, typer.Option(help="Column of the first treated year; empty or 0 is never treated.")
    ],
    method: Annotated[
        Method,
        typer.Option(
            help="cs: Callaway–Sant'Anna; sunab: Sun–Abraham; imputation: Borusyak–Jaravel–Spiess; "
            "twostage: Gardner; etwfe: extended two-way (Wooldridge); stacked: "
            "Wing–Freedman–Hollingsworth; twfe: two-way fixed effects; sdid: synthetic "
            "difference-in-differences."
        ),
    ] = Method.cs,
    weights: Annotated[
        str | None, typer.Option(help="Column of weights above zero (not sdid).")
    ] = None,
    covariates: Annotated[
        str | None,
        typer.Option(
            help="Columns, separated by commas. cs takes their value in the earlier year of each "
            "comparison; the regressions need them to vary within units."
        ),
    ] = None,
    cluster: Annotated[
        str | None, typer.Option(help="Column of clusters that units lie in (not sdid).")
    ] = None,
    control: Annotated[
        Control,
        typer.Option(
            help="never: never treated; notyet: not yet treated, and where nobody is never treated "
            "the last cohort (cs, stacked)."
        ),
    ] = Control.never,
    anticipation: Annotated[
        int,
        typer.Option(min=0, help="Years before adoption in which the effect may already show."),
    ] = 0,
    est_method: Annotated[
        EstMethod | None,
        typer.Option(help="How cs uses covariates: doubly robust, weighting or regression. [dr]"),
    ] = None,
    base: Annotated[
        Base | None,
        typer.Option(help="Base of the years before adoption (cs). [varying]"),
    ] = None,
    unbalanced: Annotated[
        Unbalanced,
        typer.Option(help="drop: leave out units with a gap; keep: use what there is of them."),
    ] = Unbalanced.drop,
    window: Annotated[
        str | None,
        typer.Option(
            help="Years before and after adoption, such as 3,2 (stacked). [the widest that every "
            "cohort fills]"
        ),
    ] = None,
    variance: Annotated[Variance | None, typer.Option(help="Variance of sdid. [placebo]")] = None,
    triple: Annotated[
        str | None,
        typer.Option(
            help="Column of two groups, one row each per unit and year: the effect on their gap."
        ),
    ] = None,
    aggregate: Annotated[
        Aggregate,
        typer.Option(
            help="Which aggregate of the group-time effects; stacked, twfe and sdid have one "
            "number of their own."
        ),
    ] = Aggregate.simple,
    inference: Annotated[
        Inference | None,
        typer.Option(
            help="auto: chosen by the design, with the reason, and no p-value where no test is "
            "valid; analytic: the field's usual error, too short with few treated; multiplier: "
            "bootstrap of the influence functions, likewise; wild: wild cluster bootstrap (twfe); "
            "permutation: exact if the units of a matched set are exchangeable; conley-taber: the "
            "controls stand in for the treated, of equal variance; ferman-pinto: the same, "
            "rescaled by size; cr2: each side's own variance (Welch); own-history: each treated "
            "unit's variance from its years before adoption; integrated-t: variance learnt from "
            "controls and size. [analytic with twenty or more treated and comparison units, auto "
            "with fewer]"
        ),
    ] = None,
    multiplier: Annotated[
        Multiplier | None,
        typer.Option(
            help="Random factors: rademacher or mammen (multiplier), rademacher or webb (wild). "
            "[rademacher]"
        ),
    ] = None,
    size: Annotated[
        str | None,
        typer.Option(
            help="Column of the persons behind each value, by unit or by unit and year (auto, "
            "ferman-pinto, integrated-t; the weights serve without it), or of size by unit for "
            "matched sets (permutation; no matching without it)."
        ),
    ] = None,
    donors: Annotated[
        int | None,
        typer.Option(min=1, help="Donors per treated unit (permutation with --size). [30]"),
    ] = None,
    classes: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Assign treatment within this many classes of size instead of matched sets "
            "(permutation with --size).",
        ),
    ] = None,
    draws: Annotated[
        int | None,
        typer.Option(
            min=99,
            max=MOST_DRAWS,
            help="Draws of permutation, the bootstraps, conley-taber and ferman-pinto [9999] or "
            "sdid's placebos [200].",
        ),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the draws.")] = 1,
    alpha: Alpha = 0.05,
    as_json: Json = False,
) -> None:
    """Estimate an average treatment effect on the treated from your own file.

    Units without a value in every year are left out and named, unless you keep them; so are
    units treated from the first year on. Each standard error follows the package that the field
    uses for the method, and says which convention that is. With fewer than twenty treated or
    comparison units that error is not the headline: the design chooses the test, and the answer
    says which and why.
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
            weights=weights,
            covariates=_columns(covariates),
            cluster=cluster,
            anticipation=anticipation,
            est_method=est_method.value if est_method else None,
            base=base.value if base else None,
            unbalanced=unbalanced.value,
            window=_window(window),
            variance=variance.value if variance else None,
            triple=triple,
            multiplier=multiplier.value if multiplier else None,
            inference=inference.value if inference else None,
            size=size,
            donors=donors,
            classes=classes,
            draws=draws,
            seed=seed,
            alpha=alpha,
            progress=step,
        )
    if not result.drawn:
        # the band over event times is drawn all the same, as often as it always is
        banded = result.event is not None and result.event.seed is not None
        why = f"nothing is drawn for the interval ({result.result.inference})"
        say_unused(asked_for(ctx, "draws", *([] if banded else ["seed"])), why)
    if as_json:
        print_json(result.to_dict())
    else:
        typer.echo(result.summary())
