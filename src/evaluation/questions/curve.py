"""The specification curve of a plan's design: every sensible choice crossed with the others."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from evaluation.data.panel import Panel
from evaluation.design.treatment import estimable_years
from evaluation.estimation.robustness.linear_specifications import ESTIMATORS
from evaluation.estimation.robustness.specification_curve import (
    SpecificationCurve,
    specification_curve,
)
from evaluation.estimation.robustness.specifications import specification_grid
from evaluation.language import p_value
from evaluation.questions.inference import DesignInference
from evaluation.results import Check, Estimate

__all__ = ["curve_check", "design_curve"]

METROPOLITAN = ("0180", "1280", "1480")
"""Stockholm, Malmö, Göteborg."""
ASSIGNMENTS = 1999
SAME_SIGN = 0.9
"""Share of specifications with the headline's sign from which the sign counts as steady."""


def _codings(inference: DesignInference, units: list[str]) -> dict[str, pd.Series]:
    """Return first treated years as chosen, and with every start as early or late as it may be."""
    chosen = inference.design.cohort().reindex(units).fillna(0).astype(int)
    found = {"chosen": chosen}
    for name, end in (("earliest", 0), ("latest", -1)):
        moved = chosen.copy()
        for t in inference.design.treated:
            moved[t.code] = estimable_years(
                t.neighbours, inference.panel.years, t.partial, t.last_year
            )[0][end]
        if not any(moved.equals(c) for c in found.values()):
            found[name] = moved
    return found


def design_curve(inference: DesignInference, panel: Panel) -> SpecificationCurve:
    """Cross estimators, comparison groups, samples, weights and start years.

    Parameters
    ----------
    inference : DesignInference
        The design, its matched sets and assignments.
    panel : Panel
        All municipalities.

    Returns
    -------
    SpecificationCurve
        Tested under the first 1,999 assignments of the headline's permutation. «Own linear
        trend» takes part where every coding leaves two years before the start, the two-way
        regression where nobody leaves out years. The dimension
        ``controls`` is the comparison group: not known to be active, or these and those of
        uncertain stance.
    """
    design, size = inference.design, inference.size
    have = set(panel.units)
    uncertain = [c for c in design.counts.uncertain if c in have]
    known = [c for c in design.counts.not_known if c in have]
    # the units of the headline first: its assignments name their columns
    units = [*inference.panel.units]
    units += [c for c in (*known, *uncertain) if c not in set(units)]
    wide = panel.select(units)
    codings = _codings(inference, units)
    treated = set(design.treated_codes)
    peers = size[[u for s in inference.sets for u in s]]
    samples = {
        "all": set(units),
        "without_metropolitan": set(units) - (set(METROPOLITAN) - treated),
        "similar_size": {u for u in units if peers.min() <= size[u] <= peers.max()},
    }
    if samples["without_metropolitan"] == samples["all"]:
        del samples["without_metropolitan"]
    groups = {"not_known": set(known)}
    if uncertain:
        groups["with_uncertain"] = {*known, *uncertain}
    windows = inference.windows
    shortest = min(
        windows.base(t.code, int(c[t.code])) + 1 for c in codings.values() for t in design.treated
    )
    shortest -= wide.years[0]
    # the regression has one window for all
    estimators = [e for e in ESTIMATORS if e != "twfe" or windows.plain]
    grids = [
        specification_grid(
            {panel.outcome: wide},
            codings,
            estimators=[e for e in estimators if e != "detrended" or shortest >= 2],
            controls={group: None},
            samples={
                name: [u for u in units if u in treated or (u in inside and u in members)]
                for name, inside in samples.items()
            },
            weights={"equal": None, inference.sized_by: size[units].astype(float)},
            windows=windows,
        )
        for group, members in groups.items()
    ]
    return specification_curve(
        grids[0].joined(*(b for g in grids[1:] for b in g.blocks)),
        inference.picks[:ASSIGNMENTS],
        seed=inference.settings.seed,
        mechanism=inference.mechanism,
        alpha=inference.settings.alpha,
    )


def curve_check(found: SpecificationCurve, headline: Estimate) -> Check:
    """Ask whether the answer would have been another with other choices.

    Parameters
    ----------
    found : SpecificationCurve
        The curve.
    headline : Estimate
        What the report says.

    Returns
    -------
    Check
        Passes where nine specifications of ten have the headline's sign, and curve and headline
        agree on whether there is an effect. None where the curve could not be tested.
    """
    curve = found.check()
    same = sum((e > 0) == (headline.estimate > 0) for e in found.estimate) / len(found.estimate)
    sure = headline.p_value is not None and headline.p_value <= headline.alpha
    agree = curve.passed is sure
    p = headline.p_value
    p_sv = "" if p is None else f" ({p_value(p, 'sv')})"
    p_en = "" if p is None else f" ({p_value(p, 'en')})"
    sv = "säger detsamma" if agree else "säger inte detsamma"
    en = "says the same" if agree else "does not say the same"
    return replace(
        curve,
        passed=None if curve.passed is None else agree and same >= SAME_SIGN,
        text_sv=f"{curve.text_sv} Huvudresultatet {sv}{p_sv}.",
        text_en=f"{curve.text_en} The headline {en}{p_en}.",
        statistic=same,
        threshold=SAME_SIGN,
    )
