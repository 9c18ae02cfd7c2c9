r"""Synthetic control for one unit, with the placebo distribution over all the others.

With two years before adoption and hundreds of donors, many weightings fit the past
perfectly. A ridge penalty makes the weights unique: among equally good fits it takes
the one that leans least on single donors (Doudchenko & Imbens 2016; Arkhangelsky et
al. 2021 penalise the unit weights likewise).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from evaluation.data.panel import Panel
from evaluation.errors import InputError
from evaluation.estimation.simplex import simplex_ridge
from evaluation.results import Estimate

__all__ = ["SyntheticControl", "synthetic_control"]


@dataclass(frozen=True)
class SyntheticControl:
    """A unit, its synthetic twin, and the same for every donor as placebo.

    Parameters
    ----------
    unit : str
        The unit.
    first_year : int
        Its first treated year.
    years : tuple of int
        All years.
    actual, synthetic : numpy.ndarray
        Shape (years,).
    placebo_gap : numpy.ndarray
        Shape (donors, years): each donor's own gap to its synthetic twin.
    weights : pandas.Series
        Positive weights by donor, largest first.
    penalty : float
        ζ.
    pre_fit : float
        Root mean squared gap before adoption.
    pre_fit_rank : float
        Share of placebos with a better fit.
    data_hash : str
        SHA-256 of the data.
    """

    unit: str
    first_year: int
    years: tuple[int, ...]
    actual: np.ndarray = field(repr=False, compare=False)
    synthetic: np.ndarray = field(repr=False, compare=False)
    placebo_gap: np.ndarray = field(repr=False, compare=False)
    weights: pd.Series = field(repr=False, compare=False)
    penalty: float
    pre_fit: float
    pre_fit_rank: float
    data_hash: str

    @property
    def gap(self) -> np.ndarray:
        """Actual minus synthetic, shape (years,)."""
        difference: np.ndarray = self.actual - self.synthetic
        return difference

    @property
    def effective_donors(self) -> float:
        """How many donors of equal weight the weights amount to."""
        return float(1 / (self.weights**2).sum())

    def tidy(self) -> pd.DataFrame:
        """Return one row per year with the gap and the placebo quantiles."""
        low, middle, high = np.quantile(self.placebo_gap, [0.025, 0.5, 0.975], axis=0)
        return pd.DataFrame(
            {
                "time": list(self.years),
                "actual": self.actual,
                "synthetic": self.synthetic,
                "gap": self.gap,
                "placebo_low": low,
                "placebo_median": middle,
                "placebo_high": high,
            }
        )

    def contrast(
        self, weights: dict[int, float], term: str, estimand: str, alpha: float = 0.05
    ) -> Estimate:
        """Return a weighted sum of yearly gaps with its placebo interval and rank p-value.

        Parameters
        ----------
        weights : dict of int to float
            Weight by year; ``{2018: 1}`` is the gap in 2018, ``{2025: 1, 2018: -1}`` its
            change from 2018 to 2025.
        term, estimand : str
            Names of the number.
        alpha : float
            One minus the level.

        Returns
        -------
        Estimate
            The p-value is the rank of the unit's absolute value among the placebos'. The
            interval is the estimate minus the placebos' quantiles; it holds for a constant
            effect if the unit is exchangeable with its placebos.

        References
        ----------
        Abadie, A., Diamond, A. & Hainmueller, J. (2010). Synthetic control methods for
        comparative case studies. JASA 105(490), section 3.4.
        """
        a = np.array([weights.get(y, 0.0) for y in self.years])
        value = float(a @ self.gap)
        others = self.placebo_gap @ a
        m = len(others)
        p = (1 + int((np.abs(others) >= abs(value) - 1e-12).sum())) / (1 + m)
        rank = int(np.floor(alpha / 2 * (m + 1) + 1e-9))
        ordered = np.sort(others)
        low = value - float(ordered[-rank]) if rank else -np.inf
        high = value - float(ordered[rank - 1]) if rank else np.inf
        return Estimate(
            term=term,
            estimate=value,
            conf_int=(low, high),
            method="synthetic control, ridge penalty",
            inference=f"placebo distribution over {m} other municipalities",
            estimand=estimand,
            statistic=value,
            p_value=p,
            n_obs=(m + 1) * len(self.years),
            n_units=m + 1,
            n_treated_units=1,
            n_clusters=m + 1,
            small_sample="rank among placebos",
            alpha=alpha,
            data_hash=self.data_hash,
        )

    def rmspe_ratio(self) -> tuple[float, float]:
        """Test by the fit after adoption over the fit before it.

        A unit that was never fitted well is far from its twin after adoption too; the ratio
        takes that into account, so placebos with a bad fit need not be thrown out.

        Returns
        -------
        ratio : float
            Root mean squared gap after adoption over that before it; infinite where the
            past is fitted without any gap.
        p : float
            Share of units, this one among them, with as large a ratio.

        References
        ----------
        Abadie, A., Diamond, A. & Hainmueller, J. (2010). Synthetic control methods for
        comparative case studies. JASA 105(490), section 3.4.
        """
        after = np.array(self.years) >= self.first_year
        squares = np.vstack([self.gap, self.placebo_gap]) ** 2
        post, pre = (np.sqrt(squares[:, part].mean(axis=1)) for part in (after, ~after))
        small = pre <= 1e-12 * max(1.0, float(np.abs(self.actual).max()))
        ratio = np.where(small, np.inf, post / np.where(small, 1.0, pre))
        return float(ratio[0]), float((ratio >= ratio[0] * (1 - 1e-12)).mean())

    def own_peak_p(self) -> tuple[int, float, float | None]:
        """Test the rise to the unit's own peak and the fall after it, peak by peak.

        The peak year is read off the unit's path, so a test at that one year flatters it.
        Here every placebo is measured at its own peak too. Both tests are one-sided: a rise
        above the synthetic control, a fall after it.

        Returns
        -------
        year : int
            Year of the unit's largest gap since adoption.
        p_rise : float
            Share, the unit included, with as large a gap at the own peak.
        p_fall : float or None
            Share, the unit included, with as large a fall from the own peak to the end.
            None where the unit's largest gap is in its first or last year since adoption:
            then there is no rise and fall to tell apart.
        """
        after = np.array(self.years) >= self.first_year
        gaps = np.vstack([self.gap, self.placebo_gap])[:, after]
        peak = gaps.max(axis=1)
        fall = peak - gaps[:, -1]
        at = int(gaps[0].argmax())
        edge = at in (0, gaps.shape[1] - 1)
        return (
            int(np.array(self.years)[after][at]),
            float((peak >= peak[0] - 1e-12).mean()),
            None if edge else float((fall >= fall[0] - 1e-12).mean()),
        )

    def to_dict(self) -> dict[str, Any]:
        """Return plain types for JSON."""
        return {
            "unit": self.unit,
            "first_year": self.first_year,
            "rows": self.tidy().to_dict("records"),
            "weights": {str(k): float(v) for k, v in self.weights.head(10).items()},
            "n_positive_weights": len(self.weights),
            "effective_donors": self.effective_donors,
            "n_placebos": len(self.placebo_gap),
            "penalty": self.penalty,
            "pre_fit": self.pre_fit,
            "pre_fit_rank": self.pre_fit_rank,
            "data_hash": self.data_hash,
        }


def synthetic_control(
    panel: Panel, unit: str, first_year: int, donors: list[str], predictors: pd.DataFrame
) -> SyntheticControl:
    r"""Build the unit's synthetic twin and the placebo distribution.

    Predictors are the outcome in each year before adoption and the given covariates,
    each scaled by its standard deviation among the donors. The penalty is
    :math:`\zeta = \sigma^2` with σ the standard deviation, over donors, of the scaled
    outcome's one-year change before adoption. It is small: it makes the weights unique and
    hardly limits how well the past is fitted.

    Parameters
    ----------
    panel : Panel
        Balanced outcome with the unit and the donors in it.
    unit : str
        The treated unit.
    first_year : int
        Its first treated year; at least two years must lie before it.
    donors : list of str
        The donors; each is also a placebo, with the other donors as its donors.
    predictors : pandas.DataFrame
        Further predictors by unit, finite (may have no columns).

    Returns
    -------
    SyntheticControl
        Deterministic: nothing is drawn.

    Raises
    ------
    InputError
        If fewer than two years lie before adoption, there are fewer than ten donors, or the
        donors do not differ in the outcome or a predictor.

    References
    ----------
    Abadie, Diamond & Hainmueller (2010). Doudchenko, N. & Imbens, G. (2016), NBER
    working paper 22791, section 4. Arkhangelsky, D. et al. (2021), AER 111(12), eq. 5.
    """
    years = np.array(panel.years)
    pre = years < first_year
    if pre.sum() < 2:
        raise InputError(
            f"{unit}: a synthetic control needs two years before {first_year}; "
            f"{panel.outcome} has {int(pre.sum())}"
        )
    if len(donors) < 10:
        raise InputError(f"{unit}: {len(donors)} donors; at least ten are needed")
    y = panel.values.loc[[unit, *donors]].to_numpy(dtype=float)
    past = y[:, pre]
    spread = past[1:].std()
    noise = np.diff(past[1:], axis=1).std()
    if min(spread, noise) == 0:
        raise InputError(f"the donors' {panel.outcome} never varies before {first_year}")
    penalty = float((noise / spread) ** 2)
    extra = predictors.loc[[unit, *donors]].to_numpy(dtype=float)
    widths = extra[1:].std(axis=0)
    if (widths == 0).any():
        raise InputError(
            "never varies among the donors", field=str(predictors.columns[widths.argmin()])
        )
    scaled = np.column_stack([past / spread, extra / widths]).T
    everyone = np.arange(1, len(donors) + 1)
    gaps = np.empty_like(y)
    for i in range(len(donors) + 1):
        pool = everyone[everyone != i]
        w = simplex_ridge(scaled[:, pool], scaled[:, i], penalty)
        gaps[i] = y[i] - w @ y[pool]
        if i == 0:
            weights = pd.Series(w, index=donors)
    rms = np.sqrt((gaps[:, pre] ** 2).mean(axis=1))
    positive = weights[weights > 0].sort_values(ascending=False, kind="stable")
    return SyntheticControl(
        unit=unit,
        first_year=first_year,
        years=tuple(panel.years),
        actual=y[0],
        synthetic=y[0] - gaps[0],
        placebo_gap=gaps[1:],
        weights=positive,
        penalty=penalty,
        pre_fit=float(rms[0]),
        pre_fit_rank=float((rms[1:] < rms[0]).mean()),
        data_hash=panel.hash(),
    )
