"""Time the analysis against the bare library in one run; write reports/benchmarks.md."""

from __future__ import annotations

import statistics
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from diff_diff import CallawaySantAnna

import evaluation as ev
from evaluation.estimation.few_treated.permutation import matched_assignments
from evaluation.estimation.synthetic_control import synthetic_control

ROOT = Path(__file__).resolve().parents[1]
REFITS = 40


def median_seconds(run: Callable[[], object], times: int) -> float:
    """Return the median wall time of several runs, after one that is not counted."""
    run()
    seconds = []
    for _ in range(times):
        began = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - began)
    return statistics.median(seconds)


def bare(frame: pd.DataFrame) -> object:
    """Fit with the library alone and aggregate by event time."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fit = CallawaySantAnna(control_group="never_treated", estimation_method="reg").fit(
            frame, outcome="value", unit="unit", time="time", first_treat="cohort"
        )
        return fit.aggregate("event_study")


def main() -> None:
    """Run the comparisons and write the table."""
    plan = ev.load_plan("settlement")
    design = ev.design_from_plan(plan)
    codes = [*design.treated_codes, *design.controls]
    panel = ev.embedded_panel("foreign_background").select(codes)
    cohort = design.cohort()
    frame = panel.long()
    frame["unit"] = frame["unit"].astype(int)
    frame["cohort"] = frame["unit"].map(lambda u: cohort[f"{u:04d}"])
    frame["time"] = frame["time"].astype(int)

    library = median_seconds(lambda: bare(frame), REFITS)

    def ours() -> object:
        gt = ev.callaway_santanna(panel, cohort)
        return [ev.aggregate(gt, "cohort"), ev.event_study(gt)]

    adapter = median_seconds(ours, REFITS)

    size = ev.municipalities()["population_2017"]
    sets = ev.matched_sets(
        design.treated_codes, list(design.controls), size, plan.comparison.donors_per_treated
    )
    like = ev.aggregate(ev.callaway_santanna(panel, cohort), "cohort")
    draws = plan.estimation.draws

    def permute() -> object:
        c = ev.contrasts(panel, cohort, "cohort")
        return ev.permutation_test(
            c,
            matched_assignments(c, sets, draws, 1),
            seed=1,
            like=like,
            mechanism="bench",
        )

    permutation = median_seconds(permute, 10)

    extra = pd.DataFrame({"log population": np.log(size[codes].astype(float))})

    def placebo() -> object:
        return synthetic_control(panel, "2321", 2012, list(design.controls), extra)

    synthetic = median_seconds(placebo, 3)
    rows = [
        ("bare diff-diff: fit and event study", library, 1.0),
        ("ours: fit, cohort aggregate, event study with band", adapter, adapter / library),
        (f"ours: {draws:,} permutations with interval", permutation, permutation / library),
        (f"the same by refitting diff-diff {draws:,} times", library * draws, float(draws)),
        (f"synthetic control with {len(design.controls)} placebos", synthetic, synthetic / library),
    ]
    lines = [
        "# Benchmarks",
        "",
        f"Written by `make bench`: {len(codes)} municipalities, {len(panel.years)} years, one "
        "process, medians of one run. Read the ratios; seconds depend on the machine. The row of "
        "refits is the first row times the number of draws.",
        "",
        "| what | seconds | ratio to bare diff-diff |",
        "| --- | ---: | ---: |",
        *[f"| {what} | {s:.4f} | {ratio:.2f} |" for what, s, ratio in rows],
        "",
    ]
    target = ROOT / "reports" / "benchmarks.md"
    target.parent.mkdir(exist_ok=True)
    target.write_text("\n".join(lines), encoding="utf-8")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
