"""The municipalities that women and men have in common, and what the others take with them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from evaluation.data.observations import OBSERVED
from evaluation.data.panel import Panel
from evaluation.errors import InputError

__all__ = ["CommonSample", "common_sample", "persons_behind"]

COMMON = "common"


@dataclass(frozen=True)
class CommonSample:
    """Who is kept, who is lost for whom, and what share of the persons the kept hold.

    Parameters
    ----------
    units : tuple of str
        Municipalities with a value for both sexes in every year.
    kept : dict of str to int
        Municipalities by series: T where there is one, K, M, ``common``.
    lost : dict of str to dict of str to str
        By sex: code and reason of each municipality without a value in every year.
    persons : dict of str to float or None
        By series, the share of that series' persons who are counted in the municipalities kept;
        ``common_K`` and ``common_M`` for the common ones. None where persons are not known.
    n_units : int
        Municipalities that were asked for.
    """

    units: tuple[str, ...]
    kept: dict[str, int]
    lost: dict[str, dict[str, str]] = field(repr=False)
    persons: dict[str, float | None]
    n_units: int

    def to_dict(self) -> dict[str, Any]:
        """Return plain types for JSON."""
        codes = sorted({c for lost in self.lost.values() for c in lost})
        return {
            "n_units": self.n_units,
            "kept": self.kept,
            "persons": self.persons,
            "lost": [
                {"code": c} | {sex: lost.get(c, "") for sex, lost in self.lost.items()}
                for c in codes
            ],
        }


def persons_behind(
    table: pd.DataFrame, weight: str, lag: int, years: list[int]
) -> dict[str, pd.Series]:
    """Return persons by municipality and sex: the weight's observed values over the years.

    A withheld count of a few persons is not known and not counted.

    Parameters
    ----------
    table : pandas.DataFrame
        Tidy observations.
    weight : str
        The indicator that counts the persons.
    lag : int
        How many years earlier it is read.
    years : list of int
        The outcome's.
    """
    rows = table[
        (table["indicator"] == weight)
        & (table["state"] == OBSERVED)
        & (table["year"] + lag).isin(years)
        & (table["code"] != "0000")
    ]
    sums = rows.groupby(["sex", "code"], observed=True)["value"].sum()
    return {str(sex): sums[sex] for sex in sums.index.unique(level="sex")}


def common_sample(
    panels: Mapping[str, Panel], persons: Mapping[str, pd.Series] | None = None
) -> CommonSample:
    """Compare who is observed for women, for men, and for both.

    Parameters
    ----------
    panels : mapping of str to Panel
        ``K``, ``M`` and, if there is one, ``T``: balanced, the same years.
    persons : mapping of str to pandas.Series, optional
        By sex: persons by municipality.

    Returns
    -------
    CommonSample
        Units in the order of the women's panel.

    Raises
    ------
    InputError
        If a sex is missing or no municipality has both.
    """
    lacking = [s for s in ("K", "M") if s not in panels]
    if lacking:
        raise InputError(
            "only totals: the question of women and men needs the outcome for both, K and M",
            field="sex",
        )
    women, men = panels["K"], panels["M"]
    both = set(men.units)
    units = tuple(u for u in women.units if u in both)
    if not units:
        raise InputError(
            f"no municipality has {women.outcome} for both women and men in every year", field="sex"
        )
    lost = {}
    for sex, panel in panels.items():
        why = panel.coverage.reasons if panel.coverage else {}
        lost[sex] = {u: why.get(u, "a year without a value") for u in panel.dropped}
    asked = {u for p in panels.values() for u in (*p.units, *p.dropped)}
    kept = {s: len(p.units) for s, p in panels.items()} | {COMMON: len(units)}

    def share(sex: str, codes: list[str]) -> float | None:
        known = (persons or {}).get(sex)
        if known is None or known.sum() <= 0:
            return None
        return float(known.reindex(codes).fillna(0).sum() / known.sum())

    held = {s: share(s, p.units) for s, p in panels.items()}
    held |= {f"{COMMON}_{s}": share(s, list(units)) for s in ("K", "M")}
    return CommonSample(units, kept, lost, held, len(asked))
