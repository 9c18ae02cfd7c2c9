r"""Difference-in-differences on the hazard of leaving.

.. math::
    \log\{-\log(1 - h_{mct})\} = \mu_m + \gamma_c + \alpha_t + \theta D_{mc},
    \qquad D_{mc} = 1\{c \ge g_m\}

with m the municipality, c the year of reception, t the month since, and g the first year whose
whole cohort met an active municipality. θ is a log hazard ratio: parallel trends are asked of
the log hazard, not of the share that stays.

With few active municipalities the clustered error is too small, so that test and interval are by
permutation of the adoption years over all municipalities
(:mod:`evaluation.estimation.survival.hazard_permutation`); the interval is the test's inversion.
The model is not fitted for every assignment: without the term it is the same for all, and each
one's score follows from residuals and information by linear algebra. The clustered interval
stands beside it as a companion.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from evaluation.errors import InputError
from evaluation.estimation.few_treated.permutation import free_assignments, too_few
from evaluation.estimation.survival.discrete_hazard import discrete_hazard
from evaluation.estimation.survival.hazard_model import HazardModel
from evaluation.estimation.survival.hazard_permutation import hazard_cells, permutation_interval
from evaluation.estimation.survival.life_table import LifeTable
from evaluation.results import Estimate

__all__ = ["HazardDiD", "hazard_did"]

TERM = "active"
TOLERANCE = 1e-3
"""How near a bound is found, in clustered errors."""


@dataclass(frozen=True)
class HazardDiD:
    """The effect on the hazard of leaving, by permutation, with a clustered companion.

    Parameters
    ----------
    result : Estimate
        Log hazard ratio; p-value by permutation, and the interval that is its inversion.
    clustered : Estimate
        The same number with error, interval and p-value clustered by municipality, which are too
        sure where few are active.
    model : HazardModel
        The fit.
    placebo : numpy.ndarray
        Shape (draws,): signed score statistic of each other assignment, for no effect.
    statistic : float
        That of the real one.
    """

    result: Estimate
    clustered: Estimate
    model: HazardModel
    placebo: np.ndarray = field(repr=False, compare=False)
    statistic: float

    @property
    def hazard_ratio(self) -> tuple[float, float, float]:
        """The ratio with its interval by permutation."""
        low, high = self.result.conf_int
        return tuple(float(np.exp(v)) for v in (self.result.estimate, low, high))  # type: ignore[return-value]

    def tidy(self) -> pd.DataFrame:
        """Return the estimate's row by permutation, and the clustered one."""
        return pd.concat([self.result.tidy(), self.clustered.tidy()], ignore_index=True)

    def _repr_html_(self) -> str:
        return self.tidy().to_html(index=False, float_format=lambda v: f"{v:.4f}", border=0)


def hazard_did(
    table: LifeTable,
    first_year: Mapping[str, int],
    *,
    horizon: int = 36,
    draws: int = 999,
    seed: int = 1,
    alpha: float = 0.05,
) -> HazardDiD:
    r"""Estimate the effect of becoming active on the hazard of leaving.

    Parameters
    ----------
    table : LifeTable
        By ``municipality`` and ``cohort`` at least.
    first_year : mapping of str to int
        First whole year of activity by municipality; the others are not known to be active.
    horizon : int
        Last month that counts.
    draws : int
        Assignments drawn.
    seed : int
        Of the draws.
    alpha : float
        One minus the level.

    Returns
    -------
    HazardDiD
        The permutation compares scores of θ at the effect tested, net of all effects and divided
        by their standard deviation under shocks by municipality and year. Where any municipality
        might as well have been active it is exact for no effect, but for the shocks' variance,
        which is estimated at the estimate, and nearly so for others; what unequal sizes do is
        answered by that variance. A bound is infinite where nothing further out is rejected.

    Raises
    ------
    InputError
        If nobody or everybody is active, or as
        :func:`~evaluation.estimation.survival.discrete_hazard.discrete_hazard`.

    References
    ----------
    MacKinnon, J. & Webb, M. (2020). Randomization inference for difference-in-differences
    with few treated clusters. Journal of Econometrics 218(2). Ferman, B. & Pinto, C. (2019).
    Inference in differences-in-differences with few treated groups and heteroskedasticity.
    Review of Economics and Statistics 101(3).
    """
    table.need("municipality", "cohort")
    if draws < 1:
        raise InputError(f"{draws} must be at least 1", field="draws")
    base = table.collapse(("municipality", "cohort"), until=horizon)
    codes = base.groups["municipality"].astype(str)
    known = {str(k): int(v) for k, v in first_year.items()}
    cohort = base.groups["cohort"].to_numpy()
    start = codes.map(known).to_numpy(dtype=float, na_value=np.nan)
    active = (~np.isnan(start) & (cohort >= np.nan_to_num(start, nan=np.inf))).astype(np.int64)
    if active.min() == active.max():
        raise InputError(
            "nobody of the life table was received by an active municipality"
            if not active.max()
            else "everybody was received by an active municipality",
            field="first_year",
        )
    model = discrete_hazard(
        base.with_key(TERM, active), [TERM], effects=("municipality", "cohort"), alpha=alpha
    )
    cells = hazard_cells(base)
    real = np.array([i for i, u in enumerate(cells.units) if u in known], dtype=np.int64)
    years = np.array([known[cells.units[i]] for i in real], dtype=np.int64)
    picks = free_assignments(len(cells.units), real.tolist(), draws, seed)
    c = model.coefficients[0]
    none, conf_int = permutation_interval(
        cells,
        np.vstack([real[None, :], picks]),
        years,
        estimate=c.estimate,
        tolerance=TOLERANCE * c.std_error,
        alpha=alpha,
    )
    model = replace(model, data_hash=table.hash)
    clustered = Estimate(
        term="att",
        estimate=c.estimate,
        conf_int=c.conf_int,
        method=f"difference-in-differences on the hazard; {model.method}",
        inference="clustered by municipality; too sure where few are active",
        estimand=f"log hazard ratio of leaving within {horizon} months, pooled over cohorts",
        n_obs=int(model.n_obs or 0),
        n_units=len(cells.units),
        n_treated_units=len(real),
        n_clusters=model.n_clusters,
        std_error=c.std_error,
        statistic=c.statistic,
        p_value=c.p_value,
        small_sample=model.small_sample,
        alpha=alpha,
        data_hash=table.hash,
        notes=model.notes,
    )
    result = replace(
        clustered,
        conf_int=conf_int,
        inference=(
            "permutation of the efficient score, variance with shocks by municipality and year: "
            "any municipality might have been active; the interval inverts the test"
        ),
        std_error=None,
        statistic=none.statistic,
        p_value=none.p_value,
        small_sample=f"{len(picks)} other assignments; variance of shocks at the estimate",
        seed=seed,
        notes=(*model.notes, *too_few(len(picks), alpha)),
    )
    return HazardDiD(result, clustered, model, none.placebo, none.statistic)
