"""Secondary suppression: the cells hidden so that sums do not give the primary ones away."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from evaluation.data.disclosure.attack import attack
from evaluation.data.disclosure.moves import Pool
from evaluation.data.disclosure.problem import Problem
from evaluation.data.disclosure.ties import blocks_of, offset, subsets_of, without_ties
from evaluation.data.disclosure.together import meet_together

__all__ = ["suppress"]

_Bools = npt.NDArray[np.bool_]
_MANY = 100
"""How many cells are searched one by one before an attack says which of them need it."""


def suppress(problem: Problem, *, free: bool = True) -> tuple[_Bools, list[int]]:
    """Hide cells until every demand is met, then publish those that were not needed.

    For each cell whose demand is not yet met the cheapest move is sought that takes it far
    enough; the cells that the move passes through are hidden (Kelly, Golden & Assad 1992,
    Networks 22; Castro 2012, European Journal of Operational Research 216, section 4). A move
    protects every cell on its way, so most cells need none of their own.

    Parameters
    ----------
    problem : Problem
        Cells, sums, demands.
    free : bool
        Whether hidden cells are tried one by one and published where nothing needs them.

    Returns
    -------
    tuple
        Which cells are hidden, shape (cells,), and those whose demand cannot be met.
    """
    pool, blocks = Pool(problem), blocks_of(problem)
    hopeless: set[int] = set()
    proved: set[int] = set()
    if blocks is not None and problem.ties.any():
        loose = Pool(without_ties(problem))
        hopeless = _meet(loose, meet_together(loose, blocks))
        failed = _really(loose.problem.with_hidden(loose.hidden), hopeless)
        if failed:  # what a block cannot do alone, no sum besides makes possible
            return loose.hidden, failed
        pool.hide(np.flatnonzero(loose.hidden))
        offset(pool, loose, blocks)
        pool.subsets = subsets_of(loose, blocks)
        needy = set(pool.unmet().tolist())
        if len(needy) > _MANY:
            # most of them are not pinned, and one attack costs less than as many searches
            pinned = set(_really(problem.with_hidden(pool.hidden), needy))
            proved = needy - pinned
    elif blocks is not None:
        hopeless = meet_together(pool, blocks)
    hopeless = _meet(pool, hopeless | proved) - proved
    if free and not hopeless:
        _free(pool)
    return pool.hidden, _really(problem.with_hidden(pool.hidden), hopeless)


def _really(problem: Problem, hopeless: set[int]) -> list[int]:
    """Return the cells without a proof that an attack does pin too narrowly.

    A pool of moves found one by one proves less than is true where little can be hidden any more.
    """
    if not hopeless:
        return []
    found = attack(
        problem.published(),
        problem.constraints,
        low=problem.low,
        high=problem.high,
        whole=problem.whole,
        target=problem.target(),
    )
    met = problem.target().met(found.low, found.high)
    return [c for c in sorted(hopeless) if not met[c]]


def _meet(pool: Pool, hopeless: Iterable[int] = ()) -> set[int]:
    """Hide cells until every demand is met; return the cells whose demand cannot be."""
    hopeless = set(hopeless)
    while True:
        todo = [c for c in pool.unmet().tolist() if c not in hopeless]
        if not todo:
            return hopeless
        for cell in todo:
            if pool.lacking(cell) and pool.satisfy(cell, open_cells=True) is None:
                hopeless.add(cell)


def _free(pool: Pool) -> None:
    """Publish again, the dearest first, what no demand needs."""
    problem = pool.problem
    secondary = np.flatnonzero(pool.hidden & ~problem.hidden)
    for cell in secondary[np.argsort(-problem.cost[secondary], kind="stable")].tolist():
        kept = [pool.moves[k] for k in sorted(pool.of_cell.get(cell, set()))]
        width = pool.width[cell]
        touched = pool.drop(cell)
        needy = [c for c in touched.tolist() if pool.hidden[c] and pool.lacking(c)]
        if all(not pool.lacking(c) or pool.satisfy(c, open_cells=False) is not None for c in needy):
            continue
        pool.restore(cell, width, kept)
