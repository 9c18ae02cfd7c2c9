"""Indicators that are computed from others, once, with their states and bounds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd

from evaluation.data.observations import MISSING, OBSERVED, SUPPRESSED, Sex, observations
from evaluation.data.registry.indicator import Derivation, Indicator, Part
from evaluation.data.registry.loading import REGISTRY
from evaluation.errors import InputError

__all__ = ["Derived", "derive"]

Floats = npt.NDArray[np.float64]
_CELL = ["code", "year", "sex"]


@dataclass(frozen=True)
class Derived:
    """A derived indicator.

    Parameters
    ----------
    observations : pandas.DataFrame
        In the tidy form.
    bounds : pandas.DataFrame
        One row per suppressed value: ``code, year, sex, low, high``; infinite where a
        part is unbounded.
    zero_denominators : int
        Values that are missing because the denominator is 0.
    outside : int
        Observed values outside the indicator's range; they are kept.
    """

    observations: pd.DataFrame = field(repr=False)
    bounds: pd.DataFrame = field(repr=False)
    zero_denominators: int
    outside: int


def _cells(frame: pd.DataFrame, part: Part, sex: Sex) -> pd.DataFrame:
    """Return one part by code and year of the result."""
    read = part.sex or sex
    rows = frame[(frame["indicator"] == part.id) & (frame["sex"] == read)]
    moved = rows[["code", "year", "value", "state"]].assign(year=rows["year"] + part.lag_years)
    return moved.set_index(["code", "year"])


def _ends(value: Floats, withheld: npt.NDArray[np.bool_], part: Indicator) -> tuple[Floats, Floats]:
    low, high = part.withheld_range
    return np.where(withheld, low, value), np.where(withheld, high, value)


def _combine(d: Derivation, low: list[Floats], high: list[Floats]) -> tuple[Floats, Floats]:
    """Return the exact range of the result when every part lies anywhere in its own range."""
    if d.kind == "sum":
        return np.sum(low, axis=0), np.sum(high, axis=0)
    if d.kind == "difference":
        return low[0] - high[1], high[0] - low[1]
    # parts are not negative (checked when the registry is read): the ratio falls in its denominator
    with np.errstate(divide="ignore", invalid="ignore"):
        least = np.where(np.isinf(high[1]), 0.0, d.factor * low[0] / high[1])
        most = np.where(high[0] == 0, 0.0, d.factor * high[0] / low[1])
    return least, most


def derive(
    frame: pd.DataFrame, id: str, *, registry: Mapping[str, Indicator] = REGISTRY
) -> Derived:
    r"""Compute an indicator from its parts, as the registry defines it.

    A ratio is :math:`f\, a_{i,t} / b_{i,t-l}` with the registry's factor :math:`f` and lag
    :math:`l`; for ``retention_3_years`` :math:`100\, N00732_t / N01986_{t-3}`. A value is
    missing if a part is missing or the denominator is 0, otherwise suppressed if a part
    is suppressed (with the range that the parts leave open), otherwise observed. Years
    in which a part has no row at all are outside the series and give no row.

    Parameters
    ----------
    frame : pandas.DataFrame
        Observations that hold the parts.
    id : str
        Key of a derived indicator.
    registry : mapping of str to Indicator
        Where definitions are looked up.

    Returns
    -------
    Derived
        Values, bounds and what was found on the way.

    Raises
    ------
    InputError
        If ``id`` is unknown or not derived, or a part is not among the observations, or
        no year has all parts.

    Examples
    --------
    >>> rows = pd.DataFrame({
    ...     "indicator": ["N00732", "N01986"], "code": "2321", "year": [2019, 2016],
    ...     "sex": "T", "value": [120.0, 160.0], "state": "observed"})
    >>> derive(rows, "retention_3_years").observations["value"].tolist()
    [75.0]
    """
    if id not in registry:
        raise InputError(f"there is no indicator {id!r}; known are {', '.join(registry)}")
    result = registry[id]
    d = result.derivation
    if d is None:
        raise InputError(f"{id} is published by its source, not derived from others")
    for part in d.parts:
        if not (frame["indicator"] == part.id).any():
            raise InputError(f"{id} needs {part.id}, which is not among the observations")
    tables = [
        table for sex in result.sexes if (table := _one_sex(frame, d, sex, registry)) is not None
    ]
    if not tables:
        names = " and ".join(
            f"{p.id} {p.lag_years} years earlier" if p.lag_years else p.id for p in d.parts
        )
        raise InputError(f"{id}: no year has {names}")
    out = pd.concat(tables, ignore_index=True).assign(indicator=id)
    low = -np.inf if result.lowest is None else result.lowest
    high = np.inf if result.highest is None else result.highest
    held = out["state"] == SUPPRESSED
    bounds = out.loc[held, [*_CELL, "low", "high"]].sort_values(_CELL, ignore_index=True)
    bounds[["low", "high"]] = bounds[["low", "high"]].clip(low, high)
    strange = (out["state"] == OBSERVED) & ((out["value"] < low) | (out["value"] > high))
    return Derived(observations(out), bounds, int(out["zero"].sum()), int(strange.sum()))


def _one_sex(
    frame: pd.DataFrame, d: Derivation, sex: Sex, registry: Mapping[str, Indicator]
) -> pd.DataFrame | None:
    cells = [_cells(frame, part, sex) for part in d.parts]
    years = set.intersection(*(set(c.index.get_level_values("year")) for c in cells))
    keys = cells[0].index
    for c in cells[1:]:
        keys = keys.union(c.index)
    keys = keys[keys.get_level_values("year").isin(sorted(years))]
    if keys.empty:
        return None
    aligned = [c.reindex(keys) for c in cells]
    states = [c["state"].fillna(MISSING).to_numpy() for c in aligned]
    ends = [
        _ends(c["value"].to_numpy(dtype=float), state == SUPPRESSED, registry[part.id])
        for c, state, part in zip(aligned, states, d.parts, strict=True)
    ]
    low, high = _combine(d, [e[0] for e in ends], [e[1] for e in ends])
    missing = np.any([s == MISSING for s in states], axis=0)
    zero = np.zeros(len(keys), dtype=bool)
    if d.kind == "ratio":
        zero = ~missing & (ends[1][1] == 0)
    held = ~missing & ~zero & np.any([s == SUPPRESSED for s in states], axis=0)
    state = np.select([missing | zero, held], [MISSING, SUPPRESSED], OBSERVED)
    table = keys.to_frame(index=False)
    return table.assign(
        sex=sex,
        value=np.where(state == OBSERVED, low, np.nan),
        state=state,
        low=low,
        high=high,
        zero=zero,
    )
