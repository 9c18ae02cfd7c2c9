"""The treated municipalities of a plan: evidence, first treated year, where the year comes from."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from evaluation.data import embedded
from evaluation.design.catalogue import read_date
from evaluation.design.counties import counties, place_name
from evaluation.design.evaluated import EvaluatedModel, evaluated_model, groups_of
from evaluation.design.exposure import Span, exposed_years, read_span
from evaluation.design.exposure.stated import end_span, start_span
from evaluation.design.stance import StanceCounts, classify, stance_table
from evaluation.errors import InputError
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
    partial : int
        Partly exposed years right before the first treated one, which are neither treated nor
        base.
    last_year : int, optional
        Last treated year, where the treatment ended.
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
    partial: int = 0
    last_year: int | None = None

    @property
    def base_year(self) -> int:
        """The last year that was not exposed at all."""
        return self.first_year - 1 - self.partial

    def to_dict(self) -> dict[str, Any]:
        """Return plain types for JSON; what leaves no year out is not named."""
        out = asdict(self) | {"neighbours": list(self.neighbours)}
        if not self.partial:
            del out["partial"]
        if self.last_year is None:
            del out["last_year"]
        return out


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
    model : EvaluatedModel or None
        The model that is the treatment; None where the stance is.
    dropped : tuple of tuple of str
        Whom a rule of the plan leaves out of the comparison: code, reason, and the nearest
        treated municipality where that is the reason.
    """

    treated: tuple[TreatedUnit, ...]
    controls: tuple[str, ...]
    excluded: tuple[str, ...]
    counts: StanceCounts
    model: EvaluatedModel | None = None
    dropped: tuple[tuple[str, str, str], ...] = ()

    @property
    def treated_codes(self) -> list[str]:
        """Codes of the treated, in the plan's order."""
        return [t.code for t in self.treated]

    @property
    def partial(self) -> dict[str, int]:
        """Partly exposed years before the first treated one by code, where there are any."""
        return {t.code: t.partial for t in self.treated if t.partial}

    @property
    def last_years(self) -> dict[str, int]:
        """Last treated year by code, where the treatment ended."""
        return {t.code: t.last_year for t in self.treated if t.last_year is not None}

    def touched(self) -> pd.Series:
        """Return the first year that was exposed at all by code, 0 for the comparison group."""
        return self.cohort(**{f"c{t.code}": t.base_year + 1 for t in self.treated})

    def lagged(self, years: int) -> Design:
        """Return the design with treated years, and their neighbours, moved later.

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
                last_year=None if t.last_year is None else t.last_year + years,
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


_NO_STANCE = {"stance": "", "strength": "", "document": "", "line": ""}


def _place(plan: Plan, i: int, model: EvaluatedModel | None) -> tuple[str, int]:
    """Return name and inhabitants of an entry's place, which must belong among the treated."""
    entry = plan.treatment.adoption[i]
    here = ("treatment", "adoption", i)
    by_county = model is not None and model.counties
    places = counties() if by_county else embedded.municipalities()
    if entry.code not in places.index:
        what = (
            "two-digit code of a county" if by_county else "code of one of the 290 municipalities"
        )
        raise plan.fault((*here, "code"), f"{entry.code!r} is not the {what}")
    name = str(places.loc[entry.code, "name"])
    if model is None:
        if entry.code not in classify(plan.treatment.evidence).active:
            wanted = " or ".join(plan.treatment.evidence)
            raise plan.fault(
                (*here, "code"), f"no document names {name} as active with {wanted} evidence"
            )
    elif entry.model != model.id:
        raise plan.fault(
            (*here, "model"), f"must be {model.id!r} like treatment.model, found {entry.model!r}"
        )
    elif entry.code not in model.codes:
        raise plan.fault((*here, "code"), f"{model.id!r} runs in {model.where}, not in {name}")
    return name, int(places["population_2017"][entry.code])


def _treated_unit(
    plan: Plan,
    i: int,
    models: pd.DataFrame,
    stances: pd.DataFrame,
    evaluated: EvaluatedModel | None,
) -> TreatedUnit:
    entry: Adoption = plan.treatment.adoption[i]
    here = ("treatment", "adoption", i)
    name, population = _place(plan, i, evaluated)
    if entry.model not in models.index:
        raise plan.fault((*here, "model"), f"there is no model {entry.model!r} in the documents")
    row = models.loc[entry.model]
    if evaluated is None and name not in str(row["municipality_region"]):
        raise plan.fault(
            (*here, "model"), f"{entry.model!r} is {row['municipality_region']}'s, not {name}'s"
        )
    stated: str = "" if pd.isna(row["start"]) else str(row["start"])
    start = read_span(stated) if evaluated is None else start_span(read_date(stated))
    ends = read_date("" if pd.isna(row["end"]) else str(row["end"]))
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
    since = start
    if since is None:
        assert entry.assumed_first_year is not None
        # what is assumed is the first treated year itself: it stands from its January
        since = Span(12 * entry.assumed_first_year, 12 * entry.assumed_first_year)
    try:
        exposed = exposed_years(since, end_span(ends, start), plan.treatment.exposure)
    except InputError as error:
        raise plan.fault((*here, "model"), f"{name}: {error.problem}") from None
    year = exposed.first
    low, high = entry.neighbours
    if not low <= year <= high:
        raise plan.fault(
            (*here, "neighbours"),
            f"must include the first treated year {year}, found [{low}, {high}]",
        )
    # a county has no stance; every municipality of a model is coded
    coded = _NO_STANCE if evaluated and evaluated.counties else stances.loc[entry.code]
    return TreatedUnit(
        code=entry.code,
        name=name,
        population=population,
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
        partial=exposed.partial,
        last_year=exposed.last,
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
        Treated units with computed first years, and the comparison group. With
        ``treatment.model`` the places that run the model are treated, and municipalities that
        are active without running it are in ``excluded`` whatever ``uncertain`` says.

    Raises
    ------
    InputError
        If a code is unknown, not active by the accepted evidence or not a place of
        ``treatment.model``, an active municipality (or a place of the model) has no entry, a
        code stands twice, or a year is neither stated nor assumed.
    """
    models = embedded.load("models").set_index("model_id")
    stances = stance_table()
    counts = classify(plan.treatment.evidence)
    evaluated = evaluated_model(plan, counts.active)
    if evaluated:
        counts = groups_of(evaluated, counts)
    treated = tuple(
        _treated_unit(plan, i, models, stances, evaluated)
        for i in range(len(plan.treatment.adoption))
    )
    codes = [t.code for t in treated]
    for i, code in enumerate(codes):
        if code in codes[:i]:
            raise plan.fault(
                ("treatment", "adoption", i, "code"), f"municipality {code} stands twice"
            )
    needed = evaluated.codes if evaluated else counts.active
    lacking = [c for c in needed if c not in codes]
    if lacking:
        why = f"runs {evaluated.id}" if evaluated else "is active by the accepted evidence"
        raise plan.fault(
            ("treatment", "adoption"),
            f"{place_name(lacking[0])} ({lacking[0]}) {why} and needs an entry",
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
        excluded=(
            *(() if as_controls else counts.uncertain),
            *(evaluated.others if evaluated else ()),
        ),
        counts=counts,
        model=evaluated,
    )


def estimable_years(
    neighbours: tuple[int, int], years: list[int], partial: int = 0, last: int | None = None
) -> tuple[list[int], list[int]]:
    """Split a span of first years into those that the outcome can carry and the rest.

    Parameters
    ----------
    neighbours : tuple of int
        Earliest and latest first year.
    years : list of int
        The outcome's.
    partial : int
        Partly exposed years before the first treated one.
    last : int, optional
        Last treated year.

    Examples
    --------
    >>> estimable_years((2010, 2012), [2010, 2011, 2012])
    ([2011, 2012], [2010])
    >>> estimable_years((2010, 2012), [2010, 2011, 2012], partial=1)
    ([2012], [2010, 2011])
    """
    span = np.arange(neighbours[0], neighbours[1] + 1)
    good = (span - partial > years[0]) & (span <= min(years[-1], last or years[-1]))
    return [int(y) for y in span[good]], [int(y) for y in span[~good]]
