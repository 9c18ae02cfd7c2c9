"""The programs of the attack: one block of cells at a time, or many small ones in one program."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csc_array, csr_array
from scipy.sparse.csgraph import connected_components

from evaluation.errors import InputError

__all__ = ["BATCH", "CLEAR", "Block", "Target"]

_Floats = npt.NDArray[np.float64]
_Ints = npt.NDArray[np.int64]
_Bools = npt.NDArray[np.bool_]
CLEAR = "the published numbers contradict each other: no table meets all the sums"
BATCH = 240
"""Cells of small blocks in one program, about."""
_LONG = 40
"""Hidden cells of a sum from which on it is one over many blocks."""
_FEWEST = 8
_ROUNDS = 40


@dataclass(frozen=True)
class Target:
    """How wide a range must be for the attack to leave off a cell early.

    Parameters
    ----------
    width : numpy.ndarray
        Least width.
    high : numpy.ndarray
        What the upper end must reach at least.
    low : numpy.ndarray
        What the lower end must reach down to.
    """

    width: _Floats
    high: _Floats
    low: _Floats

    def met(self, low: _Floats, high: _Floats) -> _Bools:
        """Say which ranges are wide enough."""
        slack = 1e-7 * np.maximum(1.0, np.abs(self.width))
        wide = high - low >= self.width - slack
        met: _Bools = wide & (high >= self.high - slack) & (low <= self.low + slack)
        return met


class Block:
    """The programs of one block of cells, or of several that share no sum.

    Parameters
    ----------
    cells : numpy.ndarray
        Its hidden cells.
    label : numpy.ndarray
        Shape (cells,): to which of its parts, numbered from 0, each belongs.
    matrix, right : scipy.sparse.csc_array, numpy.ndarray
        All sums, and what the hidden cells of each add up to.
    low, high : numpy.ndarray
        Bounds of all cells.
    whole : bool
        Whether cells are whole numbers.
    seed : int
        Seed of the directions.
    """

    def __init__(
        self,
        cells: _Ints,
        label: _Ints,
        matrix: csc_array,
        right: _Floats,
        low: _Floats,
        high: _Floats,
        whole: bool,
        seed: int,
    ) -> None:
        part = csc_array(matrix[:, cells])
        rows = np.unique(part.indices)
        self.cells, self.label, self.whole = cells, label, whole
        self.part = csc_array(csr_array(part)[rows])
        # the unit of amounts: programs are solved in numbers near one
        finite = np.abs(np.concatenate([right[rows], low[cells][np.isfinite(low[cells])]]))
        self.unit = 1.0 if whole else max(float(finite.max(initial=0.0)), 1.0)
        self.right = right[rows] / self.unit
        self.lo, self.hi = low[cells] / self.unit, high[cells] / self.unit
        self.rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(int(cells[0]),)))
        self.least, self.most = np.full(len(cells), np.inf), np.full(len(cells), -np.inf)
        self.exact = np.ones(len(cells), dtype=bool)
        # which ends, the least with sign 1 and the most with −1, have been followed as far as
        # programs go
        self.closed = {sign: np.zeros(len(cells), dtype=bool) for sign in (-1.0, 1.0)}
        self.count = 0

    def run(self, target: Target | None) -> None:
        """Fill ``least``, ``most`` and ``exact``.

        Parameters
        ----------
        target : Target, optional
            How wide ranges must be; all of them are followed to their ends without.

        Raises
        ------
        InputError
            If no table fits.
        """
        n = len(self.cells)
        self.aim = None if target is None else _part_of(target, self.cells)
        self.box = self._box()
        table = self._first()
        blocks = _untied(self.part, n) if self.aim is not None and self.whole else None
        if blocks is not None:
            self._walk(table, blocks)
        # after the walk few are left: each has programs of its own
        for _ in range(min(12, n) if blocks is None else 0):
            open_ = self._open()
            if not open_.any():
                break
            goal = self.rng.normal(size=n) * np.where(open_, 1.0, 0.05)
            for way in (goal, -goal):
                x, _ = self._program(way, self.box)
                if x is not None:
                    self._saw(x)
        self._follow()
        for sign in (-1.0, 1.0):
            self.exact &= self.closed[sign] | self._ended(sign)

    def _program(
        self,
        goal: _Floats,
        hi: _Floats,
        *,
        among: _Ints | None = None,
        table: _Floats | None = None,
        integer: bool = False,
    ) -> tuple[_Floats | None, bool]:
        """Minimise; return the corner, and whether the goal has no end.

        Only the cells ``among`` move where they are given: the others are as in ``table``, or
        are cells of parts that share no sum with them, and missing in the answer.
        """
        self.count += 1
        part, right, cells = self.part, self.right, np.arange(len(goal))
        if among is not None:
            part, cells = csc_array(self.part[:, among]), among
            rows = np.unique(part.indices)
            part, right = csc_array(csr_array(part)[rows]), self.right[rows]
            if table is not None:
                right = part @ table[among]
        answer = milp(
            goal[cells],
            constraints=LinearConstraint(part, right, right),
            bounds=Bounds(self.lo[cells], hi[cells]),
            integrality=np.full(part.shape[1], int(integer)),
            options={"time_limit": 30.0} if integer else {},
        )
        # the block has a solution, so «unbounded or infeasible» is unbounded
        endless = answer.status in (3, 4) and answer.x is None
        if answer.x is None or among is None:
            return answer.x, endless
        out = np.full(len(goal), np.nan) if table is None else table.copy()
        out[among] = answer.x
        return out, endless

    def _saw(self, x: _Floats) -> _Bools:
        """Take a table up where it is one; say for which cells it was."""
        good = ~np.isnan(x)
        if self.whole:
            broken = ~good | (np.abs(x - np.round(x)) > 1e-6)
            parts = np.bincount(self.label, broken)
            good = parts[self.label] == 0
            x = np.round(x)
        x = np.clip(x, self.lo, self.hi) * self.unit
        self.least = np.where(good, np.fmin(self.least, x), self.least)
        self.most = np.where(good, np.fmax(self.most, x), self.most)
        return good

    def _first(self) -> _Floats:
        """Return a table, the parts each whole; its range is the point."""
        n = len(self.cells)
        x, _ = self._program(np.zeros(n), self.box)
        if x is None:
            raise InputError(CLEAR)
        seen = self._saw(x)
        table = np.where(seen, np.round(x) if self.whole else x, np.nan)
        while not seen.all():
            own = np.flatnonzero(self.label == self.label[np.argmin(seen)])
            x = None
            for tries in range(6):
                goal = self.rng.normal(size=n) if tries < 5 else np.zeros(n)
                x, _ = self._program(goal, self.box, among=own, integer=tries == 5)
                if x is not None and self._saw(x)[own].all():
                    break
            else:
                raise InputError(CLEAR)
            table[own], seen[own] = np.round(x[own]), True
        return table

    def _box(self) -> _Floats:
        """Return upper ends that leave room enough for a first look, and no infinity."""
        known = np.abs(self.right).max(initial=1.0) + np.abs(self.lo[np.isfinite(self.lo)]).max(
            initial=0.0
        )
        box: _Floats = np.minimum(self.hi, 10.0 * max(float(known), 10.0))
        return box

    def _open(self) -> _Bools:
        """Say which cells' ranges are not yet as wide as they must be."""
        if self.aim is None:
            return ~(self._ended(1.0) & self._ended(-1.0))
        return ~self.aim.met(self.least, self.most)

    def _ended(self, sign: float) -> _Bools:
        """Say where a known table already stands at the outermost bound."""
        slack = 1e-9 * self.unit
        if sign < 0:
            most: _Bools = self.most >= self.hi * self.unit - slack
            return most
        least: _Bools = self.least <= self.lo * self.unit + slack
        return least

    def _follow(self) -> None:
        """Follow ranges that are still open to their ends, one cell of every part at a time."""
        while True:
            open_, goal = self._open(), np.zeros(len(self.cells))
            chosen: list[tuple[int, float]] = []
            taken = np.zeros(int(self.label.max()) + 1, dtype=bool)
            for sign in (-1.0, 1.0):
                want = np.flatnonzero(open_ & ~self.closed[sign] & ~self._ended(sign))
                part, first = np.unique(self.label[want], return_index=True)
                for k, i in zip(part.tolist(), want[first].tolist(), strict=True):
                    if not taken[k]:
                        taken[k], goal[i] = True, sign
                        chosen.append((i, sign))
            if not chosen:
                return
            seen = np.zeros(len(goal), dtype=bool)
            if len(chosen) > 1:  # parts share no sum: the corner is the best one of each
                x, _ = self._program(goal, self.hi)
                seen = seen if x is None else self._saw(x)
            for i, sign in chosen:
                if not seen[i]:
                    self._end(i, sign)
                self.closed[sign][i] = True

    def _end(self, i: int, sign: float) -> None:
        """Find one end of a cell's range: the least with sign 1, the most with −1."""
        goal = np.zeros(len(self.cells))
        goal[i] = sign
        own = None if self.label.max() == 0 else np.flatnonzero(self.label == self.label[i])
        x, endless = self._program(goal, self.hi, among=own)
        if endless and sign < 0:
            self.most[i] = np.inf
        elif endless:
            self.least[i] = -np.inf
        elif x is None:
            self.exact[i] = False
        elif not self._saw(x)[i]:
            x, _ = self._program(goal, self.hi, among=own, integer=True)
            if x is None or not self._saw(x)[i]:
                self.exact[i] = False

    def _walk(self, table: _Floats, blocks: list[_Ints]) -> None:
        """Go from table to table, some blocks at a time, until every range is wide enough.

        Blocks tied together by sums over many of them are taken in groups: what a group adds to
        these sums stays as it is, and the cells outside stay as they are, so that every table
        found fits everything published. What is not shown so is left to :meth:`_follow`, which
        has the whole block's program.
        """
        of = np.empty(len(self.cells), dtype=np.int64)
        for k, cells in enumerate(blocks):
            of[cells] = k
        many = max(2, round(BATCH * len(blocks) / len(of)))
        before, idle = len(of) + 1, 0
        for _ in range(_ROUNDS):
            open_ = self._open()
            idle = idle + 1 if open_.sum() >= before else 0
            before = min(before, int(open_.sum()))
            if not before or idle == 4:
                break
            want = self.rng.permutation(np.unique(of[open_]))
            rest = self.rng.permutation(np.setdiff1d(np.arange(len(blocks)), want))
            half = many // 2
            for start in range(0, len(want), half):
                some = rest[start % max(len(rest), 1) :][: many - half]
                group = [blocks[k] for k in (*want[start : start + half], *some)]
                among = np.sort(np.concatenate(group))
                goal = self.rng.normal(size=len(of)) * np.where(open_, 1.0, 0.05)
                table = self._turn(goal, self._turn(-goal, table, among), among)
        for i in np.flatnonzero(self._open()).tolist():
            goal = np.zeros(len(of))
            goal[i] = 1.0
            others = self.rng.permutation(np.setdiff1d(np.arange(len(blocks)), of[i]))
            for size in (8, 64, 512):
                if self._open()[i]:
                    among = np.sort(np.concatenate([blocks[k] for k in (of[i], *others[:size])]))
                    table = self._turn(goal, self._turn(-goal, table, among), among)

    def _turn(self, goal: _Floats, table: _Floats, among: _Ints) -> _Floats:
        """Return a table that differs among some cells only, or the same."""
        x, _ = self._program(goal, self.box, among=among, table=table)
        if x is None or not self._saw(x).all():
            return table
        turned: _Floats = np.round(x)
        return turned


def _part_of(target: Target, cells: _Ints) -> Target:
    return Target(target.width[cells], target.high[cells], target.low[cells])


def _untied(part: csc_array, n: int) -> list[_Ints] | None:
    """Return the blocks that are left without sums over many cells; None where they are few."""
    rows = csr_array(part)
    short = np.diff(rows.indptr) <= _LONG
    if short.all() or n <= BATCH:
        return None
    loose = rows[short]
    k, of = connected_components(csr_array(abs(loose).T @ abs(loose)), directed=False)
    if k < _FEWEST:
        return None
    order = np.argsort(of, kind="stable")
    return np.split(order, np.cumsum(np.bincount(of, minlength=k))[:-1])
