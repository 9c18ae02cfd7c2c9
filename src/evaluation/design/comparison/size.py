"""Matched sets of donors that are alike in size."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from evaluation.errors import InputError

__all__ = ["choose_in_rounds", "matched_sets", "nearest_in_size"]


def _by_distance(treated: Sequence[str], donors: Sequence[str], size: pd.Series) -> np.ndarray:
    """Order the donors by distance in log size to each treated unit, shape (treated, donors)."""
    known = size.reindex([*treated, *donors])
    if known.isna().any() or (known <= 0).any():
        who = known.index[known.isna() | (known <= 0)][0]
        raise InputError(f"unit {who} has no size above zero", field=str(size.name))
    log = known.astype(float).map(np.log)
    distance = np.abs(
        log[list(donors)].to_numpy()[None, :] - log[list(treated)].to_numpy()[:, None]
    )
    # ties are broken by the donors' order, so the result does not depend on sort internals
    order: np.ndarray = np.argsort(distance, axis=1, kind="stable")
    return order


def choose_in_rounds(order: np.ndarray, per_treated: int, usable: np.ndarray) -> list[list[int]]:
    """Let treated units choose donors in rounds, one each per round, each donor once.

    Parameters
    ----------
    order : numpy.ndarray
        Shape (treated, donors): each treated unit's donors, nearest first.
    per_treated : int
        Rounds.
    usable : numpy.ndarray of bool
        Shape (treated, donors), by donor: whether the treated unit may have it.

    Returns
    -------
    list of list of int
        Donors by treated unit, nearest first; fewer than ``per_treated`` where none is left.

    Examples
    --------
    >>> order = np.array([[0, 1, 2], [0, 2, 1]])
    >>> choose_in_rounds(order, 2, np.ones((2, 3), dtype=bool))
    [[0, 1], [2]]
    """
    taken = np.zeros(order.shape[1], dtype=bool)
    chosen: list[list[int]] = [[] for _ in order]
    for _ in range(per_treated):
        for i, mine in enumerate(chosen):
            nearest = next((int(j) for j in order[i] if usable[i, j] and not taken[j]), None)
            if nearest is not None:
                taken[nearest] = True
                mine.append(nearest)
    return chosen


def nearest_in_size(
    treated: Sequence[str], donors: Sequence[str], size: pd.Series, per_treated: int
) -> list[str]:
    """Return the donors that are among the nearest in size to some treated unit.

    A comparison group of similar size: a donor may be near several treated units, so the
    group stays similar also where the treated are alike.

    Parameters
    ----------
    treated, donors : sequence of str
        Unit codes; no unit may be in both.
    size : pandas.Series
        Positive size by unit code.
    per_treated : int
        How many of the nearest, by absolute difference in log size.

    Returns
    -------
    list of str
        Codes in the donors' order, at least ``per_treated`` of them if there are as many.

    Raises
    ------
    InputError
        If a size is missing or not positive.

    Examples
    --------
    >>> size = pd.Series({"a": 10, "b": 11, "c": 100, "d": 90, "e": 9})
    >>> nearest_in_size(["a"], ["b", "d", "e"], size, 2)
    ['b', 'e']
    """
    near = np.unique(_by_distance(treated, donors, size)[:, :per_treated])
    return [donors[int(j)] for j in near]


def matched_sets(
    treated: Sequence[str], donors: Sequence[str], size: pd.Series, per_treated: int
) -> list[list[str]]:
    """Give every treated unit the donors nearest to it in size, each donor once.

    Treated units choose in rounds, in the order given, so that overlapping
    neighbourhoods are shared fairly. Distance is the absolute difference in log size:
    a share's sampling variance falls with size, and exchangeability within a set is
    what the randomisation test rests on.

    Parameters
    ----------
    treated, donors : sequence of str
        Unit codes; no unit may be in both.
    size : pandas.Series
        Positive size by unit code.
    per_treated : int
        Donors per treated unit.

    Returns
    -------
    list of list of str
        One list per treated unit: the unit itself first, then its donors, nearest
        first. The lists are disjoint.

    Raises
    ------
    InputError
        If there are too few donors, or a size is missing or not positive.

    Examples
    --------
    >>> size = pd.Series({"a": 10, "b": 11, "c": 100, "d": 90, "e": 9})
    >>> matched_sets(["a", "c"], ["b", "d", "e"], size, 1)
    [['a', 'b'], ['c', 'd']]
    """
    need = per_treated * len(treated)
    if need > len(donors):
        raise InputError(
            f"{len(treated)} treated units with {per_treated} donors each need {need} donors; "
            f"there are {len(donors)}",
            field="donors_per_treated",
        )
    order = _by_distance(treated, donors, size)
    chosen = choose_in_rounds(order, per_treated, np.ones(order.shape, dtype=bool))
    return [[t, *(donors[j] for j in js)] for t, js in zip(treated, chosen, strict=True)]
