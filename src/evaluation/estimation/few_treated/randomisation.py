r"""Randomisation inference on the t-statistic, and assignments within classes of size.

Where the treated units' variance differs from the others', the estimate itself is not
comparable between assignments; divided by its own error it is more nearly so. With one
treated unit the error is the controls' alone and the two tests are nearly the same.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Literal, get_args

import numpy as np
import pandas as pd

from evaluation.errors import InputError
from evaluation.estimation.few_treated.contrasts import Contrasts
from evaluation.estimation.few_treated.permutation import Permutation, placebo_estimates, too_few
from evaluation.estimation.few_treated.placebo_size import analytic_errors
from evaluation.results import Estimate

__all__ = [
    "Studentise",
    "randomisation_t",
    "size_class_assignments",
    "size_classes",
    "welch_errors",
]

Studentise = Literal["welch", "analytic"]
FAR = 1e6  # errors of the estimate beyond which a bound is called infinite
TIE = 1e-9


def size_classes(size: np.ndarray, classes: int) -> np.ndarray:
    """Return each unit's class of size, 0 for the smallest.

    Parameters
    ----------
    size : numpy.ndarray
        Shape (units,).
    classes : int
        How many, as equal in number of units as can be; equal sizes share a class.

    Returns
    -------
    numpy.ndarray
        Shape (units,), int.

    Examples
    --------
    >>> size_classes(np.array([5.0, 1.0, 3.0, 9.0]), 2).tolist()
    [1, 0, 0, 1]
    """
    rank = np.searchsorted(np.sort(size), size)
    result: np.ndarray = rank * classes // len(size)
    return result


def size_class_assignments(
    c: Contrasts, size: pd.Series, classes: int, draws: int, seed: int
) -> np.ndarray:
    """Draw assignments in which every treated unit keeps its class of size.

    The mechanism: within a class, any units might as well have been the treated ones, in
    any order. Classes are quantiles of size over all units.

    Parameters
    ----------
    c : Contrasts
        Its slots say which units are treated.
    size : pandas.Series
        Size by unit code, finite.
    classes : int
        How many classes; one is no stratification.
    draws : int
        How many to draw; where there are no more assignments than that, all are listed.
    seed : int
        Seed of the draws.

    Returns
    -------
    numpy.ndarray
        Shape (assignments, slots): unit columns; the real assignment is not among them when
        all are listed.

    Raises
    ------
    InputError
        If a size is missing, or there are fewer classes than one or more than units.
    """
    if not 1 <= classes <= len(c.units):
        raise InputError(
            f"{classes} classes are not possible with {len(c.units)} units", field="classes"
        )
    known = size.reindex(list(c.units)).to_numpy(dtype=float)
    if not np.isfinite(known).all():
        unit = c.units[int(np.isfinite(known).argmin())]
        raise InputError(f"unit {unit} has no size", field=str(size.name))
    label = size_classes(known, classes)
    real = np.array(c.slots)
    groups = [
        (np.flatnonzero(label == k), np.flatnonzero(label[real] == k))
        for k in np.unique(label[real])
    ]
    total = math.prod(math.perm(len(members), len(slots)) for members, slots in groups)
    if total - 1 <= draws:
        parts = [itertools.permutations(m.tolist(), len(s)) for m, s in groups]
        order = np.argsort(np.concatenate([s for _, s in groups]))
        listed = np.array(
            [[u for part in pick for u in part] for pick in itertools.product(*parts)]
        )
        listed = listed[:, order]
        others: np.ndarray = listed[(listed != real).any(axis=1)]
        return others
    rng = np.random.default_rng(np.random.SeedSequence(seed))
    picks = np.empty((draws, len(real)), dtype=int)
    for members, slots in groups:
        shuffled = rng.random((draws, len(members))).argsort(axis=1)[:, : len(slots)]
        picks[:, slots] = members[shuffled]
    return picks


def welch_errors(c: Contrasts, picks: np.ndarray) -> np.ndarray:
    r"""Return the error from each side's own variance under each assignment.

    As :func:`evaluation.estimation.few_treated.welch.welch`, for many assignments of one
    panel.

    Parameters
    ----------
    c : Contrasts
        Two treated units or more.
    picks : numpy.ndarray
        Shape (draws, slots): unit columns.

    Returns
    -------
    numpy.ndarray
        Shape (draws,).
    """
    slots = np.arange(len(c.slots))
    n0 = len(c.units) - len(slots)
    composite = c.weight @ c.d
    picked = composite[picks]
    mean = (composite.sum() - picked.sum(axis=1)) / n0
    squares = (composite**2).sum() - (picked**2).sum(axis=1) - n0 * mean**2
    taken = c.d[:, picks]
    own = taken[slots, :, slots].T
    effect = own - (c.d.sum(axis=1)[None, :] - taken.sum(axis=2).T) / n0
    deviation = effect - (effect @ c.weight)[:, None]
    factor = c.weight**2 / (1 - 2 * c.weight + (c.weight**2).sum())
    variance = np.maximum(squares, 0) / (n0 * (n0 - 1)) + deviation**2 @ factor
    result: np.ndarray = np.sqrt(variance)
    return result


def _errors(c: Contrasts, picks: np.ndarray, studentise: str) -> np.ndarray:
    return (welch_errors if studentise == "welch" else analytic_errors)(c, picks)


def _variance_in_effect(
    c: Contrasts, picks: np.ndarray, studentise: str, step: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return v0, v1, v2 with variance v0 + v1 δ + v2 δ² once δ is taken out of the treated.

    The variance is a square form in the contrasts, so three values of δ give it exactly.
    """
    at = [
        _errors(
            Contrasts(c.units, c.slots, c.years, c.weight, c.d - e * step * c.b, c.b),
            picks,
            studentise,
        )
        ** 2
        for e in (0.0, 1.0, -1.0)
    ]
    return at[0], (at[1] - at[2]) / (2 * step), ((at[1] + at[2]) / 2 - at[0]) / step**2


def randomisation_t(
    c: Contrasts,
    picks: np.ndarray,
    *,
    seed: int,
    alpha: float = 0.05,
    like: Estimate,
    mechanism: str,
    studentise: Studentise = "welch",
) -> Permutation:
    r"""Test by the t-statistic over the assignments of a mechanism, and invert the test.

    .. math::
        p(\delta) = \frac{1 + \#\{\pi : |T_\pi(\delta)| / s_\pi(\delta)
        \ge |\hat\tau - \delta| / s\}}{1 + \Pi}

    with :math:`T_\pi(\delta)` the estimate that assignment π gives once the effect δ is
    taken out of the treated, and :math:`s_\pi(\delta)` its error.

    Parameters
    ----------
    c : Contrasts
        The aggregate's contrasts.
    picks : numpy.ndarray
        Shape (assignments, slots): the other assignments, from
        :func:`size_class_assignments`,
        :func:`evaluation.estimation.few_treated.permutation.matched_assignments` or
        :func:`evaluation.estimation.few_treated.permutation.free_assignments`.
    seed : int
        Seed they were drawn with.
    alpha : float
        One minus the level of the interval.
    like : Estimate
        The analytic estimate of the same aggregate: names, counts and hash come from it.
    mechanism : str
        The assignment mechanism in words; it is stored in the inference.
    studentise : {"welch", "analytic"}
        Each side's own variance (two treated units or more), or the influence function's
        (the aggregate ``cohort``; with one treated unit the controls' variance alone).

    Returns
    -------
    Permutation
        ``statistic`` is t; ``placebo`` holds the assignments' t-statistics.

    Raises
    ------
    InputError
        If ``studentise`` is unknown, does not go with the design, or the error is zero.

    Notes
    -----
    The p-value is a step function of the effect, and not always falling on either side; a
    bound is where it first falls to alpha going out from the estimate, as bisection finds it.

    References
    ----------
    MacKinnon, J. & Webb, M. (2020). Randomization inference for difference-in-differences
    with few treated clusters. Journal of Econometrics 218(2), section 4. Chung, E. & Romano,
    J. (2013). Exact and asymptotically robust permutation tests. Annals of Statistics 41(2).
    """
    if studentise not in get_args(Studentise):
        raise InputError(f"{studentise!r} is not welch or analytic", field="studentise")
    slots = len(c.slots)
    if studentise == "welch" and (slots < 2 or c.weight.max() >= 1):
        raise InputError(
            "one treated unit shows no variance of its own; take studentise='analytic'",
            field="studentise",
        )
    if studentise == "analytic" and not np.allclose(c.weight, 1 / slots):
        raise InputError("analytic errors are there for the aggregate cohort", field="studentise")
    if len(picks) == 0:
        raise InputError("there is no other assignment to compare with", field="picks")
    real: Sequence[int] = c.slots
    own = float(_errors(c, np.array([real]), studentise)[0])
    if own == 0:
        raise InputError("the standard error is zero, so there is no t-statistic", field="outcome")
    estimate = c.estimate()
    a, b = placebo_estimates(c, c.d, picks), placebo_estimates(c, c.b, picks)
    v0, v1, v2 = _variance_in_effect(c, picks, studentise, own)

    def extreme(delta: float) -> int:
        """Count assignments at least as far out as the real one, δ taken off the treated."""
        variance = np.maximum(v0 + (v1 + v2 * delta) * delta, 0.0)
        distance = (estimate - delta) ** 2 / own**2
        return int(((a - delta * b) ** 2 >= distance * variance * (1 - TIE)).sum())

    def bound(side: float) -> float:
        inside, outside = 0.0, 1.0
        limit = alpha * (1 + len(picks)) * (1 + TIE)

        def accepted(t: float) -> bool:
            return 1 + extreme(estimate + side * t * own) > limit

        while accepted(outside):
            inside, outside = outside, 2 * outside
            if outside > FAR:
                return side * np.inf
        while outside - inside > 1e-12 * outside:
            middle = (inside + outside) / 2
            inside, outside = (middle, outside) if accepted(middle) else (inside, middle)
        return estimate + side * outside * own

    root = np.sqrt(v0)
    t = np.divide(a, root, out=np.where(a == 0, 0.0, np.copysign(np.inf, a)), where=root > 0)
    smallest = 1 / (1 + len(picks))
    kind = "each side's own variance" if studentise == "welch" else "influence-function error"
    result = Estimate(
        term=like.term,
        estimate=estimate,
        conf_int=(bound(-1.0), bound(1.0)),
        method=like.method,
        inference=f"permutation of the t-statistic ({kind}): {mechanism}",
        estimand=like.estimand,
        std_error=own,
        statistic=estimate / own,
        p_value=(1 + extreme(0.0)) / (1 + len(picks)),
        n_obs=like.n_obs,
        n_units=like.n_units,
        n_treated_units=like.n_treated_units,
        n_clusters=like.n_clusters,
        small_sample=f"{len(picks)} other assignments, each with its own error",
        alpha=alpha,
        seed=seed,
        data_hash=like.data_hash,
        notes=(*like.notes, *too_few(len(picks), alpha)),
    )
    return Permutation(result=result, placebo=t, smallest_p=smallest)
