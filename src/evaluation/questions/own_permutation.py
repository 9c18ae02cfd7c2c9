"""Permutation for a file of one's own: the assignments, the headline and the event times."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.stats import norm

from evaluation.data.panel import Panel
from evaluation.design.comparison import matched_sets
from evaluation.errors import InputError
from evaluation.estimation.few_treated.contrasts import Contrasts, contrasts, event_contrasts
from evaluation.estimation.few_treated.permutation import (
    free_assignments,
    matched_assignments,
    permutation_test,
    placebo_estimates,
)
from evaluation.estimation.few_treated.randomisation import (
    Studentise,
    randomisation_t,
    size_class_assignments,
)
from evaluation.results import Estimate, EventStudy

__all__ = ["permuted"]


def permuted(
    panel: Panel,
    cohort: pd.Series,
    estimand: str,
    like: Estimate,
    *,
    sizes: pd.Series | None,
    donors: int,
    classes: int | None,
    draws: int,
    seed: int,
) -> tuple[Estimate, EventStudy, tuple[Estimate, ...]]:
    """Test one aggregate and every event time over the same assignments.

    Parameters
    ----------
    panel : Panel
        Balanced outcome, without always-treated units.
    cohort : pandas.Series
        First treated year by unit, 0 for never treated.
    estimand : {"simple", "cohort"}
        The aggregate.
    like : Estimate
        The analytic estimate of it.
    sizes : pandas.Series or None
        Size by unit for matched sets or classes; any units may take the slots without it.
    donors : int
        Donors per treated unit, in matched sets.
    classes : int or None
        Classes of size instead of matched sets.
    draws, seed : int
        Assignments and their seed.

    Returns
    -------
    Estimate
        With the permutation interval and p-value.
    EventStudy
        Intervals by inversion, pointwise; no standard error, as permutation has none. The band
        is as wide as the largest scaled placebo estimate of any event time.
    tuple of Estimate
        The test of the t-statistic over the same assignments, where there is one.

    Raises
    ------
    InputError
        If there are too few donors.
    """
    c = contrasts(panel, cohort, estimand)
    picks, mechanism = _assignments(c, sizes, donors, classes, draws, seed)
    result = permutation_test(
        c, picks, seed=seed, alpha=like.alpha, like=like, mechanism=mechanism
    ).result
    g = cohort.reindex(panel.units).to_numpy(dtype=int)
    rows, scaled = [], []
    for e, part in event_contrasts(panel, cohort).items():
        own = permutation_test(
            part, picks, seed=seed, alpha=like.alpha, like=like, mechanism=mechanism
        ).result
        values = placebo_estimates(part, part.d, picks)
        spread = float(values.std())
        reached = [
            y for y in np.unique(g[g > 0]) if panel.years[0] <= y + min(e - 1, -1)
            and y + e <= panel.years[-1]
        ]  # fmt: skip
        rows.append((e, own.estimate, *own.conf_int, spread, int(np.isin(g, reached).sum())))
        scaled.append(np.abs(values) / spread if spread > 0 else np.zeros(len(values)))
    enough = np.floor(like.alpha * (1 + len(picks)) + 1e-9) >= 1
    largest = np.max(scaled, axis=0)
    least = float(norm.ppf(1 - like.alpha / 2))
    critical = max(least, float(np.quantile(largest, 1 - like.alpha))) if enough else np.inf
    width = [critical * r[4] if r[4] > 0 else np.inf for r in rows]
    event = EventStudy(
        event_time=tuple(r[0] for r in rows),
        estimate=tuple(r[1] for r in rows),
        std_error=(float("nan"),) * len(rows),
        conf_low=tuple(r[2] for r in rows),
        conf_high=tuple(r[3] for r in rows),
        band_low=tuple(float(r[1] - w) for r, w in zip(rows, width, strict=True)),
        band_high=tuple(float(r[1] + w) for r, w in zip(rows, width, strict=True)),
        n_treated=tuple(r[5] for r in rows),
        method=like.method,
        inference=f"{result.inference}, pointwise",
        band=(
            f"permutation, largest of the scaled placebo estimates, critical value {critical:.3f}"
            if enough
            else "none, there are too few assignments"
        ),
        alpha=like.alpha,
        seed=seed,
        data_hash=like.data_hash,
        notes=result.notes,
    )
    return result, event, _on_t(c, picks, like, seed, mechanism)


def _on_t(
    c: Contrasts, picks: np.ndarray, like: Estimate, seed: int, mechanism: str
) -> tuple[Estimate, ...]:
    """Test the t-statistic over the same assignments; nothing where it has no error."""
    kind: Studentise = "welch" if len(c.slots) > 1 else "analytic"
    try:
        found = randomisation_t(
            c, picks, seed=seed, alpha=like.alpha, like=like, mechanism=mechanism, studentise=kind
        )
    except InputError:
        return ()
    return (found.result,)


def _assignments(
    c: Contrasts,
    sizes: pd.Series | None,
    donors: int,
    classes: int | None,
    draws: int,
    seed: int,
) -> tuple[np.ndarray, str]:
    """Draw assignments, matched on size where there is one, and say by what mechanism."""
    if sizes is None:
        picks = free_assignments(len(c.units), c.slots, draws, seed)
        return picks, "any units may have been the treated ones"
    if classes is not None:
        try:
            picks = size_class_assignments(c, sizes, classes, draws, seed)
        except InputError as error:
            field = "--classes" if error.field == "classes" else error.field
            raise InputError(error.problem, field=field) from None
        return picks, f"any units of the same of {classes} classes of {sizes.name}"
    treated = [c.units[s] for s in c.slots]
    others = [c.units[int(j)] for j in c.controls]
    try:
        sets = matched_sets(treated, others, sizes, donors)
    except InputError as error:
        most = len(others) // len(treated)
        way = f"take --donors {most} or fewer, or leave out --size" if most else "leave out --size"
        raise InputError(f"{error.problem}; {way}", field="--donors") from None
    mechanism = f"any of {donors + 1} units nearest in {sizes.name} in each set"
    return matched_assignments(c, sets, draws, seed), mechanism
