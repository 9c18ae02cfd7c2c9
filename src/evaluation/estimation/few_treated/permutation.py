r"""Randomisation inference with the assignment mechanism stated.

Each treated unit stands in a set of donors of its own size; the mechanism says that
any member of the set might as well have been the active one. Under it, the sets taken
as given, the test is exact for the hypothesis of a constant effect, however few units
are treated, because it compares the estimate only with estimates that the same
mechanism makes. The sets here are built around the treated units, so exactness is an
approximation that is as good as the units in a set are alike.

What it rests on is that mechanism: units in a set are exchangeable. A treated unit
with a variance of its own, or picked for its good figures, breaks it.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from evaluation.errors import InputError
from evaluation.estimation.few_treated.contrasts import Contrasts
from evaluation.results import Estimate

__all__ = [
    "Permutation",
    "against_placebos",
    "assignments",
    "free_assignments",
    "linear_interval",
    "matched_assignments",
    "max_statistic_p",
    "permutation_test",
    "placebo_estimates",
    "tie",
    "too_few",
]


def tie(values: np.ndarray) -> float:
    """Return the difference below which two estimates count as the same: rounding, not fact."""
    return 1e-10 * max(1.0, float(np.abs(values).max(initial=0.0)))


def too_few(others: int, alpha: float) -> tuple[str, ...]:
    """Say that no interval exists; empty where there are assignments enough.

    Parameters
    ----------
    others : int
        Assignments beside the real one.
    alpha : float
        One minus the level.

    Examples
    --------
    >>> too_few(99, 0.05), too_few(3, 0.05)[0][:18]
    ((), 'only 4 assignments')
    """
    smallest = 1 / (1 + others)
    if smallest <= alpha:
        return ()
    return (
        f"only {others + 1} assignments: the smallest possible p-value is {smallest:.3f}, "
        f"so no interval at {100 * (1 - alpha):g} % exists",
    )


@dataclass(frozen=True)
class Permutation:
    """An estimate with its permutation interval and the placebo estimates behind it.

    Parameters
    ----------
    result : Estimate
        The estimate; the p-value is two-sided, the interval is its inversion.
    placebo : numpy.ndarray
        Shape (draws,): the estimate under each other assignment.
    smallest_p : float
        The smallest p-value that the design can give.
    """

    result: Estimate
    placebo: np.ndarray = field(repr=False, compare=False)
    smallest_p: float


def assignments(sets: Sequence[Sequence[int]], draws: int, seed: int) -> np.ndarray:
    """Draw assignments other than the real one: one member of each set.

    Parameters
    ----------
    sets : sequence of sequence of int
        Disjoint sets of unit columns; the first of each is the treated one.
    draws : int
        How many to draw; where there are no more assignments than that, all are listed.
    seed : int
        Seed of the draws.

    Returns
    -------
    numpy.ndarray
        Shape (assignments, sets): unit columns; the real assignment is not among them
        when all are listed.

    Examples
    --------
    >>> assignments([[0, 5, 6]], draws=99, seed=1).ravel().tolist()
    [5, 6]
    """
    sizes = [len(s) for s in sets]
    total = math.prod(sizes)
    if total - 1 <= draws:
        which = np.stack(np.unravel_index(np.arange(1, total), sizes), axis=1)
    else:
        rng = np.random.default_rng(np.random.SeedSequence(seed))
        which = np.stack([rng.integers(0, n, size=draws) for n in sizes], axis=1)
    return np.stack([np.asarray(s)[which[:, k]] for k, s in enumerate(sets)], axis=1)


def matched_assignments(
    c: Contrasts, sets: Sequence[Sequence[str]], draws: int, seed: int
) -> np.ndarray:
    """Draw assignments from matched sets of unit codes, in the order of the slots.

    Parameters
    ----------
    c : Contrasts
        Its slots say which units are treated.
    sets : sequence of sequence of str
        Disjoint sets of codes, the treated unit first, in any order.
    draws, seed : int
        As in :func:`assignments`.

    Returns
    -------
    numpy.ndarray
        Shape (assignments, slots): unit columns.

    Raises
    ------
    InputError
        If the sets' first members are not the treated units.
    """
    place = {u: i for i, u in enumerate(c.units)}
    by_treated = {place.get(s[0]): s for s in sets}
    if len(sets) != len(c.slots) or set(by_treated) != set(c.slots):
        raise InputError("each matched set must begin with a treated unit of its own", field="sets")
    columns = [[place[u] for u in by_treated[slot]] for slot in c.slots]
    return assignments(columns, draws, seed)


def free_assignments(n_units: int, real: Sequence[int], draws: int, seed: int) -> np.ndarray:
    """Draw assignments without matching: any units, in any order, to the slots.

    Parameters
    ----------
    n_units : int
        Treated and controls together.
    real : sequence of int
        The real assignment; it is left out when all are listed.
    draws : int
        How many to draw; where there are no more assignments than that, all are listed.
    seed : int
        Seed of the draws.

    Returns
    -------
    numpy.ndarray
        Shape (assignments, slots).

    Examples
    --------
    >>> free_assignments(4, [1], draws=99, seed=1).ravel().tolist()
    [0, 2, 3]
    """
    slots = len(real)
    if math.perm(n_units, slots) - 1 <= draws:
        every = itertools.permutations(range(n_units), slots)
        return np.array([p for p in every if p != tuple(real)])
    rng = np.random.default_rng(np.random.SeedSequence(seed))
    return np.stack([rng.choice(n_units, slots, replace=False) for _ in range(draws)])


def placebo_estimates(c: Contrasts, table: np.ndarray, picks: np.ndarray) -> np.ndarray:
    """Return the aggregate that each assignment would give.

    Parameters
    ----------
    c : Contrasts
        Slots and weights.
    table : numpy.ndarray
        Shape (slots, units): ``c.d`` for estimates, ``c.b`` for how they move with the
        effect.
    picks : numpy.ndarray
        Shape (draws, slots): unit columns in each slot.

    Returns
    -------
    numpy.ndarray
        Shape (draws,). Controls are all units that an assignment does not pick.
    """
    # the comparison enters through each unit's weighted sum over the slots, so that no table of
    # draws × slots × slots is needed
    weighted = c.weight @ table
    own = table[np.arange(len(c.slots)), picks] @ c.weight
    rest = len(c.units) - len(c.slots)
    result: np.ndarray = own - (weighted.sum() - weighted[picks].sum(axis=1)) / rest
    return result


def linear_interval(
    estimate: float, a: np.ndarray, b: np.ndarray, alpha: float
) -> tuple[float, float]:
    r"""Invert a test whose statistics are linear in the effect, in closed form.

    Assignment π is at least as extreme as the real one at effect δ where
    ``|a − δ b| ≥ |estimate − δ|``; with ``|b| < 1`` that is the closed interval between
    ``(estimate − a)/(1 − b)`` and ``(estimate + a)/(1 + b)``, which holds the estimate.
    So p(δ) falls on both sides of the estimate, and its level set is a pair of order
    statistics.

    Parameters
    ----------
    estimate : float
        The real assignment's.
    a, b : numpy.ndarray
        Shape (assignments,): the other assignments' estimates, and how each moves with the
        effect.
    alpha : float
        One minus the level.

    Returns
    -------
    tuple of float
        Infinite where there are too few assignments.

    Examples
    --------
    >>> linear_interval(1.0, np.array([-0.5, 0.2, 0.4]), np.zeros(3), 0.25)
    (0.5, 1.5)
    """
    inside = np.abs(b) < 1 - 1e-12
    one = np.full_like(a, -np.inf)
    two = np.full_like(a, np.inf)
    one[inside] = (estimate - a[inside]) / (1 - b[inside])
    two[inside] = (estimate + a[inside]) / (1 + b[inside])
    low, high = np.minimum(one, two), np.maximum(one, two)
    rank = int(np.floor(alpha * (len(a) + 1) + 1e-9))
    if rank < 1:
        return -np.inf, np.inf
    return float(np.sort(low)[rank - 1]), float(np.sort(high)[::-1][rank - 1])


def permutation_test(
    c: Contrasts,
    picks: np.ndarray,
    *,
    seed: int,
    alpha: float = 0.05,
    like: Estimate,
    mechanism: str,
) -> Permutation:
    r"""Test and invert over the assignments of the mechanism.

    .. math::
        p(\delta) = \frac{1 + \#\{\pi : |T_\pi(\delta)| \ge |\hat\tau - \delta|\}}{1 + \Pi}

    where :math:`T_\pi(\delta)` is the estimate that assignment π gives once the effect
    δ is taken out of the treated.

    Parameters
    ----------
    c : Contrasts
        The aggregate's contrasts.
    picks : numpy.ndarray
        Shape (assignments, slots): the other assignments, columns in the order of
        ``c.slots``, as :func:`matched_assignments` and :func:`free_assignments` give them.
    seed : int
        Seed they were drawn with.
    alpha : float
        One minus the level of the interval.
    like : Estimate
        The analytic estimate of the same aggregate: names, counts and hash come from it.
    mechanism : str
        The assignment mechanism in words; it is stored as the inference.

    Returns
    -------
    Permutation
        Interval bounds are infinite where the design has too few assignments.

    References
    ----------
    Rosenbaum, P. (2002). Observational Studies, section 2.4 and 5. MacKinnon, J. &
    Webb, M. (2020). Randomization inference for difference-in-differences with few
    treated clusters. Journal of Econometrics 218(2).
    """
    return against_placebos(
        c.estimate(),
        placebo_estimates(c, c.d, picks),
        placebo_estimates(c, c.b, picks),
        seed=seed,
        alpha=alpha,
        like=like,
        mechanism=mechanism,
    )


def against_placebos(
    estimate: float,
    a: np.ndarray,
    b: np.ndarray,
    *,
    seed: int,
    alpha: float,
    like: Estimate,
    mechanism: str,
) -> Permutation:
    """Test and invert an estimate against those that other assignments give.

    Parameters
    ----------
    estimate : float
        The real assignment's.
    a, b : numpy.ndarray
        Shape (assignments,): the other assignments' estimates, and how each moves with a
        constant effect. NaN where an assignment gives none: it counts as at least as extreme
        as the real one, whatever the effect.
    seed, alpha, like, mechanism
        As in :func:`permutation_test`.

    Returns
    -------
    Permutation
        ``placebo`` holds the finite ones.
    """
    known = np.isfinite(a)
    b = np.where(known, b, 1.0)
    a = np.where(known, a, np.inf)
    count = int((np.abs(a) >= abs(estimate) - tie(a[known])).sum())
    p = (1 + count) / (1 + len(a))
    low, high = linear_interval(estimate, a, b, alpha)
    smallest = 1 / (1 + len(a))
    notes = list(like.notes)
    if not known.all():
        notes.append(
            f"{int((~known).sum())} of {len(a)} assignments give no estimate and count as at least "
            "as extreme"
        )
    notes += too_few(len(a), alpha)
    result = Estimate(
        term=like.term,
        estimate=estimate,
        conf_int=(low, high),
        method=like.method,
        inference=f"permutation: {mechanism}",
        estimand=like.estimand,
        statistic=estimate,
        p_value=p,
        n_obs=like.n_obs,
        n_units=like.n_units,
        n_treated_units=like.n_treated_units,
        n_clusters=like.n_clusters,
        small_sample=f"exact under the mechanism; {len(a)} other assignments",
        alpha=alpha,
        seed=seed,
        data_hash=like.data_hash,
        notes=tuple(notes),
    )
    return Permutation(result=result, placebo=a[known], smallest_p=smallest)


def max_statistic_p(
    parts: Mapping[int, Contrasts], picks: np.ndarray
) -> tuple[float, float, dict[int, tuple[float, float]]]:
    """Test several aggregates jointly by the largest of their scaled absolute values.

    Parameters
    ----------
    parts : mapping of int to Contrasts
        For example the event times before adoption.
    picks : numpy.ndarray
        Shape (draws, slots): other assignments.

    Returns
    -------
    statistic : float
        The largest ratio of an absolute estimate to its placebo standard deviation.
    p : float
        Share of assignments, the real one included, that reach it.
    spread : dict of int to tuple of float
        2.5 % and 97.5 % quantiles of the placebo estimates, by key.
    """
    real, placebo, spread = [], [], {}
    for key, c in parts.items():
        values = placebo_estimates(c, c.d, picks)
        sd = float(values.std())
        if sd == 0:
            continue
        low, high = np.quantile(values, [0.025, 0.975])
        spread[key] = (float(low), float(high))
        real.append(abs(c.estimate()) / sd)
        placebo.append(np.abs(values) / sd)
    largest = float(np.max(real))
    others = np.max(placebo, axis=0)
    p = (1 + int((others >= largest - tie(others)).sum())) / (1 + len(others))
    return largest, p, spread
