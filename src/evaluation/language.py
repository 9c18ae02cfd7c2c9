"""Numbers and lists as they are written in Swedish and in English; no words of the report."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Literal

__all__ = [
    "Lang",
    "axis_decimals",
    "interval",
    "level",
    "listed",
    "number",
    "p_value",
    "per_cent",
    "share_of_draws",
    "translated",
]

Lang = Literal["sv", "en"]
_NARROW = "\u202f"
_HARD = "\u00a0"


def number(value: float, lang: Lang, decimals: int = 2, *, sign: bool = False) -> str:
    """Write a number with the language's decimal mark and a true minus.

    Parameters
    ----------
    value : float
        The number; infinite is written ∞.
    lang : {"sv", "en"}
        Decimal comma and thin-spaced thousands in Swedish, point and comma in English.
    decimals : int
        How many decimals.
    sign : bool
        Whether a positive number gets a plus.

    Returns
    -------
    str
        The text.

    Examples
    --------
    >>> number(-0.5, "sv"), number(1234.5, "en", 1), number(0.001, "sv", 1, sign=True)
    ('−0,50', '1,234.5', '0,0')
    """
    if value in (float("inf"), float("-inf")):
        return "∞" if value > 0 else "−∞"
    text = f"{abs(value):,.{decimals}f}"
    zero = not any(c in "123456789" for c in text)
    if lang == "sv":
        text = text.replace(",", _NARROW).replace(".", ",")
    if zero:
        return text
    return f"−{text}" if value < 0 else f"+{text}" if sign else text


def p_value(p: float, lang: Lang) -> str:
    """Write a p-value, kept together by no-break spaces.

    Examples
    --------
    >>> p_value(0.1391, "sv").replace(_HARD, " "), p_value(0.0002, "en").replace(_HARD, " ")
    ('p = 0,139', 'p < 0.001')
    """
    relation, shown = ("<", 0.001) if p < 0.001 else ("=", p)
    return f"p{_HARD}{relation}{_HARD}{number(shown, lang, 3)}"


def per_cent(share: float, lang: Lang, decimals: int = 0) -> str:
    """Write a share as per cent.

    Examples
    --------
    >>> per_cent(0.157, "sv", 1).replace(_HARD, " ")
    '15,7 %'
    """
    return f"{number(100 * share, lang, decimals)}{_HARD}%"


def share_of_draws(share: float, lang: Lang, decimals: int = 0) -> str:
    """Write a share of something counted, in which some is not none and nearly all not all.

    Examples
    --------
    >>> [share_of_draws(s, "en").replace(_HARD, " ") for s in (0.0, 0.0004, 0.31, 0.9996, 1.0)]
    ['0 %', 'less than 1 %', '31 %', 'more than 99 %', '100 %']
    >>> share_of_draws(0.0004, "sv", 1).replace(_HARD, " ")
    'mindre än 0,1 %'
    """
    least = 10.0 ** -(2 + decimals)
    if 0 < share < least:
        return f"{'mindre än' if lang == 'sv' else 'less than'} {per_cent(least, lang, decimals)}"
    if 1 - least < share < 1:
        shown = per_cent(1 - least, lang, decimals)
        return f"{'mer än' if lang == 'sv' else 'more than'} {shown}"
    return per_cent(share, lang, decimals)


def level(share: float, lang: Lang) -> str:
    """Write a level such as 95 % with as many decimals as it has.

    Examples
    --------
    >>> level(0.975, "sv").replace(_HARD, " "), level(0.05, "en").replace(_HARD, " ")
    ('97,5 %', '5 %')
    """
    text = f"{100 * share:.10g}"
    return f"{text.replace('.', ',') if lang == 'sv' else text}{_HARD}%"


def interval(low: float, high: float, lang: Lang, decimals: int = 2) -> str:
    """Write an interval.

    Examples
    --------
    >>> interval(-1.835, 1.638, "sv")
    '−1,83 till 1,64'
    """
    word = "till" if lang == "sv" else "to"
    return f"{number(low, lang, decimals)} {word} {number(high, lang, decimals)}"


def listed(items: Sequence[str], lang: Lang) -> str:
    """Join items into a running list.

    Examples
    --------
    >>> listed(["Åre", "Vellinge", "Skurup"], "sv")
    'Åre, Vellinge och Skurup'
    """
    if len(items) < 2:
        return "".join(items)
    word = "och" if lang == "sv" else "and"
    return f"{', '.join(items[:-1])} {word} {items[-1]}"


def translated(
    text: str, phrases: Sequence[tuple[str, str]], word: Callable[[str], str] = str
) -> str:
    r"""Translate a text by the first phrase that it is; any other text stays as it is.

    Parameters
    ----------
    text : str
        Such as a note of the library, which are English.
    phrases : sequence of tuple of str
        Each a regular expression for the whole text, and its translation with ``{0}`` for the
        first group.
    word : callable
        What becomes of a group.

    Examples
    --------
    >>> phrases = [(r"(\d+) of (\d+) left", "{0} av {1} kvar")]
    >>> translated("3 of 8 left", phrases), translated("none", phrases)
    ('3 av 8 kvar', 'none')
    """
    for pattern, said in phrases:
        found = re.fullmatch(pattern, text)
        if found:
            return said.format(*map(word, found.groups()))
    return text


def axis_decimals(low: float, high: float) -> int:
    """Return how many decimals the tick labels of an axis need.

    Examples
    --------
    >>> axis_decimals(0, 20), axis_decimals(0, 1), axis_decimals(0.1, 0.4), axis_decimals(0, 0.05)
    (0, 1, 2, 3)
    """
    span = abs(high - low)
    return next((k for k, width in enumerate((8, 0.8, 0.08)) if span >= width), 3)
