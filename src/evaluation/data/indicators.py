"""The outcome registry: what each indicator is, and what it is not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

__all__ = ["INDICATORS", "Indicator"]


@dataclass(frozen=True)
class Indicator:
    """One outcome.

    Parameters
    ----------
    id : str
        Key of the registry and name of the embedded data set.
    label_sv, label_en : str
        Name in running text.
    definite_sv : str
        The Swedish name in its definite form.
    unit_sv, unit_en : str
        Unit of the values.
    change_sv, change_en : str
        Unit of a difference between two values.
    source : str
        Short source for the source line.
    decimals : int
        Decimals in the source.
    limit_sv, limit_en : str
        What the number cannot show.
    break_year : int, optional
        First year of another definition, where it changed within the series.
    """

    id: str
    label_sv: str
    definite_sv: str
    label_en: str
    unit_sv: str
    unit_en: str
    change_sv: str
    change_en: str
    source: str
    decimals: int
    limit_sv: str
    limit_en: str
    break_year: int | None = None


_ALL = (
    Indicator(
        "foreign_background",
        "andel med utländsk bakgrund",
        "andelen med utländsk bakgrund",
        "share with foreign background",
        "procent av invånarna",
        "per cent of inhabitants",
        "procentenheter",
        "percentage points",
        "SCB, TAB6571",
        2,
        "Andelen med utländsk bakgrund är ett bestånd där även personer födda i Sverige med två "
        "utrikes födda föräldrar ingår. Den visar bosättning, inte om de som togs emot stannar.",
        "The share with foreign background is a stock that also counts people born in Sweden with "
        "two parents born abroad. It shows settlement, not whether those received stay.",
    ),
    Indicator(
        "low_economic_standard",
        "andel med låg ekonomisk standard",
        "andelen med låg ekonomisk standard",
        "share with low economic standard",
        "procent av invånarna",
        "per cent of inhabitants",
        "procentenheter",
        "percentage points",
        "SCB, TAB6685",
        0,
        "Andelen med låg ekonomisk standard gäller alla invånare och anges i hela procent: en "
        "förändring bland några dussin nyanlända syns knappt.",
        "The share with low economic standard is about all inhabitants and printed in whole per "
        "cent: a change among a few dozen newly arrived people hardly shows.",
    ),
)
INDICATORS: Mapping[str, Indicator] = MappingProxyType({i.id: i for i in _ALL})
