"""Observations: the one tidy form in which data travel between the sources and the panel.

One row per indicator, municipality, year and sex. A value is observed (zero is a value),
suppressed (there is one, withheld by the source) or missing (there is none); the three
are told apart by ``state`` and never by a mark in ``value``.
"""

from __future__ import annotations

from typing import Final, Literal

import numpy as np
import pandas as pd

from evaluation.errors import InputError

__all__ = [
    "COLUMNS",
    "KEYS",
    "MISSING",
    "OBSERVED",
    "SEXES",
    "SIMULATED",
    "STATES",
    "SUPPRESSED",
    "Sex",
    "checked",
    "observations",
]

Sex = Literal["T", "K", "M"]
KEYS: Final = ("indicator", "code", "year", "sex")
COLUMNS: Final = (*KEYS, "value", "state")
SEXES: Final = ("T", "K", "M")
"""Total, women (kvinnor), men: the source's own letters."""
OBSERVED: Final = "observed"
SUPPRESSED: Final = "suppressed"
MISSING: Final = "missing"
SIMULATED: Final = "SIMULATED / SIMULERADE DATA"
"""What every file and figure made from simulated data bears."""
STATES: Final = (OBSERVED, SUPPRESSED, MISSING)


def observations(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the tidy form: its columns in order, its types, sorted by its keys.

    Parameters
    ----------
    frame : pandas.DataFrame
        Columns ``indicator``, ``code``, ``year``, ``sex``, ``value``, ``state``.

    Returns
    -------
    pandas.DataFrame
        ``indicator``, ``code``, ``sex`` and ``state`` text, ``year`` int64, ``value``
        float64, NaN where the state is not ``observed``; a fresh index from 0.

    Raises
    ------
    InputError
        If a column is lacking, a state is unknown, or value and state contradict
        each other.

    Examples
    --------
    >>> rows = {"indicator": "N00973", "code": "2321", "year": [2016, 2015], "sex": "T",
    ...         "value": [0.0, None], "state": ["observed", "suppressed"]}
    >>> observations(pd.DataFrame(rows))[["year", "value", "state"]].values.tolist()
    [[2015, nan, 'suppressed'], [2016, 0.0, 'observed']]
    """
    return checked(frame).sort_values(list(KEYS), kind="stable", ignore_index=True)


def checked(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the tidy form as :func:`observations` does, but in the order and index it came in.

    Parameters
    ----------
    frame : pandas.DataFrame
        Columns ``indicator``, ``code``, ``year``, ``sex``, ``value``, ``state``.

    Returns
    -------
    pandas.DataFrame
        Columns and types of the tidy form.

    Raises
    ------
    InputError
        If a column is lacking, a state is unknown, or value and state contradict
        each other.
    """
    lacking = [c for c in COLUMNS if c not in frame.columns]
    if lacking:
        raise InputError(f"the column {lacking[0]} is lacking; needed are {', '.join(COLUMNS)}")
    out = frame.loc[:, list(COLUMNS)].astype(
        {
            "indicator": "str",
            "code": "str",
            "year": np.int64,
            "sex": "str",
            "value": np.float64,
            "state": "str",
        }
    )
    strange = ~out["state"].isin(STATES)
    if strange.any():
        found = out.loc[strange, "state"].iloc[0]
        raise InputError(
            f"{found!r} is none of {', '.join(STATES)}", row=int(np.argmax(strange)), field="state"
        )
    contradictory = (out["state"] == OBSERVED) != np.isfinite(out["value"])
    if contradictory.any():
        row = out.loc[contradictory].iloc[0]
        where = " ".join(str(row[k]) for k in KEYS)
        raise InputError(f"{where}: value {row['value']} is marked {row['state']}", field="value")
    return out
