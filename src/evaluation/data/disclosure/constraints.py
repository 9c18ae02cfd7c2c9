"""The sums that tie a table's cells together, as a sparse linear system."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

from evaluation.errors import InputError

__all__ = ["Constraints", "Row", "stacked"]

_Ints = npt.NDArray[np.int64]
_Floats = npt.NDArray[np.float64]
Row = tuple[Sequence[int] | _Ints, Sequence[float] | _Floats, str]


@dataclass(frozen=True)
class Constraints:
    r"""What holds between the cells whatever their values: :math:`A x = 0`.

    Parameters
    ----------
    matrix : scipy.sparse.csr_array
        Shape (rows, cells); a sum of parts and its total give ones and a minus one.
    rows : tuple of str
        What each row says, for error messages.

    Examples
    --------
    >>> c = Constraints.of(3, [([0, 1, 2], [1, 1, -1], "sex T")])
    >>> c.residual(np.array([4.0, 6.0, 11.0])).tolist()
    [-1.0]
    """

    matrix: csr_array = field(repr=False)
    rows: tuple[str, ...] = field(repr=False)

    @classmethod
    def of(cls, n_cells: int, rows: Sequence[Row]) -> Constraints:
        """Make the system from its rows.

        Parameters
        ----------
        n_cells : int
            How many cells there are.
        rows : sequence of tuple
            The cells of a row, their coefficients, and what the row says.
        """
        where = [np.asarray(cells, dtype=np.int64) for cells, _, _ in rows]
        row = np.repeat(np.arange(len(rows)), [len(w) for w in where])
        column = np.concatenate([*where, np.empty(0, np.int64)])
        value = np.concatenate([*(np.asarray(v, float) for _, v, _ in rows), np.empty(0)])
        matrix = csr_array((value, (row, column)), shape=(len(rows), n_cells))
        return cls(matrix, tuple(name for _, _, name in rows))

    @property
    def n_cells(self) -> int:
        """How many cells the system has."""
        return int(self.matrix.shape[1])

    def residual(self, values: _Floats) -> _Floats:
        """Return by how much each row fails, shape (rows,)."""
        return np.asarray(self.matrix @ values)

    def demand_sums(self, values: _Floats) -> None:
        """Refuse a table whose margins do not add up.

        Parameters
        ----------
        values : numpy.ndarray
            Shape (cells,).

        Raises
        ------
        InputError
            Names the first row that fails and how many do.
        """
        off = self.residual(values)
        size = np.asarray(abs(self.matrix) @ np.abs(values))
        wrong = np.flatnonzero(np.abs(off) > 1e-9 * np.maximum(size, 1))
        if len(wrong):
            first = int(wrong[0])
            raise InputError(
                f"the sum does not add up: {self.rows[first]} is off by {off[first]:g}"
                f" ({len(wrong)} of {len(off)} sums fail); the parts must add up to the total"
            )


def stacked(
    parts: Sequence[Constraints],
    links: Sequence[Row],
    extra: int = 0,
) -> Constraints:
    """Set systems beside each other and tie them together.

    Parameters
    ----------
    parts : sequence of Constraints
        Their cells are numbered on, in this order.
    links : sequence of tuple
        Rows over all the cells, as for :meth:`Constraints.of`.
    extra : int
        Cells that come last and belong to no part.

    Returns
    -------
    Constraints
        The joint system.
    """
    from scipy.sparse import block_diag, hstack, vstack

    joint = csr_array(block_diag([p.matrix for p in parts]))
    if extra:
        joint = csr_array(hstack([joint, csr_array((joint.shape[0], extra))]))
    tie = Constraints.of(joint.shape[1], links)
    names = tuple(name for p in parts for name in p.rows) + tie.rows
    return Constraints(csr_array(vstack([joint, tie.matrix])), names)
