"""How the smallest detectable effect falls with more treated units, years or leavers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
from scipy.optimize import nnls

from evaluation.data.panel import Panel
from evaluation.errors import InputError
from evaluation.language import Lang, axis_decimals, number
from evaluation.questions.power import Power, power

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = [
    "OVER",
    "Over",
    "PowerCurve",
    "VarianceFunction",
    "power_curve",
    "variance_function",
    "with_more_leavers",
]

Over = Literal["treated", "years", "leavers"]
OVER: tuple[Over, ...] = ("treated", "years", "leavers")
WORDS: dict[str, dict[Lang, str]] = {
    "treated": {"sv": "Antal behandlade", "en": "Units treated"},
    "years": {"sv": "År efter starten", "en": "Years after adoption"},
    "leavers": {"sv": "Antal avslutande, gånger dagens", "en": "Leavers, times today's"},
    "detectable": {"sv": "Minsta effekt som hittas", "en": "Smallest detectable effect"},
}


@dataclass(frozen=True)
class VarianceFunction:
    r"""Variance of a unit's values around unit and year means: :math:`A + B h_i`.

    Parameters
    ----------
    constant : float
        A: what no number of leavers takes away.
    sampling : float
        B: falls with the leavers; for a share p of independent people it is p(1 − p).
    inverse_leavers : numpy.ndarray
        Shape (units,): :math:`h_i`, the mean over years of one by the leavers.
    """

    constant: float
    sampling: float
    inverse_leavers: np.ndarray

    def variance(self, factor: float = 1.0) -> np.ndarray:
        """Return each unit's variance with ``factor`` times the leavers."""
        return np.asarray(self.constant + self.sampling * self.inverse_leavers / factor)


@dataclass(frozen=True)
class PowerCurve:
    """The smallest detectable effect along one property of the design.

    Parameters
    ----------
    over : {"treated", "years", "leavers"}
        What varies: treated units, years after adoption, leavers as a multiple of today's.
    value : tuple of float
        Its values, ascending.
    points : tuple of Power
        The simulation at each.
    """

    over: Over
    value: tuple[float, ...]
    points: tuple[Power, ...]

    def tidy(self) -> pd.DataFrame:
        """Return one row per value; ``detectable`` is NaN where no effect tried is found."""
        return pd.DataFrame(
            {
                "over": self.over,
                "value": list(self.value),
                "detectable": [
                    np.nan if p.detectable is None else p.detectable for p in self.points
                ],
                "noise": [p.noise for p in self.points],
                "n_treated_units": [p.n_treated_units for p in self.points],
                "n_years_after": [p.n_years_after for p in self.points],
            }
        )

    def to_dict(self) -> dict[str, Any]:
        """Return plain types for JSON."""
        rows = [
            {"value": v, "smallest_detectable_effect": p.detectable, "noise": p.noise}
            for v, p in zip(self.value, self.points, strict=True)
        ]
        return {"over": self.over, "rows": rows}

    def plot(self, ax: Axes | None = None, lang: Lang = "en") -> Axes:
        """Draw the smallest detectable effect against what varies.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to draw; a new one otherwise.
        lang : {"sv", "en"}
            Language of the labels.

        Returns
        -------
        matplotlib.axes.Axes
            The axes drawn on.
        """
        import matplotlib.pyplot as plt
        from matplotlib.ticker import FuncFormatter, NullLocator

        if ax is None:
            _, ax = plt.subplots(figsize=(5.6, 3.0), layout="constrained")
        table = self.tidy()
        ax.plot(table["value"], table["detectable"], "o-", color="#0072b2", ms=4)
        if self.over != "years":
            ax.set_xscale("log")
        ax.set_xticks(list(self.value))
        ax.xaxis.set_minor_locator(NullLocator())
        ax.xaxis.set_major_formatter(
            FuncFormatter(lambda v, _: number(v, lang, 0 if float(v).is_integer() else 2))
        )
        ax.set_ylim(bottom=0)
        decimals = axis_decimals(*ax.get_ylim())
        ax.yaxis.set_major_formatter(FuncFormatter(lambda v, _: number(v, lang, decimals)))
        ax.set_xlabel(WORDS[self.over][lang])
        ax.set_ylabel(WORDS["detectable"][lang])
        return ax


def _two_way(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Split values into what unit and year means explain and the rest."""
    means = values.mean(axis=1, keepdims=True) + values.mean(axis=0, keepdims=True) - values.mean()
    return means, values - means


def variance_function(panel: Panel, leavers: pd.DataFrame) -> VarianceFunction:
    r"""Fit how the variance around unit and year means falls with the number of leavers.

    :math:`E\, e_i^2 = A + B h_i` with both at least zero, by least squares weighted with the
    inverse square of the fitted variance, iterated: a squared residual is the noisier, the larger
    it is expected to be.

    Parameters
    ----------
    panel : Panel
        Balanced outcome.
    leavers : pandas.DataFrame
        Shape (units, years): people behind each value, above zero.

    Returns
    -------
    VarianceFunction
        A and B.

    Raises
    ------
    InputError
        If a cell has no number above zero, or the outcome never varies around the means.

    References
    ----------
    Ferman, B. & Pinto, C. (2019). Inference in differences-in-differences with few treated groups
    and heteroskedasticity. Review of Economics and Statistics 101(3).
    """
    n = leavers.set_axis(leavers.index.astype(str)).reindex(
        index=panel.units, columns=panel.values.columns
    )
    bad = ~(n.notna() & np.isfinite(n) & (n > 0)).to_numpy(dtype=bool)
    if bad.any():
        i, j = np.argwhere(bad)[0]
        raise InputError(
            f"unit {panel.units[i]}, year {panel.years[j]}: leavers above zero are needed",
            field="leavers",
        )
    _, residual = _two_way(panel.values.to_numpy(dtype=float))
    units, years = residual.shape
    # what estimating the means takes away, on average over units
    square = (residual**2).sum(axis=1) / (years - 1) * units / (units - 1)
    if square.max() <= 1e-20 * max(1.0, float(np.abs(panel.values.to_numpy()).max()) ** 2):
        raise InputError("the outcome never varies around unit and year means", field=panel.outcome)
    h = (1 / n.to_numpy(dtype=float)).mean(axis=1)
    columns = np.column_stack([np.ones(units), h])
    fitted = np.full(units, square.mean())
    for _ in range(50):
        (a, b), _ = nnls(columns / fitted[:, None], square / fitted)
        before, fitted = fitted, np.maximum(a + b * h, 1e-12 * square.max())
        if np.allclose(before, fitted, rtol=1e-10, atol=0):
            break
    return VarianceFunction(float(a), float(b), h)


def with_more_leavers(panel: Panel, fitted: VarianceFunction, factor: float) -> Panel:
    """Return the panel as it would vary with a multiple of the leavers.

    Unit and year means stay; each unit's deviations are scaled to the variance that the fitted
    function gives, so they keep their shape and how they hang together over the years.

    Parameters
    ----------
    panel : Panel
        The panel that the function was fitted on.
    fitted : VarianceFunction
        From :func:`variance_function`.
    factor : float
        Multiple of the leavers, above zero.

    Returns
    -------
    Panel
        The same units and years.

    Raises
    ------
    InputError
        If the factor is not above zero.
    """
    if not (np.isfinite(factor) and factor > 0):
        raise InputError(f"{factor}; a multiple above zero is needed", field="leavers")
    means, residual = _two_way(panel.values.to_numpy(dtype=float))
    scale = np.sqrt(fitted.variance(factor) / fitted.variance())[:, None]
    values = pd.DataFrame(
        means + scale * residual, index=panel.values.index, columns=panel.values.columns
    )
    return Panel(panel.outcome, values, panel.dropped)


def _default_values(panel: Panel, over: Over, year: int) -> list[float]:
    if over == "treated":
        return [float(v) for v in (1, 2, 4, 8, 16, 32) if 2 * v <= len(panel.units)]
    if over == "years":
        return [float(k) for k in range(1, sum(y >= year for y in panel.years) + 1)]
    return [0.25, 0.5, 1.0, 2.0, 4.0]


def power_curve(
    panel: Panel,
    over: Over,
    values: Sequence[float] | None = None,
    *,
    leavers: pd.DataFrame | None = None,
    **settings: Any,
) -> PowerCurve:
    """Find the smallest detectable effect along one property of the design.

    Parameters
    ----------
    panel : Panel
        Balanced outcome.
    over : {"treated", "years", "leavers"}
        ``treated``: number of treated units, drawn from all. ``years``: years after adoption,
        the later ones cut off. ``leavers``: a multiple of the people behind each value, by the
        variance function of :func:`variance_function`.
    values : sequence of float, optional
        Values of it; by default 1, 2, 4, … treated, every number of years, a quarter to four
        times the leavers.
    leavers : pandas.DataFrame, optional
        Shape (units, years): people behind each value; needed for ``leavers``.
    **settings
        Passed on to :func:`evaluation.questions.power.power`.

    Returns
    -------
    PowerCurve
        One simulation per value, all from the same seed.

    Raises
    ------
    InputError
        If a value is not possible for the panel, or as for ``power``.
    """
    if over not in OVER:
        raise InputError(f"{over!r} is none of {', '.join(OVER)}", field="over")
    year = settings.get("cohort_year") or panel.years[len(panel.years) // 2]
    if values is None:
        values = _default_values(panel, over, year)
    values = sorted(set(values))
    if not values:
        raise InputError("at least one value is needed", field="values")
    settings = settings | {"cohort_year": year}
    points = []
    if over == "treated":
        if settings.get("treated_units") is not None:
            raise InputError(
                "a curve over the number of treated draws them from all units; name none",
                field="treated_units",
            )
        for value in values:
            count = _whole(value)
            points.append(power(panel, **settings | {"n_treated": count}))
    elif over == "years":
        longest = sum(y >= year for y in panel.years)
        for value in values:
            if not 1 <= _whole(value) <= longest:
                raise InputError(
                    f"{value:g} years after adoption in {year}; the data have {longest}",
                    field="values",
                )
            kept = [c for c in panel.values.columns if int(c) < year + value]
            points.append(
                power(Panel(panel.outcome, panel.values[kept], panel.dropped), **settings)
            )
    else:
        if leavers is None:
            raise InputError("the people behind each value are needed", field="leavers")
        fitted = variance_function(panel, leavers)
        points = [power(with_more_leavers(panel, fitted, v), **settings) for v in values]
    return PowerCurve(over, tuple(float(v) for v in values), tuple(points))


def _whole(value: float) -> int:
    if value != int(value):
        raise InputError(f"{value:g} is not a whole number", field="values")
    return int(value)
