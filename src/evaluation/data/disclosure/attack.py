"""The attack: what anyone can work out about the hidden cells from what is published."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from scipy.sparse import csc_array, csr_array
from scipy.sparse.csgraph import connected_components

from evaluation.data.disclosure.constraints import Constraints
from evaluation.data.disclosure.programs import BATCH, CLEAR, Block, Target
from evaluation.errors import InputError

__all__ = ["Ranges", "Target", "attack", "batches", "bounds", "hidden_blocks"]

_Floats = npt.NDArray[np.float64]
_Ints = npt.NDArray[np.int64]
_Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Ranges:
    """What the attack found.

    Parameters
    ----------
    low, high : numpy.ndarray
        Shape (cells,): tables exist that meet everything published and have these values; a
        published cell's own value twice.
    exact : numpy.ndarray
        Whether the range is the whole one; False where the attack left off because the range
        was already as wide as its target, or where whole numbers took too long.
    n_programs : int
        Linear programs solved.
    """

    low: _Floats = field(repr=False)
    high: _Floats = field(repr=False)
    exact: _Bools = field(repr=False)
    n_programs: int


def bounds(
    published: _Floats,
    constraints: Constraints,
    *,
    low: _Floats | None = None,
    high: _Floats | None = None,
    whole: bool = True,
    rounds: int = 30,
) -> tuple[_Floats, _Floats]:
    """Return bounds that follow from the published numbers, sum by sum.

    Every sum is used alone, again and again; the true range may be narrower. Only published
    numbers enter, so the bounds may be published.

    Parameters
    ----------
    published : numpy.ndarray
        Shape (cells,), NaN where hidden.
    constraints : Constraints
        The sums.
    low, high : numpy.ndarray, optional
        What is known beforehand; 0 and infinity without.
    whole : bool
        Whether cells are whole numbers.
    rounds : int
        How often the sums are gone through at most.

    Returns
    -------
    tuple of numpy.ndarray
        Lower and upper bounds.

    Examples
    --------
    >>> c = Constraints.of(3, [([0, 1, 2], [1, 1, -1], "T")])
    >>> [b.tolist() for b in bounds(np.array([np.nan, np.nan, 7.0]), c)]
    [[0.0, 0.0, 7.0], [7.0, 7.0, 7.0]]
    """
    lo, hi = _known(published, low, high)
    coo = constraints.matrix.tocoo()
    row, col, a = coo.row, coo.col, coo.data
    n_rows = constraints.matrix.shape[0]
    for _ in range(rounds):
        least = np.where(a > 0, a * lo[col], a * hi[col])
        most = np.where(a > 0, a * hi[col], a * lo[col])
        others_least = _others(least, row, n_rows, -np.inf)
        others_most = _others(most, row, n_rows, np.inf)
        # a x = -(the others), which lie between others_least and others_most
        one, two = 0.0 - others_most / a, 0.0 - others_least / a
        new_lo, new_hi = lo.copy(), hi.copy()
        np.maximum.at(new_lo, col, np.minimum(one, two))
        np.minimum.at(new_hi, col, np.maximum(one, two))
        if whole:
            new_lo, new_hi = np.ceil(new_lo - 1e-6) + 0.0, np.floor(new_hi + 1e-6) + 0.0  # no −0
        if np.array_equal(new_lo, lo) and np.array_equal(new_hi, hi):
            break
        lo, hi = new_lo, new_hi
    return lo, hi


def _others(part: _Floats, row: _Ints, n_rows: int, endless: float) -> _Floats:
    """Return each entry's row sum without itself, where infinite parts are counted apart."""
    far = np.isinf(part)
    finite = np.where(far, 0.0, part)
    total = np.bincount(row, finite, n_rows)
    many = np.bincount(row, far, n_rows)
    out: _Floats = np.where(many[row] - far > 0, endless, total[row] - finite)
    return out


def _known(
    published: _Floats, low: _Floats | None, high: _Floats | None
) -> tuple[_Floats, _Floats]:
    there = ~np.isnan(published)
    n = len(published)
    lo = np.zeros(n) if low is None else np.asarray(low, float).copy()
    hi = np.full(n, np.inf) if high is None else np.asarray(high, float).copy()
    lo[there] = hi[there] = published[there]
    return lo, hi


def attack(
    published: _Floats,
    constraints: Constraints,
    *,
    low: _Floats | None = None,
    high: _Floats | None = None,
    whole: bool = True,
    target: Target | None = None,
    seed: int = 0,
) -> Ranges:
    r"""Return the range of every hidden cell over all tables that fit what is published.

    .. math:: \min / \max \; x_i \quad \text{s.t.} \quad A x = 0,\; x_P = p,\; l \le x \le h

    by linear programming (HiGHS), one block of connected cells at a time. Whole numbers can be
    narrower than the linear program says in tables of three and more dimensions: where its
    corner is not whole, the integer program is solved.

    Parameters
    ----------
    published : numpy.ndarray
        Shape (cells,), NaN where hidden.
    constraints : Constraints
        The sums, published with the table.
    low, high : numpy.ndarray, optional
        What is known of every cell beforehand; 0 and infinity without.
    whole : bool
        Whether the attacker knows that cells are whole numbers.
    target : Target, optional
        Leave a cell off as soon as its range is this wide: much faster for an audit.
    seed : int
        Seed of the directions in which tables are first looked for; the result does not hang on
        it where it is exact.

    Returns
    -------
    Ranges
        Low and high end per cell.

    Raises
    ------
    InputError
        If no table fits what is published.

    Examples
    --------
    Two by two with its margins: one free number.

    >>> c = Constraints.of(4, [([0, 1], [1, 1], "row"), ([2, 3], [1, 1], "row")])
    >>> t = Constraints.of(5, [([0, 1, 4], [1, 1, -1], "women and men")])
    >>> r = attack(np.array([np.nan, np.nan, 5, 2, 6.0]), t)
    >>> r.low.tolist()[:2], r.high.tolist()[:2]
    ([0.0, 0.0], [6.0, 6.0])
    """
    lo, hi = bounds(published, constraints, low=low, high=high, whole=whole)
    if (lo > hi + 1e-6 * np.maximum(1.0, np.abs(hi))).any():
        raise InputError(CLEAR)
    hidden = np.isnan(published)
    inner_lo, inner_hi = np.full(len(lo), np.inf), np.full(len(lo), -np.inf)
    inner_lo[~hidden] = inner_hi[~hidden] = published[~hidden]
    exact = np.ones(len(lo), dtype=bool)
    matrix = csc_array(constraints.matrix)
    right = -(constraints.matrix @ np.where(hidden, 0.0, published))
    count = 0
    for cells, label in batches(hidden_blocks(matrix, hidden), whole):
        block = Block(cells, label, matrix, right, lo, hi, whole, seed)
        block.run(target)
        inner_lo[cells], inner_hi[cells], exact[cells] = block.least, block.most, block.exact
        count += block.count
    _demand_rows_without_hidden(matrix, hidden, right)
    return Ranges(inner_lo, inner_hi, exact, count)


def _demand_rows_without_hidden(matrix: csc_array, hidden: _Bools, right: _Floats) -> None:
    touched = np.bincount(matrix[:, np.flatnonzero(hidden)].indices, minlength=matrix.shape[0]) > 0
    size = np.maximum(np.abs(right).max(initial=1.0), 1.0)
    if (np.abs(right[~touched]) > 1e-6 * size).any():
        raise InputError(CLEAR)


def hidden_blocks(matrix: csc_array, hidden: _Bools) -> list[_Ints]:
    """Return the hidden cells in blocks that share no sum."""
    cells = np.flatnonzero(hidden)
    if not len(cells):
        return []
    part = csr_array(matrix[:, cells])
    near = csr_array(abs(part).T @ abs(part))
    n, of = connected_components(near, directed=False)
    order = np.argsort(of, kind="stable")
    return np.split(cells[order], np.cumsum(np.bincount(of, minlength=n))[:-1])


def batches(blocks: list[_Ints], whole: bool) -> list[tuple[_Ints, _Ints]]:
    """Put small blocks together, each with its number: one program then serves them all.

    Amounts are left apart, for their programs are solved in units of their own size.
    """
    out: list[tuple[_Ints, _Ints]] = []
    group: list[_Ints] = []
    for block in blocks:
        if group and (not whole or sum(map(len, group)) + len(block) > BATCH):
            out.append(_batch(group))
            group = []
        group.append(block)
    return [*out, _batch(group)] if group else out


def _batch(group: list[_Ints]) -> tuple[_Ints, _Ints]:
    return np.concatenate(group), np.repeat(np.arange(len(group)), [len(b) for b in group])
