"""What the registry knows of one indicator."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from evaluation.data.observations import Sex

__all__ = ["Break", "Derivation", "Indicator", "Part", "Scale", "SmallCell"]

Scale = Literal["share", "count", "amount", "flag", "difference", "other"]


@dataclass(frozen=True)
class Break:
    """A change of definition: ``year`` is the first year of the new one, the texts say what."""

    year: int
    sv: str
    en: str


@dataclass(frozen=True)
class SmallCell:
    """When the source withholds a value.

    Parameters
    ----------
    threshold : int
        Values that rest on fewer persons than this are withheld.
    known : bool
        Whether the source documents that; if not, the threshold is an assumption.
    sv, en : str
        The rule in words.
    """

    threshold: int
    known: bool
    sv: str
    en: str


@dataclass(frozen=True)
class Part:
    """One indicator that another is computed from.

    Parameters
    ----------
    id : str
        Key of the registry.
    lag_years : int
        How many years earlier it is read.
    sex : {"T", "K", "M"}, optional
        Read for this sex only; None takes the sex of the result.
    """

    id: str
    lag_years: int = 0
    sex: Sex | None = None


@dataclass(frozen=True)
class Derivation:
    """How an indicator is computed from its parts.

    ``ratio`` is ``factor`` × first / second, ``sum`` adds all parts, ``difference`` is
    first − second.
    """

    kind: Literal["ratio", "sum", "difference"]
    parts: tuple[Part, ...]
    factor: float = 1.0


@dataclass(frozen=True)
class Indicator:
    """One indicator.

    Parameters
    ----------
    id : str
        Key of the registry: Kolada's id, or an own name.
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
    agency : str
        Who made the statistics.
    sexes : tuple of {"T", "K", "M"}
        Total, women and men, as far as the source has them.
    scale : {"share", "count", "amount", "flag", "difference", "other"}
        Per cent, persons, kronor, 0 or 1, percentage points between two shares, or an
        outcome of the user's own that nothing is known of.
    lowest, highest : float, optional
        Range that a value can lie in; None is unbounded.
    horizon_days : int, optional
        Days from the event to the measurement; None for a stock or a flow of the year.
    counts_as_success : tuple of str
        What is counted: ``work``, ``studies``, ``residence``, ``two_sfi_courses``.
    denominator : str, optional
        Whom a share or an amount is divided by; None for what is not divided.
    weight : str, optional
        Key of the indicator that counts the denominator.
    weight_lag_years : int
        How many years earlier the weight is read.
    lag_years : int
        The value of year t is about those received in t − ``lag_years``.
    years : tuple of int or None
        First and last year of the series, None where it is not known; the last may be
        announced rather than published.
    ended : bool
        Whether the source has stopped, so that no value follows the last year.
    breaks : tuple of Break
        Changes of definition within the series.
    small_cell : SmallCell, optional
        When values are withheld; None where nothing is known to be.
    perturbed_from : int, optional
        First year whose values carry the source's random protection.
    direction : {-1, 0, 1}
        1 where more is better, −1 where less is, 0 where neither holds.
    version : str
        The definition, or the register that carries it.
    derivation : Derivation, optional
        How it is computed, where the source does not have it.
    not_alone : tuple of str
        As an outcome it misleads unless one of these stands beside it.
    kolada : str, optional
        Kolada's id; None where Kolada does not have it.
    embedded : bool
        Whether its panel ships with the package.
    assumed : tuple of str
        Fields that no source at hand documents.
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
    agency: str = ""
    sexes: tuple[Sex, ...] = ("T",)
    scale: Scale = "other"
    lowest: float | None = None
    highest: float | None = None
    horizon_days: int | None = None
    counts_as_success: tuple[str, ...] = ()
    denominator: str | None = None
    weight: str | None = None
    weight_lag_years: int = 0
    lag_years: int = 0
    years: tuple[int | None, int | None] = (None, None)
    ended: bool = False
    breaks: tuple[Break, ...] = ()
    small_cell: SmallCell | None = None
    perturbed_from: int | None = None
    direction: Literal[-1, 0, 1] = 0
    version: str = ""
    derivation: Derivation | None = None
    not_alone: tuple[str, ...] = ()
    kolada: str | None = None
    embedded: bool = False
    assumed: tuple[str, ...] = ()

    @property
    def break_year(self) -> int | None:
        """First year of another definition, None where there is one definition."""
        return self.breaks[0].year if self.breaks else None

    @property
    def parts(self) -> tuple[Part, ...]:
        """What it is computed from; empty for what a source publishes."""
        return self.derivation.parts if self.derivation else ()

    @property
    def withheld_range(self) -> tuple[float, float]:
        """Lowest and highest value that a suppressed cell can have; infinite where unbounded.

        A withheld count lies from 0 to one below the threshold. For a share the rule says how
        few persons it rests on, not which part of them: the whole range stays open.
        """
        low = -math.inf if self.lowest is None else self.lowest
        high = math.inf if self.highest is None else self.highest
        if self.scale == "count" and self.small_cell:
            high = min(high, self.small_cell.threshold - 1.0)
        return low, high
