"""Bounds of the effect on what is seen only of those who stay, as they may be published."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from evaluation.data.disclosure import Released
from evaluation.estimation.survival.lee_bounds import LeeBounds
from evaluation.language import Lang, interval, level, number, per_cent
from evaluation.results import Check

__all__ = ["Selection"]


_HELD_BACK_SV = {
    "numbers of the life table are hidden": "tal i livslängdstabellen är dolda",
    "a group has small numbers": "en grupp har små tal",
    "a side has fewer than two municipalities": "en sida har färre än två kommuner",
}


@dataclass(frozen=True, repr=False)
class Selection:
    """Lee's bounds for a yes or no, computed from counts that are all published.

    Parameters
    ----------
    outcome : str
        The column, with the values that count as yes.
    horizon : int
        Months to have stayed.
    cohorts : tuple of int
        First and last year of reception that everybody could be followed from.
    released : Released or None
        Counts by exposure and what became of people; None where the bounds are held back.
    bounds : LeeBounds or None
        In percentage points; None where held back.
    checks : tuple of Check
        Whether there are municipalities enough for the errors.
    held_back : str
        Why there are no bounds; empty where there are.
    """

    outcome: str
    horizon: int
    cohorts: tuple[int, int]
    released: Released | None = field(repr=False)
    bounds: LeeBounds | None
    checks: tuple[Check, ...] = ()
    held_back: str = ""

    def sentence(self, lang: Lang) -> str:
        """Say in one sentence what the bounds are, and on what they rest."""
        b = self.bounds
        if b is None:
            return (
                f"Inga gränser för {self.outcome} bland dem som stannade: "
                f"{_HELD_BACK_SV[self.held_back]}."
                if lang == "sv"
                else f"No bounds for {self.outcome} among those who stayed: {self.held_back}."
            )
        first, last = self.cohorts
        ones, others = (per_cent(x, lang, 1) for x in (b.stay_treated, b.stay_comparison))
        low, high, naive = (number(x, lang, 1, sign=True) for x in (b.lower, b.upper, b.naive))
        shown, ends = level(1 - b.alpha, lang), interval(*b.conf_int, lang, 1)
        if lang == "sv":
            return (
                f"Av dem som togs emot {first}–{last} av en aktiv kommun är {self.outcome} känt "
                f"för {ones} som fanns kvar efter {self.horizon} månader, av de övriga för "
                f"{others}. "
                f"Bland dem som hade stannat i båda fallen ligger effekten mellan {low} och {high} "
                f"procentenheter ({shown} intervall för effekten {ends}; skillnaden bland dem som "
                f"stannade är {naive}), om aktivitet påverkar allas kvarboende åt samma håll och "
                "det är som av en slump vem som togs emot av en aktiv kommun."
            )
        return (
            f"Of those received in {first}–{last} by an active kommun {self.outcome} is known of "
            f"{ones} who were there after {self.horizon} months, of the others of {others}. Among "
            f"those who would have stayed either way the effect lies between {low} and {high} "
            f"percentage points ({shown} interval for the effect {ends}; the difference among "
            f"those who stayed is {naive}), if activity moves everybody's staying in one direction "
            "and who was received by an active kommun is as good as random."
        )

    def __repr__(self) -> str:
        return f"<Selection {self.outcome}, {self.bounds!r}>"

    def to_dict(self) -> dict[str, Any]:
        """Return plain types for JSON."""
        bounds = None if self.bounds is None else asdict(self.bounds)
        return {
            "outcome": self.outcome,
            "horizon": self.horizon,
            "cohorts": list(self.cohorts),
            "counts": None if self.released is None else self.released.to_dict(),
            "bounds": bounds,
            "checks": [c.to_dict() for c in self.checks],
            "held_back": self.held_back,
            "sentence_sv": self.sentence("sv"),
            "sentence_en": self.sentence("en"),
        }
