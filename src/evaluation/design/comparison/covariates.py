"""What units are compared on: their outcome before anyone was treated, their size, and more."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd

from evaluation.data.panel import Panel
from evaluation.errors import InputError

__all__ = ["Split", "match_table", "named", "plain_rows", "split"]


def match_table(
    panel: Panel,
    *,
    before: int | Mapping[str, int] | pd.Series,
    size: pd.Series | None = None,
    extra: pd.DataFrame | None = None,
    trend: bool = True,
    window: int | None = None,
) -> pd.DataFrame:
    """Describe every unit by what was known before anyone was treated.

    Parameters
    ----------
    panel : Panel
        The outcome.
    before : int, mapping of str to int or pandas.Series
        The first treated year, or the first treated year by unit (0 for never treated): the
        earliest counts for everyone, so that no covariate is touched by a treatment.
    size : pandas.Series, optional
        Positive size by unit code; the table gets its natural logarithm.
    extra : pandas.DataFrame, optional
        Further columns by unit code, numbers to be balanced or text to be matched exactly on
        (labour market region, group of municipalities). That they are from before the
        treatment is for the caller to see to.
    trend : bool
        Whether the slope is a covariate.
    window : int, optional
        How many years before the treatment to use; all by default.

    Returns
    -------
    pandas.DataFrame
        Index of unit codes in the panel's order; columns ``level`` (mean of the years, in the
        outcome's unit), ``trend`` (slope of the least-squares line, unit per year),
        ``log_size``, then ``extra``'s.

    Raises
    ------
    InputError
        If too few years lie before the treatment (two for a slope), a value, size or extra
        column is missing for a unit, or a column of ``extra`` has the name of another.

    Examples
    --------
    >>> values = pd.DataFrame([[1.0, 3.0, 9.0], [2.0, 2.0, 2.0]], ["a", "b"], [2010, 2011, 2012])
    >>> match_table(Panel("y", values), before={"a": 2012, "b": 0})
       level  trend
    a    2.0    2.0
    b    2.0    0.0
    """
    first = _first_year(panel, before)
    years = [y for y in panel.years if y < first][-window if window else None :]
    if window is not None and window < 1:
        raise InputError(f"must be 1 year or more, not {window}", field="window")
    need = 2 if trend else 1
    if len(years) < need:
        what = "a trend needs two" if trend else "a level needs one"
        raise InputError(
            f"{panel.outcome} has {len(years)} year(s) before {first} to compare on; {what}",
            field="before",
        )
    y = panel.values[years].to_numpy(dtype=float)
    if np.isnan(y).any():
        i, j = np.argwhere(np.isnan(y))[0]
        raise InputError(
            f"unit {panel.units[i]} has no value in {years[j]}; leave it out or fill it knowingly",
            field=panel.outcome,
        )
    columns = {"level": y.mean(axis=1)}
    if trend:
        t = np.array(years, dtype=float) - np.mean(years)
        columns["trend"] = y @ t / (t @ t)
    table = pd.DataFrame(columns, index=pd.Index(panel.units))
    if size is not None:
        table["log_size"] = np.log(_sizes(size, panel.units))
    if extra is not None:
        table = _with_extra(table, extra)
    return table


def _first_year(panel: Panel, before: int | Mapping[str, int] | pd.Series) -> int:
    if not isinstance(before, Mapping | pd.Series):
        return int(before)
    years = [int(y) for u, y in before.items() if u in panel.values.index and y > 0]
    if not years:
        raise InputError("no unit of the panel is ever treated", field="before")
    return min(years)


def _sizes(size: pd.Series, units: list[str]) -> npt.NDArray[np.float64]:
    found = size.reindex(units).to_numpy(dtype=float, na_value=np.nan)
    with np.errstate(invalid="ignore"):
        bad = ~(np.isfinite(found) & (found > 0))
    if bad.any():
        raise InputError(f"unit {units[int(np.argmax(bad))]} has no size above zero", field="size")
    return found


def _with_extra(table: pd.DataFrame, extra: pd.DataFrame) -> pd.DataFrame:
    twice = [str(c) for c in extra.columns if c in table.columns]
    if twice or extra.columns.has_duplicates:
        name = twice[0] if twice else str(extra.columns[extra.columns.duplicated()][0])
        raise InputError(f"the column {name} is there twice", field="extra")
    if extra.index.has_duplicates:
        raise InputError(
            f"unit {extra.index[extra.index.duplicated()][0]} stands twice", field="extra"
        )
    found = extra.reindex(table.index)
    if found.isna().any(axis=None):
        i, j = np.argwhere(found.isna().to_numpy())[0]
        raise InputError(f"unit {table.index[i]} has no {found.columns[j]}", field="extra")
    return table.join(found)


@dataclass(frozen=True)
class Split:
    """Covariates of the treated and of the controls, checked.

    Parameters
    ----------
    covariates : tuple of str
        Names of the columns.
    treated, controls : tuple of str
        Codes: the treated in the order given, the controls in the table's.
    x_treated, x_controls : numpy.ndarray
        Shape (units, covariates), finite.
    """

    covariates: tuple[str, ...]
    treated: tuple[str, ...]
    controls: tuple[str, ...]
    x_treated: npt.NDArray[np.float64] = field(repr=False)
    x_controls: npt.NDArray[np.float64] = field(repr=False)

    @property
    def data_hash(self) -> str:
        """SHA-256 of covariates, units and values."""
        h = hashlib.sha256(repr((self.covariates, self.treated, self.controls)).encode())
        for x in (self.x_treated, self.x_controls):
            h.update(np.ascontiguousarray(x, dtype="<f8").tobytes())
        return h.hexdigest()

    @property
    def pooled_covariance(self) -> npt.NDArray[np.float64]:
        """Within-group covariance, divisor n − 2 (n − 1 of the controls if one is treated)."""
        parts = [x for x in (self.x_treated, self.x_controls) if len(x) > 1]
        free = sum(len(x) - 1 for x in parts)
        if not free:
            raise InputError("three units or more are needed for a covariance")
        centred = np.vstack([x - x.mean(axis=0) for x in parts])
        found: npt.NDArray[np.float64] = centred.T @ centred / free
        return found


def named(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table with units and columns named by text."""
    return table.set_axis(table.index.map(str)).set_axis(table.columns.map(str), axis=1)


def split(
    table: pd.DataFrame, treated: Sequence[str], covariates: Sequence[str] | None = None
) -> Split:
    """Divide a table of covariates into the treated and everyone else.

    Parameters
    ----------
    table : pandas.DataFrame
        Units in rows, from :func:`match_table` or elsewhere.
    treated : sequence of str
        Codes of the treated; all other rows are controls.
    covariates : sequence of str, optional
        Columns to use; by default all that hold numbers.

    Returns
    -------
    Split
        Names, codes and numbers.

    Raises
    ------
    InputError
        If nobody is treated, everybody is, a code is unknown or stands twice, a column is not
        there or holds no numbers, or a value is missing or infinite.
    """
    table = named(table)
    if table.index.has_duplicates:
        raise InputError(f"unit {table.index[table.index.duplicated()][0]} stands twice")
    codes = [str(c) for c in treated]
    if not codes:
        raise InputError("no unit is treated; name at least one", field="treated")
    for i, code in enumerate(codes):
        if code not in table.index:
            raise InputError(f"unit {code} is not in the table of covariates", field="treated")
        if code in codes[:i]:
            raise InputError(f"unit {code} stands twice", field="treated")
    controls = [str(c) for c in table.index if c not in set(codes)]
    if not controls:
        raise InputError("every unit is treated; there is nobody to compare with", field="treated")
    names = _names(table, covariates)
    x = table[names].to_numpy(dtype=float, na_value=np.nan)
    if not np.isfinite(x).all():
        i, j = np.argwhere(~np.isfinite(x))[0]
        raise InputError(f"unit {table.index[i]} has no finite value", field=names[j])
    place = {str(c): i for i, c in enumerate(table.index)}
    return Split(
        tuple(names),
        tuple(codes),
        tuple(controls),
        x[[place[c] for c in codes]],
        x[[place[c] for c in controls]],
    )


def _names(table: pd.DataFrame, covariates: Sequence[str] | None) -> list[str]:
    numeric = [c for c in table.columns if pd.api.types.is_numeric_dtype(table[c])]
    names = numeric if covariates is None else [str(c) for c in covariates]
    if not names:
        raise InputError("there is no covariate with numbers to compare on", field="covariates")
    for name in names:
        if name not in table.columns:
            raise InputError(
                f"there is no covariate {name!r}; there are {', '.join(map(str, table.columns))}",
                field="covariates",
            )
        if name not in numeric:
            raise InputError("holds no numbers; match exactly on it instead", field=name)
    return names


def plain_rows(table: pd.DataFrame) -> list[dict[str, object]]:
    """Return a table's rows as plain types for JSON; what is not finite is None."""
    return [
        {str(k): None if isinstance(v, float) and not np.isfinite(v) else v for k, v in row.items()}
        for row in table.to_dict("records")
    ]
