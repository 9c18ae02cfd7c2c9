"""What one cell says: a number, a mark, a period or a sex, in the notations that agencies print."""

from __future__ import annotations

import datetime
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

from evaluation.data.observations import MISSING, OBSERVED, SUPPRESSED, Sex
from evaluation.errors import InputError

__all__ = [
    "DEFAULT_MARKS",
    "Decimal",
    "Meaning",
    "Period",
    "find_decimal",
    "is_blank",
    "plain",
    "read_month",
    "read_number",
    "read_period",
    "read_sex",
    "read_value",
    "without_note",
]

Meaning = Literal["suppressed", "zero", "missing"]
Decimal = Literal[",", "."]
DEFAULT_MARKS: Final[Mapping[str, Meaning]] = MappingProxyType(
    {
        "..": "suppressed",
        "X": "suppressed",
        "x": "suppressed",
        "-": "zero",
        "–": "zero",
        ".": "missing",
        "": "missing",
        "NA": "missing",
        "NaN": "missing",
        "nan": "missing",
    }
)
"""SCB's printed convention: a dash is nothing to report, a point is not applicable."""
LARGEST = 1e100
# no-break, narrow no-break, thin and figure space, as printed tables use them for thousands
_SPACES = re.compile("[\\s\u00a0\u202f\u2009\u2007]+")
# a note after a name or a number: *, a superscript digit, or a digit with a bracket after a space
_NOTE = re.compile(r"(?:\s*\*+|[¹²³⁴⁵⁶⁷⁸⁹]+\)?|\s+\d{1,2}\))+$")
_SIGN = str.maketrans({"−": "-", "–": "-"})
_MONTHS = ("jan", "feb", "mar", "apr", "maj", "jun", "jul", "aug", "sep", "okt", "nov", "dec")
_MONTH_NAMES: Final = {
    name: i + 1
    for i, short in enumerate(_MONTHS)
    for name in {
        short,
        {"maj": "may", "okt": "oct"}.get(short, short),
        ("januari", "februari", "mars", "april", "maj", "juni", "juli", "augusti", "september",
         "oktober", "november", "december")[i],
        ("january", "february", "march", "april", "may", "june", "july", "august", "september",
         "october", "november", "december")[i],
    }
}  # fmt: skip
_SEX_WORDS: Final[Mapping[str, Sex]] = {
    **dict.fromkeys(
        ("t", "total", "totalt", "totalen", "båda", "båda könen", "bägge könen", "samtliga",
         "alla", "kvinnor och män", "män och kvinnor", "både kvinnor och män", "both",
         "both sexes", "all", "women and men", "men and women"), "T"),
    **dict.fromkeys(
        ("k", "kv", "kvinna", "kvinnor", "f", "woman", "women", "female", "females"), "K"),
    **dict.fromkeys(("m", "man", "män", "men", "male", "males"), "M"),
}  # fmt: skip


@dataclass(frozen=True)
class Period:
    """A year, or a month or a day of one. ``year`` is 0 where a month stands alone."""

    year: int
    month: int | None = None
    day: int | None = None


def plain(cell: object) -> str:
    r"""Return a cell as text: one kind of space, none at the ends, whole numbers without ``.0``.

    Examples
    --------
    >>> plain(" Upplands\u00a0 Väsby "), plain(114.0), plain(None)
    ('Upplands Väsby', '114', '')
    """
    if cell is None or (isinstance(cell, float) and math.isnan(cell)):
        return ""
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 1e15:
        return str(int(cell))
    text = str(cell).strip()
    if text.isascii() and text.isprintable() and " " not in text:
        return text
    return _SPACES.sub(" ", text).strip()


def is_blank(cell: object) -> bool:
    """Tell whether a cell holds nothing that can be seen."""
    return plain(cell) == ""


def without_note(text: str) -> str:
    """Return a text without the footnote mark at its end.

    Examples
    --------
    >>> without_note("Åre 1)"), without_note("Malmö¹"), without_note("12*"), without_note("121)")
    ('Åre', 'Malmö', '12', '121)')
    """
    return _NOTE.sub("", text) if len(text) > 1 else text


def _shape(text: str) -> str:
    """Return a number's text without sign, percent sign and footnote, spaces as one kind."""
    return without_note(text).translate(_SIGN).lstrip("+-").removesuffix("%").strip()


def _evidence(text: str) -> Decimal | Literal["either"] | None:
    """Say which decimal mark a text proves; "either" where 1.234 could be both."""
    shape = _shape(text)
    if not re.fullmatch(r"[\d., ]*\d(?:[eE][+-]?\d+)?", shape):
        return None
    commas, points = shape.count(","), shape.count(".")
    if not commas and not points:
        return None
    if commas and points:
        return "," if shape.rfind(",") > shape.rfind(".") else "."
    mark: Decimal = "," if commas else "."
    other: Decimal = "." if commas else ","
    if commas + points > 1:
        return other
    whole, part = shape.split(mark)
    # thousands come in threes after one to three digits, the first no zero
    grouped = re.fullmatch(r"[1-9]\d{0,2}", whole) and re.fullmatch(r"\d{3}", part)
    return "either" if grouped else mark


def find_decimal(texts: Iterable[str], *, file: str, field: str = "decimal") -> Decimal | None:
    """Find the decimal mark that a file's numbers are written with.

    Parameters
    ----------
    texts : iterable of str
        The numbers as they stand in the file.
    file, field : str
        For the error.

    Returns
    -------
    {",", "."} or None
        None where no number bears either.

    Raises
    ------
    InputError
        If numbers contradict each other, or all could be read both ways.

    Examples
    --------
    >>> find_decimal(["1.234,5", "12"], file="a.csv"), find_decimal(["1 234", "7"], file="a.csv")
    (',', None)
    >>> find_decimal(["1.234", "2.001"], file="a.csv")
    Traceback (most recent call last):
    ...
    evaluation.errors.InputError: a.csv, field decimal: '1.234' could mean thousands or three \
decimals and no other number settles it; say decimal: "," or decimal: "."
    """
    proof: dict[str, str] = {}
    unsure: dict[str, str] = {}
    ungrouped = False
    for text in texts:
        found = _evidence(text)
        if found == "either":
            unsure.setdefault("," if "," in text else ".", text)
        elif found is not None:
            proof.setdefault(found, text)
        else:
            shape = _shape(text)
            ungrouped = ungrouped or bool(re.fullmatch(r"\d{4,}|\d{1,3}(?: \d{3})+", shape))
    if len(proof) > 1:
        problem = (
            f"{proof[',']!r} is written with a decimal comma, {proof['.']!r} with a decimal point; "
            'one of them is needed, or decimal: "," or decimal: "." to say which'
        )
        raise InputError(problem, file=file, field=field)
    if proof:
        return "," if "," in proof else "."
    if not unsure:
        return None
    if ungrouped and len(unsure) == 1:
        # thousands are written otherwise in this file, so the mark is the decimal one
        return "," if "," in unsure else "."
    raise InputError(
        f"{next(iter(unsure.values()))!r} could mean thousands or three decimals and no other "
        'number settles it; say decimal: "," or decimal: "."',
        file=file,
        field=field,
    )


_NUMBER: Final[Mapping[str, re.Pattern[str]]] = {
    d: re.compile(
        rf"[+-]?(?:\d+|\d{{1,3}}(?P<g>[ {re.escape(t)}])\d{{3}}(?:(?P=g)\d{{3}})*)"
        rf"(?:{re.escape(d)}\d+)?(?:[eE][+-]?\d{{1,3}})?",
        re.ASCII,
    )
    for d, t in ((",", "."), (".", ","))
}


def read_number(cell: object, decimal: Decimal = ".") -> float | None:
    """Read a number, or return None where the cell holds none.

    Parameters
    ----------
    cell : object
        A number, or a text with thousands in any notation, a true minus, a per cent sign
        or a footnote mark.
    decimal : {",", "."}
        The decimal mark; the other one separates thousands.

    Returns
    -------
    float or None
        In the unit that is printed: ``"45,4 %"`` is 45.4.

    Examples
    --------
    >>> read_number("−1 234,5", ","), read_number("1.234", ","), read_number("12 34", ",")
    (-1234.5, 1234.0, None)
    """
    if isinstance(cell, bool):
        return None
    if isinstance(cell, int | float):
        value = float(cell)
    else:
        text = without_note(plain(cell)).translate(_SIGN).removesuffix("%").strip()
        match = _NUMBER[decimal].fullmatch(text)
        if match is None:
            return None
        thousands = "." if decimal == "," else ","
        bare = text.replace(" ", "").replace(thousands, "").replace(decimal, ".")
        value = float(bare)
    return value if math.isfinite(value) and abs(value) <= LARGEST else None


def read_value(
    cell: object, decimal: Decimal, marks: Mapping[str, Meaning]
) -> tuple[float, str] | str:
    """Read a value cell.

    Parameters
    ----------
    cell : object
        The cell.
    decimal : {",", "."}
        The decimal mark.
    marks : mapping of str to str
        What each mark means.

    Returns
    -------
    tuple of float and str, or str
        Value and state; or the reason why it cannot be read.

    Examples
    --------
    >>> read_value("..", ",", DEFAULT_MARKS), read_value("–", ",", DEFAULT_MARKS)
    ((nan, 'suppressed'), (0.0, 'observed'))
    >>> read_value("ca 5", ",", DEFAULT_MARKS)
    'not a number'
    """
    text = plain(cell)
    meaning = marks.get(text) or marks.get(without_note(text))
    if meaning == "zero":
        return 0.0, OBSERVED
    if meaning is not None:
        return math.nan, SUPPRESSED if meaning == "suppressed" else MISSING
    if text.startswith("="):
        return "a formula without a stored value"
    value = read_number(cell, decimal)
    if value is None:
        return "not a number"
    return value, OBSERVED


def read_period(cell: object) -> Period | None:
    """Read a year, a month or a date, or return None.

    Parameters
    ----------
    cell : object
        A number, a date or a text.

    Returns
    -------
    Period or None
        Years from 1900 to 2100.

    Examples
    --------
    >>> read_period("2015*"), read_period("2015M03"), read_period("mars 2015")
    (Period(year=2015, month=None, day=None), Period(year=2015, month=3, day=None), \
Period(year=2015, month=3, day=None))
    >>> read_period("2015/16") is None
    True
    """
    if isinstance(cell, datetime.date):
        return _valid(Period(cell.year, cell.month, cell.day))
    text = without_note(plain(cell)).casefold().removeprefix("år ").removesuffix(".0")
    if match := re.fullmatch(r"(\d{4})(?:[-/.m ]?(\d{2})(?:[-/.]?(\d{2})(?: 00:00:00)?)?)?", text):
        year, month, day = match.groups()
        return _valid(Period(int(year), int(month) if month else None, int(day) if day else None))
    if text.rstrip(".") in _MONTH_NAMES:
        return Period(0, _MONTH_NAMES[text.rstrip(".")])
    if (match := re.fullmatch(r"(\w+)\.?[ -](\d{4})|(\d{4})[ -](\w+)\.?", text)) is not None:
        name, year = match[1] or match[4], match[2] or match[3]
        if name in _MONTH_NAMES:
            return _valid(Period(int(year), _MONTH_NAMES[name]))
    return None


def _valid(period: Period) -> Period | None:
    month_ok = period.month is None or 1 <= period.month <= 12
    day_ok = period.day is None or 1 <= period.day <= 31
    return period if 1900 <= period.year <= 2100 and month_ok and day_ok else None


def read_month(cell: object) -> int | None:
    """Read a month's name or number.

    Examples
    --------
    >>> read_month("Mars"), read_month("03"), read_month(13)
    (3, 3, None)
    """
    period = read_period(cell)
    if period is not None and period.month is not None:
        return period.month
    text = plain(cell)
    return int(text) if re.fullmatch(r"0?[1-9]|1[0-2]", text) else None


def read_sex(cell: object) -> Sex | None:
    """Read a sex in Swedish or English words or the letters T, K, M.

    Examples
    --------
    >>> read_sex("Kvinnor"), read_sex("MEN"), read_sex("Båda könen"), read_sex("1")
    ('K', 'M', 'T', None)
    """
    return _SEX_WORDS.get(without_note(plain(cell)).casefold())
