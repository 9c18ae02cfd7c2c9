"""The cost model's sentences, made from its numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from evaluation.language import Lang, interval, level, number, share_of_draws
from evaluation.questions.costs.accounts import account_label, line_label
from evaluation.questions.costs.correlations import EFFECT_NAMES
from evaluation.questions.costs.sensitivity import BreakEven
from evaluation.questions.costs.symbols import SYMBOLS
from evaluation.questions.costs.totals import EFFECT, STAYING, Model
from evaluation.questions.lines import columns
from evaluation.results import Estimate

if TYPE_CHECKING:
    from evaluation.questions.costs.result import CostResult

__all__ = [
    "break_even_sentences",
    "correlations_sentence",
    "quantity_label",
    "sentences",
    "summary",
]


def quantity_label(name: str, lang: Lang) -> str:
    """Return the name of an effect or a parameter.

    Examples
    --------
    >>> quantity_label("rent", "sv")
    'godtagen hyra'
    """
    if name in (EFFECT, STAYING):
        sv = {EFFECT: "effekt på arbete eller studier", STAYING: "effekt på kvarboende"}
        return sv[name] if lang == "sv" else name
    return SYMBOLS[name].label(lang)


def _kronor(value: float, lang: Lang) -> str:
    return f"{number(value, lang, 0)}\u00a0kronor"


def sentences(
    model: Model,
    estimates: Mapping[str, Estimate],
    gains: Mapping[str, float],
    even: BreakEven,
) -> tuple[str, str]:
    """Return the answer in Swedish and in English.

    Parameters
    ----------
    model : Model
        Parameters and effects.
    estimates : mapping of str to Estimate
        The headline numbers.
    gains : mapping of str to float
        Share of the draws in which each account gains.
    even : BreakEven
        Where the net is zero.

    Returns
    -------
    tuple of str
        One text each.
    """
    return _answer(model, estimates, gains, even, "sv"), _answer(
        model, estimates, gains, even, "en"
    )


def _answer(
    model: Model,
    estimates: Mapping[str, Estimate],
    gains: Mapping[str, float],
    even: BreakEven,
    lang: Lang,
) -> str:
    plan = model.plan
    net, gross = estimates["net_municipality"], estimates["assistance_saved"]
    effects = _effects(model, lang)
    simulated = any("SIMULATED" in n for n in model.effect.notes)
    years = f"{plan.years[0]}–{plan.years[1]}"
    what, spread, doubt = _assistance(gross, lang)
    left = _kronor(net.estimate, lang)
    low, high = net.conf_int
    if low < high:
        left += f" ({interval(low, high, lang, 0)})"
    gain = _gain(gains["municipality"], drawn=low < high, lang=lang)
    if lang == "sv":
        first = (
            f"Med {effects} och de angivna värdena {what} {years} (brutto, diskonterat{spread})"
            f"{doubt}. Efter alla poster som räknas, arbetssättets kostnad bland dem, är nettot "
            f"{left}, diskonterat, i {plan.prices.year} års priser. {gain}"
        )
    else:
        first = (
            f"With {effects} and the stated values the municipality {what} in {years} (gross, "
            f"discounted{spread}){doubt}. After every line that is counted, the programme's cost "
            f"among them, the net is {left}, discounted, in prices of {plan.prices.year}. {gain}"
        )
    mark = ("SIMULERADE DATA: " if lang == "sv" else "SIMULATED DATA: ") if simulated else ""
    return mark + " ".join([first, *break_even_sentences(even, lang)])


def _effects(model: Model, lang: Lang) -> str:
    """Name every effect that the calculation rests on: staying moves the sums as work does."""
    work = number(100 * model.effect.estimate, lang, 1)
    unit = "procentenheter" if lang == "sv" else "percentage points"
    if model.on_staying is None:
        return f"en effekt på {work} {unit}" if lang == "sv" else f"an effect of {work} {unit}"
    stay = number(100 * model.on_staying.estimate, lang, 1)
    return (
        f"en effekt på arbete eller studier på {work} {unit}, en på kvarboende på {stay}"
        if lang == "sv"
        else f"an effect on work or studies of {work} {unit}, one on staying of {stay}"
    )


def _gain(share: float, *, drawn: bool, lang: Lang) -> str:
    if not drawn:
        return (
            "Inget av det nettot beror på är osäkert i filen; därför ges inga intervall."
            if lang == "sv"
            else "Nothing that the net depends on is uncertain in the file, so no intervals are "
            "given."
        )
    often = share_of_draws(share, lang)
    return (
        f"Kommunen vinner i {often} av dragningarna."
        if lang == "sv"
        else f"The municipality gains in {often} of the draws."
    )


def _assistance(gross: Estimate, lang: Lang) -> tuple[str, str, str]:
    """Say what is saved of assistance or paid more, its interval, and whether that is certain."""
    sv, (low, high) = lang == "sv", gross.conf_int
    kronor = _kronor(abs(gross.estimate), lang)
    spread = doubt = ""
    if low < high:
        ends = (-high, -low) if gross.estimate < 0 else (low, high)
        word = "intervall" if sv else "interval"
        spread = f", {level(1 - gross.alpha, lang)} {word} {interval(*ends, lang, 0)}"
    if low < 0 < high:
        doubt = (
            "; om biståndet sjunker eller stiger går inte att avgöra"
            if sv
            else "; whether assistance falls or rises cannot be told"
        )
    if gross.estimate < 0:
        more = (
            f"betalar kommunen {kronor} mer i bistånd"
            if sv
            else f"pays {kronor} more of assistance"
        )
        return more, spread, doubt
    less = f"sparar kommunen {kronor} på bistånd" if sv else f"saves {kronor} of assistance"
    return less, spread, doubt


def break_even_sentences(even: BreakEven, lang: Lang) -> tuple[str, str]:
    """Return where the net is zero, in effect and in cost.

    Parameters
    ----------
    even : BreakEven
        Both points.
    lang : {"sv", "en"}
        Language.

    Returns
    -------
    tuple of str
        On the effect, and on the programme's cost per person.

    Examples
    --------
    >>> none = BreakEven(None, (-0.4, 0.6), (-9.0, -1.0), None, 5.0)
    >>> break_even_sentences(none, "en")[0]
    'No break-even in the range: the net is zero at no effect between −40.0 and 60.0 points.'
    """
    return _effect_sentence(even, lang), _cost_sentence(even, lang)


def _effect_sentence(even: BreakEven, lang: Lang) -> str:
    sv, span = lang == "sv", _effect_span(even, lang)
    if even.effect is not None:
        at = number(100 * even.effect, lang, 1)
        if even.net_at_range[0] > even.net_at_range[1]:
            # more in work cost more than they save: to break even is a ceiling, not a floor
            return (
                f"Nettot är noll vid en effekt på {at} procentenheter och sjunker när effekten "
                "stiger: kommunen förlorar på varje större effekt."
                if sv
                else f"The net is zero at an effect of {at} percentage points and falls as the "
                "effect rises: the municipality loses at every larger one."
            )
        between = f" ({span})" if span else ""
        return (
            f"Nettot är noll vid en effekt på {at} procentenheter{between}."
            if sv
            else f"The net is zero at an effect of {at} percentage points{between}."
        )
    low, high = (number(100 * v, lang, 1) for v in even.effect_range)
    none = (
        f"Ingen brytpunkt inom området: vid ingen effekt mellan {low} och {high} procentenheter "
        "når nettot noll"
        if sv
        else f"No break-even in the range: the net is zero at no effect between {low} and {high} "
        "points"
    )
    # the values as stated find none, some of the draws do
    return f"{none}; {'dragningarnas' if sv else 'the draws’'} {span}." if span else f"{none}."


def _effect_span(even: BreakEven, lang: Lang) -> str:
    """Write the interval of the break-even effect; a bound may lie beyond what is possible."""
    low, high = even.effect_bounds
    sv = lang == "sv"
    shown = f"{level(1 - even.alpha, lang)} {'intervall' if sv else 'interval'}"
    if low is None and high is None:
        # no root in any draw where there is none at the stated values: nothing to add
        beyond = "med gränserna bortom det möjliga" if sv else "with bounds beyond what is possible"
        return "" if even.effect is None else f"{shown} {beyond}"
    if low == high:
        return ""
    if low is not None and high is not None:
        return f"{shown} {interval(100 * low, 100 * high, lang, 1)}"
    end = number(100 * (high or 0.0 if low is None else low), lang, 1)
    if low is None:
        below = "från under det möjliga till" if sv else "from below what is possible to"
        return f"{shown} {below} {end}"
    above = "till över det möjliga" if sv else "to beyond what is possible"
    return f"{shown} {'från' if sv else 'from'} {end} {above}"


def _cost_sentence(even: BreakEven, lang: Lang) -> str:
    sv, now, bounds = lang == "sv", _kronor(even.cost_now, lang), even.cost_bounds
    spread = bounds is not None and bounds[0] < bounds[1]
    shown = f"{level(1 - even.alpha, lang)} {'intervall' if sv else 'interval'}"
    ends = interval(*bounds, lang, 0) if bounds is not None else ""
    if even.cost_per_person is None:
        none = (
            f"Ingen kostnad per person går jämnt ut vid de angivna värdena: nettot är negativt "
            f"redan utan den ({now} nu)."
            if sv
            else f"No cost per person breaks even at the stated values: the net is negative "
            f"without it ({now} now)."
        )
        if not spread:
            return none
        return none + (
            f" Dragningarnas {shown} för den kostnad som går jämnt ut är {ends} kronor; under noll "
            "finns ingen."
            if sv
            else f" The draws’ {shown} of the cost that breaks even is {ends} kronor; below zero "
            "there is none."
        )
    most, between = _kronor(even.cost_per_person, lang), f" ({shown} {ends})" if spread else ""
    return (
        f"Arbetssättet går jämnt ut om det kostar {most} per mottagen vuxen{between}; nu {now}."
        if sv
        else f"The programme breaks even if it costs {most} per adult received{between}; now {now}."
    )


def correlations_sentence(given: Sequence[Mapping[str, Any]], lang: Lang) -> str:
    """Return which quantities move together, and what the tables then show; empty for none.

    Parameters
    ----------
    given : sequence of mapping
        ``correlations`` of a result's plain types.
    lang : {"sv", "en"}
        Language.

    Returns
    -------
    str
        One paragraph.

    Examples
    --------
    >>> correlations_sentence([{"between": ["rent", "months"], "value": 0.5}], "en")[:49]
    'These quantities are drawn together: accepted ren'
    """
    if not given:
        return ""
    sv = lang == "sv"
    pairs = []
    for one in given:
        a, b = (quantity_label(EFFECT_NAMES.get(n, n), lang) for n in one["between"])
        value = number(one["value"], lang)
        pairs.append(f"{a} och {b} ({value})" if sv else f"{a} and {b} ({value})")
    if sv:
        return (
            f"Dessa storheter dras tillsammans: {'; '.join(pairs)}; talet är korrelationen mellan "
            "deras normalpoäng. Intervall, sannolikheter och värdet av säker kunskap räknar med "
            "det: att veta den ena säger något om den andra. Staplarna i känsligheten flyttar "
            "ändå en storhet i taget, med de andra kvar vid sina angivna värden."
        )
    return (
        f"These quantities are drawn together: {'; '.join(pairs)}; the number is the correlation "
        "of their normal scores. Intervals, probabilities and the value of perfect information "
        "count on it: to know one tells something of the other. The bars of the sensitivity still "
        "move one quantity at a time, with the others at their stated values."
    )


def summary(r: CostResult, lang: Lang) -> str:
    """Return a result as text for people.

    Parameters
    ----------
    r : CostResult
        The result.
    lang : {"sv", "en"}
        Language.

    Returns
    -------
    str
        The sentence, the grade's reason, the accounts, and the years.
    """
    f = r.finding
    sv = lang == "sv"
    head = (
        ("post", "utan", "med", "skillnad", "diskonterat", "intervall")
        if sv
        else ("line", "without", "with", "difference", "discounted", "interval")
    )
    out = [f.sentence_sv if sv else f.sentence_en, f.grade_reason_sv if sv else f.grade_reason_en]
    rows: list[tuple[str, ...]] = [head]
    for row in r.accounts.to_dict("records"):
        cells = [number(row[k], lang, 0) for k in ("without", "with", "difference", "discounted")]
        name = f"{account_label(row['account'], lang)}: {line_label(row['line'], lang)}"
        low, high = row["discounted_low"], row["discounted_high"]
        bounds = interval(low, high, lang, 0) if low < high else "–"
        rows.append((name, *cells, bounds))
    if not r.tornado:
        rows = [row[:-1] for row in rows]
    out += ["", *columns(rows)]
    years: list[tuple[str, ...]] = [
        ("år", "lämnar", "nya hushåll", "hushåll", "bistånd utan", "bistånd med")
        if sv
        else ("year", "leavers", "new households", "households", "assistance", "with programme")
    ]
    for row in r.path.to_dict("records"):
        numbers = [
            number(row[k], lang, 1) for k in ("leavers", "new_without", "households_without")
        ]
        money = [number(row[k], lang, 0) for k in ("cost_without", "cost_with")]
        years.append((str(int(row["year"])), *numbers, *money))
    out += ["", *columns(years), ""]
    marks = {True: "+", False: "–", None: "?"}
    out += [f"{marks[c.passed]} {c.text_sv if sv else c.text_en}" for c in r.checks]
    return "\n".join(out)
