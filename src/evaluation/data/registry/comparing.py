"""Which indicators may be taken as one outcome, which mislead alone, and where a series breaks."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from evaluation.data.registry.indicator import Indicator
from evaluation.data.registry.loading import REGISTRY
from evaluation.errors import InputError

__all__ = ["BreakSpan", "breaks_within", "comparable", "refuse_alone", "refuse_mixing"]

# what must agree before two series may be pooled, spliced or subtracted, and what goes wrong if not
_MUST_AGREE: Mapping[str, str] = {
    "horizon_days": "the later measurement gives people more time",
    "counts_as_success": "they count different things as success",
    "denominator": "they are shares of different people",
    "scale": "they have different units",
    "version": "they follow different definitions",
}


def _indicators(
    outcomes: Sequence[str | Indicator], registry: Mapping[str, Indicator]
) -> list[Indicator]:
    found = []
    for o in outcomes:
        if isinstance(o, str) and o not in registry:
            raise InputError(f"there is no indicator {o!r}; known are {', '.join(registry)}")
        found.append(registry[o] if isinstance(o, str) else o)
    return found


def _shown(indicator: Indicator, field: str) -> str:
    value = getattr(indicator, field)
    if value is None or value in ((), ""):
        return "none"
    return ", ".join(value) if isinstance(value, tuple) else str(value)


def _differing(first: Indicator, second: Indicator) -> list[str]:
    return [
        f"{field} is {_shown(first, field)} against {_shown(second, field)}, {why}"
        for field, why in _MUST_AGREE.items()
        if getattr(first, field) != getattr(second, field)
    ]


def comparable(
    outcomes: Sequence[str | Indicator], *, registry: Mapping[str, Indicator] = REGISTRY
) -> bool:
    """Say whether indicators measure the same thing, so that they may be mixed.

    Parameters
    ----------
    outcomes : sequence of str or Indicator
        Keys of the registry, or indicators.
    registry : mapping of str to Indicator
        Where keys are looked up.

    Returns
    -------
    bool
        Whether horizon, success, denominator, scale and version agree among all.

    Raises
    ------
    InputError
        If a key is unknown.

    Examples
    --------
    >>> comparable(["N00973", "N00973"]), comparable(["N00971", "N00973"])
    (True, False)
    """
    found = _indicators(outcomes, registry)
    return not any(_differing(a, b) for a, b in itertools.pairwise(found))


def refuse_mixing(
    outcomes: Sequence[str | Indicator], *, registry: Mapping[str, Indicator] = REGISTRY
) -> None:
    """Refuse to take indicators as one outcome unless they measure the same thing.

    Call it wherever values of several indicators are pooled, spliced, averaged or
    subtracted. Analysing several outcomes side by side is no mixing.

    Parameters
    ----------
    outcomes : sequence of str or Indicator
        Keys of the registry, or indicators.
    registry : mapping of str to Indicator
        Where keys are looked up.

    Raises
    ------
    InputError
        If two differ in horizon, success, denominator, scale or version: the error says
        in which, with both values, and why it matters. Or if a key is unknown.

    Examples
    --------
    >>> refuse_mixing(["N00971", "N00973"])  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    evaluation.errors.InputError: N00971 and N00973 cannot be one outcome: counts_as_success is \
work against work, studies, they count different things as success; a difference ...
    """
    found = _indicators(outcomes, registry)
    for a, b in itertools.pairwise(found):
        if reasons := _differing(a, b):
            raise InputError(
                f"{a.id} and {b.id} cannot be one outcome: {'; '.join(reasons)}; a difference "
                "between them would come from the measure, not from the municipality"
            )


def refuse_alone(
    outcomes: Sequence[str | Indicator], *, registry: Mapping[str, Indicator] = REGISTRY
) -> None:
    """Refuse an outcome that misleads on its own.

    N31001 leaves refugee households out: as the only cost it finds no effect on them by
    construction.

    Parameters
    ----------
    outcomes : sequence of str or Indicator
        All outcomes of an analysis.
    registry : mapping of str to Indicator
        Where keys are looked up.

    Raises
    ------
    InputError
        If an outcome stands without any of those in its ``not_alone``, or a key is
        unknown.

    Examples
    --------
    >>> refuse_alone(["N31001", "U31001"])
    >>> refuse_alone(["N31001"])  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    evaluation.errors.InputError: N31001 cannot stand alone as an outcome: ...
    """
    found = _indicators(outcomes, registry)
    have = {i.id for i in found}
    for i in found:
        if i.not_alone and not have & set(i.not_alone):
            raise InputError(
                f"{i.id} cannot stand alone as an outcome: {i.limit_en} "
                f"Take one of {', '.join(i.not_alone)} beside it or in its place"
            )


@dataclass(frozen=True)
class BreakSpan:
    """A change of definition that lies within the years of an analysis.

    Parameters
    ----------
    indicator : str
        Key of the registry.
    year : int
        First year of the new definition.
    before, after : tuple of int
        The years on each side.
    text_sv, text_en : str
        What changed, and the years on each side.
    """

    indicator: str
    year: int
    before: tuple[int, ...]
    after: tuple[int, ...]
    text_sv: str
    text_en: str


def _from_to(years: Sequence[int]) -> str:
    return f"{years[0]}–{years[-1]}" if len(years) > 1 else str(years[0])


def breaks_within(indicator: str | Indicator, years: Sequence[int]) -> tuple[BreakSpan, ...]:
    """Return the breaks of a series that an analysis of these years spans.

    Parameters
    ----------
    indicator : str or Indicator
        The series, or its key.
    years : sequence of int
        Years of the analysis, in any order.

    Returns
    -------
    tuple of BreakSpan
        Those with years both before and after; empty if none.

    Examples
    --------
    >>> [span] = breaks_within("N00973", range(2015, 2026))
    >>> span.year, span.before, span.after[0], span.after[-1]
    (2018, (2015, 2016, 2017), 2018, 2025)
    >>> breaks_within(REGISTRY["N00973"], [2018, 2019])
    ()
    """
    [found] = _indicators([indicator], REGISTRY)
    ordered = sorted(set(years))
    spans = []
    for b in found.breaks:
        before = tuple(y for y in ordered if y < b.year)
        after = tuple(y for y in ordered if y >= b.year)
        if before and after:
            spans.append(
                BreakSpan(
                    found.id,
                    b.year,
                    before,
                    after,
                    f"{b.sv} Åren {_from_to(before)} ligger före och {_from_to(after)} efter.",
                    f"{b.en} The years {_from_to(before)} lie before and {_from_to(after)} after.",
                )
            )
    return tuple(spans)
