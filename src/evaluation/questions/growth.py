"""A municipality's own population table against the estimate: what growth it could explain."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, Final

from evaluation.data.documents import PopulationTable, population_table
from evaluation.errors import InputError
from evaluation.questions.case import CaseAnalysis
from evaluation.questions.growth_words import (
    Told,
    finding_sentence,
    printed_check,
    received_sentence,
    within_check,
)
from evaluation.results import Finding

__all__ = ["SHARES_OF_INHABITANTS", "GrowthAnalysis", "analyse_growth", "persons_added"]

SHARES_OF_INHABITANTS: Final = ("foreign_background",)
"""Outcomes whose change can be turned into inhabitants: per cent of everyone in the register."""


def persons_added(effect: float, share: float, population: float) -> float:
    r"""Return how many persons of a group change its share of the population by an effect.

    With population :math:`P` and share :math:`s`, and :math:`x` persons who all belong to the
    group and would not have been there, the population would have been :math:`P - x` and the
    share

    .. math:: s_0 = \frac{sP - x}{P - x}, \qquad
              s - s_0 = \frac{x (1 - s)}{P - x}, \qquad
              x = P \, \frac{s - s_0}{1 - s_0} .

    It is more than :math:`P (s - s_0)`, because those who came make the whole larger too. It
    rises with the effect, so that the ends of an interval are turned one by one.

    Parameters
    ----------
    effect : float
        :math:`s - s_0`, a share of one; above ``share - 1`` and at most ``share``.
    share : float
        :math:`s`, below one.
    population : float
        :math:`P`, persons.

    Returns
    -------
    float
        :math:`x`, persons; below zero where the share would have been higher.

    Raises
    ------
    InputError
        If the share without them could not be one.

    Examples
    --------
    100 of 1,000 have the group's mark; without 50 of them 50 of 950 would:

    >>> round(persons_added(100 / 1000 - 50 / 950, 100 / 1000, 1000), 9)
    50.0
    """
    if not 0 <= share < 1 or not population > 0:
        raise InputError(
            f"a share of {share:g} of {population:g} persons; it must lie between 0 and 1, of "
            "more than nobody"
        )
    before = share - effect
    if not -1e-12 <= before < 1:
        raise InputError(f"a share of {share:g} cannot have been {before:g} without the effect")
    return population * effect / (1 - before)


def _end(bound: float, share: float, population: float) -> float:
    """Turn the end of an interval, cut where the share without the effect would be impossible."""
    if bound <= share - 1:
        return -math.inf
    return persons_added(min(bound, share), share, population)


@dataclass(frozen=True)
class GrowthAnalysis:
    """What of a municipality's growth its model could explain at most.

    Parameters
    ----------
    table : PopulationTable
        The municipality's own.
    base_year, year : int
        Growth is from the last 31 December before the start to the last one of the table.
    share : float
        Share of the inhabitants in the last year, of one.
    rows : tuple of dict
        One per year: population and growth by sex, the gap in percentage points and in persons.
    finding : Finding
        Estimates ``gap`` (percentage points) and ``persons``.
    received_sv, received_en : str
        What everyone received would be of the growth, had all stayed.
    """

    table: PopulationTable
    base_year: int
    year: int
    share: float
    rows: tuple[dict[str, Any], ...]
    finding: Finding
    received_sv: str
    received_en: str

    def growth(self, sex: str) -> int:
        """Return the growth of ``men``, ``women`` or ``total``, persons."""
        return self.table.change(sex, self.base_year, self.year)

    @property
    def at_most(self) -> float:
        """The upper end of the interval, persons; 0 where it lies below."""
        return max(0.0, self.finding.estimates["persons"].conf_int[1])

    def of_growth(self, persons: float) -> float | None:
        """Return persons as a share of the growth, None where the population did not grow."""
        total = self.growth("total")
        return persons / total if total > 0 else None

    def to_dict(self) -> dict[str, Any]:
        """Return plain types for JSON."""
        persons = self.finding.estimates["persons"]
        last = self.table.received_by_year.get(self.year)
        grown = self.table.growth["total"][self.table.years.index(self.year)]
        return {
            "table": self.table.to_dict(),
            "base_year": self.base_year,
            "year": self.year,
            "base_population": self.table.population("total", self.base_year),
            "population": self.table.population("total", self.year),
            "growth": {s: self.growth(s) for s in ("men", "women", "total")},
            "share": self.share,
            "rows": [dict(r) for r in self.rows],
            "bounds": {
                "estimate": {
                    "persons": persons.estimate,
                    "of_growth": self.of_growth(persons.estimate),
                },
                "at_most": {"persons": self.at_most, "of_growth": self.of_growth(self.at_most)},
                "received": {
                    "persons": self.table.received,
                    "of_growth": self.of_growth(self.table.received),
                },
                "received_last_year": None
                if last is None
                else {"persons": last, "of_growth": last / grown if grown > 0 else None},
            },
            "received_sv": self.received_sv,
            "received_en": self.received_en,
            "finding": self.finding.to_dict(),
        }


def analyse_growth(
    case: CaseAnalysis, table: PopulationTable | None = None
) -> GrowthAnalysis | None:
    """Set a municipality's own table against the estimate of its case.

    Parameters
    ----------
    case : CaseAnalysis
        The municipality against its synthetic twin.
    table : PopulationTable, optional
        Its table; by default the one that the documents print, if they do.

    Returns
    -------
    GrowthAnalysis or None
        None where the municipality has no table, the outcome is no share of all inhabitants
        (``SHARES_OF_INHABITANTS``), or table and estimate share no year since the start.

    Raises
    ------
    InputError
        If the table is another municipality's, or the documents' table does not add up.
    """
    unit, control = case.unit, case.control
    if case.indicator.id not in SHARES_OF_INHABITANTS:
        return None
    table = population_table(unit.code) if table is None else table
    if table is None:
        return None
    if table.code != unit.code:
        raise InputError(f"the table is of {table.name}, the case is {unit.name}")
    shared = [y for y in table.years if y in control.years and y >= unit.first_year]
    base = unit.first_year - 1
    if not shared or table.population("total", base) is None:
        return None
    year = shared[-1]
    path = dict(zip(control.years, control.actual, strict=True))
    alpha = case.finding.estimates["last"].alpha
    gap = control.contrast({year: 1.0}, "gap", f"gap in {year}", alpha)
    share = float(path[year]) / 100
    people = table.population("total", year)
    assert people is not None
    low, high = (_end(b / 100, share, people) for b in gap.conf_int)
    persons = replace(
        gap,
        term="persons",
        estimate=persons_added(gap.estimate / 100, share, people),
        conf_int=(low, high),
        estimand=f"persons with foreign background added by 31 December {year}",
        notes=("the gap and the ends of its interval turned into persons; the test is the gap's",),
    )
    rows = []
    for row in table.tidy().to_dict("records"):
        at = int(row["year"])
        found: dict[str, Any] = {str(k): int(v) for k, v in row.items()}
        known = at in path
        value = (
            control.contrast({at: 1.0}, "gap", f"gap in {at}", alpha).estimate if known else None
        )
        found["gap"] = value
        found["gap_persons"] = (
            None if value is None else persons_added(value / 100, path[at] / 100, found["total"])
        )
        rows.append(found)
    told = Told(table, base, year, persons, gap)
    return GrowthAnalysis(
        table,
        base,
        year,
        share,
        tuple(rows),
        Finding(
            "growth",
            {"persons": persons, "gap": gap},
            (printed_check(table), within_check(told)),
            finding_sentence(told, "sv"),
            finding_sentence(told, "en"),
            case.finding.grade,
            case.finding.grade_reason_sv,
            case.finding.grade_reason_en,
        ),
        received_sentence(told, "sv"),
        received_sentence(told, "en"),
    )
