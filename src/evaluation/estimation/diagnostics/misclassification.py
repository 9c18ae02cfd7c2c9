r"""What miscoded stances do to an estimate: the analytic bound, and hidden active controls.

If a share s of the comparison group is active too, since the same years and with the same effect,
and a share m of those coded as treated were not, the difference has the expectation

.. math:: E[\hat\tau] = \tau\,(1 - m - s)

(Aigner 1973, for a binary regressor measured with error). That bound needs no simulation. What
random or adverse hidden units do to the estimate and to its p-value on the real panel is simulated
here; the exact worst case over which units are hidden is in
:mod:`evaluation.estimation.diagnostics.hidden_active`, treated that in truth were not are in
:mod:`evaluation.estimation.diagnostics.miscoded_treated`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from evaluation.errors import InputError
from evaluation.estimation.diagnostics.hidden_active import assignment_p, leave_out
from evaluation.estimation.diagnostics.miscoded_treated import MiscodedTreated
from evaluation.estimation.few_treated.contrasts import Contrasts
from evaluation.language import interval, per_cent
from evaluation.results import Check

__all__ = [
    "Attenuation",
    "HiddenSimulation",
    "attenuation",
    "misclassification_check",
    "simulate_hidden_active",
]


@dataclass(frozen=True)
class Attenuation:
    """The analytic bound.

    Parameters
    ----------
    hidden_share : float
        s: share of the comparison group that is active.
    miscoded_share : float
        m: share of the treated that were not.
    factor : float
        1 − m − s; what is left of the effect.
    estimate, corrected : float
        The estimate, and the effect that it would then stand for.
    sign_lost_share : float
        The share s beyond which the estimate has the wrong sign, given m.
    """

    hidden_share: float
    miscoded_share: float
    factor: float
    estimate: float
    corrected: float
    sign_lost_share: float

    def tidy(self) -> pd.DataFrame:
        """Return one row."""
        return pd.DataFrame([self.to_dict()])

    def to_dict(self) -> dict[str, float]:
        """Return plain types for JSON."""
        return dict(vars(self))


def attenuation(
    estimate: float, hidden_share: float = 0.0, miscoded_share: float = 0.0
) -> Attenuation:
    """Return what misclassification at random leaves of an effect.

    Parameters
    ----------
    estimate : float
        The estimate, in the outcome's unit.
    hidden_share, miscoded_share : float
        s and m, from 0 to 1, together below 1: at 1 the two groups are alike.

    Raises
    ------
    InputError
        If a share is not between 0 and 1, or they sum to one or more.

    References
    ----------
    Aigner, D. (1973). Regression with a binary independent variable subject to errors of
    observation. Journal of Econometrics 1(1).

    Examples
    --------
    >>> attenuation(3.0, hidden_share=0.25).corrected
    4.0
    """
    for name, share in (("hidden_share", hidden_share), ("miscoded_share", miscoded_share)):
        if not 0 <= share <= 1:
            raise InputError(f"a share between 0 and 1 is needed, not {share}", field=name)
    factor = 1 - miscoded_share - hidden_share
    if factor <= 0:
        raise InputError(
            f"shares of {hidden_share} and {miscoded_share} leave no difference between the groups",
            field="hidden_share",
        )
    return Attenuation(
        hidden_share, miscoded_share, factor, estimate, estimate / factor, 1 - miscoded_share
    )


@dataclass(frozen=True)
class HiddenSimulation:
    """What hidden active controls do, share by share.

    Parameters
    ----------
    who : {"random", "adverse"}
        Any controls, or only those from the half that pulls the estimate towards zero most.
    share : tuple of float
        Shares of the comparison group that are hidden active.
    mean, low, high : tuple of float
        Mean and 5 % and 95 % quantiles of the estimate once they have left the comparison.
    sign_lost, significance_lost : tuple of float
        Shares of draws in which the sign turns, and in which p passes alpha.
    estimate, p_value : float
        With nobody hidden.
    alpha : float
        Level of significance.
    draws, seed : int
        Of the hidden groups.
    """

    who: str
    share: tuple[float, ...]
    mean: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    sign_lost: tuple[float, ...]
    significance_lost: tuple[float, ...]
    estimate: float
    p_value: float
    alpha: float
    draws: int
    seed: int

    def lost_at(self, what: Literal["sign", "significance"], chance: float = 0.5) -> float | None:
        """Return the smallest share at which it is lost with at least that chance, or None.

        Significance that was not there from the start is lost at share 0.
        """
        if what == "significance" and self.p_value > self.alpha:
            return 0.0
        lost = self.sign_lost if what == "sign" else self.significance_lost
        return next((s for s, v in zip(self.share, lost, strict=True) if v >= chance), None)

    def tidy(self) -> pd.DataFrame:
        """Return one row per share."""
        columns = ("share", "mean", "low", "high", "sign_lost", "significance_lost")
        return pd.DataFrame({c: list(getattr(self, c)) for c in columns})

    def to_dict(self) -> dict[str, object]:
        """Return plain types for JSON."""
        return {
            "who": self.who,
            "estimate": self.estimate,
            "p_value": self.p_value,
            "alpha": self.alpha,
            "draws": self.draws,
            "seed": self.seed,
            "rows": self.tidy().to_dict("records"),
        }


def simulate_hidden_active(
    c: Contrasts,
    picks: np.ndarray,
    shares: Sequence[float] = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5),
    *,
    who: Literal["random", "adverse"] = "random",
    draws: int = 200,
    seed: int = 0,
    alpha: float = 0.05,
) -> HiddenSimulation:
    """Draw which controls are hidden active, and estimate without them.

    Parameters
    ----------
    c : Contrasts
        The aggregate's contrasts.
    picks : numpy.ndarray
        Shape (assignments, slots): those of the permutation. Assignments that hold a hidden unit
        are left out of each draw's p-value.
    shares : sequence of float
        Shares of the comparison group, above 0 and below 1.
    who : {"random", "adverse"}
        Whether any control can be hidden active, or only the half whose leaving pulls the
        estimate towards zero. The adverse half cannot hold more than half of the group.
    draws, seed : int
        Of the hidden groups, the same seed for every share.
    alpha : float
        Level of significance.

    Returns
    -------
    HiddenSimulation
        One row per share.

    Raises
    ------
    InputError
        If a share is not between 0 and 1, exceeds what ``who`` allows, or leaves no control.
    """
    controls = c.controls
    n = len(controls)
    composite = c.weight @ c.d
    start = c.estimate()
    order = controls[np.argsort(composite[controls] * np.sign(start), kind="stable")]
    if who == "random":
        pool = controls
    elif who == "adverse":
        pool = order[: (n + 1) // 2]
    else:
        raise InputError(f"{who!r} is neither random nor adverse", field="who")
    rows: list[tuple[float, ...]] = []
    for child, share in zip(np.random.SeedSequence(seed).spawn(len(shares)), shares, strict=True):
        hidden = round(share * n)
        if not 0 < share < 1 or hidden > min(len(pool), n - 1):
            largest = min(len(pool), n - 1) / n
            raise InputError(
                f"a share above 0 of at most {largest:.2f} is needed, not {share}", field="shares"
            )
        rng = np.random.default_rng(child)
        values, lost = np.empty(draws), np.empty(draws, dtype=bool)
        for i in range(draws):
            fewer, others = leave_out(c, picks, rng.choice(pool, hidden, replace=False))
            values[i] = fewer.estimate()
            lost[i] = assignment_p(fewer, others) > alpha
        low, high = np.quantile(values, [0.05, 0.95])
        turned = float((np.sign(values) != np.sign(start)).mean())
        rows.append((values.mean(), low, high, turned, lost.mean()))
    columns = [tuple(float(v) for v in column) for column in zip(*rows, strict=True)]
    return HiddenSimulation(
        who=who,
        share=tuple(float(s) for s in shares),
        mean=columns[0],
        low=columns[1],
        high=columns[2],
        sign_lost=columns[3],
        significance_lost=columns[4],
        estimate=start,
        p_value=assignment_p(c, picks),
        alpha=alpha,
        draws=draws,
        seed=seed,
    )


def misclassification_check(
    hidden: HiddenSimulation, miscoded: MiscodedTreated, *, enough: float = 0.1
) -> Check:
    """Ask whether plausible miscoding could turn the sign.

    Parameters
    ----------
    hidden : HiddenSimulation
        Hidden active controls.
    miscoded : MiscodedTreated
        Treated that were not.
    enough : float
        The share of the comparison group that must not be able to turn the sign in half the
        draws; nor may one miscoded treated unit.
    """
    share = hidden.lost_at("sign")
    one = (miscoded.low[0], miscoded.high[0])
    shown = 1.0 if share is None else share
    if share is None:
        most = max(hidden.share)
        sv = f"Inte ens om {per_cent(most, 'sv')} av jämförelsegruppen är dolt aktiv vänds tecknet"
        en = f"Not even {per_cent(most, 'en')} of the comparison group being active turns the sign"
    else:
        sv = f"Är {per_cent(share, 'sv')} av jämförelsegruppen dolt aktiv vänds tecknet"
        en = f"With {per_cent(share, 'en')} of the comparison group active the sign turns"
    sv += " i hälften av dragningarna."
    en += " in half of the draws."
    sv += f" Är en behandlad kommun felkodad ligger skattningen inom {interval(*one, 'sv')}."
    en += (
        f" With one treated municipality miscoded the estimate lies within {interval(*one, 'en')}."
    )
    return Check(
        "misclassification",
        shown > enough and miscoded.sign_lost_at != 1,
        sv,
        en,
        shown,
        enough,
    )
