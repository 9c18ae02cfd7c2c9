"""Moves of many small blocks in one program: blocks that share no sum do not disturb each other."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from evaluation.data.disclosure.moves import Pool
from evaluation.data.disclosure.programs import BATCH
from evaluation.data.disclosure.ties import Blocks

__all__ = ["meet_together"]

_Ints = npt.NDArray[np.int64]
_Wish = tuple[int, int, float]
_SMALL = 60
"""Cells of a block that is looked at whole."""


def meet_together(pool: Pool, blocks: Blocks) -> set[int]:
    """Meet the demands of all small blocks of counts, one cell of every block at a time.

    The cheapest move of a program over several blocks is the cheapest of each, so that one
    program does what one for each did.

    Parameters
    ----------
    pool : Pool
        Of a problem whose blocks share no sum.
    blocks : Blocks
        Its blocks.

    Returns
    -------
    set of int
        The cells whose demand cannot be met. Larger blocks are left as they are.
    """
    hopeless: set[int] = set()
    if not pool.problem.whole:
        return hopeless
    wishes = {}
    for k in np.unique(blocks.of[pool.unmet()]).tolist():
        if len(blocks.cells[k]) <= _SMALL:
            wishes[k] = _wishes(pool, blocks.cells[k], hopeless)
    while wishes:
        asked: list[_Wish] = []
        for k, own in list(wishes.items()):
            wish = next(own, None)
            if wish is None:
                del wishes[k]
            else:
                asked.append((k, *wish))
        for group in _groups(asked, blocks):
            _grant(pool, group, blocks)
    return hopeless


def _wishes(pool: Pool, block: _Ints, hopeless: set[int]) -> Iterator[tuple[int, float]]:
    """Give the cells of a block that lack and by how much each is to move, one by one."""
    while True:
        todo = [
            c for c in block.tolist() if pool.hidden[c] and c not in hopeless and pool.lacking(c)
        ]
        if not todo:
            return
        for cell in todo:
            for amount in pool.attempts(cell):
                yield cell, amount
            if pool.lacking(cell):
                hopeless.add(cell)


def _groups(asked: list[_Wish], blocks: Blocks) -> Iterator[list[_Wish]]:
    group: list[_Wish] = []
    size = 0
    for wish in asked:
        own = len(blocks.cells[wish[0]])
        if group and size + own > BATCH:
            yield group
            group, size = [], 0
        group.append(wish)
        size += own
    if group:
        yield group


def _grant(pool: Pool, group: list[_Wish], blocks: Blocks) -> None:
    """Find the moves of a group and take them up; halve it where one of them cannot be."""
    near = np.sort(np.concatenate([blocks.cells[k] for k, _, _ in group]))
    if len(group) == 1:
        found = pool.solve(group[0][1], group[0][2], near)
        if found is not None:
            pool.add(*found)
            pool.hide(found[0])
        return
    cells, move = pool.corner({cell: amount for _, cell, amount in group}, near)
    if move is None:
        half = len(group) // 2
        _grant(pool, group[:half], blocks)
        _grant(pool, group[half:], blocks)
        return
    step = np.round(move)
    of = blocks.of[cells]
    broken = set(of[np.abs(move - step) > 1e-6].tolist())
    for wish in group:
        if wish[0] in broken:
            _grant(pool, [wish], blocks)
            continue
        there = (of == wish[0]) & (step != 0)
        pool.add(cells[there], step[there])
        pool.hide(cells[there])
