"""Comparison groups: matched sets of donors."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from evaluation.errors import InputError

__all__ = ["matched_sets"]


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
    everyone = [*treated, *donors]
    known = size.reindex(everyone)
    if known.isna().any() or (known <= 0).any():
        who = known.index[known.isna() | (known <= 0)][0]
        raise InputError(f"unit {who} has no size above zero", field=str(size.name))
    log = known.astype(float).map(np.log)
    distance = np.abs(
        log[list(donors)].to_numpy()[None, :] - log[list(treated)].to_numpy()[:, None]
    )
    # ties are broken by the donors' order, so the result does not depend on sort internals
    order = np.argsort(distance, axis=1, kind="stable")
    taken = np.zeros(len(donors), dtype=bool)
    sets: list[list[str]] = [[t] for t in treated]
    for _ in range(per_treated):
        for i, chosen in enumerate(sets):
            nearest = next(int(j) for j in order[i] if not taken[j])
            taken[nearest] = True
            chosen.append(donors[nearest])
    return sets
