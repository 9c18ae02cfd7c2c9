"""The cost analysis: one file of parameters and one effect in, everything out."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace

import numpy as np
import pandas as pd

from evaluation.questions.costs.accounts import ACCOUNTS
from evaluation.questions.costs.checks import cost_checks, cost_grade, lines_left_out
from evaluation.questions.costs.decision import (
    acceptability,
    partial_information,
    perfect_information,
    quadrants,
)
from evaluation.questions.costs.effects import UncertainEffect, effects_of
from evaluation.questions.costs.parameters import CostPlan
from evaluation.questions.costs.result import CostResult
from evaluation.questions.costs.sensitivity import break_even, break_even_bounds, tornado
from evaluation.questions.costs.totals import EFFECT, STAYING, Model, Totals
from evaluation.questions.costs.words import sentences
from evaluation.results import Estimate, Finding

__all__ = ["cost_analysis"]

BANDS = ("cost_without", "cost_with", "saved", "net")
"""Paths that are shown with an interval."""
_KINDS = {"assistance": "gross", "programme_cost": "cost", "net": "net"}


def cost_analysis(
    plan: CostPlan,
    effect: UncertainEffect | None = None,
    *,
    on_staying: UncertainEffect | None = None,
    draws: int | None = None,
    seed: int | None = None,
) -> CostResult:
    """Run the cost model on the stated values and on draws of everything uncertain.

    Both scenarios are run on the same draws (common random numbers), so that a saving is the
    difference within each draw. Every quantity draws from a stream of its own, keyed by the
    seed and its name, so that making one more of them uncertain changes no other draw.

    Parameters
    ----------
    plan : CostPlan
        From :func:`load_costs`.
    effect : UncertainEffect, optional
        On the share in work or studies, in place of the file's; from
        :func:`effect_from_estimate`.
    on_staying : UncertainEffect, optional
        On the share staying, in place of the file's.
    draws, seed : int, optional
        In place of the file's.

    Returns
    -------
    CostResult
        Accounts, path, sensitivity, decision, checks and sentence.

    Raises
    ------
    InputError
        If the effect cannot be read, or the monthly need is not above zero.

    Examples
    --------
    >>> from evaluation.questions.costs import load_costs
    >>> result = cost_analysis(load_costs("by_hand"), draws=100)
    >>> result.path["cost_without"].round(3).tolist()
    [1316250.0, 2829937.5, 2892459.375]
    """
    n = plan.analysis.draws if draws is None else draws
    used = plan.analysis.seed if seed is None else seed
    alpha = plan.analysis.alpha
    read, staying = effects_of(plan, effect, on_staying)
    model = Model(plan, read, staying)
    at_values = model.totals(*model.at_values())
    if not (at_values.paths["need"] > 0).all():
        raise plan.fault(
            ("parameters", "other_income", "value"),
            "norm + rent less other income, and months, must be above zero",
        )
    rows, effects, stays = model.draw(used, n)
    drawn = model.totals(rows, effects, stays, keep=BANDS)
    only = tuple(k for k in (EFFECT, STAYING) if k in model.uncertain)
    by_effect = model.totals(*model.draw(used, n, only), keep=())
    digest = _hash(plan, read, staying)
    estimates = _estimates(model, at_values, drawn, by_effect, n, used, alpha, digest)
    bars = tornado(model, alpha=alpha)
    bounds = break_even_bounds(model, rows, stays, drawn, alpha=alpha)
    even = replace(break_even(model), effect_bounds=bounds[0], cost_bounds=bounds[1], alpha=alpha)
    cost = -drawn.net("municipality")
    benefit = plan.analysis.willingness_to_pay * drawn.gained - cost
    left_out = lines_left_out(plan)
    checks = cost_checks(model, at_values, drawn, bars, estimates, left_out)
    texts = sentences(model, estimates, _gains(drawn), even)
    finding = Finding("costs", estimates, checks, *texts, *cost_grade(checks, read))
    return CostResult(
        plan=plan,
        effect=read,
        on_staying=staying,
        n_draws=n,
        seed=used,
        alpha=alpha,
        data_hash=digest,
        path=_path(model, at_values, drawn, alpha),
        accounts=_accounts(at_values, drawn, alpha),
        finding=finding,
        tornado=bars,
        break_even=even,
        quadrants=quadrants(drawn.gained, cost),
        acceptability=acceptability(drawn.gained, cost, plan.analysis.willingness_highest),
        information={"everything": perfect_information(benefit)}
        | {
            name: partial_information(benefit, model.uniforms(name, used, n))
            for name in model.uncertain
        },
        probability=_gains(drawn),
        mean={a: float(drawn.net(a).mean()) for a in ACCOUNTS},
        left_out=left_out,
        gained=drawn.gained,
        cost=cost,
    )


def _hash(plan: CostPlan, effect: UncertainEffect, staying: UncertainEffect | None) -> str:
    content = plan.model_dump(mode="json", exclude={"analysis"}) | {
        "drawn": [effect.to_dict(), staying and staying.to_dict()]
    }
    if plan.analysis.correlations:
        content["correlations"] = [c.model_dump() for c in plan.analysis.correlations]
    text = json.dumps(content, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _bounds(values: np.ndarray, alpha: float) -> tuple[float, float]:
    low, high = np.quantile(values, [alpha / 2, 1 - alpha / 2])
    return float(low), float(high)


def _gains(drawn: Totals) -> dict[str, float]:
    return {a: float((drawn.net(a) > 0).mean()) for a in ACCOUNTS}


def _estimates(
    model: Model,
    at_values: Totals,
    drawn: Totals,
    by_effect: Totals,
    n: int,
    seed: int,
    alpha: float,
    digest: str,
) -> dict[str, Estimate]:
    plan = model.plan
    base = model.effect.estimate_of
    sizes = ("n_obs", "n_units", "n_treated_units", "n_clusters")
    counts = {k: getattr(base, k) if base else 0 for k in sizes}
    when = f"{plan.years[0]}–{plan.years[1]}, discounted kronor of {plan.prices.year}"
    both = "effect and parameters" if model.uncertain else "nothing: everything is fixed"
    keys = {f"net_{a}": (a, "net") for a in ACCOUNTS}
    rows = {"net_municipality": keys["net_municipality"]}
    rows |= {"assistance_saved": ("municipality", "assistance")} | keys
    out = {}
    for name, key in rows.items():
        out[name] = (drawn, key, both)
    out["net_municipality_effect_only"] = (by_effect, keys["net_municipality"], "effect alone")
    out["assistance_saved_effect_only"] = (
        by_effect,
        ("municipality", "assistance"),
        "effect alone",
    )
    return {
        name: Estimate(
            term=name.removesuffix("_effect_only"),
            estimate=float(at_values.lines[key][0]),
            conf_int=_bounds(totals.lines[key], alpha),
            method="cohort cost model, with less without the programme",
            inference=f"quantiles of {n} draws of the {what}; effect: {model.effect.inference}",
            estimand=when,
            small_sample="none",
            alpha=alpha,
            seed=seed,
            data_hash=digest,
            notes=(f"mean of the draws {totals.lines[key].mean():.0f}", *model.effect.notes),
            **counts,
        )
        for name, (totals, key, what) in out.items()
    }


def _path(model: Model, at_values: Totals, drawn: Totals, alpha: float) -> pd.DataFrame:
    table = pd.DataFrame({"year": list(model.plan.span)})
    for name, values in at_values.paths.items():
        if name != "need":
            table[name] = values[0]
    for name in BANDS:
        bounds = np.quantile(drawn.paths[name], [alpha / 2, 1 - alpha / 2], axis=0)
        table[f"{name}_low"], table[f"{name}_high"] = bounds
    return table


def _accounts(at_values: Totals, drawn: Totals, alpha: float) -> pd.DataFrame:
    rows = []
    for account in ACCOUNTS:
        named = [line for a, line in at_values.lines if a == account and line != "net"]
        for line in [*named, "net"]:
            key = (account, line)
            without, with_it, change = at_values.plain[key]
            low, high = _bounds(drawn.lines[key], alpha)
            rows.append(
                {
                    "account": account,
                    "line": line,
                    "kind": _KINDS.get(line, "offset"),
                    "without": without,
                    "with": with_it,
                    "difference": change,
                    "discounted": float(at_values.lines[key][0]),
                    "discounted_low": low,
                    "discounted_high": high,
                }
            )
    return pd.DataFrame(rows)
