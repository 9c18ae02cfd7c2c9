"""Bias of three rules for a year exposed in part, in the simulated twin.

The numbers stand in docs/design/exposure.md. Every start falls inside a year; the dates are known
to the month, or to the year only. Each country is simulated a second time without any effect, from
the same random numbers: what the estimate is there is chance, and is taken off.

Run: python tools/exposure_rules.py [--countries 100] [--outcome N00973]
"""

import argparse

import numpy as np
import pandas as pd

from evaluation.data.registry import REGISTRY
from evaluation.data.tidy_panel import build_panel
from evaluation.data.twin import simulate
from evaluation.design.exposure import RULES, Span, exposed_years
from evaluation.estimation.few_treated.contrasts import contrasts
from evaluation.estimation.windows import Windows
from evaluation.plan import SimulatedData
from evaluation.questions.truth import real_att

FIRST_SEED = 100
NOTHING = {"effect": {"women": 0.0, "men": 0.0}, "effect_retention": 0.0, "effect_cost": 0.0}


def studies(seed, outcome):
    """Yield dates, rule, estimate, chance, truth of the rule's years, truth of the whole years."""
    same = {"seed": seed, "mid_year": 1.0, "persons": False}
    twin = simulate(SimulatedData(**same))
    panel = build_panel(twin.observations, outcome)
    without = build_panel(simulate(SimulatedData(**same, **NOTHING)).observations, outcome)
    units = [u for u in panel.units if u in set(without.units)]
    lag = REGISTRY[outcome].lag_years
    coded = twin.stance[twin.stance["coded_active"] & twin.stance["code"].isin(units)]
    effect = twin.truth.effect(outcome)
    for dates in ("month", "year"):
        for rule in RULES:
            years, whole = {}, {}
            for code, year, month in zip(
                coded["code"], coded["coded_year"], coded["coded_month"], strict=True
            ):
                at = 12 * int(year) + int(month) - 1
                known = Span(at, at)
                span = known if dates == "month" else Span(12 * int(year), 12 * int(year) + 11)
                found = exposed_years(span, None, rule)
                touched = found.first + lag - found.partial
                if panel.years[0] < touched and found.first + lag <= panel.years[-1]:
                    years[code] = found
                    whole[code] = exposed_years(known, None, "first_whole_year").first + lag
            first = {c: found.first + lag for c, found in years.items()}
            windows = Windows({c: found.partial for c, found in years.items()})
            out = set(coded["code"]) - set(first)
            kept = [u for u in units if u not in out]
            cohort = pd.Series({u: first.get(u, 0) for u in kept})
            estimates = [
                contrasts(p.select(kept), cohort, windows=windows).estimate()
                for p in (panel, without)
            ]
            truths = [
                real_att(effect, twin.truth.codes, twin.truth.years, g, "cohort")
                for g in (first, whole)
            ]
            yield dates, rule, *estimates, *truths


def table(countries, outcome):
    """Return truth, spread and bias of every rule, with Monte Carlo errors."""
    rows = [
        row for seed in range(FIRST_SEED, FIRST_SEED + countries) for row in studies(seed, outcome)
    ]
    names = ["dates", "rule", "estimate", "chance", "own", "whole"]
    out = []
    for key, part in pd.DataFrame(rows, columns=names).groupby(["dates", "rule"], sort=False):
        row = dict(zip(["dates", "rule"], key, strict=True))
        row |= {"truth": part["whole"].mean(), "sd": part["estimate"].std(ddof=1)}
        errors = {
            "raw": part["estimate"] - part["whole"],
            "bias": part["estimate"] - part["chance"] - part["whole"],
            "bias_own_years": part["estimate"] - part["chance"] - part["own"],
        }
        for name, error in errors.items():
            row |= {name: error.mean(), f"±{name}": error.std(ddof=1) / np.sqrt(len(error))}
        out.append(row)
    return pd.DataFrame(out)


def main():
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--countries", type=int, default=100)
    parser.add_argument("--outcome", default="N00973")
    given = parser.parse_args()
    print(f"{given.outcome}, {given.countries} countries, seeds from {FIRST_SEED}, mid_year = 1")
    print(table(given.countries, given.outcome).round(2).to_string(index=False))


if __name__ == "__main__":
    main()
