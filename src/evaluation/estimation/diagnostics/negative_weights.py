r"""Which effects the two-way fixed-effects coefficient adds, and which it subtracts.

De Chaisemartin & D'Haultfœuille (2020, theorem 1): with common trends,

.. math:: E[\hat\beta] = \sum_{(i,t): D_{it}=1} w_{it}\,\Delta_{it}, \qquad
          w_{it} = \frac{\varepsilon_{it}}{\sum_{(i,t): D_{it}=1} \varepsilon_{it}},

where ε is the residual of treatment on unit and year effects. Some weights can be negative: then β
can be negative although every effect is positive. How much the effects would have to differ for
that is told by the weights' standard deviation (corollary 1).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from evaluation.data.panel import Panel
from evaluation.errors import InputError
from evaluation.estimation.cohorts import check_cohorts
from evaluation.language import number, per_cent
from evaluation.results import Check

__all__ = ["TwoWayWeights", "negative_weights_check", "two_way_weights"]


@dataclass(frozen=True)
class TwoWayWeights:
    """The weights of the effects in the two-way fixed-effects coefficient.

    Parameters
    ----------
    cohort, period : tuple of int
        The cells: first treated year and year, treated ones only.
    n_units : tuple of int
        Units in the cell.
    weight : tuple of float
        The cell's weight: the sum of its units' weights. All sum to one.
    beta : float
        The coefficient.
    n_negative : int
        Unit-years with a negative weight.
    n_treated : int
        Treated unit-years.
    negative_sum : float
        Sum of the negative weights, zero or below.
    sign_reversal_sd : float
        Smallest standard deviation of the effects over treated unit-years with which β and
        the average effect could have opposite signs; infinite where all weights are equal.
    all_opposite_sd : float
        Smallest standard deviation with which β could have the opposite sign of *every*
        effect; infinite where no weight is negative.
    data_hash : str
        SHA-256 of the data.
    """

    cohort: tuple[int, ...]
    period: tuple[int, ...]
    n_units: tuple[int, ...]
    weight: tuple[float, ...]
    beta: float
    n_negative: int
    n_treated: int
    negative_sum: float
    sign_reversal_sd: float
    all_opposite_sd: float
    data_hash: str

    @property
    def negative_share(self) -> float:
        """Share of treated unit-years with a negative weight."""
        return self.n_negative / self.n_treated

    def tidy(self) -> pd.DataFrame:
        """Return one row per cohort and year."""
        columns = ("cohort", "period", "n_units", "weight")
        return pd.DataFrame({c: list(getattr(self, c)) for c in columns})

    def to_dict(self) -> dict[str, object]:
        """Return plain types for JSON; infinite standard deviations are None."""
        out: dict[str, object] = {
            name: getattr(self, name)
            for name in ("beta", "n_negative", "n_treated", "negative_sum", "data_hash")
        }
        for name in ("sign_reversal_sd", "all_opposite_sd"):
            value = getattr(self, name)
            out[name] = value if math.isfinite(value) else None
        return out | {"negative_share": self.negative_share, "rows": self.tidy().to_dict("records")}


def two_way_weights(panel: Panel, cohort: pd.Series) -> TwoWayWeights:
    r"""Compute the weights and what they could do.

    With weights relative to equal ones, :math:`\omega_i = n_1 w_i` over the n₁ treated
    unit-years,

    .. math::
        \underline\sigma_{fe} = \frac{|\hat\beta|}{sd(\omega)}, \qquad
        \underline{\underline\sigma}_{fe} =
        \frac{|\hat\beta|}{\sqrt{T_s + S_s^2 / (1 - P_s)}}

    with P, S and T the shares, the sums and the sums of squares of the s smallest-weighted
    unit-years left out, as in corollary 1.

    Parameters
    ----------
    panel : Panel
        Balanced outcome.
    cohort : pandas.Series
        First treated year by unit, 0 for never treated.

    Returns
    -------
    TwoWayWeights
        Every treated unit-year counts the same.

    Raises
    ------
    InputError
        As :func:`evaluation.estimation.cohorts.check_cohorts`.

    References
    ----------
    de Chaisemartin, C. & D'Haultfœuille, X. (2020). Two-way fixed effects estimators with
    heterogeneous treatment effects. American Economic Review 110(9), section I.
    """
    g = check_cohorts(panel, cohort, gaps=True)
    years = np.array(panel.years)
    treated = (g[:, None] > 0) & (years[None, :] >= g[:, None])
    d = treated.astype(float)
    residual = d - d.mean(axis=1, keepdims=True) - d.mean(axis=0, keepdims=True) + d.mean()
    spread = float((residual * d).sum())
    if spread <= 1e-12:
        raise InputError("treatment does not vary beyond unit and year effects", field="cohort")
    y = panel.values.to_numpy(dtype=float)
    beta = float((residual * y).sum() / spread)
    w = np.where(treated, residual / spread, 0.0)
    own = w[treated]
    # rounding must not make a weight of zero negative
    negative = own < -1e-12
    cells = [(int(c), int(t)) for c in np.unique(g[g > 0]) for t in years if t >= c]
    return TwoWayWeights(
        cohort=tuple(c for c, _ in cells),
        period=tuple(t for _, t in cells),
        n_units=tuple(int((g == c).sum()) for c, _ in cells),
        weight=tuple(float(w[g == c][:, years == t].sum()) for c, t in cells),
        beta=beta,
        n_negative=int(negative.sum()),
        n_treated=len(own),
        negative_sum=float(own[negative].sum()),
        sign_reversal_sd=_sign_reversal(own, beta),
        all_opposite_sd=_all_opposite(own, beta),
        data_hash=panel.hash(),
    )


def _sign_reversal(w: np.ndarray, beta: float) -> float:
    spread = float((w * len(w)).std())
    return abs(beta) / spread if spread > 1e-10 else math.inf


def _all_opposite(w: np.ndarray, beta: float) -> float:
    """Corollary 1 (ii): the effects are zero above a threshold weight and negative below it."""
    if not (w < -1e-12).any():
        return math.inf
    omega = np.sort(w * len(w))[::-1]
    share = 1 / len(w)
    # P, S, T: from the k-th largest weight down to the smallest
    p = share * np.arange(len(w), 0, -1)
    s = share * np.cumsum(omega[::-1])[::-1]
    t = share * np.cumsum(omega[::-1] ** 2)[::-1]
    room = np.where(p < 1 - 1e-12, 1 - p, np.inf)
    below = omega < -s / room
    k = int(np.flatnonzero(below)[0])
    return abs(beta) / math.sqrt(float(t[k] + s[k] ** 2 / (1 - p[k])))


def negative_weights_check(found: TwoWayWeights) -> Check:
    """Ask whether the regression subtracts effects that it should add."""
    sv = (
        f"{found.n_negative} av {found.n_treated} behandlade kommunår "
        f"({per_cent(found.negative_share, 'sv', 1)}) har negativ vikt i regressionen, tillsammans "
        f"{number(found.negative_sum, 'sv')}."
    )
    en = (
        f"{found.n_negative} of {found.n_treated} treated municipality-years "
        f"({per_cent(found.negative_share, 'en', 1)}) have a negative weight in the regression, "
        f"{number(found.negative_sum, 'en')} together."
    )
    if math.isfinite(found.sign_reversal_sd):
        sv += (
            " Koefficienten kan ha fel tecken om effekterna varierar med en standardavvikelse av "
            f"minst {number(found.sign_reversal_sd, 'sv')}."
        )
        en += (
            " The coefficient can have the wrong sign if the effects vary with a standard "
            f"deviation of at least {number(found.sign_reversal_sd, 'en')}."
        )
    return Check("negative_weights", found.n_negative == 0, sv, en, found.negative_share, 0.0)
