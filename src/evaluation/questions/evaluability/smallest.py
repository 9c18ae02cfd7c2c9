"""The smallest effect that a model's design could find."""

from __future__ import annotations

from functools import cache

from evaluation.data import embedded
from evaluation.data.panel import embedded_panel
from evaluation.design.stance import classify
from evaluation.questions.evaluability.result import SmallestEffect
from evaluation.questions.power import power

__all__ = ["smallest_effect"]

DRAWS, SEED, DONORS = 500, 20171205, 30
EVERY_STRENGTH = ("explicit", "strong", "indirect", "weak")


@cache
def smallest_effect(outcome: str, year: int, codes: tuple[str, ...]) -> SmallestEffect:
    """Simulate the design once for each outcome, first year and set of treated municipalities.

    Municipalities named as active on any evidence stand in for nobody and are compared with
    nobody, so that the panel's variation is that of municipalities not known to be active.

    Parameters
    ----------
    outcome : str
        Key of an outcome that ships.
    year : int
        First treated year.
    codes : tuple of str
        The treated municipalities.

    Returns
    -------
    SmallestEffect
        Found with 80 % power by a permutation test at 5 %.
    """
    counts = classify(EVERY_STRENGTH)
    active = set(counts.active) | set(counts.uncertain)
    panel = embedded_panel(outcome)
    kept = panel.select([u for u in panel.units if u in codes or u not in active])
    found = power(
        kept,
        treated_units=codes,
        cohort_year=year,
        size=embedded.municipalities()["population_2017"].reindex(kept.units),
        donors=min(DONORS, len(kept.units) // len(codes) - 1),
        draws=DRAWS,
        seed=SEED,
    )
    return SmallestEffect(
        outcome,
        found.detectable,
        found.effects[-1],
        found.target,
        found.alpha,
        year,
        found.n_treated_units,
        found.n_units,
        DRAWS,
        SEED,
        found.inference,
        found.data_hash,
    )
