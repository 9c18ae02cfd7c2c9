"""Tests of groups from a released life table: they say no more than it does.

A statistic by month that is printed in full pins the months behind a step: of all ways to spread a
few moves over three months one fits. From the released steps anybody can compute the statistic.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from evaluation.errors import InputError
from evaluation.estimation.survival.group_tests import GroupTest, Strata, gray_of, logrank_of
from evaluation.estimation.survival.released import ReleasedLifeTable

__all__ = ["released_gray", "released_logrank"]


def released_logrank(life: ReleasedLifeTable) -> GroupTest:
    """Test that groups leave at the same rate, from the released steps and nothing else.

    The numbers at risk are the actuarial ones of the curves: groups that are censored unlike
    (the exposed came later) would else differ by that alone.

    Parameters
    ----------
    life : ReleasedLifeTable
        With two groups at least; every number of leaving, at risk and lost must be published.

    Returns
    -------
    GroupTest
        With all digits: whoever has the released table can compute it.

    Raises
    ------
    InputError
        If a number is hidden, there is one group only, or nobody left.
    """
    return _named(logrank_of(_counts(life)), life)


def released_gray(life: ReleasedLifeTable, kind: str) -> GroupTest:
    """Test that groups have the same incidence of a kind, from the released steps alone.

    Parameters
    ----------
    life : ReleasedLifeTable
        As for :func:`released_logrank`; the kind's numbers must be published, too.
    kind : str
        The kind of leaving.

    Returns
    -------
    GroupTest
        As :func:`released_logrank`.

    Raises
    ------
    InputError
        As :func:`released_logrank`, or if there is no such kind.
    """
    if kind not in life.kinds:
        raise InputError(f"{kind!r} is none of {', '.join(life.kinds)}", field="kind")
    return _named(gray_of(_counts(life, kind), kind, 0), life)


def _counts(life: ReleasedLifeTable, kind: str = "") -> Strata:
    """Return actuarial numbers at risk, and who left: of the kind and otherwise, or at all."""
    if len(life.groups) < 2:
        raise InputError(
            f"the only group is {life.groups[0]}; a test needs two",
            field=life.by[0] if life.by else "by",
        )
    if not life.whole or (kind and not life.shown(kind).all()):
        raise InputError("numbers of the released life table are hidden", field=kind or "left")
    y, there = life.exposed()
    left = life.counts("left")
    parts = [life.counts(kind), left - life.counts(kind)] if kind else [left]
    events = np.where(there[:, :, None], np.stack(parts, axis=2), 0.0)
    persons = life.total("entered") or 0
    at_risk = np.where(there, y, 0.0)
    return Strata(life.by, (), life.groups, at_risk[None], events[None], persons, life.hash)


def _named(test: GroupTest, life: ReleasedLifeTable) -> GroupTest:
    if life.width == 1:
        return test
    return replace(test, method=f"{test.method}, actuarial in steps of {life.width} months")
