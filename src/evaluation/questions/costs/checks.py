"""What a cost calculation leans on, and how strong that makes it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from evaluation.language import Lang, listed, number, per_cent, share_of_draws
from evaluation.questions.costs.accounts import line_label
from evaluation.questions.costs.effects import UncertainEffect
from evaluation.questions.costs.parameters import CostPlan
from evaluation.questions.costs.sensitivity import TornadoBar
from evaluation.questions.costs.symbols import SYMBOLS
from evaluation.questions.costs.totals import Model, Totals
from evaluation.questions.grading import GRADES
from evaluation.results import Check, Estimate

__all__ = ["cost_checks", "cost_grade", "lines_left_out"]

_OFFSETS = {
    "programme_cost": "programme_cost",
    "state_grant": "state_grant",
    "municipal_tax": "municipal_tax",
    "other_tax": "other_tax",
    "income_equalisation": "income_equalisation",
    "equalisation_credit": "equalisation_credit",
}
REASONS: Mapping[str, tuple[str, str]] = {
    "effect_known": ("effekten är antagen", "the effect is assumed"),
    "leading_parameters": (
        "det som svaret hänger mest på är antaget",
        "what the answer turns on most is assumed",
    ),
    "offsets_counted": ("poster saknas", "lines are missing"),
    "shares_cut": ("effekten ryms inte i andelarna", "the effect does not fit into the shares"),
}
MOST_CUT = 0.01
MOST_LEFT = 0.10
LEADING = 3


def lines_left_out(plan: CostPlan) -> tuple[str, ...]:
    """Return the lines that a parameter file has no values for.

    Parameters
    ----------
    plan : CostPlan
        The parameters.

    Returns
    -------
    tuple of str
        Keys of the accounts' lines.

    Examples
    --------
    >>> from evaluation.questions.costs import load_costs
    >>> "municipal_tax" in lines_left_out(load_costs("by_hand"))
    True
    """
    return tuple(line for line, name in _OFFSETS.items() if name not in plan.parameters)


def cost_checks(
    model: Model,
    at_values: Totals,
    drawn: Totals,
    bars: Sequence[TornadoBar],
    estimates: Mapping[str, Estimate],
    left_out: Sequence[str],
) -> tuple[Check, ...]:
    """Ask what the calculation leans on.

    Parameters
    ----------
    model : Model
        Parameters and effects.
    at_values, drawn : Totals
        At the stated values, and on the draws.
    bars : sequence of TornadoBar
        The tornado.
    estimates : mapping of str to Estimate
        The headline numbers.
    left_out : sequence of str
        Lines without parameters.

    Returns
    -------
    tuple of Check
        Each with a sentence in Swedish and in English.
    """
    return (
        _effect_known(model),
        _leading(model, bars),
        _offsets(left_out),
        _cut(drawn),
        _horizon(model, at_values),
        _grant(at_values, model.plan),
        _sign(estimates["net_municipality"], certain=not model.uncertain),
    )


def _effect_known(model: Model) -> Check:
    e = model.effect

    def text(lang: Lang) -> str:
        low, mid, high = (number(100 * v, lang, 1) for v in (e.low, e.estimate, e.high))
        if lang == "sv":
            how = "skattad eller funnen" if e.found else "antagen"
            span = f"({low} till {high})" if e.low < e.high else "utan osäkerhet"
            return f"Effekten, {mid} procentenheter {span}, är {how}: {e.source_sv}."
        how = "estimated or found" if e.found else "assumed"
        span = f"({low} to {high})" if e.low < e.high else "without uncertainty"
        return f"The effect, {mid} percentage points {span}, is {how}: {e.source_en}."

    return Check("effect_known", e.found, text("sv"), text("en"))


def _leading(model: Model, bars: Sequence[TornadoBar]) -> Check:
    first = [b.name for b in bars if b.name in model.plan.parameters][:LEADING]
    assumed = [n for n in first if model.plan.parameters[n].status == "assumed"]
    every = [n for n, p in model.plan.parameters.items() if p.status == "assumed"]

    def text(lang: Lang) -> str:
        total, all_ = str(len(every)), str(len(model.plan.parameters))
        names = listed([SYMBOLS[n].label(lang) for n in assumed], lang)
        if lang == "sv":
            most = (
                f"bland dem som svaret hänger mest på: {names}"
                if assumed
                else ("inget av dem hör till det som svaret hänger mest på")
            )
            return f"{total} av {all_} värden är antagna; {most}."
        most = (
            f"among those the answer turns on most: {names}"
            if assumed
            else ("none of them is among those that the answer turns on most")
        )
        return f"{total} of {all_} values are assumed; {most}."

    if not first:
        return Check(
            "leading_parameters",
            not every,
            f"{len(every)} av {len(model.plan.parameters)} värden är antagna, och inget har någon "
            "fördelning: vad svaret hänger på syns inte.",
            f"{len(every)} of {len(model.plan.parameters)} values are assumed, and none has a "
            "distribution: what the answer turns on does not show.",
        )
    return Check(
        "leading_parameters", not assumed, text("sv"), text("en"), float(len(assumed)), 0.0
    )


def _offsets(left_out: Sequence[str]) -> Check:
    sv = listed([line_label(n, "sv") for n in left_out], "sv")
    en = listed([line_label(n, "en") for n in left_out], "en")
    return Check(
        "offsets_counted",
        not left_out,
        f"Räknas inte: {sv}." if left_out else "Alla poster räknas.",
        f"Not counted: {en}." if left_out else "Every line is counted.",
        float(len(left_out)),
        0.0,
    )


def _cut(drawn: Totals) -> Check:
    share = float(drawn.clipped.mean())
    return Check(
        "shares_cut",
        share <= MOST_CUT,
        f"I {share_of_draws(share, 'sv', 1)} av dragningarna skulle effekten föra en andel utanför "
        "0–100 %; den skars av där.",
        f"In {share_of_draws(share, 'en', 1)} of the draws the effect would take a share outside "
        "0–100 %; it was cut there.",
        share,
        MOST_CUT,
    )


def _horizon(model: Model, at_values: Totals) -> Check:
    apart = np.abs(at_values.paths["households_without"] - at_values.paths["households_with"])[0]
    peak = float(apart.max())
    left = float(apart[-1] / peak) if peak > 0 else 0.0
    year = model.plan.years[1]
    return Check(
        "horizon",
        left <= MOST_LEFT,
        f"Vid utgången av {year} kvarstår {per_cent(left, 'sv')} av den största skillnaden i antal "
        "hushåll; vad som följer därefter räknas inte.",
        f"At the end of {year} {per_cent(left, 'en')} of the largest difference in households is "
        "left; what follows afterwards is not counted.",
        left,
        MOST_LEFT,
    )


def _grant(at_values: Totals, plan: CostPlan) -> Check:
    key = ("municipality", "state_grant")
    if "state_grant" not in plan.parameters:
        return Check(
            "state_grant",
            None,
            "Statens schablonersättning är inte angiven; den betalas lika i båda fallen.",
            "The state's standard grant is not given; it is paid alike in both cases.",
        )
    paid, _, change = (float(v) for v in at_values.plain[key])
    return Check(
        "state_grant",
        change == 0,
        f"Schablonersättningen, {number(paid, 'sv', 0)} kronor, är redan betald och lika i båda "
        f"fallen: skillnaden är {number(change, 'sv', 0)}.",
        f"The standard grant, {number(paid, 'en', 0)} kronor, is already paid and alike in both "
        f"cases: the difference is {number(change, 'en', 0)}.",
        change,
        0.0,
    )


def _sign(net: Estimate, *, certain: bool) -> Check:
    low, high = net.conf_int
    if certain:
        return Check(
            "sign_of_net",
            None,
            "Inget är osäkert i de angivna värdena: om nettot skiljer sig från noll prövas inte.",
            "Nothing is uncertain in the stated values: whether the net differs from zero is not "
            "tested.",
        )
    clear = low > 0 or high < 0

    def text(lang: Lang) -> str:
        a, b = number(low, lang, 0), number(high, lang, 0)
        if lang == "sv":
            verb = "utesluter" if clear else "rymmer"
            return f"Intervallet för nettot, {a} till {b} kronor, {verb} noll."
        return (
            f"The interval of the net, {a} to {b} kronor, {'excludes' if clear else 'holds'} zero."
        )

    return Check("sign_of_net", clear, text("sv"), text("en"))


def cost_grade(checks: Sequence[Check], effect: UncertainEffect) -> tuple[str, str, str]:
    """Grade a cost calculation: never stronger than its effect.

    It starts at the effect's own grade, or at moderate where the effect has none, and each of
    the checks on the effect, on the leading parameters, on missing lines and on cut shares
    that failed takes it one step down.

    Parameters
    ----------
    checks : sequence of Check
        From :func:`cost_checks`.
    effect : UncertainEffect
        The effect.

    Returns
    -------
    tuple of str
        The grade, and its reason in Swedish and in English.

    Examples
    --------
    >>> e = UncertainEffect(0.1, 0.0, 0.2, 0.05, "x", "y", "y", True, grade="weak")
    >>> cost_grade([Check("leading_parameters", False, "", "")], e)[0]
    'very weak'
    """
    start = min(GRADES.index(effect.grade), 2) if effect.grade else 2
    failed = [c.name for c in checks if c.name in REASONS and not c.passed]
    base = (
        "En kostnadskalkyl är högst så stark som sin effekt, och högst måttlig.",
        "A cost calculation is at most as strong as its effect, and moderate at most.",
    )
    if not failed:
        return GRADES[start], *base
    sv, en = ("; ".join(REASONS[n][i] for n in failed) for i in (0, 1))
    return (
        GRADES[max(0, start - len(failed))],
        f"{base[0]} Sänkt av dessa skäl: {sv}.",
        f"{base[1]} Lowered for these reasons: {en}.",
    )
