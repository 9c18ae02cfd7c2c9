r"""Level, fading fluctuation and noise in the differences between units.

.. math:: Y_{it} - \bar Y_t = \mu_i + v_{it} + e_{it}, \qquad v_{it} = \rho v_{i,t-1} + u_{it},

so that units h years apart covary by :math:`\gamma_h = \sigma_\mu^2 + \sigma_v^2 \rho^h`, plus
:math:`\sigma_e^2` at h = 0. What later years keep of a mean of k years is the regression of the one
on the other, which the same covariances give.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.optimize import nnls

from evaluation.data.panel import Panel
from evaluation.errors import InputError

__all__ = ["VarianceComponents", "variance_components"]


@dataclass(frozen=True)
class VarianceComponents:
    """Where the outcome's variation between units comes from.

    Parameters
    ----------
    level : float
        Variance of the lasting levels.
    fading : float
        Variance of the fluctuation that fades.
    noise : float
        Variance of what is gone after a year.
    persistence : float
        ρ: share of the fluctuation that is left a year later.
    autocovariance : tuple of float
        γ_0, γ_1, … of the year-demeaned outcome, from which the others were fitted.
    n_units, n_years : int
        The sample.
    data_hash : str
        SHA-256 of the data.
    """

    level: float
    fading: float
    noise: float
    persistence: float
    autocovariance: tuple[float, ...]
    n_units: int
    n_years: int
    data_hash: str

    def gamma(self, lag: int) -> float:
        """Return the fitted covariance of two years that far apart."""
        lag = abs(lag)
        return self.level + self.fading * self.persistence**lag + (self.noise if lag == 0 else 0.0)

    def window_variance(self, years: int) -> float:
        """Return the variance between units of a mean of so many consecutive years."""
        lags = np.abs(np.subtract.outer(np.arange(years), np.arange(years)))
        return float(np.mean([self.gamma(int(h)) for h in lags.ravel()]))

    def kept(self, years: int, later: int) -> float:
        """Return what a year so much later keeps of a mean of ``years``: a regression slope."""
        covariance = np.mean([self.gamma(later + h) for h in range(years)])
        return float(covariance / self.window_variance(years))

    def tidy(self) -> pd.DataFrame:
        """Return one row per lag: the covariance seen and the fitted one."""
        lags = range(len(self.autocovariance))
        return pd.DataFrame(
            {
                "lag": list(lags),
                "autocovariance": list(self.autocovariance),
                "fitted": [self.gamma(h) for h in lags],
            }
        )

    def to_dict(self) -> dict[str, object]:
        """Return plain types for JSON."""
        names = ("level", "fading", "noise", "persistence", "n_units", "n_years", "data_hash")
        out: dict[str, object] = {name: getattr(self, name) for name in names}
        return out | {"rows": self.tidy().to_dict("records")}


def variance_components(panel: Panel) -> VarianceComponents:
    """Fit level, fading fluctuation and noise to the panel's autocovariances.

    Parameters
    ----------
    panel : Panel
        Balanced outcome; units that were treated are better left out.

    Returns
    -------
    VarianceComponents
        Least squares over lags, each weighted by its number of pairs of years, variances not
        negative, ρ on a grid of hundredths from 0.01 to 0.95. Level and a fluctuation that hardly
        fades are hard to tell apart in a short panel; their sum is what matters here.

    Raises
    ------
    InputError
        If there are fewer than four years or three units, a year is missing, or the outcome never
        differs between units.
    """
    n, years = panel.values.shape
    if years < 4 or n < 3:
        raise InputError(
            f"at least four years and three units are needed, not {years} and {n}",
            field=panel.outcome,
        )
    if np.ptp(np.diff(panel.years)) or panel.years[1] - panel.years[0] != 1:
        raise InputError("years must follow each other without a gap", field=panel.outcome)
    y = panel.values.to_numpy(dtype=float)
    centred = y - y.mean(axis=0)
    product = centred.T @ centred / (n - 1)
    gamma = np.array([np.diagonal(product, h).mean() for h in range(years)])
    if gamma[0] <= 0:
        raise InputError("the outcome does not differ between units", field=panel.outcome)
    lags = np.arange(years)
    root = np.sqrt(years - lags)
    best: tuple[float, float, np.ndarray] | None = None
    for rho in np.arange(1, 96) / 100:
        x = np.column_stack([np.ones(years), rho**lags, lags == 0])
        fitted, miss = nnls(x * root[:, None], gamma * root)
        if best is None or miss < best[1]:
            best = (float(rho), float(miss), fitted)
    assert best is not None
    rho, _, (level, fading, noise) = best
    return VarianceComponents(
        level=float(level),
        fading=float(fading),
        noise=float(noise),
        persistence=rho if fading > 0 else 0.0,
        autocovariance=tuple(float(v) for v in gamma),
        n_units=n,
        n_years=years,
        data_hash=panel.hash(),
    )
