"""The panel that may leave, as tidy observations."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from evaluation.data.disclosure import Released
from evaluation.data.observations import OBSERVED, SUPPRESSED, observations
from evaluation.data.persons.education import AREA, EDUCATION_TABLE
from evaluation.data.persons.table_specs import BY, CAME, LEAVERS
from evaluation.errors import InputError

__all__ = ["outcomes"]


def outcomes(released: Mapping[str, Released]) -> pd.DataFrame:
    """Return the panel that may leave, in the tidy form of observations.

    Parameters
    ----------
    released : mapping of str to Released
        From :func:`releases`.

    Returns
    -------
    pandas.DataFrame
        ``indicator``, ``code``, ``year``, ``sex``, ``value``, ``state``. Counts: ``leavers``,
        ``received_3_years_before``, ``received``, ``assisted_…``. Per cent:
        ``work_or_studies_90_days`` and so on and ``retention_3_years``, shown only where both
        the count and its whole are. Where the whole is 0 there is no share and no row.

    Raises
    ------
    InputError
        If a table has not been through the gate.
    """
    parts: list[pd.DataFrame] = []
    for name, table in released.items():
        if not isinstance(table, Released):
            raise InputError(f"a {type(table).__name__} has not been released", field=name)
        if name.startswith("status_"):
            word = f"work or studies, {name[7:]}"
            parts.append(_share(table, f"work_or_studies_{name[7:]}", "status", LEAVERS, word))
            if name == "status_90_days":
                parts.append(_count(table, "leavers", "status", LEAVERS))
        elif name == "retention":
            parts.append(_share(table, "retention_3_years", "group", CAME, "still there"))
            parts.append(_count(table, "received_3_years_before", "group", CAME))
        elif name not in ("life_table", EDUCATION_TABLE):
            parts.append(_count(table, name))
    if not parts:
        raise InputError("nothing was counted that could be shown")
    return observations(pd.concat(parts, ignore_index=True))


def _rows(table: Released) -> pd.DataFrame:
    """Return the municipalities' rows, without the areas'."""
    rows = table.tidy()
    return rows[~rows["code"].str.startswith(AREA)]


def _count(
    table: Released, indicator: str, column: str | None = None, word: str | None = None
) -> pd.DataFrame:
    rows = _rows(table)
    if column is not None:
        rows = rows[rows[column] == word]
    value = next(c for c in ("n", "received", "persons", "months", "kronor") if c in rows)
    return _observed(rows, indicator, rows[value].astype("Float64"), rows["suppressed"])


def _observed(
    rows: pd.DataFrame, indicator: str, value: pd.Series, hidden: pd.Series
) -> pd.DataFrame:
    away = hidden.astype(bool).to_numpy()
    number = value.to_numpy(dtype=float, na_value=np.nan)
    return pd.DataFrame(
        {
            "indicator": indicator,
            "code": rows["code"].to_numpy(),
            "year": rows["year"].astype(int).to_numpy(),
            "sex": rows["sex"].to_numpy(),
            "value": np.where(away, np.nan, number),
            "state": np.where(away, SUPPRESSED, OBSERVED),
        }
    )


def _share(table: Released, indicator: str, column: str, whole: str, word: str) -> pd.DataFrame:
    rows = _rows(table)
    base = rows[rows[column] == whole].set_index(list(BY))
    part = rows[rows[column] == word].set_index(list(BY))
    base = base.reindex(part.index)
    n, all_ = (f["n"].to_numpy(dtype=float, na_value=np.nan) for f in (part, base))
    hidden = part["suppressed"].astype(bool) | base["suppressed"].astype(bool)
    some = pd.Series(all_ != 0, index=part.index)
    share = pd.Series(100 * n[some.to_numpy()] / all_[some.to_numpy()])
    return _observed(part[some].reset_index(), indicator, share, hidden[some])
