r"""The effect by education, or any other kind of person, from counts.

With :math:`Y^k_{it}` the share of the persons of category k in unit i and year t that succeeded,
the effect on a category is the mean over treated units of the change of :math:`Y^k` from the year
before the first treated one, less the same in the comparison units. Its difference from the other
categories is the same of

.. math:: D^k_{it} = Y^k_{it} - \frac{1}{K-1} \sum_{l \ne k} Y^l_{it},

which an effect that is the same on all leaves alone, whoever is taken for treated. All categories
share units, matched sets and assignments, so that their p-values are adjusted jointly (Romano &
Wolf 2005).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from evaluation.data.files import number_column, read_table, text_column, year_column
from evaluation.data.observations import SIMULATED
from evaluation.data.panel import Panel
from evaluation.design.comparison import matched_sets
from evaluation.errors import InputError
from evaluation.estimation.cohorts import without_always_treated
from evaluation.estimation.did.aggregation import aggregate
from evaluation.estimation.did.callaway_santanna import callaway_santanna
from evaluation.estimation.few_treated.contrasts import contrasts
from evaluation.estimation.few_treated.permutation import matched_assignments, permutation_test
from evaluation.language import Lang
from evaluation.questions.horizons.parts import Part, adjusted
from evaluation.questions.horizons.rows import estimate_row
from evaluation.questions.horizons.subgroups import Subgroup, Subgroups
from evaluation.questions.horizons.summary import division_lines, estimate_line
from evaluation.questions.own_columns import cohort_column, sex_column
from evaluation.results import Estimate

__all__ = ["CategoryEffect", "effect_by_category"]

TOTALS: Final = frozenset({"all", "alla", "total", "totalt", "t"})
UNKNOWN: Final = frozenset({"unknown", "okänd", "okänt", "missing", "uppgift saknas"})


@dataclass(frozen=True, repr=False)
class CategoryEffect:
    """The effect by category.

    Parameters
    ----------
    groups : Subgroups
        By category: effect, difference from the mean of the others, p-values adjusted over the
        categories. ``codes`` are the treated units.
    everyone : Estimate
        All categories together, on the same units.
    n_units : int
        Units of the file.
    kept : tuple of str
        Units with every category in every year.
    lost : dict of str to int
        By category: units that lack a year.
    donors : int
        Comparison units per treated one in a set.
    left_out : dict of str to float
        Persons of unknown category, and treated units that have no year before the start.
    simulated : bool
        Whether the file's column ``data`` says that its persons are made up.
    """

    groups: Subgroups
    everyone: Estimate
    n_units: int
    kept: tuple[str, ...]
    lost: dict[str, int]
    donors: int
    left_out: dict[str, float]
    simulated: bool = False

    def __repr__(self) -> str:
        return f"<CategoryEffect by {self.groups.by}, {len(self.groups.groups)} categories>"

    def _repr_html_(self) -> str:
        return self.tidy().to_html(
            index=False, float_format=lambda v: f"{v:.4f}", na_rep="–", border=0
        )

    def tidy(self) -> pd.DataFrame:
        """Return one row per estimate, columns as of a plan's effect."""
        name, by = self.groups.by, self.groups.by
        rows = [estimate_row(self.everyone, outcome=name, part="headline", key="all")]
        for g in self.groups.groups:
            here = {"outcome": name, "by": by, "key": g.label}
            rows += [
                estimate_row(g.estimate, part="subgroup", p_adjusted=g.p_adjusted, **here),
                estimate_row(
                    g.difference,
                    part="subgroup less the others",
                    p_adjusted=g.difference_p_adjusted,
                    **here,
                ),
            ]
        return pd.DataFrame(rows).astype({"n_treated": "Int64"})

    def summary(self, lang: Lang = "en") -> str:
        """Return the answer as text for people."""
        sv = lang == "sv"
        lost = ", ".join(f"{k} {n}" for k, n in self.lost.items())
        n = len(self.kept)
        out = [
            *([SIMULATED] if self.simulated else []),
            "Effekt i procentenheter, i samma enheter för alla kategorier"
            if sv
            else "Effect in percentage points, in the same units for every category",
            estimate_line("alla" if sv else "all", self.everyone, lang),
            *division_lines(self.groups, lang, units=True),
            f"{n} av {self.n_units} enheter har alla kategorier i alla år; utan något år: {lost}."
            if sv
            else f"{n} of {self.n_units} units have every category in every year; lacking a year: "
            f"{lost}.",
        ]
        if self.left_out["unknown_persons"]:
            many = round(self.left_out["unknown_persons"])
            out.append(
                f"{many} personer av okänd kategori räknas inte."
                if sv
                else f"{many} persons of unknown category are not counted."
            )
        return "\n".join(out)

    def to_dict(self) -> dict[str, Any]:
        """Return plain types for JSON."""
        return ({"notice": SIMULATED} if self.simulated else {}) | {
            "by": self.groups.by,
            "everyone": self.everyone.to_dict(),
            "categories": self.groups.to_dict()["groups"],
            "n_units": self.n_units,
            "kept": list(self.kept),
            "lost": self.lost,
            "donors": self.donors,
            "left_out": self.left_out,
        }


def _read(
    path: str | Path, unit: str, time: str, sex: str, category: str, persons: str, successes: str
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the file as text, and its counts by unit, year and category; hidden ones are NaN."""
    table = read_table(path, columns=(unit, time, category, persons, successes))
    name = str(path)
    counts = pd.DataFrame(
        {
            "unit": text_column(table, unit),
            "year": year_column(table, time),
            "sex": "T",
            "category": text_column(table, category),
            "persons": number_column(table, persons, missing=True),
            "successes": number_column(table, successes, missing=True),
        }
    )
    # a file without sexes has everyone together; a column that was named must be there
    if sex in table.columns or sex != "sex":
        counts["sex"] = sex_column(table, sex)
    for bad, what, column in (
        (counts["persons"] < 0, "must not be negative", persons),
        (counts["successes"] < 0, "must not be negative", successes),
        (counts["successes"] > counts["persons"], "more successes than persons", successes),
        (
            counts.duplicated(["unit", "year", "sex", "category"]),
            "unit, year, sex and category stand twice",
            unit,
        ),
    ):
        if bad.any():
            raise InputError(what, file=name, row=int(str(bad.index[bad][0])), field=column)
    # totals where the file has them, the sum of women and men otherwise; hidden stays hidden
    if (counts["sex"] == "T").any():
        counts = counts[counts["sex"] == "T"]
    by = counts.groupby(["unit", "year", "category"], sort=False)[["persons", "successes"]]
    summed = by.sum().where(by.count().eq(by.size(), axis=0))
    return table, summed.reset_index()


def _shares(
    counts: pd.DataFrame, name: str, category: str
) -> tuple[dict[str, pd.DataFrame], pd.DataFrame, pd.DataFrame]:
    """Return shares by category, all persons and all successes: units in rows, years in columns."""
    word = counts["category"].str.lower()
    known = counts[~word.isin(TOTALS | UNKNOWN)]
    levels = list(dict.fromkeys(known["category"]))
    if len(levels) < 2:
        raise InputError(
            f"two categories are needed; there {'is' if levels else 'are'} "
            f"{levels[0] if levels else 'none'}",
            file=name,
            field=category,
        )
    units, years = sorted(known["unit"].unique()), sorted(known["year"].unique())

    def spread(rows: pd.DataFrame, column: str) -> pd.DataFrame:
        """Spread counts over units and years; NaN where the file has none or hides it."""
        wide = rows.pivot(index="unit", columns="year", values=column)
        return wide.reindex(index=units, columns=years)

    shares, everybody, hits = {}, pd.DataFrame(0.0, units, years), pd.DataFrame(0.0, units, years)
    for level in levels:
        rows = known[known["category"] == level]
        n, k = spread(rows, "persons"), spread(rows, "successes")
        shares[level] = 100 * k / n.mask(n <= 0)
        everybody, hits = everybody + n, hits + k
    return shares, everybody, hits


def effect_by_category(
    path: str | Path,
    *,
    unit: str = "unit",
    time: str = "year",
    sex: str = "sex",
    category: str = "category",
    persons: str = "persons",
    successes: str = "successes",
    cohort: str = "cohort",
    donors: int = 8,
    estimand: str = "cohort",
    draws: int = 9999,
    seed: int = 1,
    alpha: float = 0.05,
) -> CategoryEffect:
    """Estimate the effect by category from a file of counts.

    Parameters
    ----------
    path : str or pathlib.Path
        CSV, .xlsx or .parquet: one row per unit, year, category and, if there is such a column,
        sex. Rows of both sexes are used where there are any, women and men added otherwise. A
        hidden count («..») makes its unit be left out.
    unit, time, sex, category, persons, successes, cohort : str
        Columns; the cohort is the first treated year, empty or 0 for never.
    donors : int
        Comparison units of similar size (all persons counted) per treated one; fewer where there
        are not so many.
    estimand : {"cohort", "simple"}
        Every unit, or every unit-year, weighs the same.
    draws, seed, alpha
        Assignments, their seed, one minus the level.

    Returns
    -------
    CategoryEffect
        On the units that have every category in every year.

    Raises
    ------
    InputError
        With file, row and column where one is at fault; if there are fewer than two categories,
        or no treated unit, or fewer comparison than treated units have them all in every year.
    """
    name = str(path)
    table, counts = _read(path, unit, time, sex, category, persons, successes)
    shares, everybody, hits = _shares(counts, name, category)
    complete = {k: f.notna().all(axis=1) for k, f in shares.items()}
    all_there = np.logical_and.reduce(list(complete.values()))
    first = next(iter(shares.values()))
    kept = list(first.index[all_there])
    lost = {k: int((~c).sum()) for k, c in complete.items()}
    told = ", ".join(f"{k} {len(first) - n}" for k, n in lost.items())
    if not kept:
        raise InputError(
            f"no unit has every category in every year; by category: {told}",
            file=name,
            field=category,
        )
    try:
        # the cells' persons weigh nothing: they are the size that sets are matched on
        panel = Panel("all", (100 * hits / everybody).loc[kept])
        cohorts = cohort_column(table[table[unit].isin(kept)], unit, cohort, panel)
        panel, always = without_always_treated(panel, cohorts)
        cohorts = cohorts[panel.units]
        treated = [u for u in panel.units if cohorts[u] > 0]
        controls = [u for u in panel.units if cohorts[u] == 0]
        if not treated or len(controls) < len(treated):
            raise InputError(
                f"{len(treated)} treated and {len(controls)} comparison units have every category "
                f"in every year; at least one treated, and as many to compare with, are needed "
                f"(by category: {told})",
                field=category,
            )
        donors = min(donors, len(controls) // len(treated))
        size = everybody.mean(axis=1)[panel.units]
        sets = matched_sets(treated, controls, size, donors)
        picks = matched_assignments(contrasts(panel, cohorts, estimand), sets, draws, seed)
    except InputError as error:
        raise error.placed(file=error.file or name) from None
    n_years = sum(y >= int(cohorts[u]) for u in treated for y in panel.years)

    base = aggregate(callaway_santanna(panel, cohorts, alpha=alpha), estimand)  # type: ignore[arg-type]

    def part(name: str, values: pd.DataFrame, less: str = "") -> Part:
        """Estimate one outcome on the common units, under the common assignments."""
        own = replace(panel, outcome=name, values=values.loc[panel.units])
        found = permutation_test(
            contrasts(own, cohorts, estimand),
            picks,
            seed=seed,
            alpha=alpha,
            like=replace(base, estimand=base.estimand + less, data_hash=own.hash()),
            mechanism=f"any of {donors + 1} units of similar size in each set",
        )
        return Part(found.result, found.placebo, tuple(treated), n_years)

    others = ", category minus the mean of the others"
    total = sum(shares.values())
    own = {k: part(k, f) for k, f in shares.items()}
    less = {k: part(k, f - (total - f) / (len(shares) - 1), others) for k, f in shares.items()}
    p, p_less = adjusted(own), adjusted(less)
    groups = tuple(
        Subgroup(k, own[k].codes, n_years, own[k].result, p[k], less[k].result, p_less[k])
        for k in shares
    )
    unknown = counts[counts["category"].str.lower().isin(UNKNOWN)]["persons"].sum()
    return CategoryEffect(
        Subgroups(category, groups),
        part("all", panel.values).result,
        len(first),
        tuple(panel.units),
        lost,
        donors,
        {"unknown_persons": float(unknown), "always_treated": float(len(always))},
        "data" in table.columns and bool((table["data"] == SIMULATED).any()),
    )
