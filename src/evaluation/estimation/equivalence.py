r"""Equivalence: is an effect no larger than a margin, either way.

An interval that covers zero does not show that nothing happened. The two one-sided tests reject
:math:`|\tau| \ge \delta` at level alpha exactly where the interval at level
:math:`1 - 2\alpha` lies inside :math:`(-\delta, \delta)`.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

from evaluation.errors import InputError
from evaluation.language import interval, level, number
from evaluation.results import Check, Estimate

__all__ = ["Equivalence", "equivalence"]


@dataclass(frozen=True)
class Equivalence:
    """The answer of the two one-sided tests.

    Parameters
    ----------
    margin : float
        δ, in the outcome's unit of change.
    equivalent : bool
        Whether the effect is shown to be smaller than the margin, either way.
    smallest : float
        The smallest margin that could be claimed; infinite where there is no interval.
    estimate : float
        The effect.
    conf_int : tuple of float
        At level ``1 - 2 alpha``.
    inference : str
        How the interval was made.
    alpha : float
        Level of each one-sided test, and of the two together.
    """

    margin: float
    equivalent: bool
    smallest: float
    estimate: float
    conf_int: tuple[float, float]
    inference: str
    alpha: float

    def to_dict(self) -> dict[str, Any]:
        """Return plain types for JSON; an infinite number is None."""
        out = asdict(self)
        out["conf_int"] = [b if math.isfinite(b) else None for b in self.conf_int]
        out["smallest"] = self.smallest if math.isfinite(self.smallest) else None
        return out

    def check(self, unit_sv: str, unit_en: str) -> Check:
        """Return the answer as a check, with its sentences."""
        shown = interval(*self.conf_int, "sv"), interval(*self.conf_int, "en")
        share = 1 - 2 * self.alpha
        sv = "är visat mindre än" if self.equivalent else "är inte visat mindre än"
        en = "is shown to be less than" if self.equivalent else "is not shown to be less than"
        least_sv, least_en = number(self.smallest, "sv"), number(self.smallest, "en")
        return Check(
            "equivalence",
            self.equivalent,
            f"Förändringen av gapet {sv} {number(self.margin, 'sv')} {unit_sv} åt något håll: "
            f"{level(share, 'sv')} intervall {shown[0]}. Minsta marginal som kan hävdas: "
            f"{least_sv}.",
            f"The change of the gap {en} {number(self.margin, 'en')} {unit_en} either way: "
            f"{level(share, 'en')} interval {shown[1]}. Smallest margin that can be claimed: "
            f"{least_en}.",
            self.smallest if math.isfinite(self.smallest) else None,
            self.margin,
        )


def equivalence(estimate: Estimate, margin: float, alpha: float = 0.05) -> Equivalence:
    r"""Test whether an effect is no larger than a margin, by two one-sided tests.

    Parameters
    ----------
    estimate : Estimate
        Fitted at ``2 * alpha``: its interval at level ``1 - 2 alpha`` holds the effects that
        neither one-sided test rejects, whatever it was made by.
    margin : float
        δ above zero, to be chosen before the data are seen.
    alpha : float
        Level, below one half.

    Returns
    -------
    Equivalence
        Equivalent where the interval lies strictly inside the margin.

    Raises
    ------
    InputError
        If the margin is not above zero, or the estimate was fitted at another level.

    References
    ----------
    Schuirmann, D. (1987). A comparison of the two one-sided tests procedure and the power
    approach. Journal of Pharmacokinetics and Biopharmaceutics 15(6). Hartman, E. & Hidalgo, F.
    (2018). An equivalence approach to balance and placebo tests. AJPS 62(4).

    Examples
    --------
    >>> e = Estimate("gap", 0.5, (-0.4, 1.4), "cs", "t", "cohort", 9, 3, 1, 3, alpha=0.1)
    >>> equivalence(e, 1.5).equivalent, equivalence(e, 1.0).equivalent
    (True, False)
    """
    if not (math.isfinite(margin) and margin > 0):
        raise InputError(f"{margin:g} must be a number above zero", field="margin")
    if not 0 < alpha < 0.5:
        raise InputError(f"{alpha:g} must lie between 0 and one half", field="alpha")
    if not math.isclose(estimate.alpha, 2 * alpha):
        raise InputError(
            f"the estimate was fitted at alpha = {estimate.alpha:g}; two one-sided tests at "
            f"{alpha:g} need it at {2 * alpha:g}",
            field="estimate",
        )
    low, high = estimate.conf_int
    return Equivalence(
        margin=margin,
        equivalent=-margin < low and high < margin,
        smallest=max(abs(low), abs(high)),
        estimate=estimate.estimate,
        conf_int=(low, high),
        inference=estimate.inference,
        alpha=alpha,
    )
