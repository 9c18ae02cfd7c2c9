"""What if part of the comparison group is active too: the share at which a finding goes.

Nobody is named as waiting, so the comparison group is «not known to be active» and may
hide active municipalities. If they are spread at random and have the same effect, the
estimate is only pulled towards zero: a share s of them leaves ``(1 − s)`` of the effect.
The sign can be lost only if the hidden ones are those that make the comparison group look
the way it does; the worst case takes them in exactly that order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from evaluation.estimation.contrasts import Contrasts
from evaluation.estimation.permutation import assignments, placebo_estimates

__all__ = ["HiddenActive", "hidden_active"]


@dataclass(frozen=True)
class HiddenActive:
    """How many hidden active municipalities it takes, in the worst case.

    Parameters
    ----------
    n_controls : int
        Size of the comparison group.
    sign_lost_at : int or None
        Fewest controls whose leaving turns the estimate's sign; None if none do.
    significance_lost_at : int or None
        Fewest controls whose leaving lifts the permutation p-value above alpha; 0 when
        it is above from the start; None if the sign goes before.
    p_at_start : float
        The p-value with nobody hidden, from these draws.
    shares, estimates : tuple of float
        The worst-case curve: share of the comparison group that is hidden, and the
        estimate without it.
    """

    n_controls: int
    sign_lost_at: int | None
    significance_lost_at: int | None
    p_at_start: float
    shares: tuple[float, ...]
    estimates: tuple[float, ...]

    @property
    def sign_share(self) -> float | None:
        """Share of the comparison group at which the sign goes."""
        return None if self.sign_lost_at is None else self.sign_lost_at / self.n_controls

    @property
    def significance_share(self) -> float | None:
        """Share of the comparison group at which significance goes."""
        return (
            None
            if self.significance_lost_at is None
            else self.significance_lost_at / self.n_controls
        )

    def to_dict(self) -> dict[str, object]:
        """Return plain types for JSON."""
        return {
            "n_controls": self.n_controls,
            "sign_lost_at": self.sign_lost_at,
            "sign_share": self.sign_share,
            "significance_lost_at": self.significance_lost_at,
            "significance_share": self.significance_share,
            "p_at_start": self.p_at_start,
            "curve": [
                {"share": s, "estimate": e}
                for s, e in zip(self.shares, self.estimates, strict=True)
            ],
        }


def hidden_active(
    c: Contrasts,
    sets: Sequence[Sequence[int]],
    *,
    draws: int,
    seed: int,
    alpha: float,
) -> HiddenActive:
    """Find the smallest worst-case share of hidden active controls that undoes the estimate.

    Controls leave the comparison group in the order that hurts the estimate most: for a
    positive estimate those with the smallest contrast first. The estimate after each
    leaving is a cumulative sum; the p-value is taken anew with the sets that remain, until
    it passes alpha.

    Parameters
    ----------
    c : Contrasts
        The aggregate's contrasts.
    sets : sequence of sequence of int
        Matched sets of the permutation, treated first.
    draws : int
        Assignments per p-value.
    seed : int
        Seed of the draws.
    alpha : float
        Level of significance.

    Returns
    -------
    HiddenActive
        Counts, shares and the worst-case curve.
    """
    controls = c.controls
    composite = c.weight @ c.d
    own = float(c.weight @ c.d[np.arange(len(c.slots)), list(c.slots)])
    start = own - float(composite[controls].mean())
    order = controls[np.argsort(composite[controls] * np.sign(start), kind="stable")]
    kept = len(controls) - np.arange(len(controls))
    left = composite[controls].sum() - np.append(0.0, np.cumsum(composite[order])[:-1])
    path = own - left / kept
    turned = np.flatnonzero(np.sign(path) != np.sign(start))
    sign_at = int(turned[0]) if len(turned) else None

    def p_value(hidden: int) -> float:
        gone = set(order[:hidden].tolist())
        stay = np.array([j for j in range(len(c.units)) if j not in gone])
        new = {int(j): k for k, j in enumerate(stay)}
        rest = [[new[j] for j in s if j not in gone] for s in sets]
        small = Contrasts(
            units=tuple(c.units[j] for j in stay),
            slots=tuple(new[s] for s in c.slots),
            years=c.years,
            weight=c.weight,
            d=c.d[:, stay],
            b=c.b[:, stay],
        )
        values = placebo_estimates(small, small.d, assignments(rest, draws, seed))
        return (1 + int((np.abs(values) >= abs(small.estimate()) - 1e-10).sum())) / (
            1 + len(values)
        )

    p_start = p_value(0)
    significance_at: int | None = 0 if p_start > alpha else None
    if significance_at is None:
        last = len(order) - 1 if sign_at is None else sign_at
        significance_at = next((m for m in range(1, last + 1) if p_value(m) > alpha), None)
    shown = len(order) - 1 if sign_at is None else min(2 * sign_at + 5, len(order) - 1)
    return HiddenActive(
        n_controls=len(controls),
        sign_lost_at=sign_at,
        significance_lost_at=significance_at,
        p_at_start=p_start,
        shares=tuple(float(m / len(controls)) for m in range(shown + 1)),
        estimates=tuple(float(v) for v in path[: shown + 1]),
    )
