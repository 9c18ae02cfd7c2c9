"""Spillover rings: whether the neighbours of the treated are moved too.

A control next to a treated unit may gain or lose by it, which biases the comparison. Distances
come as steps between neighbours or as any matrix (kilometres between centres, say); rings of
controls around the treated are then left out, used alone, and set against those far away.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
import pandas as pd

from evaluation.data.panel import Panel
from evaluation.design.comparison.distances import coordinate_distances, neighbour_distances
from evaluation.errors import InputError
from evaluation.estimation.cohorts import check_cohorts
from evaluation.estimation.diagnostics.refits import (
    Judge,
    Refits,
    by_permutation,
    contrast_estimate,
)
from evaluation.estimation.few_treated.contrasts import contrasts
from evaluation.language import interval, number
from evaluation.results import Check

__all__ = [
    "coordinate_distances",
    "distance_to_treated",
    "neighbour_distances",
    "spillover_check",
    "spillover_rings",
]


def distance_to_treated(panel: Panel, cohort: pd.Series, distances: pd.DataFrame) -> pd.Series:
    """Return each unit's distance to the nearest treated one, 0 for the treated.

    Parameters
    ----------
    panel : Panel
        Its units are asked for.
    cohort : pandas.Series
        First treated year by unit, 0 for never treated.
    distances : pandas.DataFrame
        Units in rows and columns, all units of the panel among them.

    Raises
    ------
    InputError
        If a unit is missing from the distances, or one is negative or not a number.
    """
    g = check_cohorts(panel, cohort)
    missing = [u for u in panel.units if u not in distances.index or u not in distances.columns]
    if missing:
        raise InputError(f"unit {missing[0]} has no distances", field="distances")
    treated = [u for u, year in zip(panel.units, g, strict=True) if year > 0]
    part = distances.loc[panel.units, treated].to_numpy(dtype=float)
    if np.isnan(part).any() or (part < 0).any():
        raise InputError("distances must be numbers of zero or above", field="distances")
    nearest = part.min(axis=1)
    nearest[g > 0] = 0.0
    return pd.Series(nearest, index=panel.units, name="distance")


def spillover_rings(
    panel: Panel,
    cohort: pd.Series,
    distances: pd.DataFrame,
    rings: Sequence[float] = (1, 2, 3),
    *,
    estimand: str = "cohort",
    judge: Judge | None = None,
) -> Refits:
    r"""Estimate without the near controls, with each ring alone, and ring against far.

    Parameters
    ----------
    panel : Panel
        Balanced outcome.
    cohort : pandas.Series
        First treated year by unit, 0 for never treated.
    distances : pandas.DataFrame
        From :func:`neighbour_distances`, :func:`coordinate_distances` or elsewhere.
    rings : sequence of float
        Outer distances, ascending: ring j reaches from above the one before to this one.
    estimand : {"cohort", "simple"}
        The aggregate.
    judge : Judge, optional
        P-values and intervals; free permutation by default.

    Returns
    -------
    Refits
        For each ring r: ``"beyond r"``, controls farther than r only; ``"ring r"``, controls of
        that ring only. The difference of the two is what the ring gained on those farther away,
        an estimate of the spillover on it. What leaves no control is skipped.

    Raises
    ------
    InputError
        If the rings do not ascend from above zero, or as :func:`distance_to_treated`.
    """
    judge = judge or by_permutation()
    edges = [float(r) for r in rings]
    if not edges or edges[0] <= 0 or any(b <= a for a, b in itertools.pairwise(edges)):
        raise InputError(f"rings must ascend from above zero, not {list(rings)}", field="rings")
    near = distance_to_treated(panel, cohort, distances).to_numpy()
    g = check_cohorts(panel, cohort)
    base = contrast_estimate(panel, contrasts(panel, cohort, estimand), estimand, judge)
    labels, estimates, skipped = [], [], []
    for inner, outer in itertools.pairwise([0.0, *edges]):
        parts = {
            f"beyond {outer:g}": near > outer,
            f"ring {outer:g}": (near > inner) & (near <= outer),
        }
        for label, chosen in parts.items():
            if not (chosen & (g == 0)).any():
                skipped.append((label, "no control lies there"))
                continue
            part = panel.select(
                [u for u, ok in zip(panel.units, chosen | (g > 0), strict=True) if ok]
            )
            c = contrasts(part, cohort, estimand)
            labels.append(label)
            estimates.append(contrast_estimate(part, c, f"{estimand}, {label}", judge))
    return Refits("spillover rings", base, tuple(labels), tuple(estimates), tuple(skipped))


def spillover_check(found: Refits) -> Check:
    """Ask whether the estimate stays within its own interval when near controls are left out.

    Parameters
    ----------
    found : Refits
        From :func:`spillover_rings`.

    Returns
    -------
    Check
        None where no ring leaves controls beyond it.
    """
    beyond = {
        label: e.estimate
        for label, e in zip(found.labels, found.estimates, strict=True)
        if label.startswith("beyond")
    }
    if found.base is None or not beyond:
        return Check(
            "spillover",
            None,
            "Inga jämförelsekommuner ligger längre bort.",
            "No comparison municipalities lie farther away.",
        )
    base = found.base.estimate
    low, high = found.base.conf_int
    farthest = max(beyond.values(), key=lambda v: abs(v - base))
    ends = min(beyond.values()), max(beyond.values())
    return Check(
        "spillover",
        low <= farthest <= high and bool(np.sign(farthest) == np.sign(base)),
        f"Utan de närmaste jämförelsekommunerna går skattningen från "
        f"{interval(*ends, 'sv')}; med alla är den {number(base, 'sv')}.",
        f"Without the nearest comparison municipalities the estimate goes "
        f"from {interval(*ends, 'en')}; with all it is {number(base, 'en')}.",
        farthest,
        base,
    )
