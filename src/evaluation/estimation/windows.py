"""Which years of a treated unit count: from its base to its last treated year, without the rest.

A unit that starts inside a year is exposed in part in that year: it is neither untreated, and so
no base, nor treated. A unit whose treatment ends is not treated after it. Both kinds of years are
left out, unit by unit, so that

    base = first treated year − partly exposed years − 1,
    treated years = first treated year, …, last treated year.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from evaluation.data.panel import Panel
from evaluation.errors import InputError
from evaluation.estimation.cohorts import check_cohorts

__all__ = ["WHOLE", "Spells", "Windows", "spells", "without_left_out"]


@dataclass(frozen=True)
class Windows:
    """Partly exposed years and last treated years, by unit.

    Parameters
    ----------
    partial : mapping of str to int
        Years right before the first treated one that are left out; 0 for a unit that is not
        named.
    last : mapping of str to int
        Last treated year; a unit that is not named is treated to the end.

    Examples
    --------
    >>> w = Windows({"a": 1}, {"b": 2019})
    >>> w.base("a", 2017), w.base("b", 2017), w.plain, WHOLE.plain
    (2015, 2016, False, True)
    """

    partial: Mapping[str, int] = field(default_factory=dict)
    last: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for unit, years in self.partial.items():
            if years < 0:
                raise InputError(
                    f"unit {unit}: partly exposed years must be zero or more, found {years}",
                    field="partial",
                )

    @property
    def plain(self) -> bool:
        """Whether nothing is left out."""
        return not self.last and not any(self.partial.values())

    def base(self, unit: str, first: int) -> int:
        """Return the last year that was not exposed at all.

        Parameters
        ----------
        unit : str
            Its code.
        first : int
            Its first treated year.
        """
        return first - 1 - self.partial.get(unit, 0)


WHOLE = Windows()
"""Every unit is treated from its first year to the end, and the year before is its base."""


@dataclass(frozen=True)
class Spells:
    """The windows of a panel's units, as arrays in its order.

    Parameters
    ----------
    first : numpy.ndarray
        Shape (units,): first treated year, 0 for never treated.
    partial : numpy.ndarray
        Shape (units,): partly exposed years before it.
    last : numpy.ndarray
        Shape (units,): last treated year within the panel; 0 for never treated.
    """

    first: np.ndarray
    partial: np.ndarray
    last: np.ndarray

    @property
    def base(self) -> np.ndarray:
        """Base year by unit; −1 for never treated."""
        base: np.ndarray = np.where(self.first > 0, self.first - 1 - self.partial, -1)
        return base

    def treated(self, years: np.ndarray) -> np.ndarray:
        """Return which unit-years are treated, shape (units, years)."""
        t, g = years[None, :], self.first[:, None]
        out: np.ndarray = (g > 0) & (t >= g) & (t <= self.last[:, None])
        return out

    def left_out(self, years: np.ndarray) -> np.ndarray:
        """Return which unit-years are neither treated nor untreated, shape (units, years)."""
        t, g = years[None, :], self.first[:, None]
        part = (t < g) & (t > self.base[:, None])
        out: np.ndarray = (g > 0) & (part | (t > self.last[:, None]))
        return out


def spells(panel: Panel, cohort: pd.Series, windows: Windows = WHOLE) -> Spells:
    """Lay windows over a panel.

    Parameters
    ----------
    panel : Panel
        Balanced outcome.
    cohort : pandas.Series
        First treated year by unit, 0 for never treated.
    windows : Windows
        By unit; units that the panel does not have, and never treated ones, are passed over.

    Returns
    -------
    Spells
        In the order of the panel's units.

    Raises
    ------
    InputError
        As :func:`evaluation.estimation.cohorts.check_cohorts`; if a unit's base lies before the
        data, or its treatment ends before its first treated year.
    """
    g = check_cohorts(panel, cohort)
    units = panel.units
    partial = np.array([windows.partial.get(u, 0) for u in units])
    last = np.array([windows.last.get(u, panel.years[-1]) for u in units])
    found = Spells(
        g,
        np.where(g > 0, partial, 0),
        np.where(g > 0, np.minimum(last, panel.years[-1]), 0),
    )
    for i in np.flatnonzero(g > 0):
        if found.base[i] < panel.years[0]:
            raise InputError(
                f"unit {units[i]}: treated from {g[i]} on and exposed in part in the "
                f"{found.partial[i]} year(s) before, which leaves no base; the data begin in "
                f"{panel.years[0]}",
                field="cohort",
            )
        if found.last[i] < g[i]:
            raise InputError(
                f"unit {units[i]}: the last treated year {found.last[i]} lies before the first, "
                f"{g[i]}",
                field="last",
            )
    return found


def without_left_out(panel: Panel, cohort: pd.Series, windows: Windows) -> Panel:
    """Blank the treated units' years that are left out, for estimators of absorbing treatment.

    Parameters
    ----------
    panel : Panel
        Balanced outcome.
    cohort : pandas.Series
        First treated year by unit, 0 for never treated.
    windows : Windows
        By unit.

    Returns
    -------
    Panel
        Unbalanced where anything is left out; the same panel otherwise.

    Raises
    ------
    InputError
        As :func:`spells`.

    Examples
    --------
    >>> wide = pd.DataFrame([[1., 2., 5.], [1., 1., 2.]], index=["a", "b"],
    ...                     columns=[2000, 2001, 2002])
    >>> cut = without_left_out(Panel("y", wide), pd.Series({"a": 2002, "b": 0}),
    ...                        Windows({"a": 1}))
    >>> cut.values.loc["a"].tolist()
    [1.0, nan, 5.0]
    """
    found = spells(panel, cohort, windows)
    gone = found.left_out(np.array(panel.years))
    if not gone.any():
        return panel
    return replace(panel, values=panel.values.mask(gone), unbalanced=True)
