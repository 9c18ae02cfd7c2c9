"""Sums over many independent blocks: what one block changes, another takes back.

A sum over a whole country ties thousands of small blocks (a municipality and year) together that
have nothing else in common. No program over all of them is needed: moves are found block by block
as if the sum were not known, and two moves of two blocks that change it by opposite amounts are
one move that leaves it as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
from scipy.sparse import csc_array, csr_array
from scipy.sparse.csgraph import connected_components

from evaluation.data.disclosure.constraints import Constraints
from evaluation.data.disclosure.moves import Pool
from evaluation.data.disclosure.problem import Problem

__all__ = ["Blocks", "blocks_of", "offset", "subsets_of", "without_ties"]

_Floats = npt.NDArray[np.float64]
_Ints = npt.NDArray[np.int64]
_FEWEST = 8
# how many other blocks are looked at beside a cell's own
_OTHERS = (4, 32, 256)


def without_ties(problem: Problem) -> Problem:
    """Return the problem without the sums that tie its blocks together."""
    c, keep = problem.constraints, ~problem.ties
    names = tuple(name for name, k in zip(c.rows, keep, strict=True) if k)
    free = np.zeros(int(keep.sum()), dtype=bool)
    return replace(problem, constraints=Constraints(csr_array(c.matrix[keep]), names), ties=free)


@dataclass(frozen=True)
class Blocks:
    """The blocks into which cells fall without the sums that tie them.

    Parameters
    ----------
    of : numpy.ndarray
        Shape (cells,): the block of each cell, −1 for one that cannot be hidden.
    cells : list of numpy.ndarray
        The cells of each block.
    """

    of: _Ints = field(repr=False)
    cells: list[_Ints] = field(repr=False)


def blocks_of(problem: Problem) -> Blocks | None:
    """Return the blocks of a problem, its ties set aside; None where they are few."""
    usable = np.flatnonzero(~problem.fixed | problem.hidden)
    part = csr_array(csc_array(problem.constraints.matrix)[:, usable])[~problem.ties]
    near = csr_array(abs(part).T @ abs(part))
    n, label = connected_components(near, directed=False)
    if n < _FEWEST:
        return None
    of = np.full(len(problem.values), -1, dtype=np.int64)
    of[usable] = label
    order = np.argsort(label, kind="stable")
    return Blocks(of, np.split(usable[order], np.cumsum(np.bincount(label, minlength=n))[:-1]))


@dataclass(frozen=True)
class _Step:
    """A move of one block and how many times it fits both ways."""

    block: int
    cells: _Ints
    move: _Floats
    forth: float
    back: float


def offset(pool: Pool, loose: Pool, blocks: Blocks) -> None:
    r"""Give the pool every move of the loose one that others can take back.

    With :math:`S` the sums that tie the blocks, moves :math:`d_b` of blocks :math:`b` with the
    same :math:`S d_b = v` (up to sign) and :math:`t_b` times for which they fit,

    .. math:: x + t\, d_b - \sum_{c \ne b} t_c d_c, \qquad \sum_c t_c = t,\; 0 \le t_c \le \bar t_c

    is a table with the same sums: the blocks share no cell and no other sum.

    Parameters
    ----------
    pool : Pool
        Of the problem with its ties; it gets the moves.
    loose : Pool
        Of the same problem without, its demands met.
    blocks : Blocks
        The blocks.
    """
    ties = csc_array(pool.matrix[pool.problem.ties])
    alike: dict[bytes, list[_Step]] = {}
    for cells, move in loose.steps:
        where = np.unique(blocks.of[cells])
        if len(where) > 1:
            continue
        change = np.asarray(ties[:, cells] @ move)
        there = np.flatnonzero(change)
        if len(there) and change[there[0]] < 0:
            change, move = -change, -move
        step = _Step(
            int(where[0]), cells, move, loose.stretch(cells, move), loose.stretch(cells, -move)
        )
        alike.setdefault(np.round(change).astype(np.int64).tobytes(), []).append(step)
    none = np.zeros(ties.shape[0], dtype=np.int64).tobytes()
    for key, steps in alike.items():
        for way in (1.0, -1.0):
            _pair(pool, steps, way, needed=key != none)


def _pair(pool: Pool, steps: list[_Step], way: float, *, needed: bool) -> None:
    """Add each step, one way, with the roomiest steps of other blocks the other way."""
    roomy = sorted(steps, key=lambda s: -(s.back if way > 0 else s.forth))
    for step in steps:
        fits = step.forth if way > 0 else step.back
        asked = max(pool.width[step.cells].max(), pool.problem.asked.above[step.cells].max())
        times = min(fits, float(np.ceil(asked / np.abs(step.move).min())))
        if times < 1:
            continue
        parts, left, used = [(step.cells, way * times * step.move)], times, {step.block}
        for other in roomy if needed else ():
            room = min(left, other.back if way > 0 else other.forth)
            if room < 1:
                break
            if other.block not in used:
                used.add(other.block)
                parts.append((other.cells, -way * room * other.move))
                left -= room
            if left < 1:
                break
        if needed and left >= 1:
            if left == times:
                continue
            parts[0] = (step.cells, way * (times - left) * step.move)
        cells = np.concatenate([c for c, _ in parts])
        order = np.argsort(cells)
        pool.add_table(cells[order], np.concatenate([m for _, m in parts])[order])


def subsets_of(loose: Pool, blocks: Blocks) -> Callable[[int], Iterator[_Ints]]:
    """Return for a cell the cells of its own block with those of more and more others.

    Blocks that move already come first, the roomiest of them before the others. The last set has
    256 others at most: what they do not make possible is refused.
    """
    room = np.zeros(len(blocks.cells))
    inside = blocks.of >= 0
    np.maximum.at(room, blocks.of[inside], np.minimum(loose.up, loose.down)[inside])
    order = np.argsort(-np.minimum(room, 100.0), kind="stable")

    def subsets(cell: int) -> Iterator[_Ints]:
        own = int(blocks.of[cell])
        others = order[order != own]
        for many in _OTHERS:
            chosen = [own, *others[:many].tolist()]
            yield np.sort(np.concatenate([blocks.cells[b] for b in chosen]))
            if many >= len(others):
                return

    return subsets
