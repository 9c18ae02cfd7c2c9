"""A parameter file of the cost model: every value with unit, year, source, found or assumed."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, PrivateAttr, StrictInt, model_validator

from evaluation.errors import InputError
from evaluation.language import Lang
from evaluation.plan.model import fault
from evaluation.plan.parts import NAME, Part, Text
from evaluation.questions.costs.symbols import CREDIT, SYMBOLS, TAX, Symbol

__all__ = [
    "Analysis",
    "Correlation",
    "CostPlan",
    "Distribution",
    "Effect",
    "Effects",
    "Parameter",
    "Prices",
    "Sourced",
    "Value",
    "told",
]

Kind = Literal["fixed", "beta", "gamma", "normal", "triangular", "uniform", "dirichlet"]
Status = Literal["found", "assumed"]
_NEEDS: Mapping[str, tuple[str, ...]] = {
    "fixed": (),
    "beta": ("sd",),
    "gamma": ("sd",),
    "normal": ("sd",),
    "triangular": ("low", "high"),
    "uniform": ("low", "high"),
    "dirichlet": ("concentration",),
}
HOUSEHOLDS = ("single", "couple")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _value(given: Any) -> Any:
    """Take a number, years or ages with a number each, or one for single and for couple."""
    if _is_number(given):
        return given
    if isinstance(given, dict) and given and all(_is_number(v) for v in given.values()):
        keys = set(given)
        if keys == set(HOUSEHOLDS) or all(type(k) is int for k in keys):
            return given
    raise ValueError(
        "must be a finite number, or one number for each year (for each age of leaving; for "
        "single and couple of norm and rent)"
    )


def _number(given: Any) -> Any:
    if not _is_number(given):
        raise ValueError("must be a finite number")
    return given


def _source(given: Any) -> Any:
    if isinstance(given, str) or given is None:
        return given or ""
    if isinstance(given, dict) and set(given) == {"sv", "en"}:
        return given
    raise ValueError("must be a text, or one text for sv and one for en")


def told(source: str | Text, lang: Lang) -> str:
    """Return a source in a language.

    Examples
    --------
    >>> told(Text(sv="egen", en="own"), "en"), told("SCB", "sv")
    ('own', 'SCB')
    """
    return source if isinstance(source, str) else getattr(source, lang)


Source = Annotated[str | Text, BeforeValidator(_source)]
Number = Annotated[float, BeforeValidator(_number)]
Value = Annotated[float | dict[int, float] | dict[str, float], BeforeValidator(_value)]
Year = Annotated[StrictInt, Field(ge=1900, le=2100)]


class Distribution(Part):
    """How uncertain a parameter is; its mean (triangular: its mode) is the value.

    ``sd`` of beta, gamma and normal; ``low`` and ``high`` of triangular and uniform;
    ``concentration`` of dirichlet, for the shares leaving at each age. A normal is cut at
    the bounds of its symbol.
    """

    kind: Kind
    sd: Annotated[Number, Field(gt=0)] | None = None
    low: Number | None = None
    high: Number | None = None
    concentration: Annotated[Number, Field(gt=0)] | None = None

    @model_validator(mode="after")
    def _has_what_it_needs(self) -> Distribution:
        needs = _NEEDS[self.kind]
        given = [k for k in ("sd", "low", "high", "concentration") if getattr(self, k) is not None]
        if sorted(given) != sorted(needs):
            wants = " and ".join(needs) or "nothing else"
            raise ValueError(f"{self.kind} needs {wants}, given {', '.join(given) or 'nothing'}")
        return self


class Sourced(Part):
    """What a value rests on: found in a source that is named, or assumed for a stated reason.

    ``source`` is one text, or one in Swedish and one in English.
    """

    status: Status
    source: Source = ""

    def said(self, lang: Lang) -> str:
        """Return the source in a language."""
        return told(self.source, lang)

    @model_validator(mode="after")
    def _has_a_source(self) -> Sourced:
        if not told(self.source, "sv").strip() or not told(self.source, "en").strip():
            if self.status == "found":
                raise ValueError("source is missing: a found value must say who states it, where")
            raise ValueError("source is missing: an assumed value must say what it rests on")
        return self


class Parameter(Sourced):
    """One value with unit, year, source and distribution.

    ``year`` is what year the value is about and, for an amount, the year of its prices;
    ``each`` says that the value of every year is in that year's prices.
    """

    value: Value
    unit: str
    year: Year | Literal["each"]
    distribution: Distribution = Distribution(kind="fixed")

    @property
    def keyed(self) -> dict[Any, float]:
        """The values by key; one without a key for a single number."""
        return dict(self.value) if isinstance(self.value, dict) else {None: self.value}


class Prices(Sourced):
    """The year that amounts are expressed in, and the index that takes them there."""

    year: Year
    index: dict[Year, Annotated[Number, Field(gt=0)]] = Field(min_length=1)

    @model_validator(mode="after")
    def _has_its_year(self) -> Prices:
        if self.year not in self.index:
            raise ValueError(f"index has no value for {self.year}, the year of the prices")
        return self


class Effect(Part):
    """An effect: an estimate with its interval, or where one stands in a report.

    ``results`` is a results.json of ``evaluation run``, ``key`` the path of an estimate in
    it, its steps separated by dots.
    """

    estimate: Number | None = None
    conf_int: tuple[Number, Number] | None = None
    alpha: Annotated[Number, Field(gt=0, lt=0.5)] = 0.05
    unit: Literal["share", "percentage points"] = "percentage points"
    status: Status | None = None
    source: Source = ""
    results: str | None = None
    key: str | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Effect:
        given = {"estimate": self.estimate, "conf_int": self.conf_int, "status": self.status}
        read = {"results": self.results, "key": self.key}
        if all(v is None for v in read.values()):
            missing = [k for k, v in given.items() if v is None]
            if missing:
                raise ValueError(
                    f"{missing[0]} is missing: give estimate, conf_int, status and source, or "
                    "results and key of a report"
                )
            if not told(self.source, "en").strip():
                raise ValueError(f"source is missing: what the {self.status} effect rests on")
        else:
            both = [k for k, v in given.items() if v is not None]
            if both or self.source or None in read.values():
                raise ValueError("give results and key, and none of estimate, conf_int, status")
            if "unit" in self.model_fields_set or "alpha" in self.model_fields_set:
                raise ValueError("unit and alpha stand in the report and must not be given here")
        if self.conf_int is not None and self.estimate is not None:
            low, high = self.conf_int
            if not low <= self.estimate <= high:
                raise ValueError(f"conf_int {low:g} to {high:g} must hold {self.estimate:g}")
        return self


class Effects(Part):
    """What being active changes, and for whom: those received in certain years.

    ``first_cohort`` is the first year whose received were met so from their first day,
    ``last_cohort`` the last one (by default the last year of the model): with it the years
    can go on until what was paid for has had its effect.
    """

    first_cohort: Year
    last_cohort: Year | None = None
    on_work_or_studies: Effect
    on_staying: Effect | None = None


class Correlation(Part):
    """The correlation of two uncertain quantities' normal scores.

    ``between`` names parameters, or ``on_work_or_studies`` and ``on_staying`` for the effects.
    """

    between: tuple[str, str]
    value: Annotated[Number, Field(gt=-1, lt=1)]


class Analysis(Part):
    """Draws, seed, level, what moves together, and what one more success may cost."""

    draws: StrictInt = Field(default=10_000, ge=100, le=1_000_000)
    seed: StrictInt = Field(default=1, ge=0)
    alpha: Annotated[Number, Field(gt=0, lt=0.5)] = 0.05
    willingness_to_pay: Annotated[Number, Field(ge=0)] = 0.0
    willingness_highest: Annotated[Number, Field(gt=0)] = 500_000.0
    correlations: tuple[Correlation, ...] = ()

    @model_validator(mode="after")
    def _within(self) -> Analysis:
        if self.willingness_to_pay > self.willingness_highest:
            raise ValueError("willingness_to_pay must not exceed willingness_highest")
        return self


class CostPlan(Part):
    """A validated parameter file.

    Examples
    --------
    >>> from evaluation.questions.costs import load_costs
    >>> plan = load_costs("by_hand")
    >>> plan.name, plan.parameters["months"].value
    ('by_hand', 6.5)
    """

    name: str = Field(pattern=NAME)
    title: Text
    years: tuple[Year, Year]
    prices: Prices
    parameters: dict[str, Parameter]
    effect: Effects
    analysis: Analysis = Analysis()

    _file: str | None = PrivateAttr(default=None)
    _lines: dict[tuple[str | int, ...], int] = PrivateAttr(default_factory=dict)

    @property
    def file(self) -> str | None:
        """The file it was read from."""
        return self._file

    @property
    def span(self) -> tuple[int, ...]:
        """The years of the model."""
        return tuple(range(self.years[0], self.years[1] + 1))

    @property
    def has_tax(self) -> bool:
        """Whether the tax on earnings is counted."""
        return TAX[0] in self.parameters

    @property
    def has_credit(self) -> bool:
        """Whether the credit of the cost equalisation is counted."""
        return CREDIT[0] in self.parameters

    def reached(self, year: int) -> bool:
        """Say whether the adults received in a year are met by the programme."""
        last = self.effect.last_cohort
        return self.effect.first_cohort <= year and (last is None or year <= last)

    def fault(self, path: tuple[str | int, ...], problem: str) -> InputError:
        """Make the error that names this file, the line and the key."""
        return fault(self._file, self._lines, path, problem)

    def symbol(self, name: str) -> Symbol:
        """Return what a parameter is."""
        return SYMBOLS[name]
