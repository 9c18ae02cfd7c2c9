r"""What a change of the gap between women and men is made of: who they are, and how they fare.

The gap's change is split exactly, by Kitagawa for each sex between before and after:

.. math::
    \Delta(R_K - R_M) = \underbrace{C_K - C_M}_{\text{composition}}
    + \underbrace{P_K - P_M}_{\text{rates}}

with :math:`C_s` and :math:`P_s` the composition and the rate part of sex s. Treated less
comparison gives the same split of the difference-in-differences of the gap.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from evaluation.errors import InputError
from evaluation.estimation.decomposition import (
    Decomposition,
    Parts,
    check_counts,
    estimate_parts,
    hash_of,
    kitagawa_parts,
)

__all__ = ["CELL_COLUMNS", "gap_change"]

CELL_COLUMNS: Final = ("unit", "year", "sex", "category", "persons", "successes")
"""What a table of cells holds."""
SEXES: Final = ("K", "M")


def _checked(cells: pd.DataFrame, cohort: pd.Series) -> pd.DataFrame:
    lacking = [c for c in CELL_COLUMNS if c not in cells.columns]
    if lacking:
        raise InputError(f"the column {lacking[0]} is missing", field="cells")
    found = set(cells["sex"].unique())
    if found == {"T"}:
        raise InputError(
            "only totals: a gap between women and men needs rows for K and M", field="sex"
        )
    strange = sorted(map(str, found - set(SEXES)))
    if strange or found != set(SEXES):
        what = f"{strange[0]!r} is none of K, M" if strange else "women (K) and men (M) are needed"
        raise InputError(what, field="sex")
    keys = ["unit", "year", "sex", "category"]
    twice = cells.duplicated(keys)
    if twice.any():
        row = cells[twice].iloc[0]
        raise InputError(
            f"unit {row['unit']}, {row['year']}, {row['sex']}, {row['category']} stands twice",
            field="cells",
        )
    check_counts(cells["persons"].to_numpy(dtype=float), cells["successes"].to_numpy(dtype=float))
    return cells[cells["unit"].isin(cohort.index)]


def gap_change(cells: pd.DataFrame, cohort: pd.Series, *, alpha: float = 0.05) -> Decomposition:
    """Decompose the change of the gap, treated less comparison, into composition and rates.

    Everything is per person, not per municipality, so the total is another estimand than an
    effect in which every municipality weighs the same. Each treated unit's years before its first
    treated one are compared with those from it on; the comparison units' cells weigh so that for
    each sex their persons fall on calendar years, before and after, as the treated units' do.

    Parameters
    ----------
    cells : pandas.DataFrame
        Columns ``unit, year, sex`` (K, M), ``category, persons, successes``: counts.
    cohort : pandas.Series
        First treated year by unit, 0 for never treated; others are left out.
    alpha : float
        One minus the level.

    Returns
    -------
    Decomposition
        In percentage points: ``difference`` (the change of the gap), ``composition``, ``rates``,
        their parts ``women_composition``, ``women_rates``, ``men_composition``, ``men_rates``
        (women less men gives the former), and the change ``treated`` and ``comparison`` show.
        Errors by the jackknife of units, the calendar weights taken as fixed: a few large units
        carry most persons, and linearisation, which takes each residual for its error, is short.

    Raises
    ------
    InputError
        If columns or a sex are missing, counts cannot be, a key stands twice, there are not two
        treated and two comparison units, or a category is empty in a
        period or carried by one unit alone.
    """
    rows = _checked(cells, cohort)
    first = cohort.reindex(rows["unit"]).to_numpy(dtype=int)
    year = rows["year"].to_numpy(dtype=int)
    units, unit = np.unique(rows["unit"].to_numpy(dtype=str), return_inverse=True)
    names, category = np.unique(rows["category"].to_numpy(dtype=str), return_inverse=True)
    years, when = np.unique(year, return_inverse=True)
    sex = (rows["sex"] == "M").to_numpy(dtype=int)
    counts = rows[["persons", "successes"]].to_numpy(dtype=float)
    treated_unit = cohort.reindex(units).to_numpy(dtype=int) > 0
    if min(treated_unit.sum(), (~treated_unit).sum()) < 2:
        raise InputError("two treated and two comparison units are needed", field="cohort")
    # arm, period, sex, category, persons and successes by unit
    each = np.zeros((len(units), 2, 2, 2, len(names), 2))
    own = first > 0
    after = (year >= first).astype(int)
    arm = (~own).astype(int)
    places = (unit, arm, after, sex, category)
    _add(each, places, own, counts)
    mix = np.zeros((2, 2, len(years)))
    _add(mix, (after, sex, when), own, counts[:, 0])
    there = np.zeros((2, len(years)))
    _add(there, (sex, when), ~own, counts[:, 0])
    lacking = (mix.sum(axis=0) > 0) & (there == 0)
    if lacking.any():
        s, t = np.argwhere(lacking)[0]
        raise InputError(
            f"no comparison unit has a person of sex {SEXES[s]} in {years[t]}", field="persons"
        )
    weight = mix / np.where(there > 0, there, 1.0)
    for period in (0, 1):
        w = weight[period, sex, when]
        places = (unit, arm, np.full_like(arm, period), sex, category)
        _add(each, places, ~own, counts * w[:, None])
    total = each.sum(axis=0)
    empty = np.argwhere(total[..., 0] <= 0)
    if len(empty):
        arm, period, s, k = empty[0]
        raise InputError(
            f"category {names[k]}, sex {SEXES[s]}: nobody in the "
            f"{('treated', 'comparison')[arm]} units {('before', 'after')[period]} the start; "
            "merge it with another",
            field="category",
        )
    method = "Kitagawa of the gap's change, two-fold, treated less comparison"
    found = estimate_parts(
        {k: float(v) for k, v in _parts(total).items()},
        _without_each(each, total, treated_unit, units, names),
        method=method,
        n_obs=int(counts[:, 0].sum()),
        n_units=len(units),
        n_treated=int(treated_unit.sum()),
        alpha=alpha,
        data_hash=hash_of(unit, year, sex, category, counts, first),
        jackknife=int(min(treated_unit.sum(), (~treated_unit).sum())) - 1,
    )
    return Decomposition(method, found)


def _add(
    target: np.ndarray, places: tuple[np.ndarray, ...], rows: np.ndarray, values: np.ndarray
) -> None:
    """Add the values of some rows where they belong."""
    np.add.at(target, tuple(p[rows] for p in places), values[rows])


def _without_each(
    each: np.ndarray,
    total: np.ndarray,
    treated: np.ndarray,
    units: np.ndarray,
    names: np.ndarray,
) -> dict[str, np.ndarray]:
    """Return by how much every part moves without each unit, scaled to its side's number."""
    whole = _parts(total)
    out = {k: np.zeros(len(each)) for k in whole}
    for i in range(len(each)):
        rest = total - each[i]
        alone = rest[..., 0] <= 1e-9 * total[..., 0]
        if alone.any():
            raise InputError(
                f"category {names[np.argwhere(alone)[0][-1]]}: all persons of a sex and period "
                f"are in unit {units[i]}, so no error can be given; merge it with another",
                field="category",
            )
        n = int((treated == treated[i]).sum())
        scale = np.sqrt((n - 1) / n)
        for k, value in _parts(rest).items():
            out[k][i] = scale * (whole[k] - value)
    return out


def _parts(total: np.ndarray) -> Parts:
    """Return the parts from sums by arm, period, sex, category, and persons or successes."""
    sexes: Parts = {}
    arms = []
    for arm in (0, 1):
        sign = 100 if arm == 0 else -100
        changes = []
        for s, name in enumerate(("women", "men")):
            # after is the first group, before the second
            counts = total[arm, ::-1, s]
            split = kitagawa_parts(counts[..., 0], counts[..., 1])
            changes.append(split["difference"])
            for part in ("composition", "rates"):
                key = f"{name}_{part}"
                sexes[key] = sexes.get(key, 0.0) + sign * split[part]
        arms.append(100 * (changes[0] - changes[1]))
    return {
        "difference": arms[0] - arms[1],
        "composition": sexes["women_composition"] - sexes["men_composition"],
        "rates": sexes["women_rates"] - sexes["men_rates"],
        **sexes,
        "treated": arms[0],
        "comparison": arms[1],
    }
