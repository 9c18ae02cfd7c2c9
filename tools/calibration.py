"""Measure the level and power of the rule over the design grid; write the tables and the figure.

``make calibration`` runs it (about twenty minutes on two cores). The grid's table ships with
the package (data/calibration); everything for readers lies in reports/calibration.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from joblib import Parallel, delayed

import evaluation as ev
from evaluation.data.embedded import file_hash
from evaluation.design.comparison import nearest_in_size
from evaluation.estimation.few_treated.auto import auto_p_values
from evaluation.estimation.few_treated.calibration import analytic_p, calibrate
from evaluation.estimation.few_treated.coefficients import LinearEstimator, linear_estimator
from evaluation.estimation.few_treated.collapsed import collapse
from evaluation.estimation.few_treated.integrated_t import integrated_t
from evaluation.estimation.few_treated.simulation import (
    GRID,
    Cell,
    cell_studies,
    null_panels,
    pick_treated,
)
from evaluation.estimation.few_treated.welch import welch

ROOT = Path(__file__).resolve().parents[1]
LOWEST, HIGHEST = 0.035, 0.065
SEED = 20261123
DONORS = 30


def sizes() -> dict[int, np.ndarray]:
    """Return populations: the 290 municipalities, Skåne's 33, and thinned sets below."""
    people = ev.municipalities()["population_2017"].astype(float)
    every = np.sort(people.to_numpy())
    found = {290: every, 33: np.sort(people[people.index.str.startswith("12")].to_numpy())}
    for n in (8, 12, 16, 20):
        found[n] = every[np.linspace(3, 286, n).astype(int)]
    return found


def seed_of(k: int) -> int:
    """Return the seed of the k-th cell."""
    return int(np.random.SeedSequence([SEED, k]).generate_state(1)[0])


def measure(
    cells: Sequence[Cell], draws: int, workers: int, offset: int, **kw: Any
) -> pd.DataFrame:
    """Measure cells, each with a seed of its own."""
    n = sizes()
    jobs = (
        delayed(calibrate)(c, n[c.n_units], draws=draws, seed=seed_of(offset + k), **kw)
        for k, c in enumerate(cells)
    )
    return pd.DataFrame(Parallel(n_jobs=workers)(jobs))


# --- stress: what the grid does not hold ------------------------------------------------


def heavy_tails(size: np.ndarray, years: int) -> Callable[[np.random.Generator, int], np.ndarray]:
    """Draw errors with t(5) tails, variance falling with size."""
    sd = np.sqrt(np.median(size) / size)

    def draw(rng: np.random.Generator, draws: int) -> np.ndarray:
        z = rng.standard_t(5, (draws, len(size), years)) * np.sqrt(3 / 5)
        return z * sd[None, :, None]

    return draw


def two_parts(size: np.ndarray, years: int) -> Callable[[np.random.Generator, int], np.ndarray]:
    """Draw persistent shocks alike in all units, upon sampling noise that falls with size."""
    h = np.median(size) / size

    def draw(rng: np.random.Generator, draws: int) -> np.ndarray:
        shocks = null_panels(rng, draws, np.full(len(size), 0.5), years, 0.5)
        return shocks + null_panels(rng, draws, 0.5 * h, years, 0.0)

    return draw


def own_variances(size: np.ndarray, years: int) -> Callable[[np.random.Generator, int], np.ndarray]:
    """Draw units whose standard deviations differ for other reasons than size."""

    def draw(rng: np.random.Generator, draws: int) -> np.ndarray:
        variance = np.exp(0.7 * rng.standard_normal(len(size)))
        return null_panels(rng, draws, variance, years, 0.5)

    return draw


def shares(size: np.ndarray, years: int) -> Callable[[np.random.Generator, int], np.ndarray]:
    """Draw shares of a few dozen people: binomial, levels that differ, no common shocks."""
    people = np.maximum(5, np.round(0.002 * size)).astype(int)

    def draw(rng: np.random.Generator, draws: int) -> np.ndarray:
        level = np.clip(rng.normal(0.35, 0.07, len(size)), 0.1, 0.9)
        count = rng.binomial(people[None, :, None], level[None, :, None], (draws, len(size), years))
        return count / people[None, :, None]

    return draw


def county_shocks(size: np.ndarray, years: int) -> Callable[[np.random.Generator, int], np.ndarray]:
    """Draw shocks of which a fifth is shared within the county."""
    people = ev.municipalities()["population_2017"].astype(float).sort_values(kind="stable")
    county = np.unique(people.index.str[:2], return_inverse=True)[1]

    def draw(rng: np.random.Generator, draws: int) -> np.ndarray:
        shared = null_panels(rng, draws, np.full(county.max() + 1, 0.2), years, 0.5)
        own = null_panels(rng, draws, np.full(len(size), 0.8), years, 0.5)
        return own + shared[:, county]

    return draw


def stress(draws: int, workers: int) -> pd.DataFrame:
    """Measure designs and errors that the rule was not made for."""
    n = sizes()
    parts = []
    offset = 10_000
    base = [
        (size, k, who)
        for size in (33, 290)
        for k in (1, 4, 8)
        for who in ("random", "small", "large")
    ]
    for law in ("mixed", "root"):
        cells = [Cell(size, k, law, who, "simultaneous", 0.5) for size, k, who in base]
        cells += [
            Cell(size, k, law, who, "simultaneous", 0.5)
            for size in (33, 290)
            for k in (1, 4)
            for who in ("smallest", "largest")
        ]
        parts.append(measure(cells, draws, workers, offset, peers=False).assign(errors=law))
        offset += 1000
    cells = [
        Cell(size, k, law, who, "simultaneous", 0.5)
        for size in (33, 290)
        for k in (1, 4)
        for law in ("equal", "size")
        for who in ("smallest", "largest")
    ]
    parts.append(measure(cells, draws, workers, offset, peers=False).assign(errors="extreme units"))
    offset += 1000
    cells = [Cell(size, k, "size", who, "simultaneous", 0.9) for size, k, who in base]
    parts.append(measure(cells, draws, workers, offset, peers=False).assign(errors="AR(1) 0.9"))
    offset += 1000
    cells = [Cell(size, k, "size", who, "simultaneous", 0.5, 8) for size, k, who in base]
    parts.append(measure(cells, draws, workers, offset, peers=False).assign(errors="8 years"))
    for name, maker in (
        ("t(5) tails", heavy_tails),
        ("alike shocks and sampling noise", two_parts),
        ("own variances", own_variances),
        ("binomial shares", shares),
    ):
        offset += 1000
        cells = [Cell(size, k, "equal", who, "simultaneous", 0.5) for size, k, who in base]
        for size in (33, 290):
            chosen = [c for c in cells if c.n_units == size]
            parts.append(
                measure(
                    chosen, draws, workers, offset + size, sample=maker(n[size], 15), peers=False
                ).assign(errors=name, variance="")
            )
    chosen = [Cell(290, k, "equal", "random", "simultaneous", 0.5) for k in (1, 4, 8)]
    parts.append(
        measure(
            chosen, draws, workers, offset + 1000, sample=county_shocks(n[290], 15), peers=False
        ).assign(errors="shocks shared in the county", variance="")
    )
    return pd.concat(parts, ignore_index=True)


Alter = Callable[[LinearEstimator, np.ndarray, np.random.Generator], None]


def double_variance(est: LinearEstimator, y: np.ndarray, rng: np.random.Generator) -> None:
    """Let treatment double the variance after adoption."""
    for unit, start in zip(est.treated, est.start, strict=True):
        y[:, unit, start:] *= np.sqrt(2)


def unlike_effects(est: LinearEstimator, y: np.ndarray, rng: np.random.Generator) -> None:
    """Give the treated effects that differ, with mean exactly zero."""
    effects = rng.standard_normal((len(y), len(est.treated)))
    effects -= effects.mean(axis=1, keepdims=True)
    for s, (unit, start) in enumerate(zip(est.treated, est.start, strict=True)):
        y[:, unit, start:] += effects[:, s, None]


def altered_cell(cell: Cell, alter: Alter, draws: int, seed: int) -> dict[str, Any]:
    """Measure the rule and Welch's test on panels that something was done to."""
    size = sizes()[cell.n_units]
    rng = np.random.default_rng(np.random.SeedSequence([seed, 2]))
    rates: dict[str, list[np.ndarray]] = {"size": [], "welch": []}
    for est, y in cell_studies(cell, size, draws=draws, seed=seed):
        alter(est, y, rng)
        c = collapse(y, est)
        rates["size"].append(auto_p_values(c, y, size))
        if len(est.weight) > 1:
            rates["welch"].append(welch(c).p_value())
    row: dict[str, Any] = {"n_units": cell.n_units, "n_treated": cell.n_treated, "draws": draws}
    for name, p in rates.items():
        row[name] = float((np.concatenate(p) < 0.05).mean()) if p else np.nan
    return row


def altered(alter: Alter, draws: int, workers: int, offset: int) -> pd.DataFrame:
    """Measure an alteration for one to sixteen treated."""
    cells = [
        Cell(n, k, "equal", "random", "simultaneous", 0.5)
        for n in (33, 290)
        for k in (1, 2, 4, 8, 16)
    ]
    jobs = (
        delayed(altered_cell)(c, alter, draws, seed_of(offset + k)) for k, c in enumerate(cells)
    )
    return pd.DataFrame(Parallel(n_jobs=workers)(jobs))


# --- placebo treatments on the real panels -----------------------------------------------


def real_panel(outcome: str, n_treated: int, who: str, draws: int, seed: int) -> dict[str, Any]:
    """Treat municipalities not known to be active, at random years, and count rejections."""
    design = ev.design_from_plan(ev.load_plan("settlement"))
    panel = ev.embedded_panel(outcome).select(list(design.controls))
    people = ev.municipalities()["population_2017"].astype(float)
    size = people[panel.units].to_numpy()
    years = panel.years
    rng = np.random.default_rng(np.random.SeedSequence(seed))
    found: dict[str, list[float]] = {}
    for _ in range(draws):
        treated = pick_treated(rng, size, n_treated, who)
        first = np.zeros(len(size), dtype=int)
        first[treated] = rng.integers(years[5], years[-1], n_treated)
        cohort = pd.Series(first, index=panel.units)
        codes = [panel.units[i] for i in treated]
        others = [u for u in panel.units if u not in codes]
        alike = panel.select([*codes, *nearest_in_size(codes, others, people, DONORS)])
        for name, inner in (("", panel), ("similar_", alike)):
            est = linear_estimator(inner, cohort)
            y = inner.values.to_numpy(dtype=float)
            c = collapse(y, est)
            n = people[inner.units].to_numpy()
            p = {
                "size": auto_p_values(c, y[None], n),
                "without_sizes": auto_p_values(c, y[None], None),
                "analytic": analytic_p(c),
            }
            for test, value in p.items():
                found.setdefault(name + test, []).append(float(value[0]))
    row: dict[str, Any] = {
        "outcome": outcome,
        "n_treated": n_treated,
        "treated": who,
        "draws": draws,
    }
    for name, p in found.items():
        values = np.array(p)
        row[name] = float((values[~np.isnan(values)] < 0.05).mean())
    return row


def real_panels(draws: int, workers: int) -> pd.DataFrame:
    """Measure on the embedded outcomes."""
    cells = [
        (outcome, k, who)
        for outcome in ("foreign_background", "low_economic_standard")
        for k in (1, 2, 4, 8)
        for who in ("random", "small", "large")
    ]
    jobs = (delayed(real_panel)(*cell, draws, seed_of(20_000 + k)) for k, cell in enumerate(cells))
    return pd.DataFrame(Parallel(n_jobs=workers)(jobs))


# --- writing -----------------------------------------------------------------------------


def table(frame: pd.DataFrame) -> list[str]:
    """Write a table as Markdown, shares in per cent."""
    shown = frame.copy()
    for column in shown.columns:
        if shown[column].dtype == float and column not in {"autocorrelation"}:
            shown[column] = [f"{100 * v:.1f}" if np.isfinite(v) else "–" for v in shown[column]]
    head = "| " + " | ".join(str(c).replace("_", " ") for c in shown.columns) + " |"
    rule = "|" + "|".join(" --- " for _ in shown.columns) + "|"
    return [head, rule, *("| " + " | ".join(map(str, r)) + " |" for r in shown.to_numpy())]


def figure(grid: pd.DataFrame, path: Path) -> None:
    """Draw every cell's level: the rule, and the tests in common use."""
    import matplotlib as mpl

    mpl.use("svg")
    import matplotlib.pyplot as plt

    mpl.rcParams.update({"svg.hashsalt": "calibration", "font.size": 9})
    fig, axes = plt.subplots(1, 2, figsize=(9, 4.2), sharey=True, layout="constrained")
    peers = [
        ("analytic", "analytic Callaway–Sant'Anna", "#b5651d", "s"),
        ("permutation", "free permutation of the estimate", "#7a5195", "^"),
        ("without_sizes", "the rule, sizes unknown", "#7fa8c9", "o"),
        ("size", "the rule, sizes known", "#1b4965", "o"),
    ]
    counts = sorted(grid["n_treated"].unique())
    for ax, n in zip(axes, (33, 290), strict=True):
        ax.axhspan(100 * LOWEST, 100 * HIGHEST, color="#d9ead3", lw=0)
        ax.axhline(5, color="0.5", lw=0.8)
        for j, (column, label, colour, marker) in enumerate(peers):
            for i, k in enumerate(counts):
                rows = grid[(grid["n_units"] == n) & (grid["n_treated"] == k)]
                x = i + (j - 1.5) * 0.2 + np.linspace(-0.07, 0.07, len(rows))
                y = np.maximum(100 * rows[column].to_numpy(), 0.1)
                ax.plot(
                    x,
                    y,
                    marker,
                    ms=3,
                    color=colour,
                    alpha=0.7,
                    lw=0,
                    label=label if i == 0 else None,
                )
        ax.set_yscale("log")
        ax.set_yticks(
            [0.1, 1, 2, 5, 10, 20, 50, 100], ["≤0.1", "1", "2", "5", "10", "20", "50", "100"]
        )
        ax.set_xticks(range(len(counts)), [str(k) for k in counts])
        ax.set_xlabel("treated units")
        ax.set_title(f"{n} units")
    axes[0].set_ylabel("rejected where nothing happened, per cent")
    fig.legend(
        *axes[0].get_legend_handles_labels(), loc="outside lower center", ncol=2, frameon=False
    )
    fig.savefig(path, metadata={"Date": None})
    plt.close(fig)


def report(
    grid: pd.DataFrame,
    few: pd.DataFrame,
    hard: pd.DataFrame,
    change: pd.DataFrame,
    unlike: pd.DataFrame,
    real: pd.DataFrame,
) -> list[str]:
    """Write the text, every number from the tables."""
    inside = grid["size"].between(LOWEST, HIGHEST)
    bare = grid["without_sizes"].between(LOWEST, HIGHEST)
    usual = grid["analytic"].between(LOWEST, HIGHEST)
    free = grid["permutation"].between(LOWEST, HIGHEST)
    draws = int(grid["draws"].min())
    error = np.sqrt(0.05 * 0.95 / draws)
    lost = grid["oracle_3"] - grid["power_3"]
    few_of = grid["n_treated"] < 8
    by = grid.groupby(["n_units", "n_treated"])
    summary = pd.DataFrame(
        {
            "cells": by.size(),
            "lowest": by["size"].min(),
            "highest": by["size"].max(),
            "lowest without sizes": by["without_sizes"].min(),
            "highest without sizes": by["without_sizes"].max(),
            "lowest power at 3": by["power_3"].min(),
            "highest power at 3": by["power_3"].max(),
            "lowest analytic": by["analytic"].min(),
            "highest analytic": by["analytic"].max(),
            "lowest permutation": by["permutation"].min(),
            "highest permutation": by["permutation"].max(),
        }
    ).reset_index()
    worst = grid.loc[(grid["size"] - 0.05).abs().sort_values(ascending=False).index[:12]]
    keys = ["n_units", "n_treated", "variance", "treated", "adoption", "autocorrelation"]
    hard_by = hard.groupby(["errors", "n_units", "n_treated"])
    hard_summary = pd.DataFrame(
        {
            "cells": hard_by.size(),
            "lowest": hard_by["size"].min(),
            "highest": hard_by["size"].max(),
            "lowest without sizes": hard_by["without_sizes"].min(),
            "highest without sizes": hard_by["without_sizes"].max(),
            "most refused": hard_by["refused"].max(),
        }
    ).reset_index()
    hard_inside = hard["size"].between(LOWEST, HIGHEST).mean()
    return [
        "# Calibration of the rule that chooses the inference",
        "",
        f"Written by `make calibration`; seed {SEED}. Tests at 5 %; share rejected in per cent. "
        f"Grid: {draws:,} panels a cell without effect (standard error of a share near 5 %: "
        f"{100 * error:.2f} points), 15 years, estimator Callaway–Sant'Anna with the cohort "
        "aggregate; sizes are the populations of the 290 municipalities or of Skåne's 33; small "
        "and large are drawn from the smallest and the largest quarter.",
        "",
        f"**In {int(inside.sum())} of {len(grid)} cells the rule rejects between "
        f"{100 * LOWEST:.1f} and {100 * HIGHEST:.1f} %** (from {100 * grid['size'].min():.1f} to "
        f"{100 * grid['size'].max():.1f}); without knowing sizes in {int(bare.sum())} (from "
        f"{100 * grid['without_sizes'].min():.1f} to {100 * grid['without_sizes'].max():.1f}). The "
        f"analytic test does so in {int(usual.sum())} "
        f"(up to {100 * grid['analytic'].max():.0f} %), "
        f"free permutation in {int(free.sum())} (up to {100 * grid['permutation'].max():.0f} %). "
        "Against a z-test that knows the true error, the rule gives up at most "
        f"{100 * lost[few_of].max():.0f} points of power at an effect of three standard errors "
        f"below eight treated, and {100 * lost[~few_of].max():.0f} from eight on, where each "
        "side's own variance is used so that treatment may change it.",
        "",
        "![Every cell of the grid](grid.svg)",
        "",
        "## The grid in short",
        "",
        *table(summary),
        "",
        "All cells: [`data/calibration/calibration.csv`](../../data/calibration/calibration.csv).",
        "",
        "## The cells farthest from 5 %",
        "",
        *table(worst[[*keys, "size", "power_3"]]),
        "",
        "## Other designs and errors",
        "",
        f"{len(hard)} cells that the rule was not made for; {100 * hard_inside:.0f} % of them lie "
        f"between {100 * LOWEST:.1f} and {100 * HIGHEST:.1f}. "
        "«Alike shocks and sampling noise»: the effect's contrast has another variance law than "
        "the year-to-year noise it is learnt from. "
        "«Own variances»: units differ for reasons that size does not tell. All cells: "
        "[`stress.csv`](stress.csv).",
        "",
        *table(hard_summary),
        "",
        "## When treatment doubles the variance",
        "",
        "Below eight treated nothing but the treated units themselves could tell, and the rule "
        "rejects too often; Welch's test, printed beside it from four treated on, does not.",
        "",
        *table(change),
        "",
        "## When the treated units' effects differ",
        "",
        "Effects with a standard deviation as large as the outcome's and a mean of exactly zero: "
        "the spread among the treated makes every test more careful.",
        "",
        *table(unlike),
        "",
        "## Few units",
        "",
        "Why there is no p-value below twelve units: the integrated test, measured although the "
        "rule would refuse it.",
        "",
        *table(few),
        "",
        "## Placebo treatments on the real panels",
        "",
        "Municipalities not known to be active are given adoption years at random. One realised "
        "panel, so a rate tells about this panel. Compared with all others, the rule keeps its "
        "level where the treated are drawn at random, and not where they are small or large: "
        "change goes with size here (the check `change_and_size`), so it is the comparison that "
        f"fails, not the error. Compared with the {DONORS} nearest in population for each treated "
        "municipality (the columns «similar»), it keeps its level: from "
        f"{100 * real['similar_size'].min():.1f} to {100 * real['similar_size'].max():.1f} %, "
        f"against {100 * real['size'].min():.1f} to {100 * real['size'].max():.1f} with all.",
        "",
        *table(real),
        "",
    ]


def few_units(draws: int, workers: int) -> pd.DataFrame:
    """Measure the integrated test at eight to twenty units."""

    def one(n: int, k: int, seed: int) -> dict[str, Any]:
        size = sizes()[n]
        rates = []
        for law in ("equal", "size"):
            for who in ("random", "small", "large"):
                cell = Cell(n, k, law, who, "simultaneous", 0.5)
                p = [
                    integrated_t(collapse(y, est), y, size).p_value()
                    for est, y in cell_studies(cell, size, draws=draws, seed=seed)
                ]
                rates.append(float((np.concatenate(p) < 0.05).mean()))
        return {"n_units": n, "n_treated": k, "lowest": min(rates), "highest": max(rates)}

    pairs = [(n, k) for n in (8, 12, 16, 20) for k in (1, 2, 4)]
    jobs = (delayed(one)(*pair, seed_of(40_000 + i)) for i, pair in enumerate(pairs))
    return pd.DataFrame(Parallel(n_jobs=workers)(jobs))


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, default=10_000, help="panels per cell of the grid")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--out", type=Path, default=ROOT, help="where data/ and reports/ lie")
    args = parser.parse_args()
    fewer = max(200, args.draws // 2)
    steps: list[tuple[str, Callable[[], pd.DataFrame]]] = [
        ("grid", lambda: measure(GRID, args.draws, args.workers, 0)),
        ("few units", lambda: few_units(fewer, args.workers)),
        ("other errors", lambda: stress(fewer, args.workers)),
        ("doubled variance", lambda: altered(double_variance, fewer, args.workers, 30_000)),
        ("unlike effects", lambda: altered(unlike_effects, fewer, args.workers, 31_000)),
        ("real panels", lambda: real_panels(max(100, args.draws // 5), args.workers)),
    ]
    found = []
    for name, run in steps:
        began = time.perf_counter()
        found.append(run())
        print(f"{name}: {time.perf_counter() - began:.0f} s", file=sys.stderr, flush=True)
    grid, few, hard, change, unlike, real = found
    data, reports = args.out / "data" / "calibration", args.out / "reports" / "calibration"
    data.mkdir(parents=True, exist_ok=True)
    reports.mkdir(parents=True, exist_ok=True)
    grid.round(6).to_csv(data / "calibration.csv", index=False, lineterminator="\n")
    hard.round(6).to_csv(reports / "stress.csv", index=False, lineterminator="\n")
    figure(grid, reports / "grid.svg")
    text = "\n".join(report(grid, few, hard, change, unlike, real))
    (reports / "README.md").write_text(text, encoding="utf-8")
    print(text)
    print(f"SHA-256 of the grid: {file_hash(data / 'calibration.csv')}", file=sys.stderr)


if __name__ == "__main__":
    main()
