"""What each symbol of the cost model means, in what unit, and between which bounds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from evaluation.language import Lang

__all__ = ["CREDIT", "SYMBOLS", "TAX", "Symbol"]

_INF = float("inf")


@dataclass(frozen=True)
class Symbol:
    """One symbol of the model.

    Parameters
    ----------
    name : str
        Key in a parameter file.
    letter : str
        As the equations write it.
    unit : str
        The unit that a file must state, word for word.
    lowest, highest : float
        Bounds of the value and of every draw.
    sv, en : str
        What it is.
    money : bool
        Whether it is an amount, deflated from its own year to the year of the prices.
    needed : bool
        Whether a file must have it.
    by : str
        What the keys of a value that is no single number are: ``"year"``, ``"age"``
        (years since reception), ``"household"`` (single or couple, or years), or ``""``.
    """

    name: str
    letter: str
    unit: str
    lowest: float
    highest: float
    sv: str
    en: str
    money: bool = False
    needed: bool = True
    by: str = "year"

    def label(self, lang: Lang) -> str:
        """Return what it is, in the language."""
        return self.sv if lang == "sv" else self.en


_MONTH = "kronor per household and month"
_ALL = (
    Symbol("received", "E", "adults per year", 0, _INF, "mottagna vuxna", "adults received"),
    Symbol(
        "leaving",
        "π",
        "share",
        0,
        1,
        "andel som lämnar programmet så många år efter mottagandet",
        "share leaving the programme so many years after reception",
        by="age",
    ),
    Symbol(
        "in_work_or_studies",
        "p",
        "share",
        0,
        1,
        "andel i arbete eller studier av dem som lämnar",
        "share in work or studies of those leaving",
    ),
    Symbol(
        "needing_assistance",
        "r",
        "share",
        0,
        1,
        "andel som behöver bistånd av dem utan arbete eller studier",
        "share needing assistance of those without work or studies",
    ),
    Symbol(
        "staying",
        "g",
        "share",
        0,
        1,
        "andel som bor kvar i kommunen när de lämnar programmet",
        "share still living in the municipality when they leave the programme",
    ),
    Symbol(
        "adults_per_household",
        "s",
        "adults per household",
        1,
        10,
        "vuxna per hushåll",
        "adults per household",
    ),
    Symbol(
        "exit_rate",
        "x",
        "share per year",
        0,
        1,
        "andel av hushållen med bistånd som lämnar det under ett år",
        "share of the households on assistance that leave it in a year",
    ),
    Symbol(
        "months",
        "m",
        "months per year",
        0,
        12,
        "månader med bistånd per hushåll och år",
        "months on assistance per household and year",
    ),
    Symbol("norm", "norm", _MONTH, 0, _INF, "riksnorm", "national norm", True, by="household"),
    Symbol("rent", "rent", _MONTH, 0, _INF, "godtagen hyra", "accepted rent", True, by="household"),
    Symbol("other_income", "i", _MONTH, 0, _INF, "andra inkomster", "other income", True),
    Symbol(
        "households_at_start",
        "H₀",
        "households",
        0,
        _INF,
        "hushåll med bistånd före första året",
        "households on assistance before the first year",
        by="",
    ),
    Symbol("discount_rate", "d", "share per year", 0, 0.5, "diskontering", "discount rate", by=""),
    Symbol(
        "fade",
        "f",
        "share per year",
        0,
        1,
        "andel av effekten som går förlorad per år",
        "share of the effect that is lost per year",
        by="",
    ),
    Symbol(
        "programme_cost",
        "c",
        "kronor per adult received",
        0,
        _INF,
        "kostnad för arbetssättet per mottagen vuxen",
        "cost of the programme per adult received",
        True,
        False,
    ),
    Symbol(
        "state_grant",
        "b",
        "kronor per adult received",
        0,
        _INF,
        "statens schablonersättning per mottagen vuxen",
        "the state's standard grant per adult received",
        True,
        False,
    ),
    Symbol(
        "earnings",
        "e",
        "kronor per worker and year",
        0,
        _INF,
        "arbetsinkomst",
        "earnings",
        True,
        False,
    ),
    Symbol(
        "basic_deduction",
        "a",
        "kronor per worker and year",
        0,
        _INF,
        "grundavdrag",
        "basic deduction",
        True,
        False,
    ),
    Symbol(
        "work_share",
        "w",
        "share",
        0,
        1,
        "andel som arbetar av dem i arbete eller studier",
        "share at work of those in work or studies",
        needed=False,
    ),
    Symbol(
        "moving_out",
        "y",
        "share per year",
        0,
        1,
        "andel av de arbetande som flyttar eller slutar arbeta under ett år",
        "share of the workers who move out or stop working in a year",
        needed=False,
    ),
    Symbol(
        "municipal_tax",
        "τ",
        "share",
        0,
        1,
        "kommunal skattesats",
        "municipal tax rate",
        needed=False,
    ),
    Symbol(
        "other_tax",
        "τ₂",
        "share",
        0,
        1,
        "skattesats till region och stat",
        "tax rate to region and state",
        needed=False,
    ),
    Symbol(
        "income_equalisation",
        "q",
        "share",
        0,
        1,
        "andel av kommunalskatten som inkomstutjämningen tar tillbaka",
        "share of the municipal tax that income equalisation takes back",
        needed=False,
    ),
    Symbol(
        "equalisation_credit",
        "k",
        "kronor per adult and year",
        0,
        _INF,
        "kostnadsutjämning per person med långvarigt bistånd",
        "cost equalisation per person on long assistance",
        True,
        False,
    ),
    Symbol(
        "long_term_share",
        "ℓ",
        "share",
        0,
        1,
        "andel av de vuxna med bistånd som har det långvarigt",
        "share of the adults on assistance who are so for long",
        needed=False,
    ),
    Symbol(
        "equalisation_lag",
        "lag",
        "years",
        0,
        10,
        "kostnadsutjämningens eftersläpning",
        "lag of the cost equalisation",
        needed=False,
        by="",
    ),
)
SYMBOLS: Mapping[str, Symbol] = MappingProxyType({s.name: s for s in _ALL})

TAX = ("earnings", "basic_deduction", "work_share", "moving_out", "municipal_tax")
"""What the tax on earnings needs, all or none."""
CREDIT = ("equalisation_credit", "long_term_share", "equalisation_lag")
"""What the credit of the cost equalisation needs, all or none."""
