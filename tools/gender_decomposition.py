"""Coverage of the parts of the gap's change on twins' person records (docs/questions/gender.md).

Run: python tools/gender_decomposition.py [STUDIES]
"""

import sys

import numpy as np
import pandas as pd

from evaluation.data.twin import simulate
from evaluation.estimation.gap_change import gap_change
from evaluation.plan import SimulatedData

SEED, STUDIES = 50_000, 100


def education_cells(persons):
    """Count those who left the programme by residence, year, sex and education."""
    p = persons[persons["status_90_days"].notna()]
    names = {"unit": "residence_code", "sex": "sex", "category": "education"}
    table = pd.DataFrame({k: p[c].astype(str) for k, c in names.items()})
    table["year"] = p["programme_end"].dt.year
    table["persons"] = 1
    table["successes"] = (p["status_90_days"] != "neither").astype(int)
    return table.groupby(["unit", "year", "sex", "category"], as_index=False).sum()


def per_person(truth, cells, sex):
    """Return the real effect per person of one sex in the active municipalities' treated years."""
    rows = cells[(cells["sex"] == sex) & cells["unit"].isin(truth.first_year)]
    first = rows["unit"].map(truth.first_year) + 2
    rows = rows[(rows["year"] >= first) & rows["year"].isin(truth.years)]
    places = {c: i for i, c in enumerate(truth.codes)}
    effect = truth.effect("N00973", sex)
    each = effect[rows["unit"].map(places), rows["year"] - truth.years[0]]
    # nobody would have been counted there without activity
    known = np.isfinite(each)
    return float(np.average(each[known], weights=rows["persons"][known]))


def main(arguments):
    """Print coverage, bias and standard deviation of the scaled errors, by part."""
    errors = {}
    for seed in range(SEED, SEED + (int(arguments[0]) if arguments else STUDIES)):
        twin = simulate(SimulatedData(seed=seed))
        cells = education_cells(twin.persons)
        starts = {u: twin.truth.first_year.get(u, -2) + 2 for u in cells["unit"].unique()}
        found = gap_change(cells, pd.Series(starts)).estimates
        women, men = (per_person(twin.truth, cells, s) for s in ("K", "M"))
        truth = {"women_rates": women, "men_rates": men, "rates": women - men, "composition": 0.0}
        for part, value in truth.items():
            e = found[part]
            inside = e.conf_int[0] <= value <= e.conf_int[1]
            scaled = (e.estimate - value) / e.std_error
            errors.setdefault(part, []).append((inside, e.estimate - value, scaled))
    for part, rows in errors.items():
        inside, error, scaled = np.array(rows, dtype=float).T
        print(
            f"{part}  {len(rows)} twins  covered {100 * inside.mean():.1f} %  bias "
            f"{error.mean():+.2f} ± {error.std() / len(rows) ** 0.5:.2f}  sd of scaled error "
            f"{scaled.std():.2f}"
        )


if __name__ == "__main__":
    main(sys.argv[1:])
