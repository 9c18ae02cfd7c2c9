"""Moves: other tables that the published numbers allow, and how far each cell goes in them.

If ``x`` is the table and ``A d = 0`` with ``d`` zero on every published cell, then ``x + t d`` is
a table that an attacker cannot tell from ``x`` as long as it stays within what he knows. A pool
of such moves proves how wide the range of every hidden cell is at least.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csc_array, csr_array, hstack

from evaluation.data.disclosure.problem import Problem

__all__ = ["Move", "Pool"]

_Floats = npt.NDArray[np.float64]
_Bools = npt.NDArray[np.bool_]
_Ints = npt.NDArray[np.int64]
Move = tuple[_Ints, _Floats, _Floats]
_SMALL = 1e-7
# how many cells of a sum are looked at, and how far from the cell: near ones first
_RADII = ((6, 3), (25, 3), (0, 0))


@dataclass
class Pool:
    """The moves found so far, and how far each cell is known to go.

    Parameters
    ----------
    problem : Problem
        The cells and demands; its ``hidden`` is where the pool starts.

    ``steps`` are the moves as they were found; ``subsets``, where it is set, gives for a cell
    the sets of cells in which its moves are looked for, one after the other.
    """

    problem: Problem
    hidden: _Bools = field(init=False)
    width: _Floats = field(init=False)
    up: _Floats = field(init=False)
    down: _Floats = field(init=False)

    def __post_init__(self) -> None:
        p = self.problem
        self.hidden = p.hidden.copy()
        self.width = p.asked.width.copy()
        self.up, self.down = np.zeros(len(p.values)), np.zeros(len(p.values))
        self.moves: dict[int, Move] = {}
        self.of_cell: dict[int, set[int]] = {}
        self.steps: list[tuple[_Ints, _Floats]] = []
        self.subsets: Callable[[int], Iterator[_Ints]] | None = None
        self._next = 0
        self.matrix: csr_array = p.constraints.matrix
        self.columns: csc_array = csc_array(self.matrix)
        self.size = abs(self.matrix)
        self.size_t = csr_array(self.size.T)

    def hide(self, cells: _Ints) -> None:
        """Hide more cells; each is then asked its width."""
        new = cells[~self.hidden[cells]]
        self.hidden[new] = True
        self.width[new] = np.maximum(self.width[new], self.problem.width[new])

    def lacking(self, cell: int) -> bool:
        """Say whether a cell's demand is not yet shown to be met."""
        a = self.problem.asked
        slack = _SMALL * max(1.0, self.width[cell])
        return bool(
            self.up[cell] + self.down[cell] < self.width[cell] - slack
            or self.up[cell] < a.above[cell] - slack
            or self.down[cell] < a.below[cell] - slack
        )

    def unmet(self) -> _Ints:
        """Return the cells whose demand is not yet shown to be met."""
        a, slack = self.problem.asked, _SMALL * np.maximum(1.0, self.width)
        bad = self.up + self.down < self.width - slack
        bad |= (self.up < a.above - slack) | (self.down < a.below - slack)
        return np.flatnonzero(bad & self.hidden)

    def add(self, cells: _Ints, move: _Floats) -> None:
        """Take a move up, stretched both ways as far as the bounds allow."""
        if self.problem.whole:
            step = np.round(move)
            move = step / np.gcd.reduce(np.abs(step).astype(np.int64))
        self.steps.append((cells, move))
        forth, back = self.stretch(cells, move), self.stretch(cells, -move)
        reach_up = np.where(move > 0, move * forth, -move * back)
        reach_down = np.where(move > 0, move * back, -move * forth)
        self._keep(cells, reach_up, reach_down)

    def add_table(self, cells: _Ints, change: _Floats) -> None:
        """Take one other table up, by what changes: hidden cells only, in rising order."""
        self._keep(cells, np.maximum(change, 0.0), np.maximum(-change, 0.0))

    def _keep(self, cells: _Ints, reach_up: _Floats, reach_down: _Floats) -> None:
        k, self._next = self._next, self._next + 1
        self.moves[k] = (cells, reach_up, reach_down)
        for c in cells.tolist():
            self.of_cell.setdefault(c, set()).add(k)
        self.up[cells] = np.maximum(self.up[cells], reach_up)
        self.down[cells] = np.maximum(self.down[cells], reach_down)

    def stretch(self, cells: _Ints, move: _Floats) -> float:
        """Return how many times a move fits."""
        p = self.problem
        room = np.where(move > 0, p.high[cells] - p.values[cells], p.values[cells] - p.low[cells])
        times = float(np.min(room / np.abs(move)))
        if not np.isfinite(times):
            return 1e15
        return float(np.floor(times + 1e-9)) if p.whole else max(times, 0.0)

    def drop(self, cell: int) -> _Ints:
        """Publish a hidden cell again: its moves fall, and the cells they carried are returned."""
        self.hidden[cell] = False
        self.width[cell] = 0.0
        touched: set[int] = set()
        for k in self.of_cell.pop(cell, set()):
            cells, _, _ = self.moves.pop(k)
            for c in cells.tolist():
                if c != cell:
                    self.of_cell[c].discard(k)
                    touched.add(c)
        for c in touched:
            self.up[c] = self.down[c] = 0.0
            for k in self.of_cell[c]:
                cells, reach_up, reach_down = self.moves[k]
                i = int(np.searchsorted(cells, c))
                self.up[c] = max(self.up[c], reach_up[i])
                self.down[c] = max(self.down[c], reach_down[i])
        self.up[cell] = self.down[cell] = 0.0
        return np.array(sorted(touched), dtype=np.int64)

    def restore(self, cell: int, width: float, moves: list[Move]) -> None:
        """Hide a cell again after all, with the moves it carried."""
        self.hidden[cell] = True
        self.width[cell] = width
        for move in moves:
            self._keep(*move)

    def satisfy(self, cell: int, *, open_cells: bool) -> _Ints | None:
        """Find moves that meet a cell's demand, hiding cells where allowed.

        Returns the cells that they use, or None where there are none.
        """
        used: list[_Ints] = []
        for amount in self.attempts(cell):
            move = self._search(cell, amount, open_cells)
            if move is not None:
                self.hide(move)
                used.append(move)
        if self.lacking(cell):
            return None
        return np.unique(np.concatenate(used)) if used else np.empty(0, np.int64)

    def attempts(self, cell: int) -> Iterator[float]:
        """Give the amounts by which a cell is to move, one after the other while it lacks."""
        w = self.width[cell]
        above = max(self.problem.asked.above[cell], 0.0)
        room = self.problem.values[cell] - self.problem.low[cell]
        first_up = above > 0 or room < w
        amounts: list[float]
        if first_up:
            # all the way up; else down as far as it goes and the rest up
            amounts = [max(w, above), -min(room, w), max(above, w - min(room, w))]
        else:
            amounts = [-w, w]
        below = self.problem.asked.below[cell]
        if below > 0:
            amounts = [above, -below, *amounts]
        for amount in amounts:
            if amount != 0 and self.lacking(cell):
                yield amount
        # where cells around are public, the room may lie on both sides: part up, the rest down
        for up in range(int(w) - 1, 0, -1) if self.problem.whole else ():
            for amount in (float(up), float(up - w)):
                if self.lacking(cell) and (amount < 0 or amount >= above):
                    yield amount

    def _search(self, cell: int, amount: float, open_cells: bool) -> _Ints | None:
        if self.subsets is not None:
            return self._search_blocks(cell, amount, open_cells)
        # to publish a cell again is not worth a search through the whole table
        for per_row, rounds in _RADII if open_cells else _RADII[:2]:
            near, everything = self._neighbourhood(cell, open_cells, per_row, rounds)
            found = self.solve(cell, amount, near)
            if found is not None:
                cells, move = found
                self.add(cells, move)
                return cells
            if everything:
                return None
        return None

    def _search_blocks(self, cell: int, amount: float, open_cells: bool) -> _Ints | None:
        """Search the cell's own block with more and more others."""
        usable = ~self.problem.fixed | self.hidden if open_cells else self.hidden
        assert self.subsets is not None
        for near in self.subsets(cell):
            found = self.solve(cell, amount, near[usable[near]])
            if found is not None:
                self.add(*found)
                return found[0]
        return None

    def _neighbourhood(
        self, cell: int, open_cells: bool, per_row: int, rounds: int
    ) -> tuple[_Ints, bool]:
        """Return a set of cells around one that closes many cycles, and whether it is all."""
        usable = ~self.problem.fixed if open_cells else self.hidden
        if per_row == 0:
            return np.flatnonzero(usable | self.hidden), True
        price = np.where(self.hidden, 0.0, self.problem.cost)
        chosen = np.zeros(len(usable))
        chosen[cell] = 1
        rows = self.columns.indices[self.columns.indptr[cell] : self.columns.indptr[cell + 1]]
        for r in rows:
            members = self.matrix.indices[self.matrix.indptr[r] : self.matrix.indptr[r + 1]]
            members = members[usable[members]]
            if len(members) > per_row:
                members = members[np.argpartition(price[members], per_row)[:per_row]]
            chosen[members] = 1
        for _ in range(rounds):
            touched = (self.size @ chosen > 0).astype(float)
            corners = (self.size_t @ touched >= 2) & usable
            chosen[corners] = 1
            if chosen.sum() > 1500:
                break
        near = np.flatnonzero(chosen)
        return near, len(near) == int((usable | self.hidden).sum())

    def solve(self, cell: int, amount: float, near: _Ints) -> tuple[_Ints, _Floats] | None:
        """Return the cheapest move that takes a cell by an amount, or None."""
        for whole in (False, True) if self.problem.whole else (False,):
            near, move = self.corner({cell: amount}, near, whole=whole)
            if move is None:
                return None
            if not self.problem.whole:
                there = np.abs(move) > 1e-6
                return near[there], move[there] * abs(amount)
            if np.abs(move - np.round(move)).max() < 1e-6:
                there = np.round(move) != 0
                return near[there], np.round(move[there])
        return None

    def corner(
        self, wishes: Mapping[int, float], near: _Ints, *, whole: bool = False
    ) -> tuple[_Ints, _Floats | None]:
        """Return the cells that can move and the cheapest move that meets all wishes, or None.

        Parameters
        ----------
        wishes : mapping of int to float
            By how much which cells are to move; a single one where cells are amounts, and the
            move is then in its unit.
        near : numpy.ndarray
            The cells that may move.
        whole : bool
            Whether to solve the integer program.
        """
        p = self.problem
        cells, amounts = np.array([*wishes]), np.array([*wishes.values()])
        near = self._trimmed(near)
        at = np.searchsorted(near, cells)
        if (at == len(near)).any() or (near[at] != cells).any():
            return near, None
        part = csc_array(self.columns[:, near])
        rows = np.unique(part.indices)
        part = csc_array(csr_array(part)[rows])
        room_up, room_down = p.high[near] - p.values[near], p.values[near] - p.low[near]
        if (amounts > room_up[at]).any() or (-amounts > room_down[at]).any():
            return near, None
        room_up[at], room_down[at] = np.maximum(amounts, 0), np.maximum(-amounts, 0)
        least = np.zeros(2 * len(near))
        least[np.where(amounts > 0, at, len(near) + at)] = np.abs(amounts)
        price = np.where(self.hidden[near], 1e-3, p.cost[near])
        scale = 1.0 if p.whole else float(np.abs(amounts[0]))
        answer = milp(
            np.concatenate([price, price]),
            constraints=LinearConstraint(csc_array(hstack([part, -part])), 0, 0),
            bounds=Bounds(least / scale, np.concatenate([room_up, room_down]) / scale),
            integrality=np.full(2 * len(near), int(whole)),
            options={"time_limit": 20.0} if whole else {},
        )
        if answer.x is None:
            return near, None
        return near, answer.x[: len(near)] - answer.x[len(near) :]

    def _trimmed(self, near: _Ints) -> _Ints:
        """Leave out cells that stand alone in one of their sums: they cannot move."""
        while len(near):
            part = self.columns[:, near]
            counts = np.bincount(part.indices, minlength=self.matrix.shape[0])
            alone = counts[part.indices] == 1
            if not alone.any():
                break
            of = np.repeat(np.arange(len(near)), np.diff(part.indptr))
            keep = np.ones(len(near), dtype=bool)
            keep[of[alone]] = False
            near = near[keep]
        return near
