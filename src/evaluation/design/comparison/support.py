"""Common support: which treated units have controls like them, and what sets the others apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd

from evaluation.design.comparison.covariates import plain_rows, split
from evaluation.design.comparison.mahalanobis import between, whiten
from evaluation.errors import InputError
from evaluation.language import listed, number
from evaluation.results import Check

__all__ = ["Overlap", "overlap"]

_Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Overlap:
    """For every treated unit, whether controls like it exist.

    Nothing is dropped here: whoever drops a unit does so by this list.

    Parameters
    ----------
    table : pandas.DataFrame
        One row per treated unit: ``unit``, ``supported``, ``in_ranges`` (inside the controls'
        range on every covariate), ``in_hull`` (inside their convex hull: some weights on the
        controls give its values), ``nearest`` (control), ``distance`` to it, ``covariate`` (the
        one responsible, empty if supported), ``value`` (the unit's), ``low`` and ``high`` (the
        controls' range of it), ``reason``.
    limit : float
        The distance beyond which a unit is outside.
    quantile : float
        How the limit was set: the quantile of the controls' distances to their own nearest
        control.
    covariates : tuple of str
        What was compared.
    n_controls : int
        Controls.
    data_hash : str
        SHA-256 of the covariates it was made from.
    """

    table: pd.DataFrame = field(repr=False)
    limit: float
    quantile: float
    covariates: tuple[str, ...]
    n_controls: int
    data_hash: str

    @property
    def outside(self) -> tuple[str, ...]:
        """Treated units outside common support."""
        return tuple(self.table.loc[~self.table["supported"], "unit"])

    def tidy(self) -> pd.DataFrame:
        """Return one row per treated unit."""
        return self.table.copy()

    def to_dict(self) -> dict[str, object]:
        """Return plain types for JSON; what does not apply is None."""
        return {
            "rows": plain_rows(self.table),
            "limit": self.limit,
            "quantile": self.quantile,
            "covariates": list(self.covariates),
            "n_controls": self.n_controls,
            "data_hash": self.data_hash,
        }

    def check(self) -> Check:
        """Ask whether every treated unit has controls like it."""
        out, n = self.outside, len(self.table)
        who = {lang: f" ({listed(out, lang)})" if out else "" for lang in ("sv", "en")}
        limit = {lang: number(self.limit, lang) for lang in ("sv", "en")}
        return Check(
            "overlap",
            not out,
            f"{len(out)} av {n} behandlade{who['sv']} saknar jämförbara kommuner: utanför deras "
            f"spann, eller längre bort än {limit['sv']}.",
            f"{len(out)} of {n} treated{who['en']} lack comparable municipalities: outside their "
            f"range, or farther away than {limit['en']}.",
            float(len(out)),
            0.0,
        )


def overlap(
    table: pd.DataFrame,
    treated: Sequence[str],
    *,
    covariates: Sequence[str] | None = None,
    quantile: float = 0.99,
) -> Overlap:
    """Find treated units for which there is nobody to compare with.

    With a handful of treated units a propensity score cannot be estimated, so support is judged
    by distance. A unit is supported if it lies within the controls' range on every covariate and
    its nearest control is no farther, in Mahalanobis distance, than the nearest control is from
    almost every control (``quantile`` of them). Being inside the convex hull is told besides
    (King & Zeng 2006, Political Analysis 14, section 3): outside it every weighting extrapolates.

    Parameters
    ----------
    table : pandas.DataFrame
        Units in rows, from :func:`~evaluation.design.comparison.covariates.match_table`.
    treated : sequence of str
        Codes; all other rows are controls.
    covariates : sequence of str, optional
        By default every column of numbers.
    quantile : float
        Above 0, at most 1.

    Returns
    -------
    Overlap
        One row per treated unit, with the covariate responsible where it has no support: the one
        on which it lies farthest outside the range, else the one on which it lies farthest from
        its nearest control (both in pooled standard deviations).

    Raises
    ------
    InputError
        If there are fewer than two controls, the quantile is not a share, or as
        :func:`~evaluation.design.comparison.mahalanobis.whiten`.

    Examples
    --------
    >>> table = pd.DataFrame({"level": [9.0, 2.5, 1.0, 2.0, 3.0, 4.0]}, index=list("tuabcd"))
    >>> overlap(table, ["t", "u"]).table[["unit", "supported", "covariate"]].to_dict("records")
    ... # doctest: +NORMALIZE_WHITESPACE
    [{'unit': 't', 'supported': False, 'covariate': 'level'},
     {'unit': 'u', 'supported': True, 'covariate': ''}]
    """
    if not 0 < quantile <= 1:
        raise InputError(f"must be above 0 and at most 1, not {quantile:g}", field="quantile")
    parts = split(table, treated, covariates)
    if len(parts.controls) < 2:
        raise InputError("two controls or more are needed to judge overlap", field="treated")
    z1, z0 = whiten(parts)
    d, own = between(z1, z0), between(z0, z0)
    np.fill_diagonal(own, np.inf)
    limit = float(np.quantile(own.min(axis=1), quantile))
    low, high = parts.x_controls.min(axis=0), parts.x_controls.max(axis=0)
    sd = np.sqrt(np.diag(parts.pooled_covariance))
    rows = []
    for i, code in enumerate(parts.treated):
        x = parts.x_treated[i]
        beyond = np.maximum(low - x, x - high) / sd
        inside = bool((beyond <= 0).all())
        j = int(np.argmin(d[i]))
        near = bool(d[i, j] <= limit)
        k = int(np.argmax(beyond if not inside else np.abs(x - parts.x_controls[j]) / sd))
        name, supported = parts.covariates[k], inside and near
        rows.append(
            {
                "unit": code,
                "supported": supported,
                "in_ranges": inside,
                "in_hull": inside and _in_hull(x, parts.x_controls),
                "nearest": parts.controls[j],
                "distance": float(d[i, j]),
                "covariate": "" if supported else name,
                "value": np.nan if supported else float(x[k]),
                "low": np.nan if supported else float(low[k]),
                "high": np.nan if supported else float(high[k]),
                "reason": _reason(name, x[k], low[k], high[k], d[i, j], limit, inside, supported),
            }
        )
    return Overlap(
        pd.DataFrame(rows), limit, quantile, parts.covariates, len(parts.controls), parts.data_hash
    )


def _in_hull(x: _Array, controls: _Array) -> bool:
    from scipy.optimize import linprog

    scale = controls.std(axis=0)
    z = (controls - x) / np.where(scale > 0, scale, 1.0)
    equal = np.vstack([z.T, np.ones(len(z))])
    right = np.append(np.zeros(z.shape[1]), 1.0)
    return bool(linprog(np.zeros(len(z)), A_eq=equal, b_eq=right, method="highs").success)


def _reason(
    name: str,
    value: float,
    low: float,
    high: float,
    distance: float,
    limit: float,
    inside: bool,
    supported: bool,
) -> str:
    if supported:
        return ""
    if not inside:
        return f"{name} is {value:.4g}, outside the controls' {low:.4g} to {high:.4g}"
    return f"the nearest control is {distance:.2f} away, more than {limit:.2f}, most by {name}"
