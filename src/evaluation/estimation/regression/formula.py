"""From a table and a formula to the rows of a regression, checked."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from evaluation.errors import InputError

__all__ = ["ModelRows", "formula_variables", "model_rows"]

ENTITY, TIME = "EntityEffects", "TimeEffects"
LAST_YEAR = 9999


@dataclass(frozen=True)
class ModelRows:
    """The usable rows of a regression, sorted by unit and year.

    Parameters
    ----------
    outcome : str
        Left side of the formula.
    y : numpy.ndarray
        Shape (rows,).
    x : pandas.DataFrame
        Shape (rows, terms): the regressors, ``Intercept`` first where there is one; the
        index is the row of the table.
    unit, year : numpy.ndarray
        Shape (rows,): codes 0, 1, … of the units; years.
    units : tuple of str
        Labels of the units.
    cluster : numpy.ndarray
        Shape (rows,): labels of the clusters.
    weights : numpy.ndarray or None
        Shape (rows,).
    entity_effects, time_effects : bool
        Whether the formula names them.
    left_out : dict of str to int
        Rows left out for a missing value, by column (a row may miss several).
    n_left_out : int
        Rows left out.
    data_hash : str
        SHA-256 of everything above that enters the numbers.
    """

    outcome: str
    y: np.ndarray = field(repr=False)
    x: pd.DataFrame = field(repr=False)
    unit: np.ndarray = field(repr=False)
    year: np.ndarray = field(repr=False)
    units: tuple[str, ...] = field(repr=False)
    cluster: np.ndarray = field(repr=False)
    weights: np.ndarray | None = field(repr=False)
    entity_effects: bool
    time_effects: bool
    left_out: dict[str, int]
    n_left_out: int
    data_hash: str

    @property
    def years(self) -> np.ndarray:
        """The years, ascending."""
        return np.unique(self.year)

    def year_dummies(self) -> np.ndarray:
        """Return dummies of all years but the first, shape (rows, years − 1)."""
        dummies: np.ndarray = (self.year[:, None] == self.years[None, 1:]).astype(float)
        return dummies


def _parse(formula: str) -> tuple[str, list[str], bool, bool]:
    """Split a formula into its outcome, its terms and the effects that it names."""
    from formulaic import Formula

    if formula.count("~") != 1 or not all(side.strip() for side in formula.split("~")):
        raise InputError(
            f"{formula!r} is not a formula; write it like y ~ x + EntityEffects + TimeEffects",
            field="formula",
        )
    try:
        parsed = Formula(formula)
        left, right = list(parsed.lhs), list(parsed.rhs)
    except Exception as error:  # the parser has several exceptions of its own
        reason = re.sub(r"\x1b\[[0-9;]*m|[⧛⧚]", "", str(error)).splitlines()[0].rstrip(".")
        raise InputError(f"{formula!r} is not a formula: {reason}", field="formula") from None
    if not all(hasattr(t, "factors") for t in [*left, *right]):
        raise InputError(
            f"{formula!r} has parts set apart by |; write + {ENTITY} + {TIME} for effects",
            field="formula",
        )
    if len(left) != 1:
        raise InputError(f"{formula!r} has {len(left)} outcomes; one is needed", field="formula")
    terms = [_written(t) for t in right]
    plain = [t for t in terms if t not in (ENTITY, TIME)]
    for term in plain:
        if ENTITY in term or TIME in term:
            raise InputError(
                f"{term} is not possible; {ENTITY} and {TIME} stand as terms of their own",
                field="formula",
            )
    if not [t for t in plain if t != "1"]:
        raise InputError(f"{formula!r} names no regressor", field="formula")
    return _written(left[0]), plain, ENTITY in terms, TIME in terms


def _written(term: Any) -> str:
    """Write a parsed term so that it can be parsed again: odd column names in backticks."""
    parts = [str(f) for f in term.factors]
    looked_up = [f.eval_method.value == "lookup" for f in term.factors]
    return ":".join(
        f"`{p}`" if plain and not p.isidentifier() else p
        for p, plain in zip(parts, looked_up, strict=True)
    )


def formula_variables(formula: str) -> tuple[list[str], list[str]]:
    """Return the columns that a formula reads, and which of them only as categories.

    Parameters
    ----------
    formula : str
        As :func:`model_rows`.

    Returns
    -------
    columns : list of str
        All of them, sorted.
    categories : list of str
        Those that stand only within ``C(…)``: they may be text.

    Raises
    ------
    InputError
        If it is not a formula.

    Examples
    --------
    >>> formula_variables("y ~ np.log(size) + C(region) + EntityEffects")
    (['region', 'size', 'y'], ['region'])
    """
    from formulaic import Formula

    outcome, terms, _, _ = _parse(formula)
    columns = sorted(str(v) for v in Formula(f"{outcome} ~ {' + '.join(terms)}").required_variables)
    outside = " ".join([outcome, *(re.sub(r"\bC\([^()]*\)", " ", t) for t in terms)])
    words = set(re.findall(r"[^\W\d]\w*", outside)) | set(re.findall(r"`([^`]*)`", outside))
    return columns, [c for c in columns if c not in words]


def _place(frame: pd.DataFrame, label: object) -> tuple[int | None, str]:
    """Say where a row is: by line where the table came from a file, by its label otherwise."""
    if frame.index.name == "row":
        return int(str(label)), ""
    return None, f"row {label}: "


def _numeric(frame: pd.DataFrame, column: str, *, category: bool) -> pd.Series:
    values = frame[column]
    if category:
        return values.astype(object)
    if values.dtype == bool:
        return values.astype(float)
    if not pd.api.types.is_numeric_dtype(values):
        raise InputError(
            f"holds {values.dropna().iloc[0]!r}, which is no number; "
            f"write C({column}) to use it as categories",
            field=column,
        )
    numbers = pd.Series(values.to_numpy(dtype=float, na_value=np.nan), index=values.index)
    bad = np.isinf(numbers.to_numpy())
    if bad.any():
        row, text = _place(frame, frame.index[bad][0])
        raise InputError(f"{text}is infinite; a finite number is needed", row=row, field=column)
    return numbers


def _years(frame: pd.DataFrame, column: str) -> np.ndarray:
    values = frame[column]
    text = not pd.api.types.is_numeric_dtype(values)
    numbers = np.full(len(values), np.nan) if text else values.to_numpy(float, na_value=np.nan)
    bad = ~(np.abs(numbers) <= LAST_YEAR) | (numbers != np.round(numbers))
    if bad.any():
        at = int(np.argmax(bad))
        row, where = _place(frame, frame.index[at])
        raise InputError(
            f"{where}{values.iloc[at]!r} is not a whole year; "
            "years must be whole numbers, not text",
            row=row,
            field=column,
        )
    return numbers.astype(int)


def _labels(frame: pd.DataFrame, column: str, what: str) -> np.ndarray:
    values = frame[column]
    empty = values.isna() | (values.astype(str) == "")
    if empty.any():
        row, where = _place(frame, frame.index[empty][0])
        raise InputError(f"{where}is empty; a {what} is needed", row=row, field=column)
    return values.astype(str).to_numpy(dtype=str)


def _materialise(
    used: pd.DataFrame, outcome: str, terms: Sequence[str]
) -> tuple[np.ndarray, pd.DataFrame]:
    from formulaic import model_matrix

    try:
        with np.errstate(all="ignore"):
            y = model_matrix(f"0 + {outcome}", used, context={"np": np}, na_action="ignore")
            # categories are coded against a reference level even where the effects will
            # take the place of the intercept
            spec = " + ".join(["1", *(t for t in terms if t != "1")])
            x = model_matrix(spec, used, context={"np": np}, na_action="ignore")
    except Exception as error:  # whatever the user's expression raised
        reason = str(error).splitlines()[0].rstrip(".")
        raise InputError(f"cannot be evaluated: {reason}", field="formula") from None
    y, x = pd.DataFrame(y).astype(float), pd.DataFrame(x).astype(float)
    if y.shape[1] != 1:
        raise InputError(f"{outcome} is {y.shape[1]} columns; one is needed", field="formula")
    for name, column in [(outcome, y.iloc[:, 0]), *((str(c), x[c]) for c in x)]:
        bad = ~np.isfinite(column.to_numpy())
        if bad.any():
            row, where = _place(used, used.index[bad][0])
            raise InputError(f"{where}has no finite value here", row=row, field=name)
    return y.iloc[:, 0].to_numpy(), x


def model_rows(
    frame: pd.DataFrame,
    formula: str,
    *,
    unit: str,
    time: str,
    weights: str | None = None,
    cluster: str | None = None,
) -> ModelRows:
    """Read a formula against a table and keep the rows that can be used.

    Parameters
    ----------
    frame : pandas.DataFrame
        One row per unit and year; gaps are allowed. Rows with a missing value in a column
        that the model reads are left out and counted.
    formula : str
        ``y ~ x1 + np.log(x2) + C(region) + EntityEffects + TimeEffects``: Wilkinson's
        notation as formulaic reads it, an intercept included unless ``0 +`` is written.
    unit, time : str
        Columns of the unit and of the year (whole numbers).
    weights : str, optional
        Column of weights, above zero.
    cluster : str, optional
        Column of clusters; the unit otherwise.

    Returns
    -------
    ModelRows
        Sorted by unit and year.

    Raises
    ------
    InputError
        If a column is unknown, holds text or infinite numbers, a unit-year stands twice, a
        weight is not above zero, there are fewer than two units or years, or something
        never varies.
    """
    outcome, terms, entity, by_time = _parse(formula)
    columns, categories = formula_variables(formula)
    wanted = [(c, "formula") for c in columns] + [(unit, "unit"), (time, "time")]
    wanted += [(c, w) for c, w in ((weights, "weights"), (cluster, "cluster")) if c is not None]
    for wants, role in wanted:
        if wants not in frame.columns:
            have = ", ".join(map(str, frame.columns))
            raise InputError(
                f"there is no column {wants!r}, which the {role} names; the data have {have}",
                field=wants,
            )
    if frame.empty:
        raise InputError("the data have no rows")
    numbers = {c: _numeric(frame, c, category=c in categories) for c in columns}
    if weights is not None:
        numbers.setdefault(weights, _numeric(frame, weights, category=False))
    who, when = _labels(frame, unit, "unit"), _years(frame, time)
    groups = who if cluster is None else _labels(frame, cluster, "cluster")
    twice = pd.MultiIndex.from_arrays([who, when]).duplicated()
    if twice.any():
        at = int(np.argmax(twice))
        row, where = _place(frame, frame.index[at])
        raise InputError(
            f"{where}unit {who[at]}, {when[at]} stands twice; one row per unit and year is needed",
            row=row,
            field=unit,
        )
    used = pd.DataFrame(numbers, index=frame.index)
    missing = used.isna()
    left_out = {str(c): int(n) for c, n in missing.sum().items() if n}
    keep = ~missing.any(axis=1).to_numpy()
    if not keep.any():
        raise InputError(
            "no row has a value in every column that the model reads: "
            + ", ".join(f"{c} is missing in {n}" for c, n in left_out.items())
        )
    order = np.flatnonzero(keep)
    order = order[np.lexsort((when[order], who[order]))]
    used, who, when, groups = used.iloc[order], who[order], when[order], groups[order]
    w = None
    if weights is not None:
        w = used[weights].to_numpy(dtype=float)
        if (w <= 0).any():
            at = int(np.argmax(w <= 0))
            row, where = _place(frame, used.index[at])
            raise InputError(
                f"{where}the weight {w[at]:g} must be above zero", row=row, field=weights
            )
    units, code = np.unique(who, return_inverse=True)
    for count, what in ((len(units), "unit"), (len(np.unique(when)), "period")):
        if count < 2:
            raise InputError(
                f"the usable rows hold {count} {what}; at least two are needed",
                field=unit if what == "unit" else time,
            )
    y, x = _materialise(used, outcome, terms)
    whole = {outcome: y} | {str(c): x[c].to_numpy() for c in x if c != "Intercept"}
    for name, values in whole.items():
        if np.ptp(values) == 0:
            raise InputError("never varies in the usable rows", field=name)
    if "1" not in terms:
        x = x.drop(columns="Intercept")
    digest = hashlib.sha256()
    digest.update(repr((formula, units.tolist(), [str(c) for c in x])).encode())
    for part in (code, when, y, x.to_numpy(), w if w is not None else np.ones(0)):
        digest.update(np.ascontiguousarray(np.asarray(part, dtype="<f8")).tobytes())
    digest.update(repr(groups.tolist()).encode())
    return ModelRows(
        outcome=outcome.strip("`"),
        y=y,
        x=x,
        unit=code,
        year=when,
        units=tuple(str(u) for u in units),
        cluster=groups,
        weights=w,
        entity_effects=entity,
        time_effects=by_time,
        left_out=left_out,
        n_left_out=int((~keep).sum()),
        data_hash=digest.hexdigest(),
    )
