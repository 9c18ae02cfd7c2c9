"""A municipality's own table of its population by sex, as a document prints it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from evaluation.data import embedded
from evaluation.data.documents.checking import Suspect, check_figures
from evaluation.data.documents.figures import Figure, document_figures
from evaluation.data.documents.rules import RULES
from evaluation.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["SEXES", "PopulationTable", "population_table"]

SEXES: Final = ("men", "women", "total")
_STOCK, _GROWTH = "population_31dec", "population_growth"
_ALL, _ONE_YEAR = "newcomers_received_since_2011", "newcomers_received"


@dataclass(frozen=True)
class PopulationTable:
    """Population on 31 December by sex, and how many newcomers were received.

    Parameters
    ----------
    code, name : str
        The municipality.
    years : tuple of int
        Each year with a population, in order.
    persons : mapping of str to tuple of int
        Population on 31 December by ``men``, ``women`` and ``total``, one value per year.
    growth : mapping of str to tuple of int
        Growth during each year, as printed.
    received : int
        Newcomers received in all.
    received_years : tuple of int
        First and last year that they were received in.
    received_by_year : mapping of int to int
        Newcomers received in single years, where the document says so.
    corrected : tuple of Suspect
        Figures that the others show to be misprinted; ``persons`` and ``growth`` hold what the
        others imply.
    document : str
        Where the table stands.
    lines : tuple of str
        On which lines: those received, and the table.
    source_named : str
        Whom the document names as its source.
    data_hash : str
        SHA-256 of the figures' file, where it is the one that ships.
    """

    code: str
    name: str
    years: tuple[int, ...]
    persons: Mapping[str, tuple[int, ...]]
    growth: Mapping[str, tuple[int, ...]]
    received: int
    received_years: tuple[int, int]
    received_by_year: Mapping[int, int]
    corrected: tuple[Suspect, ...]
    document: str
    lines: tuple[str, ...]
    source_named: str
    data_hash: str = field(default="", repr=False)

    def population(self, sex: str, year: int) -> int | None:
        """Return the population on 31 December, None outside the table.

        The year before the first is the first year's population less that year's growth.

        Examples
        --------
        >>> table = population_table("2321")
        >>> table.population("men", 2016), table.population("total", 2010)
        (5774, 10274)
        >>> table.population("total", 2009) is None
        True
        """
        if year in self.years:
            return self.persons[sex][self.years.index(year)]
        if year == self.years[0] - 1:
            return self.persons[sex][0] - self.growth[sex][0]
        return None

    def change(self, sex: str, first: int, last: int) -> int:
        """Return the growth from one 31 December to another, persons.

        Raises
        ------
        InputError
            If a year lies outside the table.

        Examples
        --------
        >>> population_table("2321").change("total", 2011, 2016)
        829
        """
        ends = []
        for year in (first, last):
            people = self.population(sex, year)
            if people is None:
                raise InputError(f"{self.name}'s table has no population of {year}")
            ends.append(people)
        return ends[1] - ends[0]

    def tidy(self) -> pd.DataFrame:
        """Return one row per year: population and growth by sex."""
        import pandas as pd

        stock = {s: list(self.persons[s]) for s in SEXES}
        grown = {f"growth_{s}": list(self.growth[s]) for s in SEXES}
        return pd.DataFrame({"year": list(self.years), **stock, **grown})

    def to_dict(self) -> dict[str, Any]:
        """Return plain types for JSON."""
        return {
            "code": self.code,
            "name": self.name,
            "rows": self.tidy().to_dict("records"),
            "received": self.received,
            "received_years": list(self.received_years),
            "received_by_year": {str(k): v for k, v in self.received_by_year.items()},
            "corrected": [
                {
                    "figure": s.figure.id,
                    "year": int(s.figure.year),
                    "sex": s.figure.sex,
                    "printed": int(s.figure.value),
                    "used": round(s.implied),
                    "n_rules": s.n_rules,
                }
                for s in self.corrected
            ],
            "document": self.document,
            "lines": list(self.lines),
            "source_named": self.source_named,
        }


def population_table(
    code: str, figures: Mapping[str, Figure] | None = None
) -> PopulationTable | None:
    """Return the table of a municipality, None where the documents print none.

    A figure that at least two of the others show to be misprinted, all asking for the same
    value (:func:`~evaluation.data.documents.check_figures`), is replaced by that value and
    stands in ``corrected``; the shipped figures keep what is printed.

    Parameters
    ----------
    code : str
        Four digits.
    figures : mapping of str to Figure, optional
        By id; those that ship by default.

    Returns
    -------
    PopulationTable or None
        With men + women = total and each year's growth = the difference between the years.

    Raises
    ------
    InputError
        If the code is not of one of the 290 municipalities, a cell of the table or the number
        received is missing, or a sum does not hold and the figures do not tell which is wrong.

    Examples
    --------
    >>> table = population_table("2321")
    >>> table.persons["total"], table.received
    ((10259, 10406, 10420, 10555, 10677, 11088), 683)
    >>> [(s.figure.id, s.figure.value, s.implied) for s in table.corrected]
    [('F030', '5574', 5774.0)]
    >>> population_table("0180") is None
    True
    """
    places = embedded.municipalities()
    if code not in places.index:
        raise InputError(f"{code!r} is not the code of one of the 290 municipalities")
    name = str(places.loc[code, "name"])
    known = document_figures() if figures is None else figures
    own = [f for f in known.values() if f.geography == name and f.level == "municipality"]
    cells = {(f.indicator, f.sex, f.year): f for f in own if f.indicator in (_STOCK, _GROWTH)}
    if not cells:
        return None
    ids = {f.id for f in cells.values()}
    rules = [r for r in RULES if r.target in ids]
    found = check_figures(known, rules)
    suspects = tuple(s for s in found.suspects if s.figure.id in ids)
    values = {s.figure.id: s.implied for s in suspects}
    first = next(iter(cells.values()))
    years = tuple(sorted({int(year) for _, _, year in cells}))

    def column(indicator: str, sex: str) -> tuple[int, ...]:
        out = []
        for year in years:
            figure = cells.get((indicator, sex, str(year)))
            number = None if figure is None else values.get(figure.id, figure.number)
            if number is None or number != int(number):
                raise InputError(
                    f"{name}'s table lacks {indicator} of {sex} in {year} as a whole number",
                    file=first.document,
                )
            out.append(int(number))
        return tuple(out)

    persons = MappingProxyType({s: column(_STOCK, s) for s in SEXES})
    growth = MappingProxyType({s: column(_GROWTH, s) for s in SEXES})
    _must_add_up(name, first.document, years, persons, growth)
    newcomers = [
        f
        for f in own
        if f.document == first.document
        and f.indicator in (_ALL, _ONE_YEAR)
        and f.number is not None
    ]
    everyone, span = _received(name, newcomers, first.document)
    shipped = embedded.DATA_SETS["document_figures"].sha256 if figures is None else ""
    return PopulationTable(
        code=code,
        name=name,
        years=years,
        persons=persons,
        growth=growth,
        received=everyone,
        received_years=span,
        received_by_year=MappingProxyType(
            {int(f.year): int(f.number or 0) for f in newcomers if f.indicator == _ONE_YEAR}
        ),
        corrected=suspects,
        document=first.document,
        lines=(*sorted({f.line for f in newcomers}, key=int), _range(cells.values())),
        source_named=first.source_named,
        data_hash=shipped,
    )


def _must_add_up(
    name: str,
    document: str,
    years: tuple[int, ...],
    persons: Mapping[str, tuple[int, ...]],
    growth: Mapping[str, tuple[int, ...]],
) -> None:
    """Refuse a table whose sums do not hold after what could be corrected was."""
    for i, year in enumerate(years):
        for what, table in (("population", persons), ("growth", growth)):
            parts, total = table["men"][i] + table["women"][i], table["total"][i]
            if parts != total:
                raise InputError(
                    f"{name}'s {what} of {year} is {total}, but men and women are {parts}; "
                    "the figures do not tell which is misprinted",
                    file=document,
                )
        for sex in SEXES if i else ():
            change = persons[sex][i] - persons[sex][i - 1]
            if change != growth[sex][i]:
                raise InputError(
                    f"{name}'s growth of {sex} in {year} is {growth[sex][i]}, but the population "
                    f"changed by {change}; the figures do not tell which is misprinted",
                    file=document,
                )


def _range(figures: Iterable[Figure]) -> str:
    """Return the lines that figures stand on, from the first to the last."""
    lines = sorted({int(f.line) for f in figures})
    return f"{lines[0]}–{lines[-1]}" if len(lines) > 1 else str(lines[0])


def _received(name: str, newcomers: list[Figure], document: str) -> tuple[int, tuple[int, int]]:
    """Return how many newcomers were received in all, and between which years."""
    for figure in newcomers:
        if figure.indicator == _ALL:
            first, _, last = figure.year.partition("-")
            return int(figure.number or 0), (int(first), int(last or first))
    raise InputError(f"the number of newcomers received by {name} is missing", file=document)
