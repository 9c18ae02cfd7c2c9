"""How far units lie from each other: borders to cross, or kilometres on a map."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from evaluation.errors import InputError

__all__ = ["coordinate_distances", "neighbour_distances"]


def neighbour_distances(neighbours: Mapping[str, Sequence[str]]) -> pd.DataFrame:
    """Count the borders between any two units.

    Parameters
    ----------
    neighbours : mapping of str to sequence of str
        Every unit with the units it borders on; bordering goes both ways.

    Returns
    -------
    pandas.DataFrame
        Shape (units, units): 1 for neighbours, 2 for neighbours' neighbours, infinite where no
        way leads.

    Raises
    ------
    InputError
        If a neighbour is not itself a unit, or a border is told by one side only.

    Examples
    --------
    >>> d = neighbour_distances({"a": ["b"], "b": ["a", "c"], "c": ["b"]})
    >>> float(d.loc["a", "c"])
    2.0
    """
    units = list(neighbours)
    place = {u: i for i, u in enumerate(units)}
    for unit, others in neighbours.items():
        for other in others:
            if other not in place:
                raise InputError(f"unit {other} borders on {unit} but is not listed itself")
            if unit not in neighbours[other]:
                raise InputError(f"{unit} borders on {other}, but {other} not on {unit}")
    n = len(units)
    out = np.full((n, n), np.inf)
    for i in range(n):
        out[i, i] = 0.0
        frontier, steps = [i], 0
        while frontier:
            steps += 1
            reached = {place[o] for j in frontier for o in neighbours[units[j]]}
            frontier = [j for j in reached if out[i, j] == np.inf]
            out[i, frontier] = steps
    return pd.DataFrame(out, index=units, columns=units)


def coordinate_distances(points: pd.DataFrame) -> pd.DataFrame:
    """Measure straight lines between points of a projected map, such as SWEREF 99 TM.

    Parameters
    ----------
    points : pandas.DataFrame
        Index of units, two columns of coordinates in the same unit of length.

    Returns
    -------
    pandas.DataFrame
        Shape (units, units), in that unit.

    Raises
    ------
    InputError
        If there are not two columns, or a coordinate is not finite.
    """
    xy = points.to_numpy(dtype=float)
    if xy.ndim != 2 or xy.shape[1] != 2 or not np.isfinite(xy).all():
        raise InputError("two finite coordinates per unit are needed", field="points")
    out = np.sqrt(((xy[:, None, :] - xy[None, :, :]) ** 2).sum(axis=2))
    return pd.DataFrame(out, index=points.index, columns=points.index)
