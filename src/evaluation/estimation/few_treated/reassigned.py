r"""Randomisation inference for a comparison that is chosen anew in every assignment.

A matched or weighted estimate picks its controls from the data, so a test that takes them
as given leaves the picking out. Here every assignment of the mechanism goes through the
whole procedure: its pretended treated units get matches or weights of their own, among all
who are not treated in it. The estimate is

.. math:: T_\pi = \sum_s \lambda_s \Bigl( d_{\pi(s)}(g_s) - \sum_c w^\pi_{sc} d_c(g_s) \Bigr)

and, the covariates being from before the first start, an effect δ that is taken out moves it
by a known amount, so that the interval has the closed form of
:mod:`evaluation.estimation.few_treated.permutation`. An assignment for which the procedure
finds no comparison (no match, no weights) counts as at least as extreme as the real one.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import numpy as np
import numpy.typing as npt

from evaluation.estimation.few_treated.balancing import balancing_weights
from evaluation.estimation.few_treated.contrasts import Contrasts

__all__ = ["Balanced", "Chooser", "Nearest", "NotYet", "reassigned"]

_Array = npt.NDArray[np.float64]
_Picks = npt.NDArray[np.intp]
CHUNK = 500
"""Assignments at a time."""


class Chooser(Protocol):
    """A way to compare the treated of an assignment."""

    def comparison(self, c: Contrasts, picks: _Picks) -> tuple[_Array, _Array]:
        """Return the comparison's mean contrast, and how it moves with an effect.

        Parameters
        ----------
        c : Contrasts
            Slots, ``d`` and ``b``.
        picks : numpy.ndarray
            Shape (draws, slots): unit columns.

        Returns
        -------
        tuple of numpy.ndarray
            Both of shape (draws, slots), NaN where there is nobody to compare with.
        """
        ...


class Nearest:
    """The nearest units that are not treated in the assignment.

    Parameters
    ----------
    distance : numpy.ndarray
        Shape (units, units), in the contrasts' order; infinite where two may not match.
    matches : int
        How many; fewer where no more may match.
    replacement : bool
        Whether a unit may match several treated; otherwise slots choose in rounds, in order.

    Notes
    -----
    Ties go to the unit that comes first.
    """

    def __init__(self, distance: _Array, matches: int, *, replacement: bool = True) -> None:
        self._order = np.argsort(distance, axis=1, kind="stable")
        self._usable = np.isfinite(np.take_along_axis(distance, self._order, axis=1))
        self._matches = matches
        self._replacement = replacement

    def chosen(self, picks: _Picks) -> tuple[_Picks, npt.NDArray[np.bool_]]:
        """Return each slot's matches, shape (draws, slots, matches), and which of them exist."""
        draws, slots = picks.shape
        n = self._order.shape[0]
        taken = np.zeros((draws, n), dtype=bool)
        np.put_along_axis(taken, picks, True, axis=1)
        row = np.arange(draws)
        out = np.zeros((draws, slots, self._matches), dtype=np.intp)
        there = np.zeros(out.shape, dtype=bool)
        if self._replacement:
            # the treated of an assignment are few, so so many candidates are sure to suffice
            width = min(n, self._matches + slots)
            near = self._order[picks][:, :, :width]
            free = self._usable[picks][:, :, :width] & ~taken[row[:, None, None], near]
            rank = np.cumsum(free, axis=2)
            for m in range(min(self._matches, width)):
                hit = free & (rank == m + 1)
                at = hit.argmax(axis=2)[:, :, None]
                out[:, :, m] = np.take_along_axis(near, at, axis=2)[:, :, 0]
                there[:, :, m] = hit.any(axis=2)
            return out, there
        filled = np.zeros((draws, slots), dtype=int)
        for _ in range(self._matches):
            for s in range(slots):
                near = self._order[picks[:, s]]
                free = self._usable[picks[:, s]] & ~np.take_along_axis(taken, near, axis=1)
                at, some = free.argmax(axis=1), free.any(axis=1)
                who = near[row, at]
                out[row, s, filled[:, s]] = who
                there[row, s, filled[:, s]] = some
                taken[row[some], who[some]] = True
                filled[:, s] += some
        return out, there

    def comparison(self, c: Contrasts, picks: _Picks) -> tuple[_Array, _Array]:
        """Return the matches' mean contrasts, as :class:`Chooser` tells."""
        who, there = self.chosen(picks)
        count = there.sum(axis=2)
        slot = np.arange(picks.shape[1])[None, :, None]

        def mean(table: _Array) -> _Array:
            found = np.full(picks.shape, np.nan)
            total = np.where(there, table[slot, who], 0.0).sum(axis=2)
            np.divide(total, count, out=found, where=count > 0)
            return found

        return mean(c.d), mean(c.b)


class Balanced:
    """All who are not treated in the assignment, with entropy balancing's weights.

    Parameters
    ----------
    covariates : numpy.ndarray
        Shape (units, covariates), in the contrasts' order.
    """

    def __init__(self, covariates: _Array) -> None:
        self._z = (covariates - covariates.mean(axis=0)) / covariates.std(axis=0)

    def comparison(self, c: Contrasts, picks: _Picks) -> tuple[_Array, _Array]:
        """Return the weighted mean contrasts, as :class:`Chooser` tells."""
        w = balancing_weights(self._z, picks)
        return w @ c.d.T, w @ c.b.T


class NotYet:
    """Those never treated, and the treated of the assignment before their own start.

    Parameters
    ----------
    values : numpy.ndarray
        Shape (units, years): the outcome.
    carrying : numpy.ndarray
        Shape (units, years): 1 in the years that are really treated.
    years : numpy.ndarray
        Shape (years,).
    """

    def __init__(self, values: _Array, carrying: _Array, years: npt.NDArray[np.int_]) -> None:
        self._tables = (values, carrying)
        self._years = years

    def comparison(self, c: Contrasts, picks: _Picks) -> tuple[_Array, _Array]:
        """Return the mean contrasts of those not yet treated, as :class:`Chooser` tells."""
        first, second = (self._mean(c, picks, table) for table in self._tables)
        return first, second

    def _mean(self, c: Contrasts, picks: _Picks, table: _Array) -> _Array:
        start = np.array(c.years)
        picked = table[picks]
        total = table.sum(axis=0)
        out = np.empty(picks.shape)
        for g in np.unique(start):
            base = int(np.flatnonzero(self._years == g - 1)[0])
            after = np.flatnonzero(self._years >= g)
            mean = np.zeros(len(picks))
            for t in after:
                begun = start <= self._years[t]
                change = total[t] - total[base]
                gone = (picked[:, begun, t] - picked[:, begun, base]).sum(axis=1)
                mean += (change - gone) / (len(c.units) - begun.sum())
            out[:, start == g] = (mean / len(after))[:, None]
        return out


def _chunks(picks: _Picks) -> Iterator[_Picks]:
    for i in range(0, len(picks), CHUNK):
        yield picks[i : i + CHUNK]


def reassigned(c: Contrasts, picks: _Picks, chooser: Chooser) -> tuple[_Array, _Array]:
    """Put every assignment through the whole procedure.

    Parameters
    ----------
    c : Contrasts
        The aggregate's contrasts.
    picks : numpy.ndarray
        Shape (draws, slots): unit columns in each slot.
    chooser : Chooser
        How an assignment's treated are compared.

    Returns
    -------
    tuple of numpy.ndarray
        Estimates and how they move with a constant effect, shape (draws,). A slot without a
        comparison is left out of its assignment's mean; NaN where none has one.
    """
    a: list[_Array] = []
    b: list[_Array] = []
    slot = np.arange(len(c.slots))
    for some in _chunks(picks):
        mean_d, mean_b = chooser.comparison(c, some)
        have = np.isfinite(mean_d)
        weight = c.weight * have
        whole = weight.sum(axis=1)
        for table, mean, out in ((c.d, mean_d, a), (c.b, mean_b, b)):
            gap = np.where(have, table[slot, some] - mean, 0.0)
            found = np.full(len(some), np.nan)
            np.divide((weight * gap).sum(axis=1), whole, out=found, where=whole > 0)
            out.append(found)
    return np.concatenate(a), np.concatenate(b)
