r"""Difference-in-differences on the hazard of leaving.

.. math::
    \log\{-\log(1 - h_{mct})\} = \mu_m + \gamma_c + \alpha_t + \theta D_{mc},
    \qquad D_{mc} = 1\{c \ge g_m\}

with m the municipality, c the year of reception, t the month since, and g the first year whose
whole cohort met an active municipality. θ is a log hazard ratio: parallel trends are asked of
the log hazard, not of the share that stays.

With few active municipalities the clustered error is too small, so the null of no effect is
tested by permutation of the adoption years over all municipalities. The model is not fitted
again: under the null it is the same for every assignment, and each one's score statistic,
studentised by municipality, follows from residuals and information by linear algebra.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
from scipy import sparse

from evaluation.errors import InputError
from evaluation.estimation.few_treated.permutation import free_assignments, tie
from evaluation.estimation.survival.discrete_hazard import (
    discrete_hazard,
    dummies,
    fit_cloglog,
    informative,
)
from evaluation.estimation.survival.hazard_model import HazardModel
from evaluation.estimation.survival.life_table import LifeTable
from evaluation.results import Estimate

__all__ = ["HazardDiD", "hazard_did"]

TERM = "active"


@dataclass(frozen=True)
class HazardDiD:
    """The effect on the hazard of leaving, with two kinds of inference side by side.

    Parameters
    ----------
    result : Estimate
        Log hazard ratio; interval and error clustered by municipality, the p-value by
        permutation.
    model : HazardModel
        The fit, with the clustered p-value.
    placebo : numpy.ndarray
        Shape (draws,): signed score statistic of each other assignment.
    statistic : float
        That of the real one.
    """

    result: Estimate
    model: HazardModel
    placebo: np.ndarray = field(repr=False, compare=False)
    statistic: float

    @property
    def hazard_ratio(self) -> tuple[float, float, float]:
        """The ratio with its interval."""
        low, high = self.result.conf_int
        return tuple(float(np.exp(v)) for v in (self.result.estimate, low, high))  # type: ignore[return-value]

    def tidy(self) -> pd.DataFrame:
        """Return the estimate's row."""
        return self.result.tidy()

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
        The permutation compares :math:`U(D)^2 / \sum_m U_m(D)^2`, with U the score of θ at zero
        net of all effects. It is exact where any municipality might as well have been active;
        unequal sizes are answered by the studentisation (Canay, Romano & Shaikh 2017).

    Raises
    ------
    InputError
        If nobody or everybody is active, or as
        :func:`~evaluation.estimation.survival.discrete_hazard.discrete_hazard`.

    References
    ----------
    MacKinnon, J. & Webb, M. (2020). Randomization inference for difference-in-differences
    with few treated clusters. Journal of Econometrics 218(2).
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
    null = _null(base)
    real = np.array([i for i, u in enumerate(null.units) if u in known], dtype=np.int64)
    years = np.array([known[null.units[i]] for i in real], dtype=np.int64)
    statistic = float(null.statistics(real[None, :], years)[0])
    picks = free_assignments(len(null.units), real.tolist(), draws, seed)
    placebo = null.statistics(picks, years)
    extreme = np.abs(placebo) >= abs(statistic) - tie(placebo)
    p = (1 + int(extreme.sum())) / (1 + len(placebo))
    c = model.coefficients[0]
    model = replace(model, data_hash=table.hash)
    result = Estimate(
        term="att",
        estimate=c.estimate,
        conf_int=c.conf_int,
        method=f"difference-in-differences on the hazard; {model.method}",
        inference=(
            f"interval and error clustered by municipality; p-value by permutation of adoption, "
            f"score statistic studentised, {len(placebo)} other assignments"
        ),
        estimand=f"log hazard ratio of leaving within {horizon} months, pooled over cohorts",
        n_obs=int(model.n_obs or 0),
        n_units=len(null.units),
        n_treated_units=len(real),
        n_clusters=model.n_clusters,
        std_error=c.std_error,
        statistic=c.statistic,
        p_value=p,
        small_sample=model.small_sample,
        alpha=alpha,
        seed=seed,
        data_hash=table.hash,
        notes=model.notes,
    )
    return HazardDiD(result, model, placebo, statistic)


@dataclass(frozen=True)
class _Null:
    """The model without the effect, summed to municipality × cohort.

    Parameters
    ----------
    units : list of str
        Shape (M,).
    cohorts : numpy.ndarray
        Shape (C,).
    score, weight : numpy.ndarray
        Shape (M, C): derivative and information of the linear predictor.
    cross : scipy.sparse matrix
        Shape (M·C, P): information shared with the P effects.
    inverse : numpy.ndarray
        Shape (P, P).
    of_effects : numpy.ndarray
        Shape (M, P): scores of the effects by municipality.
    """

    units: list[str]
    cohorts: np.ndarray = field(repr=False)
    score: np.ndarray = field(repr=False)
    weight: np.ndarray = field(repr=False)
    cross: sparse.csr_array = field(repr=False)
    inverse: np.ndarray = field(repr=False)
    of_effects: np.ndarray = field(repr=False)

    def statistics(self, picks: np.ndarray, years: np.ndarray) -> np.ndarray:
        """Return the signed score statistic of each assignment, picks of shape (draws, slots)."""
        out = np.empty(len(picks))
        late = self.cohorts[None, :] >= years[:, None]
        for first in range(0, len(picks), 256):
            some = picks[first : first + 256]
            d = np.zeros((len(some), len(self.units), len(self.cohorts)))
            d[np.arange(len(some))[:, None], some] = late
            flat = sparse.csr_array(d.reshape(len(some), -1))
            effects = np.asarray((flat @ self.cross).toarray()) @ self.inverse
            u = np.einsum("bmc,mc->bm", d, self.score) - effects @ self.of_effects.T
            spread = np.sqrt((u**2).sum(axis=1))
            total = u.sum(axis=1)
            out[first : first + 256] = np.divide(
                total, spread, out=np.zeros(len(some)), where=spread > 0
            )
        return out


def _null(base: LifeTable) -> _Null:
    rows = base.tidy()
    d = rows[list(base.kinds)].sum(axis=1).to_numpy()
    n = rows["at_risk"].to_numpy()
    factors = ["municipality", "cohort", "month"]
    kept, _ = informative(rows, factors, d, n)
    rows, d, n = rows[kept], d[kept], n[kept]
    place, units = pd.factorize(rows["municipality"].astype(str), sort=True)
    year, cohorts = pd.factorize(rows["cohort"], sort=True)
    month = pd.factorize(rows["month"], sort=True)[0]
    x = sparse.csr_array(
        sparse.hstack(
            [dummies(place, first=True), dummies(year, first=False), dummies(month, first=False)]
        )
    )
    fit = fit_cloglog(x, d, n)
    cell = place * len(cohorts) + year
    size = len(units) * len(cohorts)
    to_cell = sparse.csr_array(
        (np.ones(len(cell)), (cell, np.arange(len(cell)))), shape=(size, len(cell))
    )
    shape = (len(units), len(cohorts))
    member = sparse.csr_array(dummies(place, first=True).T)
    return _Null(
        units=[str(u) for u in units],
        cohorts=np.asarray(cohorts),
        score=np.bincount(cell, weights=fit.residual, minlength=size).reshape(shape),
        weight=np.bincount(cell, weights=fit.weight, minlength=size).reshape(shape),
        cross=sparse.csr_array(to_cell @ (x * fit.weight[:, None])),
        inverse=fit.inverse,
        of_effects=(member @ (x * fit.residual[:, None])).toarray(),
    )
