"""What if some of those coded as treated were in truth not: every group of them tried."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pandas as pd

from evaluation.errors import InputError
from evaluation.estimation.diagnostics.hidden_active import assignment_p, leave_out
from evaluation.estimation.few_treated.contrasts import Contrasts

__all__ = ["MiscodedTreated", "miscoded_treated"]

MOST_SUBSETS = 2_000
"""So many groups of miscoded treated are tried in all; where a size has more than its share they
are drawn."""


@dataclass(frozen=True)
class MiscodedTreated:
    """What it would mean if some of the treated were in truth not.

    Parameters
    ----------
    moved : {"dropped", "controls"}
        Whether they leave the study or join the comparison group.
    miscoded : tuple of int
        How many treated are miscoded.
    low, high : tuple of float
        Smallest and largest estimate over the groups of that size.
    largest_p : tuple of float
        The largest p-value over them.
    tried : tuple of int
        How many groups were tried: all of that size, or its share of 2,000 in all, drawn, and
        the two with the smallest and the largest estimate.
    worst : tuple of tuple of str
        The group with the estimate that pulls most towards, or past, zero.
    sign_lost_at, significance_lost_at : int or None
        Fewest miscoded treated that can turn the sign, or lift p above alpha; 0 where it is
        above from the start; None if none of those tried do.
    estimate, p_value : float
        With nobody miscoded.
    alpha : float
        Level of significance.
    seed : int
        Of the groups where they are drawn.
    """

    moved: str
    miscoded: tuple[int, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    largest_p: tuple[float, ...]
    tried: tuple[int, ...]
    worst: tuple[tuple[str, ...], ...]
    sign_lost_at: int | None
    significance_lost_at: int | None
    estimate: float
    p_value: float
    alpha: float
    seed: int

    def tidy(self) -> pd.DataFrame:
        """Return one row per number of miscoded."""
        columns = ("miscoded", "low", "high", "largest_p", "tried")
        out = pd.DataFrame({c: list(getattr(self, c)) for c in columns})
        out["worst"] = [", ".join(w) for w in self.worst]
        return out

    def to_dict(self) -> dict[str, object]:
        """Return plain types for JSON."""
        return {
            "moved": self.moved,
            "estimate": self.estimate,
            "p_value": self.p_value,
            "alpha": self.alpha,
            "seed": self.seed,
            "sign_lost_at": self.sign_lost_at,
            "significance_lost_at": self.significance_lost_at,
            "rows": self.tidy().to_dict("records"),
        }


def miscoded_treated(
    c: Contrasts,
    picks: np.ndarray,
    *,
    most: int | None = None,
    moved: Literal["dropped", "controls"] = "dropped",
    alpha: float = 0.05,
    seed: int = 0,
) -> MiscodedTreated:
    """Estimate with every group of treated units taken to be miscoded.

    Parameters
    ----------
    c : Contrasts
        The aggregate's contrasts.
    picks : numpy.ndarray
        Shape (assignments, slots): those of the permutation; the columns of the units that stay
        treated are kept.
    most : int, optional
        Largest number of miscoded treated; all but one by default.
    moved : {"dropped", "controls"}
        What becomes of them: a unit that was never active belongs to the comparison group, one
        whose stance is unknown to neither.
    alpha : float
        Level of significance.
    seed : int
        Of the groups where they are drawn.

    Returns
    -------
    MiscodedTreated
        One row per number of miscoded.

    Raises
    ------
    InputError
        If there is only one treated unit, or ``most`` leaves none.
    """
    slots = len(c.slots)
    most = slots - 1 if most is None else most
    if not 1 <= most < slots:
        raise InputError(
            f"from 1 to {slots - 1} of {slots} treated can be miscoded, not {most}", field="most"
        )
    if moved not in ("dropped", "controls"):
        raise InputError(f"{moved!r} is neither dropped nor controls", field="moved")
    start = c.estimate()
    p_start = assignment_p(c, picks)
    rng = np.random.default_rng(np.random.SeedSequence(seed))
    share = max(1, MOST_SUBSETS // most)
    own = c.d[np.arange(slots), list(c.slots)] - c.d[:, c.controls].mean(axis=1)
    rows = []
    for size in range(1, most + 1):
        if math.comb(slots, size) <= share:
            groups = list(itertools.combinations(range(slots), size))
        else:
            ends = (_extreme_group(c.weight, own, size, sign) for sign in (1, -1))
            drawn = (rng.choice(slots, size, replace=False) for _ in range(share))
            groups = [*ends, *(tuple(int(s) for s in np.sort(g)) for g in drawn)]
        values, p = np.empty(len(groups)), np.empty(len(groups))
        for i, group in enumerate(groups):
            keep = [s for s in range(slots) if s not in group]
            weight = c.weight[keep]
            if weight.sum() <= 0:
                values[i], p[i] = np.nan, np.nan
                continue
            fewer = replace(
                c,
                slots=tuple(c.slots[s] for s in keep),
                years=tuple(c.years[s] for s in keep),
                weight=weight / weight.sum(),
                d=c.d[keep],
                b=c.b[keep],
            )
            others = picks[:, keep]
            if moved == "dropped":
                fewer, others = leave_out(fewer, others, np.array([c.slots[s] for s in group]))
            values[i], p[i] = fewer.estimate(), assignment_p(fewer, others)
        worst = groups[int(np.nanargmin(values * np.sign(start)))]
        rows.append(
            (
                size,
                float(np.nanmin(values)),
                float(np.nanmax(values)),
                float(np.nanmax(p)),
                len(groups),
                tuple(c.units[c.slots[s]] for s in worst),
            )
        )
    end = [low if start > 0 else high for _, low, high, *_ in rows]
    turned = [r[0] for r, v in zip(rows, end, strict=True) if np.sign(v) != np.sign(start)]
    weak = [r[0] for r in rows if r[3] > alpha]
    return MiscodedTreated(
        moved=moved,
        miscoded=tuple(r[0] for r in rows),
        low=tuple(r[1] for r in rows),
        high=tuple(r[2] for r in rows),
        largest_p=tuple(r[3] for r in rows),
        tried=tuple(r[4] for r in rows),
        worst=tuple(r[5] for r in rows),
        sign_lost_at=turned[0] if turned else None,
        significance_lost_at=0 if p_start > alpha else weak[0] if weak else None,
        estimate=start,
        p_value=p_start,
        alpha=alpha,
        seed=seed,
    )


def _extreme_group(weight: np.ndarray, own: np.ndarray, size: int, sign: int) -> tuple[int, ...]:
    """Return the group whose leaving makes the weighted mean of the others smallest.

    Dinkelbach's iteration (1967, section 2): at the smallest mean m, those who stay have the
    smallest w (v - m). With ``sign`` -1 the largest is found. Where the leaving join the
    comparison group they move its mean too, and the group is a good one but no proven end.
    """
    value, m = sign * own, math.inf
    stay = np.sort(np.argsort(-weight, kind="stable")[: len(own) - size])
    while (mean := float(np.average(value[stay], weights=weight[stay]))) < m:
        m = mean
        stay = np.sort(np.argsort(weight * (value - m), kind="stable")[: len(own) - size])
        if weight[stay].sum() <= 0:
            break
    return tuple(int(s) for s in np.setdiff1d(np.arange(len(own)), stay))
