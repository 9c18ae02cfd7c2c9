"""The panel: one outcome, units in rows, years in columns."""

from __future__ import annotations

import hashlib
import itertools
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from evaluation.data import embedded
from evaluation.data.registry import INDICATORS
from evaluation.errors import InputError

__all__ = ["Bounds", "Coverage", "Panel", "embedded_panel"]


@dataclass(frozen=True)
class Bounds:
    """The range of every value: a point where observed, an interval where suppressed.

    Parameters
    ----------
    low, high : pandas.DataFrame
        Shape (units, years), every unit that was asked for, dropped ones too; NaN where
        there is no value (missing), infinite where the range is open.
    """

    low: pd.DataFrame = field(repr=False)
    high: pd.DataFrame = field(repr=False)


@dataclass(frozen=True)
class Coverage:
    """What became of every unit that was asked for.

    Parameters
    ----------
    table : pandas.DataFrame
        Index of unit codes; whole columns ``observed``, ``suppressed``, ``missing`` and
        ``no_weight`` count years (they add up to the number of years), ``kept`` says whether
        the unit is in the panel, ``reason`` why not, empty where it is.
    outside : int
        Values that were computed and lie outside the indicator's range; they are kept.
    zero_denominators : int
        Values that are missing because they would be divided by zero.
    """

    table: pd.DataFrame = field(repr=False)
    outside: int = 0
    zero_denominators: int = 0

    @property
    def reasons(self) -> dict[str, str]:
        """Why each dropped unit was dropped."""
        out = self.table.loc[~self.table["kept"], "reason"]
        return {str(code): str(reason) for code, reason in out.items()}


@dataclass(frozen=True)
class Panel:
    """One outcome for many units over years.

    Parameters
    ----------
    outcome : str
        Name of the outcome.
    values : pandas.DataFrame
        Shape (units, years); index of unit codes as text, columns of years as int.
        No gaps, unless ``unbalanced``: whoever builds a panel says what was dropped.
    dropped : tuple of str
        Units that were left out because a year was missing.
    unbalanced : bool
        Whether values may be missing (NaN). Only the methods that say so take such a panel.
    weights : pandas.DataFrame, optional
        Shape of ``values``: what each value weighs, above 0 and there wherever the value is.
    bounds : Bounds, optional
        Ranges of the values, also of dropped units and suppressed cells.
    coverage : Coverage, optional
        What was observed, suppressed and missing of every unit that was asked for.

    Raises
    ------
    InputError
        If there are fewer than two years, years that do not ascend, duplicate units, or a
        value that is no number, infinite, or missing in a panel that is to be balanced; or if
        weights have other units or years, or are not above 0 where there is a value.

    Examples
    --------
    >>> p = embedded_panel("foreign_background")
    >>> p.values.shape, p.years[0], p.years[-1]
    ((290, 16), 2010, 2025)
    """

    outcome: str
    values: pd.DataFrame = field(repr=False)
    dropped: tuple[str, ...] = ()
    unbalanced: bool = False
    weights: pd.DataFrame | None = field(default=None, repr=False)
    bounds: Bounds | None = field(default=None, repr=False)
    coverage: Coverage | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        v = self.values
        if v.shape[1] < 2:
            raise InputError(
                f"the outcome {self.outcome} has {v.shape[1]} year(s) with data; "
                "at least two are needed"
            )
        if v.index.has_duplicates:
            twice = v.index[v.index.duplicated()][0]
            raise InputError(f"unit {twice} stands twice", field=self.outcome)
        for before, after in itertools.pairwise(self.years):
            if after <= before:
                raise InputError(f"years must ascend; {after} follows {before}", field=self.outcome)
        try:
            numbers = v.to_numpy(dtype=float, na_value=np.nan)
        except (TypeError, ValueError):
            raise InputError("the values must be numbers", field=self.outcome) from None
        if not all(kind == np.float64 for kind in v.dtypes):
            # nullable and integer columns become plain floats, so that nothing below sees pd.NA
            plain = pd.DataFrame(numbers, index=v.index, columns=v.columns)
            object.__setattr__(self, "values", plain)
        bad = np.isinf(numbers) if self.unbalanced else ~np.isfinite(numbers)
        if bad.any():
            i, j = np.argwhere(bad)[0]
            raise InputError(
                f"unit {v.index[i]}, year {v.columns[j]}: a finite number is needed",
                field=self.outcome,
            )
        if self.weights is not None:
            self._check_weights(self.weights, numbers)

    def _check_weights(self, weights: pd.DataFrame, numbers: npt.NDArray[np.float64]) -> None:
        v = self.values
        if not (weights.index.equals(v.index) and weights.columns.equals(v.columns)):
            problem = "the weights must have the values' units and years"
            raise InputError(problem, field=self.outcome)
        w = weights.to_numpy(dtype=float, na_value=np.nan)
        with np.errstate(invalid="ignore"):
            bad = np.isfinite(numbers) & ~(np.isfinite(w) & (w > 0))
        if bad.any():
            i, j = np.argwhere(bad)[0]
            raise InputError(
                f"unit {v.index[i]}, year {v.columns[j]}: a weight above 0 is needed",
                field=self.outcome,
            )

    @property
    def units(self) -> list[str]:
        """Unit codes, in the order of the rows."""
        return list(map(str, self.values.index.tolist()))

    @property
    def years(self) -> list[int]:
        """Years, ascending."""
        return [int(y) for y in self.values.columns]

    def select(self, units: list[str]) -> Panel:
        """Return the panel with only these units, in this order."""
        weights = None if self.weights is None else self.weights.loc[units]
        return replace(self, values=self.values.loc[units], weights=weights)

    def long(self) -> pd.DataFrame:
        """Return one row per unit and year, columns ``unit``, ``time``, ``value``."""
        wide = self.values.rename_axis(index="unit", columns="time")
        return wide.reset_index().melt(id_vars="unit", var_name="time", value_name="value")

    def hash(self) -> str:
        """Return the SHA-256 of units, years and values, and of the weights where there are any."""
        h = hashlib.sha256()
        h.update(repr((self.outcome, self.units, self.years)).encode())
        h.update(np.ascontiguousarray(self.values.to_numpy(dtype="<f8")).tobytes())
        if self.weights is not None:
            h.update(np.ascontiguousarray(self.weights.to_numpy(dtype="<f8")).tobytes())
        return h.hexdigest()


def embedded_panel(outcome: str) -> Panel:
    """Return an outcome that ships with the package.

    Parameters
    ----------
    outcome : str
        A key of the indicator registry.

    Returns
    -------
    Panel
        All 290 municipalities, every year of the data set.

    Raises
    ------
    InputError
        If there is no such outcome.
    """
    if outcome not in INDICATORS:
        known = ", ".join(INDICATORS)
        raise InputError(f"there is no outcome {outcome!r}; known are {known}")
    wide = embedded.load(outcome).set_index("code").astype(float)
    wide.columns = wide.columns.astype(int)
    return Panel(outcome, wide.sort_index())
