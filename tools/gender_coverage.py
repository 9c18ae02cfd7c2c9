"""Coverage of women's and men's effects and of the gap on twins (docs/questions/gender.md).

One row per twin goes to the file, so that every rate can be counted again.
Run: python tools/gender_coverage.py FILE [FIRST_SEED [STUDIES]]
     python tools/gender_coverage.py --count FILE...
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import norm
from scipy.stats import t as student

from evaluation.data.registry import REGISTRY
from evaluation.data.tidy_panel import build_panel
from evaluation.data.twin import simulate
from evaluation.design.comparison import matched_sets
from evaluation.estimation.did.aggregation import aggregate
from evaluation.estimation.did.callaway_santanna import callaway_santanna
from evaluation.estimation.few_treated.contrasts import contrasts
from evaluation.estimation.few_treated.permutation import matched_assignments, permutation_test
from evaluation.estimation.joint import combined, common_units, joint_effects, joint_placebos
from evaluation.estimation.joint_test import gap_movement
from evaluation.plan import SimulatedData

INDICATOR, SEED, STUDIES, DRAWS, DONORS = "N00973", 40_000, 500, 999, 8
LOADINGS = {"K": (1.0, 0.0), "M": (0.0, 1.0), "gap": (1.0, -1.0)}


def panels(twin, years):
    """Return women's and men's panels of the municipalities that have both in every year."""
    table = twin.observations
    pair = [
        build_panel(table, INDICATOR, sex, weight="registry", within=years) for sex in ("K", "M")
    ]
    return common_units(*pair)


def study(seed, years=(2008, 2025)):
    """Return estimates, intervals and truths of one twin."""
    twin = simulate(SimulatedData(seed=seed, persons=False))
    women, men = panels(twin, years)
    lag = REGISTRY[INDICATOR].lag_years
    starts = {
        u: twin.truth.first_year[u] + lag if u in twin.truth.first_year else 0 for u in women.units
    }
    cohort = pd.Series(starts)
    treated = [u for u, g in starts.items() if g]
    joint = joint_effects(women, men, cohort)
    people = (women.weights + men.weights).mean(axis=1)
    controls = [u for u, g in starts.items() if not g]
    sets = matched_sets(treated, controls, people, min(DONORS, len(controls) // len(treated)))
    main = contrasts(women, cohort)
    picks = matched_assignments(main, sets, DRAWS, seed)
    placebo = joint_placebos(women, men, cohort, picks)
    truth = {s: twin.truth.att(INDICATOR, s, codes=treated) for s in ("K", "M")}
    truth["gap"] = truth["K"] - truth["M"]
    row = {"seed": seed, "n_treated": len(treated), "n_units": len(starts)}
    for i, (name, loading) in enumerate(LOADINGS.items()):
        a = np.array(loading)
        value = float(a @ joint.estimate)
        for how, v, quantile in (
            ("own", joint.covariance, student.ppf(0.975, joint.df[i])),
            ("influence", joint.influence_covariance, norm.ppf(0.975)),
        ):
            half = quantile * float(np.sqrt(a @ v @ a))
            row |= {f"{name}_{how}_low": value - half, f"{name}_{how}_high": value + half}
        panel = combined(women, men, a)
        like = aggregate(callaway_santanna(panel, cohort), "cohort")
        found = permutation_test(
            contrasts(panel, cohort), picks, seed=seed, like=like, mechanism="matched"
        ).result
        row |= {f"{name}": value, f"{name}_truth": truth[name]}
        row |= {
            f"{name}_permutation_{k}": b
            for k, b in zip(("low", "high"), found.conf_int, strict=True)
        }
    known = bool(np.isfinite(joint.covariance).all())
    metric = joint.covariance if known else np.cov(placebo.T)
    row["moved_permutation"] = gap_movement(joint.estimate, metric, placebo=placebo).outcome
    row["moved"] = "cannot_tell"
    if known:
        row["moved"] = gap_movement(joint.estimate, metric, df=min(joint.df)).outcome
    row["before"] = float(joint.before[0] - joint.before[1])
    return row


def count(files):
    """Print coverage, bias and what the joint test names."""
    rows = pd.concat([pd.read_csv(f) for f in files], ignore_index=True)
    print(
        f"{len(rows)} twins, treated {rows['n_treated'].mean():.1f}, units "
        f"{rows['n_units'].mean():.1f}"
    )
    for name in LOADINGS:
        truth, error = rows[f"{name}_truth"], rows[name] - rows[f"{name}_truth"]
        shown = [
            f"bias {error.mean():+.2f} ± {error.std() / len(rows) ** 0.5:.2f}",
            f"sd {error.std():.2f}",
            f"truth {truth.mean():.2f}",
        ]
        for how in ("own", "influence", "permutation"):
            inside = truth.between(rows[f"{name}_{how}_low"], rows[f"{name}_{how}_high"])
            shown.append(f"{how} {100 * inside.mean():.1f} %")
        print(name, *shown, sep="  ")
    right = np.where(rows["gap_truth"] <= 0, "not_closed", "lagging_rose")
    right = np.where((rows["K_truth"] > 0) & (rows["M_truth"] < 0), "both", right)
    for column in ("moved", "moved_permutation"):
        named = rows[column] != "cannot_tell"
        wrong = named & (rows[column] != right)
        print(column, f"named {100 * named.mean():.1f} %, wrong {100 * wrong.mean():.1f} %")


def main(arguments):
    """Run the studies, or count those already run."""
    if not arguments or arguments[0] in ("-h", "--help"):
        print(__doc__)
        return
    if arguments[0] == "--count":
        count(arguments[1:])
        return
    first = int(arguments[1]) if len(arguments) > 1 else SEED
    studies = int(arguments[2]) if len(arguments) > 2 else STUDIES
    rows = []
    for seed in range(first, first + studies):
        rows.append(study(seed))
        if len(rows) % 25 == 0 or len(rows) == studies:
            pd.DataFrame(rows).to_csv(Path(arguments[0]), index=False)
            print(len(rows), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
