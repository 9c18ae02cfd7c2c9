"""National context: figures that frame the question without answering it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from evaluation.data import embedded
from evaluation.errors import InputError

__all__ = ["CONTEXT", "ContextSeries", "context_series"]


@dataclass(frozen=True)
class ContextSeries:
    """A national series with the single municipalities that the file also holds.

    Parameters
    ----------
    name : str
        Data set.
    label_sv, label_en : str
        What is measured.
    source : str
        Short source.
    law_change : int or None
        Year of a change of law or definition inside the series.
    values : pandas.DataFrame
        Shape (years, places), columns named by municipality code, ``0000`` the nation;
        per cent.
    """

    name: str
    label_sv: str
    label_en: str
    source: str
    law_change: int | None
    values: pd.DataFrame = field(repr=False)

    def to_dict(self) -> dict[str, Any]:
        """Return plain types for JSON; a missing year is None."""
        rows = [
            {
                "time": int(str(year)),
                **{c: None if pd.isna(v) else float(v) for c, v in row.items()},
            }
            for year, row in self.values.iterrows()
        ]
        return {
            "name": self.name,
            "label_sv": self.label_sv,
            "label_en": self.label_en,
            "source": self.source,
            "law_change": self.law_change,
            "rows": rows,
        }


CONTEXT = {
    "establishment_90_days": (
        "I arbete eller studier 90 dagar efter etableringsprogrammet, procent",
        "In work or studies 90 days after the establishment programme, per cent",
        "Kolada, N00973",
        2018,
    ),
    "refugee_employment": (
        "Förvärvsarbetande flyktingar och deras anhöriga 20–64 år, procent",
        "Refugees and their kin aged 20–64 in employment, per cent",
        "Kolada, N00700",
        None,
    ),
}


def context_series(name: str) -> ContextSeries:
    """Return the nation's series and those of four municipalities.

    Parameters
    ----------
    name : str
        ``"establishment_90_days"`` or ``"refugee_employment"``.

    Returns
    -------
    ContextSeries
        Per cent by year.

    Raises
    ------
    InputError
        If there is no such series.

    Examples
    --------
    >>> s = context_series("establishment_90_days")
    >>> float(s.values.loc[2018, "0000"])
    45.4
    """
    if name not in CONTEXT:
        raise InputError(f"there is no context series {name!r}; known are {', '.join(CONTEXT)}")
    table = embedded.load(name).set_index("code").drop(columns="name")
    values = table.T.astype(float).rename_axis(index="time", columns=None)
    values.index = values.index.astype(int)
    order = ["0000", *sorted(c for c in values.columns if c != "0000")]
    label_sv, label_en, source, law_change = CONTEXT[name]
    return ContextSeries(name, label_sv, label_en, source, law_change, values[order])
