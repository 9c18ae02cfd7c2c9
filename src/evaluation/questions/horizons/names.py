"""What the parts of an effect are called: doses, divisions, groups, estimator families."""

from __future__ import annotations

from typing import Final

from evaluation.language import Lang, number

__all__ = ["group_label", "part_name"]

_NAMES: Final = {
    "partial": ("Delvis exponerade år", "Partly exposed years"),
    "full": ("Fullt exponerade år, samma kommuner", "Fully exposed years, same municipalities"),
    "full_minus_partial": ("Fullt minus delvis", "Full less partial"),
    "difference": ("{late} minus {early}", "{late} less {early}"),
    "size": ("Storlek", "Size"),
    "county": ("Län", "County"),
    "stance": ("Hållning", "Stance"),
    "education": ("Utbildning", "Education"),
    "cs": ("Callaway–Sant'Anna", "Callaway–Sant'Anna"),
    "imputation": ("Imputering (Borusyak–Jaravel–Spiess)", "Imputation (Borusyak–Jaravel–Spiess)"),
    "sunab": ("Sun–Abraham", "Sun–Abraham"),
    "stacked": ("Staplad (Wing–Freedman–Hollingsworth)", "Stacked (Wing–Freedman–Hollingsworth)"),
    "twfe": ("Tvåvägsregression", "Two-way regression"),
}
_STANCES: Final = {
    "active_from_asylum": ("Aktiv från asyltiden", "Active from the asylum phase"),
    "active_day_one": ("Aktiv från dag ett", "Active from day one"),
    "active_during_establishment": (
        "Aktiv under etableringen",
        "Active during the establishment programme",
    ),
}


def part_name(key: str, lang: Lang) -> str:
    """Name a dose, a division or a family; a column of somebody's own file keeps its name.

    Examples
    --------
    >>> part_name("size", "sv"), part_name("region", "sv")
    ('Storlek', 'region')
    """
    return _NAMES[key][0 if lang == "sv" else 1] if key in _NAMES else key


def group_label(by: str, label: str, lang: Lang) -> str:
    """Name a group of municipalities.

    Examples
    --------
    >>> group_label("size", "0-15000", "en"), group_label("county", "Skåne", "en")
    ('Below 15,000 inhabitants', 'Skåne')
    """
    sv = lang == "sv"
    if by == "stance" and label in _STANCES:
        return _STANCES[label][0 if sv else 1]
    if by != "size":
        return label
    low, _, high = label.partition("-")
    if low == "0":
        n = number(int(high), lang, 0)
        return f"Under {n} invånare" if sv else f"Below {n} inhabitants"
    if not high:
        n = number(int(low), lang, 0)
        return f"Minst {n} invånare" if sv else f"At least {n} inhabitants"
    ends = f"{number(int(low), lang, 0)}–{number(int(high) - 1, lang, 0)}"
    return f"{ends} invånare" if sv else f"{ends} inhabitants"
