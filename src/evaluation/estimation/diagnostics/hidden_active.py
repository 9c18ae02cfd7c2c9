"""What if part of the comparison group is active too: how many it takes to undo a finding.

Nobody is named as waiting, so the comparison group is «not known to be active» and may
hide active municipalities. If they are spread at random, started at the same time and
have the same constant effect, a share s of them leaves ``(1 − s)`` of the effect. With a
larger effect, or an earlier start whose effect fades, they can do more than that.

The count here is the worst case over *who* is hidden, with their being active meaning
that they leave the comparison: they leave in the order that hurts the estimate most.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from evaluation.estimation.few_treated.contrasts import Contrasts
from evaluation.estimation.few_treated.permutation import placebo_estimates, tie

__all__ = ["HiddenActive", "assignment_p", "hidden_active", "leave_out"]


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
        The p-value with nobody hidden.
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


def leave_out(c: Contrasts, picks: np.ndarray, gone: np.ndarray) -> tuple[Contrasts, np.ndarray]:
    """Leave units that are not treated out of the study.

    Parameters
    ----------
    c : Contrasts
        The aggregate's contrasts.
    picks : numpy.ndarray
        Shape (assignments, slots): unit columns.
    gone : numpy.ndarray
        Columns of the units that leave; none of them a slot's own.

    Returns
    -------
    Contrasts
        Without them.
    numpy.ndarray
        The assignments that hold none of them, in the new columns.
    """
    stay = np.setdiff1d(np.arange(len(c.units)), gone)
    place = np.full(len(c.units), -1)
    place[stay] = np.arange(len(stay))
    fewer = replace(
        c,
        units=tuple(c.units[j] for j in stay),
        slots=tuple(int(place[s]) for s in c.slots),
        d=c.d[:, stay],
        b=c.b[:, stay],
    )
    others = place[picks]
    return fewer, others[(others >= 0).all(axis=1)]


def assignment_p(c: Contrasts, picks: np.ndarray) -> float:
    """Return the share of assignments, the real one included, that reach its absolute estimate."""
    values = np.abs(placebo_estimates(c, c.d, picks))
    real = abs(c.estimate())
    return float((1 + (values >= real - tie(values)).sum()) / (1 + len(values)))


def hidden_active(c: Contrasts, picks: np.ndarray, *, alpha: float) -> HiddenActive:
    """Find the smallest worst-case share of hidden active controls that undoes the estimate.

    Controls leave the comparison group in the order that hurts the estimate most: for a
    positive estimate those with the smallest contrast first. The estimate after each
    leaving is a cumulative sum; the p-value is taken anew from the assignments that hold
    none of those who left, until it passes alpha.

    Parameters
    ----------
    c : Contrasts
        The aggregate's contrasts.
    picks : numpy.ndarray
        Shape (assignments, slots): those of the permutation, so that with nobody hidden the
        p-value is the permutation's own.
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
        return assignment_p(*leave_out(c, picks, order[:hidden]))

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
