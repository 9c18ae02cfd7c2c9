"""From tidy observations to a panel and back: states kept, weights and bounds carried along."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from evaluation.data import places
from evaluation.data.observations import (
    MISSING,
    OBSERVED,
    STATES,
    SUPPRESSED,
    Sex,
    checked,
    observations,
)
from evaluation.data.panel import Bounds, Coverage, Panel
from evaluation.data.places import NATION
from evaluation.data.registry import REGISTRY, Indicator, derive
from evaluation.errors import InputError

__all__ = ["ABSENT", "Wide", "build_panel", "to_wide"]

ABSENT: Final = ""
"""State of a wide cell for which there is no row."""
_NO_WEIGHT: Final = "no_weight"


@dataclass(frozen=True)
class Wide:
    """One indicator for one sex, municipalities in rows, years in columns.

    Parameters
    ----------
    indicator : str
        Key of the registry.
    sex : {"T", "K", "M"}
        For whom.
    values : pandas.DataFrame
        Shape (municipalities, years); NaN unless observed.
    states : pandas.DataFrame
        Of the same shape: ``observed``, ``suppressed``, ``missing``, or empty text where
        there is no row.
    """

    indicator: str
    sex: Sex
    values: pd.DataFrame = field(repr=False)
    states: pd.DataFrame = field(repr=False)

    def long(self) -> pd.DataFrame:
        """Return the observations that it was made from.

        Raises
        ------
        InputError
            If values and states have other rows or columns, or contradict each other.
        """
        v, s = self.values, self.states
        if not (v.index.equals(s.index) and v.columns.equals(s.columns)):
            raise InputError("values and states must have the same rows and columns")
        states = s.to_numpy(dtype=object)
        i, j = np.nonzero(states != ABSENT)
        return observations(
            pd.DataFrame(
                {
                    "indicator": self.indicator,
                    "code": v.index.to_numpy()[i],
                    "year": v.columns.to_numpy()[j],
                    "sex": self.sex,
                    "value": v.to_numpy(dtype=float)[i, j],
                    "state": states[i, j],
                }
            )
        )


def _position(cells: pd.Series, among: Sequence[Any]) -> npt.NDArray[np.int64]:
    """Return where each cell stands in a list, −1 if nowhere, seeking each different one once."""
    number, different = pd.factorize(cells)
    return np.asarray(pd.Index(among).get_indexer(pd.Index(different))[number], dtype=np.int64)


def _grid(
    rows: pd.DataFrame, codes: Sequence[str], years: Sequence[int]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int8]]:
    """Lay rows out by code and year: values, and the number of their state (−1 for no row)."""
    i, j = _position(rows["code"], codes), _position(rows["year"], years)
    inside = (i >= 0) & (j >= 0)
    i, j = i[inside], j[inside]
    flat = pd.Series(i * len(years) + j)
    if (twice := flat.duplicated()).any():
        at = int(np.flatnonzero(twice)[0])
        raise InputError(f"{codes[i[at]]}, {years[j[at]]} stands twice", field="code")
    values = np.full((len(codes), len(years)), np.nan)
    states = np.full((len(codes), len(years)), -1, dtype=np.int8)
    values[i, j] = rows["value"].to_numpy(dtype=float)[inside]
    states[i, j] = _position(rows["state"], STATES)[inside]
    return values, states


def _table(cells: npt.NDArray[Any], codes: Sequence[str], years: Sequence[int]) -> pd.DataFrame:
    return pd.DataFrame(cells, index=pd.Index(list(codes), name="code"), columns=list(years))


def to_wide(frame: pd.DataFrame, indicator: str, sex: Sex = "T") -> Wide:
    """Lay observations out with a column per year, states beside the values.

    ``to_wide(frame, ...).long()`` gives the rows back as they were, a zero as zero, a
    suppressed value as suppressed, a missing one as missing and an absent row as absent.

    Parameters
    ----------
    frame : pandas.DataFrame
        Observations.
    indicator : str
        Whose rows.
    sex : {"T", "K", "M"}
        For whom.

    Returns
    -------
    Wide
        Every municipality and year among the rows, sorted.

    Raises
    ------
    InputError
        If there is no such row, or a key stands twice.

    Examples
    --------
    >>> rows = {"indicator": "N00964", "code": "2321", "year": [2015, 2016], "sex": "T",
    ...         "value": [0.0, None], "state": ["observed", "suppressed"]}
    >>> to_wide(pd.DataFrame(rows), "N00964").states.loc["2321"].tolist()
    ['observed', 'suppressed']
    """
    rows = _some(frame, indicator, sex)
    codes = sorted(rows["code"].unique())
    years = sorted(int(y) for y in rows["year"].unique())
    values, states = _grid(rows, codes, years)
    # −1, the number of no row, takes the last name
    names = np.array([*STATES, ABSENT], dtype=object)[states]
    return Wide(
        indicator, sex, _table(values, codes, years), _table(names, codes, years).astype("str")
    )


def _some(frame: pd.DataFrame, indicator: str, sex: Sex) -> pd.DataFrame:
    rows = frame[((frame["indicator"] == indicator) & (frame["sex"] == sex)).to_numpy()]
    if rows.empty:
        sexes = ", ".join(
            sorted(frame["sex"][(frame["indicator"] == indicator).to_numpy()].unique())
        )
        if sexes:
            raise InputError(f"there is no {indicator} for sex {sex}; it has {sexes}", field="sex")
        have = ", ".join(sorted(frame["indicator"].unique()))
        raise InputError(f"there is no {indicator}; there is {have or 'nothing'}")
    if rows["code"].isna().any():
        raise InputError(f"a row of {indicator} has no code", field="code")
    known = {NATION, *places.codes(), *(c.before for c in places.CHANGES)}
    for code in rows["code"].unique():
        if code not in known:
            raise InputError(places.explain(code), field="code")
    return checked(rows)


def build_panel(
    frame: pd.DataFrame,
    indicator: str,
    sex: Sex = "T",
    *,
    years: tuple[int, int] | None = None,
    within: tuple[int, int] | None = None,
    codes: Sequence[str] | None = None,
    unbalanced: bool = False,
    weight: str | None = None,
    registry: Mapping[str, Indicator] = REGISTRY,
) -> Panel:
    """Build the panel of one indicator for one sex from tidy observations.

    A balanced panel keeps the municipalities that are observed (and weighed, if weights are
    asked for) in every year; the others are in ``dropped``, each with its reason in
    ``coverage.reasons``. An unbalanced panel keeps whoever is observed in some year. A
    suppressed value is never a number in ``values``: its range is in ``bounds``. Withheld
    values are not worked out from total, women and men.

    Parameters
    ----------
    frame : pandas.DataFrame
        Observations. A derived indicator is computed from its parts if it is not there.
    indicator : str
        Whose rows.
    sex : {"T", "K", "M"}
        For whom.
    years : tuple of int, optional
        First and last year; by default those with an observed value.
    within : tuple of int, optional
        Where ``years`` is not given: only values of these years, first and last, decide
        which those are. What a value is computed from or weighed by may lie earlier.
    codes : sequence of str, optional
        Municipalities, in this order; by default all among the rows, sorted, without the
        nation.
    unbalanced : bool
        Whether gaps stay as NaN.
    weight : str, optional
        ``"registry"`` for the indicator's own (with its lag), or the key of one; None for
        none. A suppressed or missing weight, or one of 0, makes the value unusable: it is a
        gap with the state ``no_weight``.
    registry : mapping of str to Indicator
        Where definitions are looked up.

    Returns
    -------
    Panel
        With ``bounds`` and ``coverage``, and ``weights`` if asked for.

    Raises
    ------
    InputError
        If there are no such rows, no weight is known, a key stands twice, fewer than two
        years are left, or no municipality is: the error names the year that loses most.

    Examples
    --------
    >>> rows = pd.DataFrame({
    ...     "indicator": "N00973", "code": ["2321", "2321", "1287", "1287"],
    ...     "year": [2015, 2016] * 2, "sex": "T", "value": [40.0, 45.0, 30.0, None],
    ...     "state": ["observed"] * 3 + ["suppressed"]})
    >>> panel = build_panel(rows, "N00973")
    >>> panel.units, panel.coverage.reasons
    (['2321'], {'1287': 'suppressed in 2016'})
    >>> panel.bounds.high.loc["1287"].tolist()
    [30.0, 100.0]
    """
    spare: pd.DataFrame | None = None
    counts = 0, 0
    source = frame
    computed = indicator in registry and bool(registry[indicator].parts)
    if computed and not (frame["indicator"] == indicator).any():
        found = derive(frame, indicator, registry=registry)
        source, spare = found.observations, found.bounds
        counts = found.outside, found.zero_denominators
    rows = _some(source, indicator, sex)
    seen = rows["year"][(rows["state"] == OBSERVED).to_numpy()]
    if within is not None:
        seen = seen[seen.between(*within).to_numpy()]
    if seen.empty:
        when = f" in {within[0]}–{within[1]}" if within else ""
        raise InputError(f"{indicator} for sex {sex} has no observed value{when}")
    first, last = (int(seen.min()), int(seen.max())) if years is None else years
    if first >= last:
        raise InputError(f"two years or more are needed, found {first}–{last}", field="years")
    span = list(range(first, last + 1))
    units = (
        [str(c) for c in codes]
        if codes is not None
        else sorted(set(rows["code"].unique()) - {NATION})
    )
    if len(set(units)) < len(units):
        raise InputError("a municipality stands twice", field="codes")
    values, states = _grid(rows, units, span)
    states[states < 0] = STATES.index(MISSING)
    bounds = _bounds(values, states, units, span, registry.get(indicator), spare, sex)
    weights = _weights(frame, indicator, sex, weight, units, span, registry) if weight else None
    usable = states == STATES.index(OBSERVED)
    if weights is not None:
        usable &= np.isfinite(weights)
    keep = usable.any(axis=1) if unbalanced else usable.all(axis=1)
    coverage = replace(
        _coverage(states, usable, keep, units, span), outside=counts[0], zero_denominators=counts[1]
    )
    if not keep.any():
        raise InputError(_nobody(usable, indicator, sex, span, unbalanced=unbalanced))
    kept = [u for u, k in zip(units, keep, strict=True) if k]
    return Panel(
        indicator,
        _table(np.where(usable, values, np.nan)[keep], kept, span),
        tuple(u for u, k in zip(units, keep, strict=True) if not k),
        unbalanced,
        None if weights is None else _table(np.where(usable, weights, np.nan)[keep], kept, span),
        bounds,
        coverage,
    )


def _bounds(
    values: npt.NDArray[np.float64],
    states: npt.NDArray[np.int8],
    units: Sequence[str],
    years: Sequence[int],
    indicator: Indicator | None,
    spare: pd.DataFrame | None,
    sex: Sex,
) -> Bounds:
    low, high = values.copy(), values.copy()
    held = states == STATES.index(SUPPRESSED)
    ends = indicator.withheld_range if indicator else (-np.inf, np.inf)
    low[held], high[held] = ends
    if spare is not None:
        rows = spare[(spare["sex"] == sex).to_numpy()]
        for end, table in (("low", low), ("high", high)):
            known, there = _grid(
                rows.assign(value=rows[end], state=OBSERVED), list(units), list(years)
            )
            table[there >= 0] = known[there >= 0]
    return Bounds(_table(low, units, years), _table(high, units, years))


def _weights(
    frame: pd.DataFrame,
    indicator: str,
    sex: Sex,
    weight: str,
    units: Sequence[str],
    years: Sequence[int],
    registry: Mapping[str, Indicator],
) -> npt.NDArray[np.float64]:
    """Return weights by unit and year, NaN where there is none above 0."""
    lag = 0
    if weight == "registry":
        known = registry.get(indicator)
        if known is None or known.weight is None:
            raise InputError(
                f"the registry has no weight for {indicator}; name one", field="weight"
            )
        weight, lag = known.weight, known.weight_lag_years
    try:
        rows = _some(frame, weight, sex)
    except InputError as error:
        raise InputError(
            f"{indicator} is weighed by {weight}, which must be among the data: {error.problem}",
            field="weight",
        ) from None
    values, _ = _grid(rows.assign(year=rows["year"] + lag), list(units), list(years))
    with np.errstate(invalid="ignore"):
        return np.where(values > 0, values, np.nan)


def _coverage(
    states: npt.NDArray[np.int8],
    usable: npt.NDArray[np.bool_],
    keep: npt.NDArray[np.bool_],
    units: Sequence[str],
    years: Sequence[int],
) -> Coverage:
    gaps = {s: states == STATES.index(s) for s in (SUPPRESSED, MISSING)}
    gaps[_NO_WEIGHT] = (states == STATES.index(OBSERVED)) & ~usable
    said = {SUPPRESSED: "suppressed", MISSING: "missing", _NO_WEIGHT: "without a weight"}
    reasons = np.full(len(keep), "", dtype=object)
    for i in np.flatnonzero(~keep):
        when = {s: [y for y, gap in zip(years, m[i], strict=True) if gap] for s, m in gaps.items()}
        why = [f"{said[s]} in {', '.join(map(str, ys))}" for s, ys in when.items() if ys]
        reasons[i] = "; ".join(why)
    table = pd.DataFrame(
        {
            OBSERVED: usable.sum(axis=1),
            **{s: mask.sum(axis=1) for s, mask in gaps.items()},
            "kept": keep,
            "reason": reasons.astype(str),
        },
        index=pd.Index(units, name="code"),
    )
    return Coverage(table)


def _nobody(
    usable: npt.NDArray[np.bool_],
    indicator: str,
    sex: Sex,
    years: Sequence[int],
    *,
    unbalanced: bool,
) -> str:
    which = "any year" if unbalanced else "every year"
    seen = usable.sum(axis=0)
    worst = int(np.argmin(seen))
    return (
        f"no municipality has {indicator} for sex {sex} in {which} {years[0]}–{years[-1]}; "
        f"fewest, {seen[worst]} of {len(usable)}, have {years[worst]}"
    )
