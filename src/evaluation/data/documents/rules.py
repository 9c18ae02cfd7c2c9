"""Which figures other figures imply: a table of rules, each a sum of terms."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from evaluation.data import embedded

__all__ = ["COUNTS", "RULES", "Rule", "Term"]


@dataclass(frozen=True)
class Term:
    """``factor`` × figure ``over`` figure ``under``, or without ``under`` just × figure."""

    factor: float
    over: str
    under: str = ""


@dataclass(frozen=True)
class Rule:
    r"""What a figure must be if others are right.

    .. math:: \text{target} = \text{constant} + \sum_i f_i \, a_i / b_i

    Parameters
    ----------
    target : str
        The figure that is implied.
    terms : tuple of Term
        What implies it.
    constant : float
        What the document lists beside them without a row of its own.
    as_printed : bool
        Whether the target is taken in the unit that the document prints (``printed``).
    counted : str
        Key of ``COUNTS``: counted in this package's own data instead.
    known : str
        Known from outside the documents instead.
    because_sv, because_en : str
        Where ``known`` comes from, or what the constant is.
    missing_sv, missing_en : str
        What would be needed and is not printed; such a rule cannot be told.
    """

    target: str
    terms: tuple[Term, ...] = ()
    constant: float = 0.0
    as_printed: bool = False
    counted: str = ""
    known: str = ""
    because_sv: str = ""
    because_en: str = ""
    missing_sv: str = ""
    missing_en: str = ""

    @property
    def uses(self) -> tuple[str, ...]:
        """The figures that it computes from."""
        return tuple(dict.fromkeys(f for t in self.terms for f in (t.over, t.under) if f))

    @property
    def formula(self) -> str:
        """The computation as text.

        Examples
        --------
        >>> Rule("F009", (Term(100, "F008", "F041"),)).formula
        '100 × F008 / F041'
        """
        if self.known or self.counted or self.missing_en:
            return self.known or self.counted.replace("_", " ") or "–"
        parts = [f"{self.constant:g}"] if self.constant else []
        for t in self.terms:
            size = abs(t.factor)
            text = f"{size:g} × {t.over}" if size != 1 else t.over
            text += f" / {t.under}" if t.under else ""
            sign = "− " if t.factor < 0 else "+ " if parts else ""
            parts.append(f"{sign}{text}")
        return " ".join(parts)


def _respondents() -> int:
    said = embedded.load("stance")["role"].str.extract(r"survey, (\d) respondent")[0].dropna()
    return int(said.astype(int).sum())


def _in_county(county: str) -> int:
    return int((embedded.municipalities()["county"] == county).sum())


COUNTS: Mapping[str, Callable[[], int]] = MappingProxyType(
    {
        "municipalities_in_Skåne": lambda: _in_county("Skåne län"),
        "municipalities_in_Västra_Götaland": lambda: _in_county("Västra Götalands län"),
        "survey_respondents_in_stance": _respondents,
        "dialogue_participants_in_stance": lambda: int(
            (embedded.load("stance")["role"] == "dialogdag participant").sum()
        ),
        "success_factors_in_models": lambda: int(
            (embedded.load("models")["type"] == "success_factor").sum()
        ),
    }
)
"""What this package's own data hold that a figure must agree with."""


def _id(number: int) -> str:
    return f"F{number:03d}"


def _sum(target: str, *uses: str, factor: float = 1.0, constant: float = 0.0) -> Rule:
    terms = tuple(Term(-factor if u[0] == "-" else factor, u.lstrip("-")) for u in uses)
    return Rule(target, terms, constant)


def _share(target: str, part: str, whole: str, factor: float = 100.0) -> Rule:
    return Rule(target, (Term(factor, part, whole),))


def _lacks(sv: str, en: str, *targets: str) -> tuple[Rule, ...]:
    return tuple(Rule(t, missing_sv=sv, missing_en=en) for t in targets)


def _population() -> tuple[Rule, ...]:
    """Åre's table 2011–2016: men, women, total (F025–F042) and their growth (F043–F060)."""
    rules = []
    for i in range(6):
        men, women, total = (_id(first + i) for first in (25, 31, 37))
        grown = [_id(first + i) for first in (43, 49, 55)]
        rules.append(_sum(men, total, f"-{women}"))
        rules.append(_sum(grown[2], grown[0], grown[1]))
        if i:
            before = (_id(first + i - 1) for first in (25, 31, 37))
            stocks = zip((men, women, total), before, grown, strict=True)
            rules += [_sum(now, old, new) for now, old, new in stocks]
    return tuple(rules)


_POSTS = ("F013", "F014", "F015", "F016", "F017")
_PER_CENT_OF_A_POST = (
    "procent av en tjänst: talet är heltidstjänster",
    "per cent of a post: the number is full-time equivalents",
)
_PARTS_2014 = (
    "tjänsterna på raden: 1 + 2 + 3 + 1 + 1 + 1",
    "the posts listed: 1 + 2 + 3 + 1 + 1 + 1",
)
_PARTS_2017 = (
    "femton hela tjänster och två på den del som F020 anger",
    "fifteen whole posts and two on the part that F020 gives",
)

RULES: tuple[Rule, ...] = (
    # Åre
    Rule("F009", (Term(100, "F008", "F041"),)),
    _sum("F012", *_POSTS, factor=0.01),
    Rule(
        "F012",
        tuple(Term(1, p) for p in _POSTS),
        as_printed=True,
        because_sv=_PER_CENT_OF_A_POST[0],
        because_en=_PER_CENT_OF_A_POST[1],
    ),
    Rule(
        "F018", constant=1 + 2 + 3 + 1 + 1 + 1, because_sv=_PARTS_2014[0], because_en=_PARTS_2014[1]
    ),
    Rule("F019", (Term(0.02, "F020"),), 15, False, "", "", *_PARTS_2017),
    Rule("F019", (Term(2, "F020"),), 1500, True, "", "", *_PER_CENT_OF_A_POST),
    *_population(),
    *_lacks(
        "hur många av de 683 som har lämnat programmet",
        "how many of the 683 have left the programme",
        "F003",
    ),
    *_lacks(
        "samma definition: den ena räknar in praktik, den andra säger inte vad som räknas",
        "one definition: one counts practice in, the other does not say what counts",
        "F062",
    ),
    # the same thing in two documents
    _sum("F011", "F067", factor=12),
    _sum("F156", "F074"),
    _sum("F166", "F063"),
    # the two counties
    Rule("F070", counted="dialogue_participants_in_stance"),
    Rule("F071", counted="municipalities_in_Västra_Götaland"),
    Rule("F072", counted="success_factors_in_models"),
    Rule("F075", counted="municipalities_in_Skåne"),
    Rule("F076", counted="survey_respondents_in_stance"),
    # the survey
    Rule("F078", (Term(-100, "F081", "F076"), Term(-100, "F082", "F076"), Term(-1, "F080")), 100),
    _share("F079", "F081", "F076"),
    # the programme
    _share("F090", "F091", "F089"),
    *_lacks("hur många som var inskrivna 2016", "how many were registered in 2016", "F092"),
    *_lacks("hur många som var inskrivna 2015", "how many were registered in 2015", "F094"),
    *_lacks("antalet 2016", "the number in 2016", "F097", "F102"),
    *_lacks("antalet kvinnor", "the number of women", "F098", "F099", "F100", "F103", "F104"),
    _sum("F105", "F106", "F107"),
    *_lacks(
        "mottagna under 24 månader och folkmängden",
        "those received in 24 months and the population",
        "F112",
        "F113",
        "F114",
        "F115",
    ),
    # reception in 2017
    _sum("F117", "F118", "F120", "F122", "F124"),
    *(
        _share(t, p, "F117")
        for t, p in zip(
            ("F119", "F121", "F123", "F125"), ("F118", "F120", "F122", "F124"), strict=True
        )
    ),
    _share("F128", "F127", "F126", factor=1),
    *_lacks(
        "länets mottagna och anvisade", "those received and assigned in the county", "F129", "F130"
    ),
    Rule(
        "F140",
        known="2010-12-01",
        because_sv="lagen i kraft enligt IZA DP 9496 och SULCIS 2016:2",
        because_en="the law in force according to IZA DP 9496 and SULCIS 2016:2",
    ),
    # courses and principles
    _sum("F145", "F146", "F147"),
    _sum("F158", "-F157", constant=100),
    # the European Parliament
    *_lacks("de grupplösa ledamöterna", "the members of no group", "F191"),
)
"""Every relation between the figures; those that need what is not printed are among them."""
