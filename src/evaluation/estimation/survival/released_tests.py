"""Tests of groups from a released life table: they say no more than it does.

A statistic by month that is printed in full pins the months behind a step: of all ways to spread a
few moves over three months one fits. From the released steps anybody can compute the statistic.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from evaluation.errors import InputError
from evaluation.estimation.survival.group_tests import GroupTest, gray, logrank
from evaluation.estimation.survival.life_table import LifeTable, life_table
from evaluation.estimation.survival.released import ReleasedLifeTable

__all__ = ["released_gray", "released_logrank", "released_steps"]


def released_steps(life: ReleasedLifeTable, kind: str = "") -> LifeTable:
    """Return a released life table as a life table whose months are its steps.

    Parameters
    ----------
    life : ReleasedLifeTable
        Every number of leaving, at risk and lost must be published.
    kind : str
        A kind of leaving, set beside ``other``; any kind, as ``left``, without it.

    Returns
    -------
    LifeTable
        By ``group``. All who are lost in a step are at risk in the whole of it.

    Raises
    ------
    InputError
        If a number of it is hidden, or there is no such kind.
    """
    if kind and kind not in life.kinds:
        raise InputError(f"{kind!r} is none of {', '.join(life.kinds)}", field="kind")
    if not life.whole or (kind and not life.shown(kind).all()):
        raise InputError("numbers of the released life table are hidden", field=kind or "left")

    def whole(measure: str) -> np.ndarray:
        return life.counts(measure).astype(np.int64)

    at_risk, left, censored = whole("at_risk"), whole("left"), whole("censored")
    # whoever is there after the last step is not followed further
    censored[:, -1] = at_risk[:, -1] - left[:, -1]
    events = {kind: whole(kind), "other": left - whole(kind)} if kind else {"left": left}
    numbers = {"at_risk": at_risk, "censored": censored, "entered": whole("entered")} | events
    groups, steps = left.shape
    columns = {
        "group": np.repeat(np.array(life.groups, dtype=object), steps),
        "month": np.tile(np.arange(1, steps + 1), groups),
        **{k: v.ravel() for k, v in numbers.items()},
    }
    return life_table(pd.DataFrame(columns), kinds=tuple(events))


def released_logrank(life: ReleasedLifeTable) -> GroupTest:
    """Test that groups leave at the same rate, from the released steps and nothing else.

    Parameters
    ----------
    life : ReleasedLifeTable
        With two groups at least.

    Returns
    -------
    GroupTest
        With all digits: whoever has the released table can compute it.

    Raises
    ------
    InputError
        As :func:`released_steps` and
        :func:`~evaluation.estimation.survival.group_tests.logrank`.
    """
    return _named(logrank(released_steps(life), "group"), life)


def released_gray(life: ReleasedLifeTable, kind: str) -> GroupTest:
    """Test that groups have the same incidence of a kind, from the released steps alone.

    Parameters
    ----------
    life : ReleasedLifeTable
        With two groups at least.
    kind : str
        The kind of leaving.

    Returns
    -------
    GroupTest
        As :func:`released_logrank`.

    Raises
    ------
    InputError
        As :func:`released_steps` and :func:`~evaluation.estimation.survival.group_tests.gray`.
    """
    return _named(gray(released_steps(life, kind), "group", kind), life)


def _named(test: GroupTest, life: ReleasedLifeTable) -> GroupTest:
    notes = test.notes
    if life.width > 1:
        notes = (*notes, f"computed in steps of {life.width} months")
    return replace(test, by=life.by, data_hash=life.hash, notes=notes)
