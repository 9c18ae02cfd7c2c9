"""The same estimate with something changed: what the placebo and stability checks share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from evaluation.data.panel import Panel
from evaluation.estimation.few_treated.contrasts import Contrasts
from evaluation.estimation.few_treated.permutation import (
    free_assignments,
    matched_assignments,
    permutation_test,
)
from evaluation.language import interval, listed, number, p_value
from evaluation.results import Check, Estimate

__all__ = ["Judge", "Refits", "by_permutation", "contrast_estimate", "placebo_check", "sign_check"]

Judge = Callable[[Contrasts, Estimate], Estimate]
"""Gives an estimate its p-value and interval; the contrasts say who is treated and compared."""


@dataclass(frozen=True)
class Refits:
    """Estimates with one thing changed at a time.

    Parameters
    ----------
    kind : str
        What was changed.
    base : Estimate or None
        The estimate with nothing changed, where there is one.
    labels : tuple of str
        What each refit changed.
    estimates : tuple of Estimate
        One per label.
    skipped : tuple of tuple of str
        What could not be estimated, and why.
    """

    kind: str
    base: Estimate | None
    labels: tuple[str, ...]
    estimates: tuple[Estimate, ...]
    skipped: tuple[tuple[str, str], ...] = ()

    @property
    def values(self) -> np.ndarray:
        """The point estimates."""
        return np.array([e.estimate for e in self.estimates])

    def tidy(self) -> pd.DataFrame:
        """Return one row per refit."""
        rows = [
            {
                "kind": self.kind,
                "label": label,
                "estimate": e.estimate,
                "p_value": np.nan if e.p_value is None else e.p_value,
                "conf_low": e.conf_int[0],
                "conf_high": e.conf_int[1],
                "n_units": e.n_units,
                "n_treated_units": e.n_treated_units,
                "estimand": e.estimand,
            }
            for label, e in zip(self.labels, self.estimates, strict=True)
        ]
        return pd.DataFrame(rows)

    def to_dict(self) -> dict[str, object]:
        """Return plain types for JSON."""
        return {
            "kind": self.kind,
            "base": None if self.base is None else self.base.to_dict(),
            "rows": [
                {"label": label} | e.to_dict()
                for label, e in zip(self.labels, self.estimates, strict=True)
            ],
            "skipped": [{"label": label, "reason": why} for label, why in self.skipped],
        }


def contrast_estimate(
    panel: Panel, c: Contrasts, estimand: str, judge: Judge, *, notes: tuple[str, ...] = ()
) -> Estimate:
    """Turn contrasts into an estimate with the judge's inference.

    Parameters
    ----------
    panel : Panel
        The data of the contrasts.
    c : Contrasts
        Whose aggregate is the estimate.
    estimand : str
        Its name.
    judge : Judge
        Gives p-value and interval.
    notes : tuple of str
        What a reader must know.
    """
    like = Estimate(
        term="att",
        estimate=c.estimate(),
        conf_int=(-np.inf, np.inf),
        method="difference of unit contrasts, never-treated controls",
        inference="none",
        estimand=estimand,
        n_obs=int(panel.values.size),
        n_units=len(c.units),
        n_treated_units=int((c.weight > 0).sum()),
        n_clusters=len(c.units),
        data_hash=panel.hash(),
        notes=notes,
    )
    return judge(c, like)


def by_permutation(
    sets: Sequence[Sequence[str]] | None = None,
    *,
    draws: int = 999,
    seed: int = 0,
    alpha: float = 0.05,
) -> Judge:
    """Return a judge that permutes, within matched sets where they are given.

    Parameters
    ----------
    sets : sequence of sequence of str, optional
        Disjoint sets of unit codes, the treated unit first. Units that a refit leaves out leave
        their sets. Without sets any unit might have been treated, which is wrong where the
        treated differ in size.
    draws, seed : int
        Of the assignments.
    alpha : float
        One minus the level of the interval.

    Returns
    -------
    Judge
        See :func:`evaluation.estimation.few_treated.permutation.permutation_test`.
    """

    def judge(c: Contrasts, like: Estimate) -> Estimate:
        if sets is None:
            picks = free_assignments(len(c.units), c.slots, draws, seed)
            mechanism = "any unit"
        else:
            here, treated = set(c.units), {c.units[s] for s in c.slots}
            kept = [[u for u in s if u in here] for s in sets if s[0] in treated]
            picks = matched_assignments(c, kept, draws, seed)
            mechanism = "any unit of each matched set"
        return permutation_test(
            c, picks, seed=seed, alpha=alpha, like=like, mechanism=mechanism
        ).result

    return judge


def placebo_check(
    found: Refits,
    name: str,
    *,
    alpha: float = 0.05,
    named: Callable[[str], tuple[str, str]] | None = None,
) -> Check:
    """Ask whether an effect shows where there can be none, Holm-adjusted over the refits.

    Parameters
    ----------
    found : Refits
        Placebo estimates with p-values.
    name : str
        The check's identifier.
    alpha : float
        Level over all refits together.
    named : callable, optional
        Gives a refit's label in Swedish and in English; by default the label itself in both.

    Returns
    -------
    Check
        None where nothing could be estimated, or no p-value can fall below the level.
    """
    p = sorted(e.p_value for e in found.estimates if e.p_value is not None)
    if not p:
        return Check(
            name,
            None,
            "Inget placebotest gick att göra.",
            "No placebo test could be made.",
        )
    steps = [min(1.0, v * (len(p) - i)) for i, v in enumerate(p)]
    smallest = steps[0]
    values = found.values
    worst = found.labels[int(np.abs(values).argmax())]
    low, high = float(values.min()), float(values.max())
    sv, en = named(worst) if named else (worst, worst)
    return Check(
        name,
        smallest > alpha,
        f"{len(p)} placeboskattningar går från {interval(low, high, 'sv')} (längst från noll är "
        f"{sv}); minsta justerade {p_value(smallest, 'sv')}."
        if len(p) > 1
        else f"En placeboskattning, {sv}: {number(low, 'sv')}; {p_value(smallest, 'sv')}.",
        f"{len(p)} placebo estimates go from {interval(low, high, 'en')} (farthest from zero is "
        f"{en}); smallest adjusted {p_value(smallest, 'en')}."
        if len(p) > 1
        else f"One placebo estimate, {en}: {number(low, 'en')}; {p_value(smallest, 'en')}.",
        smallest,
        alpha,
    )


def sign_check(found: Refits, name: str) -> Check:
    """Ask whether the sign holds in every refit.

    Parameters
    ----------
    found : Refits
        With a base estimate.
    name : str
        The check's identifier.

    Returns
    -------
    Check
        None where nothing could be refitted.
    """
    if found.base is None or not found.estimates:
        return Check(name, None, "Inget gick att skatta om.", "Nothing could be estimated again.")
    sign = np.sign(found.base.estimate)
    turned = [
        label
        for label, e in zip(found.labels, found.estimates, strict=True)
        if np.sign(e.estimate) != sign
    ]
    low, high = float(found.values.min()), float(found.values.max())
    sv = f"{len(found.labels)} omskattningar går från {interval(low, high, 'sv')}"
    en = f"{len(found.labels)} estimates made again go from {interval(low, high, 'en')}"
    if turned:
        sv += f"; tecknet vänds för {listed(turned, 'sv')}."
        en += f"; the sign turns for {listed(turned, 'en')}."
    else:
        sv += "; tecknet är detsamma."
        en += "; the sign is the same."
    return Check(name, not turned, sv, en, low if sign > 0 else high, 0.0)
