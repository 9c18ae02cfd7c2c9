"""What is to be hidden and how wide each hidden cell must stay."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from evaluation.data.disclosure.constraints import Constraints
from evaluation.data.disclosure.programs import Target

__all__ = ["Asked", "Problem", "asked_nothing"]

_Floats = npt.NDArray[np.float64]
_Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Asked:
    r"""What the range :math:`[l, u]` that an attacker can work out must satisfy, cell by cell.

    .. math:: u - l \ge w, \quad u \ge x + a, \quad l \le x - b

    Parameters
    ----------
    width : numpy.ndarray
        :math:`w`, shape (cells,).
    above, below : numpy.ndarray
        :math:`a` and :math:`b`, shape (cells,); 0 asks nothing.
    """

    width: _Floats
    above: _Floats
    below: _Floats


def asked_nothing(n_cells: int) -> Asked:
    """Return demands that every range meets."""
    return Asked(np.zeros(n_cells), np.zeros(n_cells), np.zeros(n_cells))


@dataclass(frozen=True)
class Problem:
    """Cells with their true values, sums, and demands: the input of the secondary suppression.

    Parameters
    ----------
    values : numpy.ndarray
        Shape (cells,).
    constraints : Constraints
        The sums.
    low, high : numpy.ndarray
        What an attacker knows of every cell beforehand.
    hidden : numpy.ndarray
        Cells that are hidden from the start: primary ones, and those never published.
    fixed : numpy.ndarray
        Cells that are public already and cannot be hidden.
    asked : Asked
        The demands on primary cells; cells not published carry theirs too.
    width : numpy.ndarray
        The width asked of a cell once it is hidden for the sake of others.
    cost : numpy.ndarray
        What hiding a cell costs.
    ties : numpy.ndarray
        Shape (rows,): the sums that are public elsewhere, which tie blocks of cells together
        that have nothing else in common.
    whole : bool
        Whether cells are whole numbers, so that an attacker knows it.
    """

    values: _Floats = field(repr=False)
    constraints: Constraints = field(repr=False)
    low: _Floats = field(repr=False)
    high: _Floats = field(repr=False)
    hidden: _Bools = field(repr=False)
    fixed: _Bools = field(repr=False)
    asked: Asked = field(repr=False)
    width: _Floats = field(repr=False)
    cost: _Floats = field(repr=False)
    ties: _Bools = field(repr=False)
    whole: bool = True

    def with_hidden(self, hidden: _Bools) -> Problem:
        """Return the same problem with more cells hidden, each asked its width."""
        more = hidden & ~self.hidden
        width = np.where(more, np.maximum(self.asked.width, self.width), self.asked.width)
        return replace(self, hidden=hidden, asked=replace(self.asked, width=width))

    def target(self) -> Target:
        """Return the demands as an attack is told them."""
        a = self.asked
        high = np.where(a.above > 0, self.values + a.above, -np.inf)
        low = np.where(a.below > 0, self.values - a.below, np.inf)
        return Target(a.width, high, low)

    def published(self) -> _Floats:
        """Return what an attacker sees, NaN where hidden."""
        return np.where(self.hidden, np.nan, self.values)
