"""Intervals under bounded violations of parallel trends, and the check made of them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import pandas as pd

from evaluation.errors import InputError
from evaluation.language import interval, level, number
from evaluation.results import Check

__all__ = ["HonestIntervals", "honest_check"]


@dataclass(frozen=True)
class HonestIntervals:
    """Intervals that hold under bounded violations of parallel trends.

    Parameters
    ----------
    restriction : {"relative magnitudes", "smoothness"}
        What is bounded.
    method : str
        How the intervals were made.
    m : tuple of float
        The bounds asked for: M̄ as a multiple, M in the outcome's unit a year.
    conf_low, conf_high : tuple of float
        The interval at each bound.
    breakdown : float
        The largest bound at which the interval excludes zero: 0 if none does, infinite if it
        never reaches zero.
    estimate : float
        The target's point estimate.
    original : tuple of float
        Its interval under exactly parallel trends.
    target : tuple of float
        Weights of the post-period coefficients.
    event_time : tuple of int
        Their event times.
    alpha : float
        One minus the level.
    seed : int or None
        Seed of the least favourable draws.
    small_sample : str
        The finite-sample convention.
    data_hash : str
        SHA-256 of the data.
    notes : tuple of str
        What a reader must know.
    """

    restriction: str
    method: str
    m: tuple[float, ...]
    conf_low: tuple[float, ...]
    conf_high: tuple[float, ...]
    breakdown: float
    estimate: float
    original: tuple[float, float]
    target: tuple[float, ...]
    event_time: tuple[int, ...]
    alpha: float
    seed: int | None
    small_sample: str
    data_hash: str
    notes: tuple[str, ...] = ()

    def tidy(self) -> pd.DataFrame:
        """Return one row per bound."""
        return pd.DataFrame(
            {
                "restriction": self.restriction,
                "method": self.method,
                "m": list(self.m),
                "conf_low": list(self.conf_low),
                "conf_high": list(self.conf_high),
            }
        )

    def to_dict(self) -> dict[str, object]:
        """Return plain types for JSON; an infinite breakdown value is None."""
        return {
            "restriction": self.restriction,
            "method": self.method,
            "rows": [
                {"m": m, "conf_int": [lo, hi]}
                for m, lo, hi in zip(self.m, self.conf_low, self.conf_high, strict=True)
            ],
            "breakdown": self.breakdown if math.isfinite(self.breakdown) else None,
            "estimate": self.estimate,
            "original": list(self.original),
            "target": list(self.target),
            "event_time": list(self.event_time),
            "alpha": self.alpha,
            "seed": self.seed,
            "small_sample": self.small_sample,
            "data_hash": self.data_hash,
            "notes": list(self.notes),
        }


def honest_check(found: HonestIntervals, *, enough: float = 1.0) -> Check:
    """Ask whether the finding survives violations as large as the worst year before adoption.

    Parameters
    ----------
    found : HonestIntervals
        Intervals under relative magnitudes.
    enough : float
        The breakdown value that is asked for.

    Returns
    -------
    Check
        Undecided (None) where the interval holds zero even under parallel trends: then there is
        no finding to break.

    Raises
    ------
    InputError
        If the intervals are not those of relative magnitudes: smoothness has no natural unit.
    """
    if found.restriction != "relative magnitudes":
        raise InputError("only relative magnitudes have a natural threshold", field="restriction")
    low, high = found.original
    share = 1 - found.alpha
    if found.breakdown == 0:
        return Check(
            "honest_did",
            None,
            f"Redan vid parallella trender rymmer intervallet noll ({level(share, 'sv')}: "
            f"{interval(low, high, 'sv')}); det finns inget fynd att pröva.",
            f"Even with parallel trends the interval holds zero ({level(share, 'en')}: "
            f"{interval(low, high, 'en')}); there is no finding to test.",
            0.0,
            enough,
        )
    if math.isinf(found.breakdown):
        sv = "Intervallet rymmer inte noll hur stora avvikelserna från parallella trender än är."
        en = "The interval excludes zero however large the violations of parallel trends."
    else:
        sv = (
            "Fyndet håller så länge avvikelsen från parallella trender efter starten är högst "
            f"{number(found.breakdown, 'sv')} gånger den största före den ({level(share, 'sv')})."
        )
        en = (
            "The finding holds as long as violations of parallel trends after the start are at "
            f"most {number(found.breakdown, 'en')} times the largest before it "
            f"({level(share, 'en')})."
        )
    return Check("honest_did", found.breakdown >= enough, sv, en, found.breakdown, enough)
