"""The treated municipalities of a plan: evidence, first treated year, where the year comes from."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from evaluation.data import embedded
from evaluation.design.exposure import first_treated_year, parse_start
from evaluation.design.stance import StanceCounts, classify, stance_table
from evaluation.plan import Adoption, Plan

__all__ = ["Design", "TreatedUnit", "design_from_plan", "estimable_years"]


@dataclass(frozen=True)
class TreatedUnit:
    """One treated municipality.

    Parameters
    ----------
    code, name : str
        Municipality.
    population : int
        Inhabitants on 31 December 2017.
    stance, strength : str
        As coded.
    document, line : str
        Where the stance stands.
    model, stated_start : str
        The model and the start that its document states.
    start_document, start_line : str
        Where the start stands, or the model is described.
    first_year : int
        First treated year.
    assumed : bool
        Whether no document states the start.
    because_sv, because_en : str
        Reason of the assumption; empty where the start is stated.
    neighbours : tuple of int
        Earliest and latest first year that the sensitivity analysis tries.
    """

    code: str
    name: str
    population: int
    stance: str
    strength: str
    document: str
    line: str
    model: str
    stated_start: str
    start_document: str
    start_line: str
    first_year: int
    assumed: bool
    because_sv: str
    because_en: str
    neighbours: tuple[int, int]


@dataclass(frozen=True)
class Design:
    """Who is treated since when, and who is compared.

    Parameters
    ----------
    treated : tuple of TreatedUnit
        In the plan's order.
    controls : tuple of str
        Codes of the comparison group.
    excluded : tuple of str
        Codes in neither group.
    counts : StanceCounts
        The documents' coding behind it.
    dropped : tuple of tuple of str
        Whom a rule of the plan leaves out of the comparison: code, reason, and the nearest
        treated municipality where that is the reason.
    """

    treated: tuple[TreatedUnit, ...]
    controls: tuple[str, ...]
    excluded: tuple[str, ...]
    counts: StanceCounts
    dropped: tuple[tuple[str, str, str], ...] = ()

    @property
    def treated_codes(self) -> list[str]:
        """Codes of the treated, in the plan's order."""
        return [t.code for t in self.treated]

    def lagged(self, years: int) -> Design:
        """Return the design with first treated years, and their neighbours, moved later.

        Parameters
        ----------
        years : int
            From reception to the year that an outcome is written in: 2 where it is the
            year of leaving the two-year programme.
        """
        moved = tuple(
            replace(
                t,
                first_year=t.first_year + years,
                neighbours=(t.neighbours[0] + years, t.neighbours[1] + years),
            )
            for t in self.treated
        )
        return replace(self, treated=moved)

    def cohort(self, **changed: int) -> pd.Series:
        """Return the first treated year by code, 0 for the comparison group.

        Parameters
        ----------
        **changed : int
            Another first year for some codes, given as ``c2321=2013``.
        """
        years = {t.code: t.first_year for t in self.treated}
        years.update({k[1:]: v for k, v in changed.items()})
        return pd.Series(years | dict.fromkeys(self.controls, 0), name="cohort", dtype=int)


def _treated_unit(plan: Plan, i: int, models: pd.DataFrame, stances: pd.DataFrame) -> TreatedUnit:
    entry: Adoption = plan.treatment.adoption[i]
    here = ("treatment", "adoption", i)
    places = embedded.municipalities()
    if entry.code not in places.index:
        raise plan.fault(
            (*here, "code"), f"{entry.code!r} is not the code of one of the 290 municipalities"
        )
    name = str(places.loc[entry.code, "name"])
    if entry.code not in classify(plan.treatment.evidence).active:
        wanted = " or ".join(plan.treatment.evidence)
        raise plan.fault(
            (*here, "code"), f"no document names {name} as active with {wanted} evidence"
        )
    if entry.model not in models.index:
        raise plan.fault((*here, "model"), f"there is no model {entry.model!r} in the documents")
    row = models.loc[entry.model]
    if name not in str(row["municipality_region"]):
        raise plan.fault(
            (*here, "model"), f"{entry.model!r} is {row['municipality_region']}'s, not {name}'s"
        )
    stated: str = "" if pd.isna(row["start"]) else str(row["start"])
    start = parse_start(stated)
    if start is None and entry.assumed_first_year is None:
        raise plan.fault(
            (*here, "model"),
            f"the document gives no date for {entry.model!r} ({stated!r}): "
            "assumed_first_year and because are needed",
        )
    if start is not None and entry.assumed_first_year is not None:
        raise plan.fault(
            (*here, "assumed_first_year"),
            f"the document dates {entry.model!r} ({stated}); remove the assumption",
        )
    if start is not None:
        year = first_treated_year(start, plan.treatment.exposure)
    else:
        assert entry.assumed_first_year is not None
        year = entry.assumed_first_year
    low, high = entry.neighbours
    if not low <= year <= high:
        raise plan.fault(
            (*here, "neighbours"),
            f"must include the first treated year {year}, found [{low}, {high}]",
        )
    coded = stances.loc[entry.code]
    return TreatedUnit(
        code=entry.code,
        name=name,
        population=int(places["population_2017"][entry.code]),
        stance=str(coded["stance"]),
        strength=str(coded["strength"]),
        document=str(coded["document"]),
        line=str(coded["line"]),
        model=entry.model,
        stated_start=stated,
        start_document=str(row["document"]),
        start_line=str(row["line"]),
        first_year=year,
        assumed=start is None,
        because_sv=entry.because.sv if entry.because else "",
        because_en=entry.because.en if entry.because else "",
        neighbours=(low, high),
    )


def design_from_plan(plan: Plan) -> Design:
    """Resolve a plan against the coded documents.

    Parameters
    ----------
    plan : Plan
        The evaluation plan.

    Returns
    -------
    Design
        Treated units with computed first years, and the comparison group.

    Raises
    ------
    InputError
        If a code is unknown or not active by the accepted evidence, an active
        municipality has no entry, a code stands twice, or a year is neither stated
        nor assumed.
    """
    models = embedded.load("models").set_index("model_id")
    stances = stance_table()
    counts = classify(plan.treatment.evidence)
    treated = tuple(
        _treated_unit(plan, i, models, stances) for i in range(len(plan.treatment.adoption))
    )
    codes = [t.code for t in treated]
    for i, code in enumerate(codes):
        if code in codes[:i]:
            raise plan.fault(
                ("treatment", "adoption", i, "code"), f"municipality {code} stands twice"
            )
    lacking = [c for c in counts.active if c not in codes]
    if lacking:
        name = str(embedded.municipalities().loc[lacking[0], "name"])
        raise plan.fault(
            ("treatment", "adoption"),
            f"{name} ({lacking[0]}) is active by the accepted evidence and needs an entry",
        )
    if not treated:
        raise plan.fault(
            ("treatment", "adoption"), "names no municipality; at least one must be treated"
        )
    as_controls = plan.treatment.uncertain == "control"
    controls = [*counts.not_known, *(counts.uncertain if as_controls else ())]
    return Design(
        treated=treated,
        controls=tuple(sorted(controls)),
        excluded=() if as_controls else counts.uncertain,
        counts=counts,
    )


def estimable_years(neighbours: tuple[int, int], years: list[int]) -> tuple[list[int], list[int]]:
    """Split a span of first years into those that the outcome can carry and the rest.

    Examples
    --------
    >>> estimable_years((2010, 2012), [2010, 2011, 2012])
    ([2011, 2012], [2010])
    """
    span = np.arange(neighbours[0], neighbours[1] + 1)
    good = (span > years[0]) & (span <= years[-1])
    return [int(y) for y in span[good]], [int(y) for y in span[~good]]
