r"""Any weights over the treated municipalities' years, tested under the headline's assignments.

A part is a weighted sum of unit contrasts as in
:mod:`evaluation.estimation.few_treated.contrasts`, on those treated municipalities that have the
years in question and the comparison group. The assignments are the headline's own, those of the
municipalities concerned: the same draws for every part, so that parts can be tested jointly. A
single municipality whose set is too small for an interval has its own p-value and interval from the
wider set that it has alone; tested jointly it moves with the others.

The difference of two parts is zero under a constant effect :math:`\tau` of any size. An
assignment that puts a treated municipality into another's place, or among the compared, does see
:math:`\tau`; therefore the estimate of :math:`\tau` is taken out of the treated before the
assignments are made (a plug-in: exact if :math:`\tau` were known).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from evaluation.data.panel import Panel
from evaluation.estimation.few_treated.contrasts import Contrasts, custom_contrasts
from evaluation.estimation.few_treated.permutation import (
    against_placebos,
    placebo_estimates,
)
from evaluation.estimation.robustness.adjusted_p_values import romano_wolf
from evaluation.estimation.windows import spells
from evaluation.questions.inference import DesignInference
from evaluation.results import Estimate

__all__ = ["Part", "adjusted", "base_rows", "build", "means", "treated_years"]


@dataclass(frozen=True)
class Part:
    """An estimate with the placebo estimates of the headline's assignments.

    Parameters
    ----------
    result : Estimate
        With its permutation p-value and interval.
    placebo : numpy.ndarray
        Shape (assignments,).
    codes : tuple of str
        The treated municipalities behind it.
    n_years : int
        Treated municipality-years behind it.
    """

    result: Estimate
    placebo: np.ndarray = field(repr=False)
    codes: tuple[str, ...]
    n_years: int


def treated_years(inference: DesignInference) -> dict[str, np.ndarray]:
    """Return each treated municipality's treated years, shape (years,), bool."""
    panel = inference.panel
    s = spells(panel, inference.design.cohort()[panel.units], inference.windows)
    inside = s.treated(np.array(panel.years))
    return {c: inside[panel.units.index(c)] for c in inference.design.treated_codes}


def base_rows(inference: DesignInference) -> dict[str, np.ndarray]:
    """Return each treated municipality's base year as an indicator, shape (years,)."""
    years = np.array(inference.panel.years)
    return {
        t.code: (years == inference.windows.base(t.code, t.first_year)).astype(float)
        for t in inference.design.treated
    }


def means(
    inference: DesignInference, masks: Mapping[str, np.ndarray], codes: Sequence[str] | None = None
) -> dict[str, np.ndarray]:
    """Return weights for the mean of some years less the base, for those who have such years.

    Parameters
    ----------
    inference : DesignInference
        The design.
    masks : mapping of str to numpy.ndarray
        By treated code: which years, shape (years,), bool.
    codes : sequence of str, optional
        Only these.
    """
    base = base_rows(inference)
    chosen = masks if codes is None else {c: masks[c] for c in codes}
    return {c: m / m.sum() - base[c] for c, m in chosen.items() if m.any()}


def build(
    inference: DesignInference,
    rows: Mapping[str, np.ndarray],
    estimand: str,
    *,
    moving: Mapping[str, np.ndarray] | None = None,
    n_years: int,
    remove: float = 0.0,
    notes: tuple[str, ...] = (),
) -> Part:
    """Estimate and test weights over years.

    Parameters
    ----------
    inference : DesignInference
        Panel, design, sets and assignments.
    rows : mapping of str to numpy.ndarray
        By treated code: weights over the panel's years that sum to zero. Every municipality
        named weighs the same; treated ones that are not named stay out altogether.
    estimand : str
        Its name.
    moving : mapping of str to numpy.ndarray, optional
        By treated code, shape (years,): how much of the hypothesised effect stands in each year,
        such that the rows see one unit of it; all of it in every treated year without this.
    n_years : int
        Treated municipality-years behind it.
    remove : float
        Constant effect that is taken out of the treated years before assigning; the rows must
        not see it.
    notes : tuple of str
        What a reader must know.
    """
    design, s = inference.design, inference.settings
    codes = tuple(c for c in design.treated_codes if c in rows)
    panel = inference.panel.select([*codes, *design.controls])
    cohort = design.cohort()[panel.units]
    whole = treated_years(inference)
    main = _contrasts(panel, cohort, rows, moving or whole)
    constant = _contrasts(panel, cohort, rows, whole) if remove else None

    def placebos(picks: np.ndarray) -> np.ndarray:
        a = placebo_estimates(main, main.d, picks)
        if constant is None:
            return a
        return a - remove * placebo_estimates(constant, constant.b, picks)

    known = {x[0]: len(x) for x in inference.sets}
    distinct, mechanism = math.prod(known[c] for c in codes), inference.mechanism
    picks = _picks(inference, codes, main)
    joint = own = placebos(picks)
    if distinct * s.alpha < 1 and len(codes) == 1 < len(design.treated):
        # a set of nine holds no interval of 95 %: one of several has the set that it has alone
        (unit,) = (t for t in design.treated if t.code in codes)
        distinct = inference.alone_donors + 1
        picks, mechanism = inference.alone_assignments(unit, main)
        own = placebos(picks)
    if distinct * s.alpha < 1:
        notes = (*notes, f"only {distinct} assignments of these municipalities differ")
    like = Estimate(
        term="att",
        estimate=main.estimate(),
        conf_int=(-np.inf, np.inf),
        method="difference of unit contrasts, never-treated controls",
        inference="none",
        estimand=estimand,
        n_obs=int(panel.values.size),
        n_units=len(panel.units),
        n_treated_units=len(codes),
        n_clusters=len(panel.units),
        data_hash=panel.hash(),
        notes=notes,
    )
    found = against_placebos(
        main.estimate(),
        own,
        placebo_estimates(main, main.b, picks),
        seed=s.seed,
        alpha=s.alpha,
        like=like,
        mechanism=mechanism,
    )
    return Part(found.result, joint, codes, n_years)


def _contrasts(
    panel: Panel,
    cohort: pd.Series,
    rows: Mapping[str, np.ndarray],
    moving: Mapping[str, np.ndarray],
) -> Contrasts:
    carrying = np.zeros(panel.values.shape)
    for i, unit in enumerate(panel.units):
        if unit in rows:
            carrying[i] = moving[unit]
    return custom_contrasts(panel, cohort, rows, carrying=carrying)


def _picks(inference: DesignInference, codes: Sequence[str], c: Contrasts) -> np.ndarray:
    """Return the headline's assignments of some of its slots, as columns of a smaller panel."""
    order = inference.panel.units
    slots = [u for u in order if u in set(inference.design.treated_codes)]
    place = {u: i for i, u in enumerate(c.units)}
    # those who are assigned to these slots are in the smaller panel: their sets are disjoint
    move = np.array([place.get(u, -1) for u in order])
    kept = [slots.index(c.units[i]) for i in c.slots]
    picks: np.ndarray = move[inference.picks[:, kept]]
    return picks


def adjusted(parts: Mapping[str, Part]) -> dict[str, float]:
    """Adjust the p-values of several parts for being several (Romano & Wolf 2005).

    Parameters
    ----------
    parts : mapping of str to Part
        Of the same assignments.

    Returns
    -------
    dict of str to float
        By key. A part that is zero under every assignment has p = 1 and is no hypothesis.
    """
    moving = {k: p for k, p in parts.items() if p.result.estimate or p.placebo.any()}
    out = dict.fromkeys(parts, 1.0)
    if moving:
        found = romano_wolf(
            [p.result.estimate for p in moving.values()],
            np.column_stack([p.placebo for p in moving.values()]),
        )
        # nobody's is smaller for the company: by itself a municipality may have another set
        out |= {
            k: max(float(p), moving[k].result.p_value or 0.0)
            for k, p in zip(moving, found, strict=True)
        }
    return out
