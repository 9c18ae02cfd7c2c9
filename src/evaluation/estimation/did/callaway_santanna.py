"""Group-time difference-in-differences: the one adapter to ``diff-diff``.

The library estimates ATT(g, t) and its influence functions (Callaway & Sant'Anna 2021).
The aggregations are ours (:mod:`evaluation.estimation.did.aggregation`), because every
number must carry the name of its estimand.
"""

from __future__ import annotations

import warnings
from typing import Literal

import numpy as np
import pandas as pd

from evaluation.data.panel import Panel
from evaluation.estimation.cohorts import check_cohorts
from evaluation.results import GroupTime

__all__ = ["ControlGroup", "callaway_santanna"]

ControlGroup = Literal["never_treated", "not_yet_treated"]


def callaway_santanna(
    panel: Panel,
    cohort: pd.Series,
    *,
    control_group: ControlGroup = "never_treated",
    alpha: float = 0.05,
) -> GroupTime:
    r"""Estimate ATT(g, t) for every cohort and period.

    .. math::
        ATT(g,t) = E[Y_t - Y_{g-1} \mid G=g] - E[Y_t - Y_{g-1} \mid C]

    for :math:`t \ge g`; before adoption the base is the year before (varying base), so
    that a pre-period value is a one-year placebo effect.

    Parameters
    ----------
    panel : Panel
        Balanced outcome, shape (units, years).
    cohort : pandas.Series
        First treated year by unit, 0 for never treated.
    control_group : {"never_treated", "not_yet_treated"}
        The comparison group C.
    alpha : float
        One minus the level of later intervals.

    Returns
    -------
    GroupTime
        One cell per cohort and period, influence functions kept. Standard errors are
        analytic, without a small-sample factor, as in R's ``did``.

    Raises
    ------
    InputError
        As :func:`evaluation.estimation.cohorts.check_cohorts`.

    References
    ----------
    Callaway, B. & Sant'Anna, P. (2021). Difference-in-differences with multiple time
    periods. Journal of Econometrics 225(2), sections 2–4.
    """
    from diff_diff import CallawaySantAnna

    g = check_cohorts(panel, cohort)
    years = np.array(panel.years)
    n, t = panel.values.shape
    frame = pd.DataFrame(
        {
            "unit": np.repeat(np.arange(n), t),
            "time": np.tile(years, n),
            "value": panel.values.to_numpy(dtype=float).ravel(),
            "cohort": np.repeat(g, t),
        }
    )
    with warnings.catch_warnings():
        # what it warns of (a single treated unit, say) is told by our own inference
        warnings.simplefilter("ignore")
        fit = CallawaySantAnna(
            control_group=control_group, estimation_method="reg", alpha=alpha
        ).fit(frame, outcome="value", unit="unit", time="time", first_treat="cohort")
    cells = sorted((int(a), int(b)) for a, b in fit.group_time_effects)
    effects = [fit.group_time_effects[c] for c in cells]
    influence = np.zeros((n, len(cells)))
    # the aggregation kit is the library's only door to the influence functions; the
    # exact pin and a test against R hold it in place
    kit = fit._aggregation_kit
    position = np.asarray(kit.bookkeeping["all_units"], dtype=int)
    for k, cell in enumerate(cells):
        info = kit.influence[cell]
        influence[position[info["treated_idx"]], k] += info["treated_inf"]
        influence[position[info["control_idx"]], k] += info["control_inf"]
    notes = []
    if panel.dropped:
        notes.append(
            f"{len(panel.dropped)} units without a value in every year were left out: "
            + ", ".join(panel.dropped[:10])
            + (" …" if len(panel.dropped) > 10 else "")
        )
    return GroupTime(
        cohort=tuple(c for c, _ in cells),
        period=tuple(p for _, p in cells),
        estimate=tuple(float(e["effect"]) for e in effects),
        std_error=tuple(float(s) for s in np.sqrt((influence**2).sum(axis=0))),
        influence=influence,
        unit_cohort=g,
        method="Callaway–Sant'Anna (diff-diff 3.13.0)",
        control_group=control_group,
        n_obs=n * t,
        alpha=alpha,
        data_hash=panel.hash(),
        notes=tuple(notes),
    )
