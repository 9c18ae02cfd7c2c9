"""Saturated regressions: Sun & Abraham (2021) and extended two-way effects (Wooldridge 2021).

Both regress the outcome on unit effects, year effects and a dummy per cohort and year; they
differ in which cells get one. Sun & Abraham leave out one year before adoption, Wooldridge
all of them. ``diff-diff`` 3.13.0 gives the same points but needs minutes of memory where there
are many units; here the unit effects are absorbed
(:mod:`evaluation.estimation.did.absorbed`).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from evaluation.data.panel import Panel
from evaluation.errors import InputError
from evaluation.estimation.did.absorbed import (
    absorbed_least_squares,
    cluster_factor,
    year_columns,
)
from evaluation.estimation.did.aggregation import cell_errors, without_rounding
from evaluation.estimation.did.sample import Sample, prepare
from evaluation.results import GroupTime

__all__ = ["extended_two_way", "sun_abraham"]


def _fit(
    s: Sample, cells: list[tuple[int, int]], method: str, control: str, alpha: float
) -> GroupTime:
    """Regress on unit effects, year effects and the cells; a cell nobody is seen in is left out."""
    seen, groups, n_years = s.observed, [0, *s.cohorts], len(s.years)
    filled = {g: seen[s.cohort == g].any(axis=0) for g in groups}
    empty = [(g, t) for g, t in cells if not filled[g][t]]
    cells = [c for c in cells if c not in set(empty)]
    notes = list(s.notes)
    if empty:
        which = ", ".join(f"{g} in {s.years[t]}" for g, t in empty[:10])
        notes.append(f"cells without an observation were left out: {which}")
    years = year_columns(n_years)
    m = n_years - 1
    designs = [np.hstack([years, np.zeros((n_years, len(cells)))]) for _ in groups]
    place = {g: i for i, g in enumerate(groups)}
    for k, (g, t) in enumerate(cells):
        designs[place[g]][t, m + k] = 1.0
    labels = [f"the year {y}" for y in s.years[1:]]
    labels += [f"cohort {g} in {s.years[t]}" for g, t in cells]
    fit = absorbed_least_squares(s, designs, labels, s.weight)
    factor, df, text = cluster_factor(s, len(fit.coefficient))
    span = slice(m, m + len(cells))
    influence = without_rounding(fit.influence(span), s.y) * np.sqrt(factor)
    periods = [t for _, t in cells]
    even = seen.all() and (s.weight == s.weight[:, :1]).all()
    return GroupTime(
        cohort=tuple(int(g) for g, _ in cells),
        period=tuple(int(s.years[t]) for t in periods),
        estimate=tuple(fit.coefficient[span].tolist()),
        std_error=cell_errors(influence, s.cluster),
        influence=influence,
        unit_cohort=s.cohort,
        method=method,
        control_group=control,
        n_obs=s.n_obs,
        alpha=alpha,
        data_hash=s.data_hash,
        notes=tuple(notes),
        shares="fixed",
        weight=(s.weight[:, 0] if s.weighted else None) if even else s.weight[:, periods],
        cluster=s.cluster,
        small_sample=f"{text}; cohort shares taken as fixed",
        degrees_of_freedom=df,
    )


def sun_abraham(
    panel: Panel,
    cohort: pd.Series,
    *,
    covariates: Mapping[str, pd.Series | pd.DataFrame] | None = None,
    weights: pd.Series | pd.DataFrame | None = None,
    cluster: pd.Series | None = None,
    anticipation: int = 0,
    alpha: float = 0.05,
) -> GroupTime:
    r"""Estimate cohort-specific effects by event time, for weighting by cohort shares.

    .. math::
        Y_{it} = \alpha_i + \gamma_t
        + \sum_g \sum_{t \ne g-1} \tau_{gt} 1\{G_i = g\} 1\{t\} + \varepsilon_{it}

    Parameters
    ----------
    panel : Panel
        The outcome, balanced or not.
    cohort : pandas.Series
        First treated year by unit, 0 for never treated. Where nobody is, the last cohort is the
        comparison and the years from its adoption on are left out.
    covariates : mapping of str to pandas.Series or pandas.DataFrame, optional
        By unit and year; they must vary within units.
    weights : pandas.Series or pandas.DataFrame, optional
        By unit, or by unit and year.
    cluster : pandas.Series, optional
        Clusters of units; every unit is its own without it.
    anticipation : int
        The reference year is ``g - 1 - anticipation``.
    alpha : float
        One minus the level of later intervals.

    Returns
    -------
    GroupTime
        Every cell but the reference year. Aggregates weight the cells by their (weighted)
        observations and take those weights as fixed; errors clustered, with the factor and the
        t(G−1) quantiles of R's ``fixest``.

    Raises
    ------
    InputError
        As :func:`evaluation.estimation.did.sample.prepare`; if regressors are collinear, or a
        cohort is not observed in its reference year.

    References
    ----------
    Sun, L. & Abraham, S. (2021). Estimating dynamic treatment effects in event studies with
    heterogeneous treatment effects. Journal of Econometrics 225(2), section 4.
    """
    s = prepare(
        panel,
        cohort,
        weights=weights,
        covariates=covariates,
        cluster=cluster,
        last_as_control=True,
        anticipation=anticipation,
        singletons=False,
    )
    cells = []
    for g in s.cohorts:
        reference = g - 1 - anticipation
        if not s.observed[s.cohort == g][:, s.years == reference].any():
            raise InputError(
                f"cohort {g} is not observed in {reference}, the year its effects are counted from",
                field=s.outcome,
            )
        cells += [(int(g), t) for t, year in enumerate(s.years) if year != reference]
    return _fit(s, cells, "Sun–Abraham", "never_treated", alpha)


def extended_two_way(
    panel: Panel,
    cohort: pd.Series,
    *,
    covariates: Mapping[str, pd.Series | pd.DataFrame] | None = None,
    weights: pd.Series | pd.DataFrame | None = None,
    cluster: pd.Series | None = None,
    anticipation: int = 0,
    alpha: float = 0.05,
) -> GroupTime:
    r"""Estimate one effect per cohort and post year beside unit and year effects.

    .. math::
        Y_{it} = \alpha_i + \gamma_t
        + \sum_g \sum_{t \ge g} \tau_{gt} 1\{G_i = g\} 1\{t\} + \varepsilon_{it}

    Units not yet treated are part of the comparison. In a balanced panel without covariates
    the points are those of the imputation estimator.

    Parameters
    ----------
    panel, cohort, covariates, weights, cluster, alpha
        As in :func:`sun_abraham`.
    anticipation : int
        Years before adoption that get an effect of their own.

    Returns
    -------
    GroupTime
        Post cells only. Errors and shares as in :func:`sun_abraham`.

    Raises
    ------
    InputError
        As :func:`sun_abraham`.

    References
    ----------
    Wooldridge, J. (2021). Two-way fixed effects, the two-way Mundlak regression, and
    difference-in-differences estimators. SSRN 3906345, sections 5 and 6.
    """
    s = prepare(
        panel,
        cohort,
        weights=weights,
        covariates=covariates,
        cluster=cluster,
        last_as_control=True,
        anticipation=anticipation,
        singletons=False,
    )
    cells = [
        (int(g), t) for g in s.cohorts for t, year in enumerate(s.years) if year >= g - anticipation
    ]
    return _fit(s, cells, "extended two-way fixed effects", "not_yet_treated", alpha)
