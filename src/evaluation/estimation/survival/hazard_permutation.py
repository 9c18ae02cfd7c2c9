r"""Permutation of adoption on the hazard of leaving, and the inversion of the test.

At an effect θ the model without the term is fitted with θ D as a known part of the linear
predictor. With r the residuals, W the information and M what takes out all other effects, each
assignment b of the adoption years has

.. math::
    U_b = d_b'r, \qquad I_b = d_b'WMd_b, \qquad
    z_b = U_b \Big/ \sqrt{I_b + \tau^2 \textstyle\sum_{mc} (WMd_b)_{mc}^2}

where the second part of the variance is that of shocks to the log hazard by municipality and year,
as a large municipality is less certain than its persons alone would have it (Ferman & Pinto 2019).
The p-value of θ is the share of assignments with :math:`|z_b|` at least the real one's.

The scores of the municipalities themselves do not studentise: with few active ones the effect is
in the spread as well as in the sum, of the real assignment and of the others, and an effect that
anybody could see leaves a statistic near the root of the number of active (the tests have it).

A bound is where p falls to α. Near any θ the scores are linear in it, with slope
:math:`-d_b'WMd`, so that the crossings are order statistics in closed form; the model is fitted
again there, without the term, until the crossing is held between two such fits.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from scipy import sparse

from evaluation.estimation.few_treated.permutation import linear_interval, tie
from evaluation.estimation.survival.discrete_hazard import dummies, fit_cloglog, informative
from evaluation.estimation.survival.life_table import LifeTable

__all__ = ["HazardCells", "ScoreTest", "Scores", "hazard_cells", "permutation_interval"]

FAR = 4.0
"""Log hazard ratio from the estimate beyond which a bound is called infinite."""
CHUNK = 256
"""Assignments at a time."""


@dataclass(frozen=True)
class Scores:
    """The model without the term, at one effect, summed to municipality × cohort.

    Parameters
    ----------
    cohorts : numpy.ndarray
        Shape (C,).
    beta : numpy.ndarray
        Shape (P,): the other effects.
    score, weight : numpy.ndarray
        Shape (M, C): derivative and information of the linear predictor.
    cross : scipy.sparse matrix
        Shape (M·C, P): information shared with the P effects.
    inverse : numpy.ndarray
        Shape (P, P).
    """

    cohorts: np.ndarray = field(repr=False)
    beta: np.ndarray = field(repr=False)
    score: np.ndarray = field(repr=False)
    weight: np.ndarray = field(repr=False)
    cross: sparse.csr_array = field(repr=False)
    inverse: np.ndarray = field(repr=False)

    def moments(
        self, picks: np.ndarray, years: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        r"""Return what the statistics of assignments are made of.

        Parameters
        ----------
        picks : numpy.ndarray
            Shape (draws, slots): municipalities that are active; the first row is the real ones.
        years : numpy.ndarray
            Shape (slots,): first year of each slot.

        Returns
        -------
        score : numpy.ndarray
            Shape (draws,): :math:`U_b`.
        information : numpy.ndarray
            Shape (draws,): :math:`I_b`.
        shocks : numpy.ndarray
            Shape (draws,): :math:`\sum_{mc}(WMd_b)_{mc}^2`.
        slope : numpy.ndarray
            Shape (draws,): :math:`d_b'WMd` with d the first row.
        """
        late = self.cohorts[None, :] >= years[:, None]
        w = self.weight.ravel()
        heavy = sparse.csr_array(self.cross * w[:, None])
        square = np.asarray((self.cross.T @ self.cross).toarray())
        real = np.zeros(self.weight.shape)
        real[picks[0]] = late
        taken = self.inverse @ (self.cross.T @ real.ravel())
        net = real.ravel() * w - self.cross @ taken
        parts = []
        for first in range(0, len(picks), CHUNK):
            some = picks[first : first + CHUNK]
            d = np.zeros((len(some), *self.weight.shape))
            d[np.arange(len(some))[:, None], some] = late
            flat = sparse.csr_array(d.reshape(len(some), -1))
            shared = np.asarray((flat @ self.cross).toarray())
            effects = shared @ self.inverse
            mixed = np.asarray((flat @ heavy).toarray())
            parts.append(
                (
                    flat @ self.score.ravel(),
                    flat @ w - (effects * shared).sum(axis=1),
                    flat @ w**2
                    - 2 * (mixed * effects).sum(axis=1)
                    + ((effects @ square) * effects).sum(axis=1),
                    flat @ net,
                )
            )
        u, i, h, c = (np.concatenate(p) for p in zip(*parts, strict=True))
        return u, i, h, c

    def shock_variance(self, years: np.ndarray) -> float:
        r"""Return τ², by moments of every municipality's score as if it alone had been active.

        .. math:: E(U_m^2 / I_m) = 1 + \tau^2 H_m / I_m

        by least squares over municipalities and first years, not below zero.

        Parameters
        ----------
        years : numpy.ndarray
            First years.
        """
        every = np.arange(len(self.weight))[:, None]
        over, ratio = [], []
        for year in np.unique(years):
            u, i, h, _ = self.moments(every, np.array([year]))
            known = i > 1e-9 * i.max()
            over.append(u[known] ** 2 / i[known] - 1)
            ratio.append(h[known] / i[known])
        x, y = np.concatenate(ratio), np.concatenate(over)
        return float(max(0.0, (x @ y) / (x @ x)))


@dataclass(frozen=True)
class HazardCells:
    """Counts by municipality, cohort and month, ready to be fitted at any effect.

    Parameters
    ----------
    units : list of str
        Shape (M,).
    cohorts : numpy.ndarray
        Shape (C,).
    x : scipy.sparse matrix
        Shape (cells, P): effects of municipality, cohort and month.
    events, at_risk : numpy.ndarray
        Shape (cells,).
    cell : numpy.ndarray
        Shape (cells,): which municipality × cohort.
    """

    units: list[str]
    cohorts: np.ndarray = field(repr=False)
    x: sparse.csr_array = field(repr=False)
    events: np.ndarray = field(repr=False)
    at_risk: np.ndarray = field(repr=False)
    cell: np.ndarray = field(repr=False)

    def at(self, effect: float, active: np.ndarray, near: np.ndarray | None = None) -> Scores:
        """Fit without the term, at an effect that is taken as known.

        Parameters
        ----------
        effect : float
            Log hazard ratio.
        active : numpy.ndarray
            Shape (M, C): where it holds.
        near : numpy.ndarray, optional
            Shape (P,): effects to start from.
        """
        offset = effect * active.ravel()[self.cell]
        fit = fit_cloglog(self.x, self.events, self.at_risk, offset=offset, near=near)
        shape = (len(self.units), len(self.cohorts))
        size = shape[0] * shape[1]
        to_cell = sparse.csr_array(
            (fit.weight, (self.cell, np.arange(len(self.cell)))), shape=(size, len(self.cell))
        )
        return Scores(
            cohorts=self.cohorts,
            beta=fit.beta,
            score=np.bincount(self.cell, weights=fit.residual, minlength=size).reshape(shape),
            weight=np.bincount(self.cell, weights=fit.weight, minlength=size).reshape(shape),
            cross=sparse.csr_array(to_cell @ self.x),
            inverse=fit.inverse,
        )


def hazard_cells(table: LifeTable) -> HazardCells:
    """Return the cells that say something, of a life table by municipality and cohort.

    Parameters
    ----------
    table : LifeTable
        By ``municipality`` and ``cohort``, up to the last month that counts.
    """
    rows = table.tidy()
    d = rows[list(table.kinds)].sum(axis=1).to_numpy()
    n = rows["at_risk"].to_numpy()
    kept, _ = informative(rows, ["municipality", "cohort", "month"], d, n)
    rows, d, n = rows[kept], d[kept], n[kept]
    place, units = pd.factorize(rows["municipality"].astype(str), sort=True)
    year, cohorts = pd.factorize(rows["cohort"], sort=True)
    month = pd.factorize(rows["month"], sort=True)[0]
    parts = [dummies(place, first=True), dummies(year, first=False), dummies(month, first=False)]
    return HazardCells(
        units=[str(u) for u in units],
        cohorts=np.asarray(cohorts),
        x=sparse.csr_array(sparse.hstack(parts)),
        events=d,
        at_risk=n,
        cell=place * len(cohorts) + year,
    )


@dataclass(frozen=True)
class ScoreTest:
    """The test of one effect.

    Parameters
    ----------
    effect : float
        Log hazard ratio that is tested.
    statistic : float
        z of the real assignment.
    placebo : numpy.ndarray
        Shape (draws,): z of each other one.
    beta : numpy.ndarray
        Shape (P,): the other effects.
    near : tuple of float
        Where p falls to α if the scores were linear in the effect.
    """

    effect: float
    statistic: float
    placebo: np.ndarray = field(repr=False)
    beta: np.ndarray = field(repr=False)
    near: tuple[float, float]

    @property
    def p_value(self) -> float:
        """Share of assignments, the real one included, at least as extreme."""
        extreme = np.abs(self.placebo) >= abs(self.statistic) - tie(self.placebo)
        return (1 + int(extreme.sum())) / (1 + len(self.placebo))


def permutation_interval(
    cells: HazardCells,
    picks: np.ndarray,
    years: np.ndarray,
    *,
    estimate: float,
    tolerance: float,
    alpha: float = 0.05,
) -> tuple[ScoreTest, tuple[float, float]]:
    """Test no effect over the assignments, and invert the test.

    Parameters
    ----------
    cells : HazardCells
        From :func:`hazard_cells`.
    picks : numpy.ndarray
        Shape (1 + draws, slots): municipalities of each slot, the real ones in the first row.
    years : numpy.ndarray
        Shape (slots,): first whole year of activity.
    estimate : float
        Log hazard ratio of largest likelihood.
    tolerance : float
        How near a bound is found.
    alpha : float
        One minus the level.

    Returns
    -------
    test : ScoreTest
        Of no effect.
    conf_int : tuple of float
        Each bound is the last effect that is not rejected, going out from the estimate; infinite
        where none further out is. Zero is among the effects tried on its side, so that it lies
        within the interval if and only if the p-value is above ``alpha``.

    References
    ----------
    Ferman, B. & Pinto, C. (2019). Inference in differences-in-differences with few treated groups
    and heteroskedasticity. Review of Economics and Statistics 101(3). Rosenbaum, P. (2002).
    Observational Studies, section 2.6 (inversion).
    """
    active = np.zeros((len(cells.units), len(cells.cohorts)))
    active[picks[0]] = cells.cohorts[None, :] >= years[:, None]
    # as the shocks are to be without the effect, and the same at whatever effect is tested
    best = cells.at(estimate, active)
    variance = best.shock_variance(years)

    def tested(effect: float, at: Scores) -> ScoreTest:
        u, i, h, c = at.moments(picks, years)
        v = i + variance * h
        root = np.sqrt(np.where(v > 1e-12 * v.max(), v, np.inf))
        scale = root[0] / i[0]
        z = u / root
        # the score at another effect e is u + (effect − e) c
        a, b = scale * (u + effect * c) / root, scale * c / root
        near = linear_interval(effect + u[0] / i[0], a[1:], b[1:], alpha)
        return ScoreTest(effect, float(z[0]), z[1:], at.beta, near)

    def test(effect: float, like: ScoreTest) -> ScoreTest:
        return tested(effect, cells.at(effect, active, like.beta))

    middle = tested(estimate, best)
    none = test(0.0, middle)
    if 1 / len(picks) > alpha:
        return none, (-np.inf, np.inf)

    def bound(side: int) -> float:
        inside, outside = middle, None
        if side * (none.effect - estimate) > 0:
            inside, outside = (none, None) if none.p_value > alpha else (middle, none)
        last, reach = (inside if outside is None else outside), 0.25
        turn = 0
        while outside is None or abs(outside.effect - inside.effect) > tolerance:
            turn += 1
            # just beyond the crossing where the last was accepted, just short of it where not
            step = side * tolerance / 2
            aim = last.near[side > 0] + (step if last is inside else -step)
            ahead = side * (aim - inside.effect)
            if outside is None:
                if not 0 < ahead < reach:
                    aim = inside.effect + side * (reach if ahead > 0 else tolerance)
                    reach *= 2
                if abs(aim - estimate) > FAR:
                    return side * np.inf
            else:
                room = side * (outside.effect - inside.effect)
                if turn % 4 == 0 or not 0 < ahead < room:
                    aim = (inside.effect + outside.effect) / 2
            last = test(aim, last)
            if last.p_value > alpha:
                inside = last
            else:
                outside = last
        return inside.effect

    return none, (bound(-1), bound(1))
