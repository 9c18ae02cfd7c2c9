"""Random tables for the tests of disclosure control, and for the long attack run."""

import itertools

import numpy as np
import pandas as pd

from evaluation.data.disclosure import Flow, Rules, Spec


def with_margins(cells, by, sums, value="n"):
    """Add the totals of every dimension to a table of innermost cells."""
    out = cells
    for dim, groups in sums.items():
        for total, parts in groups.items():
            rest = [c for c in by if c != dim]
            chosen = out[out[dim].isin(parts)]
            more = chosen.groupby(rest, as_index=False)[value].sum() if rest else None
            if more is None:
                more = pd.DataFrame({value: [chosen[value].sum()]})
            out = pd.concat([out, more.assign(**{dim: total})[list(out.columns)]])
    return out.reset_index(drop=True)


def leaves(levels, counts):
    """Make a table of innermost cells from levels by dimension."""
    rows = list(itertools.product(*levels.values()))
    return pd.DataFrame(rows, columns=list(levels)).assign(n=np.asarray(counts, dtype=int))


def random_table(rng, *, largest=6):
    """Return a table of two or three dimensions with all its margins, and its specification."""
    return random_releases(rng, largest=largest)[0]


def random_releases(rng, *, largest=6, releases=1):
    """Return tables of the same persons but for a few who came or went, with specifications."""
    shape = rng.integers(2, largest, size=int(rng.integers(2, 4)))
    names = ["kommun", "year", "sex"][: len(shape)]
    levels = {d: [f"{d[0]}{i}" for i in range(n)] for d, n in zip(names, shape, strict=True)}
    mean = rng.gamma(0.7, rng.choice([4.0, 12.0, 40.0]), size=int(np.prod(shape)))
    sums = {d: {"all": v} for d, v in levels.items()}
    if shape[0] >= 4 and rng.random() < 0.4:  # a hierarchy: two counties
        k = levels["kommun"]
        sums["kommun"] = {"c1": k[:2], "c2": k[2:], "all": ["c1", "c2"]}
    shares = ("year",) if rng.random() < 0.3 else ()
    rules = Rules(k=int(rng.choice([3, 5])), zeros=bool(rng.random() < 0.2))
    counts = rng.poisson(mean)
    # men are not printed, but follow from women and total
    unprinted = levels[names[-1]][0] if rng.random() < 0.3 else None
    spec = Spec(by=tuple(names), sums=sums, rules=rules, shares=shares)
    out = []
    for _ in range(releases):
        table = with_margins(leaves(levels, counts), names, sums)
        out.append((table[table[names[-1]] != unprinted].reset_index(drop=True), spec))
        if len(out) < releases:
            move = rng.poisson(2.0, len(counts)) * rng.choice([-1, 1], len(counts))
            counts = np.maximum(counts + np.where(rng.random(len(counts)) < 0.2, move, 0), 0)
    return out


def life_table(rng, *, months=6, people=40):
    """Return events, censored and at risk by month for women, men and both."""
    rows = []
    for sex in "KM":
        left = int(rng.integers(5, people))
        for month in range(months):
            gone = int(rng.binomial(left, 0.12))
            lost = int(rng.binomial(left - gone, 0.06))
            for measure, n in (("at_risk", left), ("events", gone), ("censored", lost)):
                rows.append({"sex": sex, "month": str(month), "measure": measure, "n": n})
            left -= gone + lost
    by, sums = ("sex", "month", "measure"), {"sex": {"T": ["K", "M"]}}
    table = with_margins(pd.DataFrame(rows), by, sums)
    return table, Spec(by=by, sums=sums, flow=Flow(time="month", measure="measure"))
