"""The effect question on a file of one's own, and the checks of data files."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from evaluation.data import embedded
from evaluation.data.files import (
    MISSING,
    balanced_panel,
    number_column,
    read_table,
    year_column,
)
from evaluation.data.panel import Panel
from evaluation.errors import InputError
from evaluation.estimation.cohorts import without_always_treated
from evaluation.estimation.did.aggregation import aggregate as aggregate_effects
from evaluation.estimation.did.aggregation import event_study
from evaluation.estimation.did.callaway_santanna import callaway_santanna
from evaluation.estimation.did.imputation import imputation, two_stage
from evaluation.estimation.did.multiplier import multiplier_bootstrap
from evaluation.estimation.did.sample import prepare
from evaluation.estimation.did.saturated import extended_two_way, sun_abraham
from evaluation.estimation.did.stacked import stacked
from evaluation.estimation.did.synthetic_did import synthetic_did
from evaluation.estimation.did.two_way import two_way_fixed_effects
from evaluation.questions.own_columns import (
    by_cell,
    cluster_column,
    cohort_column,
    constant_by_unit,
    two_groups,
)
from evaluation.questions.own_inference import BY_NAME, Inferred, infer
from evaluation.questions.own_linear import count_sides, linear_design
from evaluation.questions.own_options import METHODS, check_options
from evaluation.questions.own_permutation import permuted
from evaluation.questions.own_result import OwnEstimate, own_checks
from evaluation.questions.own_wild import wild_two_way_test
from evaluation.results import Estimate, EventStudy, GroupTime

__all__ = ["METHODS", "OwnEstimate", "check_file", "estimate_file"]

BAND_DRAWS = 999
GROUP_TIME: Mapping[str, Callable[..., GroupTime]] = {
    "cs": callaway_santanna,
    "sunab": sun_abraham,
    "imputation": imputation,
    "twostage": two_stage,
    "etwfe": extended_two_way,
}
CONTROLS = {"never": "never_treated", "notyet": "not_yet_treated"}


def estimate_file(
    path: str | Path,
    *,
    unit: str,
    time: str,
    outcome: str,
    cohort: str,
    method: str = "cs",
    control: str = "never",
    aggregate: str = "simple",
    inference: str | None = None,
    weights: str | None = None,
    covariates: tuple[str, ...] = (),
    cluster: str | None = None,
    anticipation: int = 0,
    est_method: str | None = None,
    base: str | None = None,
    unbalanced: str = "drop",
    window: tuple[int, int] | None = None,
    variance: str | None = None,
    triple: str | None = None,
    multiplier: str | None = None,
    size: str | None = None,
    donors: int | None = None,
    classes: int | None = None,
    draws: int | None = None,
    seed: int = 1,
    alpha: float = 0.05,
    progress: Callable[[str], None] = lambda _: None,
) -> OwnEstimate:
    """Estimate an effect from a CSV with one row per unit and year.

    Parameters
    ----------
    path : str or pathlib.Path
        The file.
    unit, time, outcome, cohort : str
        Columns; ``cohort`` is the first treated year, empty or 0 for never treated.
    method : str
        A key of ``METHODS``.
    control : {"never", "notyet"}
        Comparison group (cs, stacked).
    aggregate : {"simple", "cohort", "dynamic", "calendar"}
        Which aggregate; stacked, twfe and sdid have one number of their own.
    inference : str, optional
        ``auto`` (by the design), ``analytic``, ``multiplier``, ``wild`` (twfe), ``permutation``
        (cs, never-treated controls, the aggregates simple or cohort), ``conley-taber``,
        ``ferman-pinto``, ``cr2``, ``own-history`` or ``integrated-t``. Without it analytic where
        eight units or more are on either side, and auto where they are fewer.
    weights, cluster : str, optional
        Columns: weights of the observations; clusters that units are nested in.
    covariates : tuple of str
        Columns.
    anticipation : int
        Years before adoption in which the effect may already show.
    est_method : {"dr", "ipw", "reg"}, optional
        How cs uses covariates; dr without it.
    base : {"varying", "universal"}, optional
        Base of the years before adoption (cs); varying without it.
    unbalanced : {"drop", "keep"}
        Leave out units with a gap, or use what there is of them.
    window : tuple of int, optional
        Years before and after adoption (stacked).
    variance : {"placebo", "jackknife"}, optional
        Of sdid; placebo without it.
    triple : str, optional
        Column of two groups within every unit and year: the effect on their gap.
    multiplier : {"rademacher", "mammen", "webb"}, optional
        Random factors: of the multiplier bootstrap (the first two) or of wild (the first and
        the last); rademacher without it.
    size : str, optional
        Column of the persons behind each value: sizes for auto, ferman-pinto and integrated-t
        (weights serve as sizes without it), and for matched sets in permutation.
    donors : int, optional
        Donors per treated unit (permutation with ``size``); 30 without it.
    classes : int, optional
        Classes of size in which permutation assigns treatment, instead of matched sets.
    draws : int, optional
        Draws of the tests that draw (9,999) or of sdid's placebos (200).
    seed : int
        Seed of all draws.
    alpha : float
        One minus the level.
    progress : callable
        Called with the name of each step as it begins.

    Returns
    -------
    OwnEstimate
        The result with event study, group-time effects and checks.

    Raises
    ------
    InputError
        If the file or the combination of options is at fault.
    """
    asked = {
        "control": control != "never",
        "covariates": bool(covariates),
        "weights": weights is not None,
        "cluster": cluster is not None,
        "anticipation": anticipation != 0,
        "est_method": est_method is not None,
        "base": base is not None,
        "unbalanced": unbalanced != "drop",
        "window": window is not None,
        "variance": variance is not None,
    }
    check_options(
        method, inference, aggregate, asked, size=size, classes=classes, donors=donors,
        multiplier=multiplier,
    )  # fmt: skip
    if outcome in covariates and method != "cs":
        raise InputError(
            f"{outcome} is the outcome; it cannot explain itself", field="--covariates"
        )
    if triple is not None and (covariates or weights):
        name = "--covariates" if covariates else "--weights"
        raise InputError("cannot be combined with --triple", field=name)
    progress("data")
    table = read_table(path)
    keep = unbalanced == "keep"
    names = {"unit": unit, "time": time, "outcome": outcome}
    gap = ""
    if triple is None:
        panel = balanced_panel(table, **names, keep_gaps=keep)
    else:
        panel, gap = two_groups(table, triple, **names, keep_gaps=keep)
    try:
        cohorts = cohort_column(table, unit, cohort, panel)
        given: dict[str, Any] = {}
        if weights is not None:
            given["weights"] = by_cell(table, unit, time, outcome, weights, positive=True)
        if covariates:
            given["covariates"] = {c: by_cell(table, unit, time, outcome, c) for c in covariates}
        if cluster is not None:
            clusters = cluster_column(table, unit, cluster, panel)
            # clusters of one unit each are what every method takes without any
            if not clusters.is_unique:
                given["cluster"] = clusters
        sizes: pd.Series | pd.DataFrame | None = None
        if size is not None and (inference == "permutation" or triple is not None):
            numbers = number_column(table, size, positive=True)
            sizes = constant_by_unit(table, unit, numbers, size, panel)
        elif size is not None:
            sizes = by_cell(table, unit, time, outcome, size, positive=True)
        inner, always = without_always_treated(panel, cohorts)
        progress("estimation")
        fit = _fitted(
            panel, cohorts, method, aggregate, given, control=CONTROLS[control],
            anticipation=anticipation, est_method=est_method, base=base, window=window,
            variance=variance, draws=draws, seed=seed, alpha=alpha,
            events=inference != "permutation",
        )  # fmt: skip
        sides = count_sides(inner, cohorts, given.get("cluster"), method)
        progress("inference")
        many = draws or 9999
        if inference == "multiplier":
            assert fit.group_time is not None
            result = multiplier_bootstrap(
                fit.group_time, aggregate, kind=multiplier or "rademacher", draws=many, seed=seed,  # type: ignore[arg-type]
            )  # fmt: skip
            found = Inferred(result, fit.event, inference, BY_NAME)
        elif inference == "wild":
            result = wild_two_way_test(
                inner, cohorts, fit.result, covariates=given.get("covariates", {}),
                weights=given.get("weights"), cluster=given.get("cluster"),
                multiplier=multiplier or "rademacher", draws=many, seed=seed,  # type: ignore[arg-type]
            )  # fmt: skip
            found = Inferred(result, None, inference, BY_NAME)
        elif inference == "permutation":
            assert not isinstance(sizes, pd.DataFrame)
            result, event, others = permuted(
                inner, cohorts, aggregate, fit.result,
                sizes=sizes, donors=donors or 30, classes=classes, draws=many, seed=seed,
            )  # fmt: skip
            found = Inferred(result, event, inference, BY_NAME, others)
        else:
            found = infer(
                inference,
                fit.result,
                fit.event,
                lambda: linear_design(
                    panel, cohorts, fit.result, method=method, control_group=CONTROLS[control],
                    anticipation=anticipation, covariates=bool(covariates),
                    cluster="cluster" in given, weights=given.get("weights"), size=sizes,
                ),
                sides,
                placebo=method == "sdid" and variance != "jackknife",
                draws=many,
                seed=seed,
            )  # fmt: skip
    except InputError as error:
        columns = {"cohort": cohort, "weights": weights, "cluster": cluster, "time": time,
                   "covariates": "--covariates", "anticipation": "--anticipation",
                   "window": "--window", "variance": "--variance",
                   panel.outcome: outcome}  # fmt: skip
        field = columns.get(error.field or "", error.field)
        # an option is named alone, whatever else stands in the file
        place = error.file or (None if (field or "").startswith("--") else str(path))
        raise InputError(error.problem, file=place, row=error.row, field=field) from None
    result = _as_triple(found.result, gap) if gap else found.result
    lost = _treated_left_out(table, unit, cohort, panel)
    checks = own_checks(panel, always, result, found.rule, sides, "cluster" in given, lost)
    return OwnEstimate(
        result,
        found.event,
        fit.group_time,
        (*checks, *found.checks),
        found.rule,
        found.reason,
        found.companions,
        found.event_p,
    )


@dataclass(frozen=True)
class _Fit:
    result: Estimate
    event: EventStudy | None
    group_time: GroupTime | None


def _fitted(
    panel: Panel,
    cohorts: pd.Series,
    method: str,
    aggregate: str,
    given: Mapping[str, Any],
    *,
    control: str,
    anticipation: int,
    est_method: str | None,
    base: str | None,
    window: tuple[int, int] | None,
    variance: str | None,
    draws: int | None,
    seed: int,
    alpha: float,
    events: bool,
) -> _Fit:
    """Run the estimator, with its own error."""
    if method == "twfe":
        return _Fit(two_way_fixed_effects(panel, cohorts, alpha=alpha, **given), None, None)
    if method == "sdid":
        more = {k: v for k, v in (("variance", variance), ("draws", draws)) if v is not None}
        fit = synthetic_did(panel, cohorts, seed=seed, alpha=alpha, **more)  # type: ignore[arg-type]
        return _Fit(fit.result, fit.event, None)
    if method == "stacked":
        pre, post = window or (None, None)
        stack = stacked(
            panel, cohorts, pre=pre, post=post, control_group=control,  # type: ignore[arg-type]
            alpha=alpha, draws=BAND_DRAWS, seed=seed, **given,
        )  # fmt: skip
        return _Fit(stack.result, stack.event, stack.group_time)
    options = dict(given) | ({"anticipation": anticipation} if anticipation else {})
    if method == "cs":
        options["control_group"] = control
        options |= {k: v for k, v in (("est_method", est_method), ("base", base)) if v}
    gt = GROUP_TIME[method](panel, cohorts, alpha=alpha, **options)
    event = event_study(gt, draws=BAND_DRAWS, seed=seed) if events else None
    return _Fit(aggregate_effects(gt, aggregate), event, gt)  # type: ignore[arg-type]


def _as_triple(result: Estimate, gap: str) -> Estimate:
    """Say that the number is an effect on a gap, and which."""
    return replace(
        result,
        method=f"triple difference, {result.method}",
        notes=(*result.notes, f"the effect is on the gap {gap} within unit and year"),
    )


def _treated_left_out(table: pd.DataFrame, unit: str, cohort: str, panel: Panel) -> tuple[str, ...]:
    """Return the treated units that a missing value has cost."""
    years = year_column(table, cohort, empty_is_zero=True)
    treated = set(table.loc[years[years > 0].index, unit])
    return tuple(u for u in panel.dropped if u in treated)


def check_file(
    path: str | Path, *, unit: str, time: str, outcome: str, cohort: str | None = None
) -> dict[str, Any]:
    """Check a file cell by cell and say what it holds.

    Parameters
    ----------
    path : str or pathlib.Path
        A CSV with one row per unit and year.
    unit, time, outcome : str
        Columns.
    cohort : str, optional
        Column of the first treated year.

    Returns
    -------
    dict of str to object
        Counts of rows, units, years and missing values, and the units that an estimate
        would leave out.

    Raises
    ------
    InputError
        At the first cell that is not what it should be.
    """
    table = read_table(path)
    panel = balanced_panel(table, unit=unit, time=time, outcome=outcome)
    known = set(embedded.municipalities().index)
    units = set(table[unit])
    found: dict[str, Any] = {
        "rows": len(table),
        "units": len(units),
        "units_of_the_290": len(units & known),
        "years": f"{panel.years[0]}–{panel.years[-1]}",
        "years_missing": sorted(set(range(panel.years[0], panel.years[-1])) - set(panel.years)),
        "missing_values": int(table[outcome].isin(list(MISSING)).sum()),
        "units_left_out": list(panel.dropped),
    }
    if cohort is not None:
        cohorts = cohort_column(table, unit, cohort, panel)
        try:
            prepare(panel, cohorts, all_treated=True, gaps=True)
        except InputError as error:
            field = cohort if error.field == "cohort" else error.field
            raise InputError(error.problem, file=str(path), field=field) from None
        found["always_treated"] = list(without_always_treated(panel, cohorts)[1])
        found["treated"] = int((cohorts > 0).sum())
        found["cohorts"] = [int(c) for c in np.unique(cohorts[cohorts > 0])]
    return found
