r"""The effect by years since adoption, the short and the long horizon side by side.

With :math:`e = t - g_i` the years since municipality i's first treated year and H a horizon,

.. math::
    \tau_H = \frac{1}{|I_H|} \sum_{i \in I_H} \Big( \overline{Y}_{i,H} - Y_{i,b_i}
    - \frac{1}{|C|} \sum_{c \in C} (\overline{Y}_{c,H_i} - Y_{c,b_i}) \Big)

over the municipalities :math:`I_H` that the data show at that horizon. They are fewer the longer
the horizon is, so that the same is given for those seen at all horizons, and the difference
between a late and an early horizon is theirs alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from evaluation.data.horizons import HORIZONS
from evaluation.questions.horizons.parts import Part, adjusted, build, means, treated_years
from evaluation.questions.inference import DesignInference
from evaluation.results import Estimate

__all__ = ["HORIZONS", "Duration", "Horizon", "Verdict", "analyse_duration", "horizon_masks"]

Verdict = Literal["fades", "turns", "grows", "comes_late", "changes", "cannot_tell", "not_seen"]


@dataclass(frozen=True)
class Horizon:
    """The effect at one horizon.

    Parameters
    ----------
    key : str
        ``short``, ``middle`` or ``long``.
    first, last : int, int or None
        Years since adoption; None is open.
    estimate : Estimate or None
        None where no municipality is seen so long after its start.
    p_adjusted : float or None
        Adjusted over the horizons (Romano–Wolf).
    codes : tuple of str
        The treated municipalities seen.
    n_years : int
        Their treated municipality-years at the horizon.
    balanced : Estimate or None
        The same for those seen at every horizon that anyone is seen at.
    """

    key: str
    first: int
    last: int | None
    estimate: Estimate | None
    p_adjusted: float | None
    codes: tuple[str, ...]
    n_years: int
    balanced: Estimate | None

    def to_dict(self) -> dict[str, Any]:
        """Return plain types for JSON."""
        return {
            "key": self.key,
            "first": self.first,
            "last": self.last,
            "estimate": self.estimate.to_dict() if self.estimate else None,
            "p_adjusted": self.p_adjusted,
            "codes": list(self.codes),
            "n_years": self.n_years,
            "balanced": self.balanced.to_dict() if self.balanced else None,
        }


@dataclass(frozen=True)
class Duration:
    """The horizons of one outcome, and whether the effect fades or comes late.

    Parameters
    ----------
    horizons : tuple of Horizon
        Short, middle, long; those that nobody is seen at too.
    late : str or None
        The latest horizon that someone is seen at, if it is not the first.
    difference : Estimate or None
        Late less short among those seen at all horizons, the constant effect taken out.
    verdict : str
        By the intervals; see :func:`verdict`.
    last_year : int
        Last year of the data.
    """

    horizons: tuple[Horizon, ...]
    late: str | None
    difference: Estimate | None
    verdict: Verdict
    last_year: int

    def __getitem__(self, key: str) -> Horizon:
        return next(h for h in self.horizons if h.key == key)

    def to_dict(self) -> dict[str, Any]:
        """Return plain types for JSON."""
        return {
            "horizons": [h.to_dict() for h in self.horizons],
            "late": self.late,
            "difference": self.difference.to_dict() if self.difference else None,
            "verdict": self.verdict,
            "last_year": self.last_year,
        }


def horizon_masks(inference: DesignInference) -> dict[str, dict[str, np.ndarray]]:
    """Return by horizon and treated code which years belong to it, shape (years,), bool."""
    years = np.array(inference.panel.years)
    first = {t.code: t.first_year for t in inference.design.treated}
    return {
        key: {
            c: inside
            & (years - first[c] >= low)
            & (years - first[c] <= (high if high is not None else years[-1]))
            for c, inside in treated_years(inference).items()
        }
        for key, (low, high) in HORIZONS.items()
    }


def _clear(e: Estimate) -> bool:
    """Return whether the interval leaves out zero."""
    return e.conf_int[0] > 0 or e.conf_int[1] < 0


def verdict(early: Estimate, late: Estimate, difference: Estimate) -> Verdict:
    """Say what became of the effect, by the intervals alone.

    Parameters
    ----------
    early, late : Estimate
        Of the same municipalities.
    difference : Estimate
        Late less early.

    Returns
    -------
    str
        ``cannot_tell`` unless the difference's interval leaves out zero. Then ``turns``: both
        differ from zero with opposite signs; ``fades``: the early one differs from zero and
        the difference goes against it; ``grows``: both differ from zero and the difference goes
        with them; ``comes_late``: the late one alone differs from zero and the difference goes
        with it; ``changes`` otherwise.
    """
    if not _clear(difference):
        return "cannot_tell"
    against = early.estimate * difference.estimate < 0
    if _clear(early) and _clear(late) and early.estimate * late.estimate < 0:
        return "turns"
    if _clear(early) and against:
        return "fades"
    if _clear(late) and late.estimate * difference.estimate > 0:
        return "grows" if _clear(early) else "comes_late"
    return "changes"


def analyse_duration(inference: DesignInference) -> Duration:
    """Estimate the effect at every horizon.

    Parameters
    ----------
    inference : DesignInference
        Panel, design, sets and assignments.

    Returns
    -------
    Duration
        Against the whole comparison group, every municipality weighing the same, whatever the
        headline's aggregate or matching; permutation within the headline's matched sets.
    """
    masks = horizon_masks(inference)
    parts: dict[str, Part] = {}
    for key, by_code in masks.items():
        rows = means(inference, by_code)
        if rows:
            n_years = sum(int(by_code[c].sum()) for c in rows)
            parts[key] = build(inference, rows, f"horizon_{key}", n_years=n_years)
    p = adjusted(parts)
    late = list(parts)[-1] if len(parts) > 1 else None
    same: dict[str, Estimate] = {}
    difference = None
    said: Verdict = "not_seen"
    if late is not None:
        stay = [c for c in parts[late].codes if all(c in x.codes for x in parts.values())]
        for key, whole in parts.items():
            if set(stay) == set(whole.codes):
                same[key] = whole.result
            else:
                rows = means(inference, masks[key], stay)
                same[key] = build(inference, rows, f"horizon_{key}", n_years=0).result
        difference = _difference(inference, masks, stay, late)
        said = verdict(same["short"], same[late], difference)
    return Duration(
        tuple(
            Horizon(
                key,
                *HORIZONS[key],
                parts[key].result if key in parts else None,
                p.get(key),
                parts[key].codes if key in parts else (),
                parts[key].n_years if key in parts else 0,
                same.get(key),
            )
            for key in HORIZONS
        ),
        late,
        difference,
        said,
        inference.panel.years[-1],
    )


def _difference(
    inference: DesignInference, masks: dict[str, dict[str, np.ndarray]], codes: list[str], late: str
) -> Estimate:
    """Estimate late less short; the effect of all treated years is taken out of the placebos."""
    whole = treated_years(inference)
    constant = build(inference, means(inference, whole, codes), "cohort", n_years=0)
    rows = {
        c: masks[late][c] / masks[late][c].sum() - masks["short"][c] / masks["short"][c].sum()
        for c in codes
    }
    moving = {}
    for c in codes:
        far, near = masks[late][c], masks["short"][c]
        share = near.sum() / (near.sum() + far.sum())
        # apart by one unit, the mean of the two horizons' years as it was
        moving[c] = far * share - near * (1 - share)
    return build(
        inference,
        rows,
        f"horizon_{late}_minus_short",
        moving=moving,
        n_years=sum(int((masks[late][c] | masks["short"][c]).sum()) for c in codes),
        remove=constant.result.estimate,
        notes=("the constant effect is estimated and taken out before assigning",),
    ).result
