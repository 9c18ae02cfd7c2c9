"""Tables of a cost report, made from the results' plain types."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from evaluation.language import Lang, interval, level, number, share_of_draws
from evaluation.questions.costs.accounts import account_label, line_label
from evaluation.questions.costs.words import quantity_label
from evaluation.report.figure import capital
from evaluation.report.table import Results, Table, literal
from evaluation.report.words import word

__all__ = ["make_cost_tables", "source_line"]

_WORDS: Mapping[str, tuple[str, str]] = {
    "line": ("Post", "Line"),
    "kind": ("Slag", "Kind"),
    "gross": ("brutto", "gross"),
    "cost": ("kostnad", "cost"),
    "offset": ("avräkning", "offset"),
    "net": ("netto", "net"),
    "without": ("Utan", "Without"),
    "with": ("Med", "With"),
    "difference": ("Skillnad", "Difference"),
    "discounted": ("Diskonterat", "Discounted"),
    "interval": ("{level} intervall", "{level} interval"),
    "year": ("År", "Year"),
    "leavers": ("Lämnar", "Leavers"),
    "exposed": ("Därav nådda", "Of them reached"),
    "new": ("Nya hushåll", "New households"),
    "households": ("Hushåll", "Households"),
    "cost_without": ("Bistånd, kr", "Assistance, kr"),
    "saved": ("Lägre bistånd, kr", "Less assistance, kr"),
    "quantity": ("Storhet", "Quantity"),
    "value": ("Värde", "Value"),
    "status": ("Status; fördelning", "Status; distribution"),
    "found": ("funnen", "found"),
    "assumed": ("antagen", "assumed"),
    "source": ("Källa", "Source"),
    "each": ("varje års", "each year's"),
    "low": ("Lågt", "Low"),
    "high": ("Högt", "High"),
    "net_low": ("Netto vid lågt, kr", "Net at low, kr"),
    "net_high": ("Netto vid högt, kr", "Net at high, kr"),
    "information": ("Värde av säker kunskap, kr", "Value of perfect information, kr"),
    "everything": ("allt", "everything"),
    "willingness": ("Högsta pris per person, kr", "Most paid per person, kr"),
    "probability": ("Sannolikhet", "Probability"),
    "benefit": ("Nettonytta, kr", "Net benefit, kr"),
    "evpi": ("Värde av säker kunskap, kr", "Value of perfect information, kr"),
    "single": ("ensam", "single"),
    "couple": ("par", "couple"),
    "years": ("efter {} år", "after {} years"),
}
_UNITS: Mapping[str, str] = {
    "adults per year": "vuxna per år",
    "share": "andel",
    "adults per household": "vuxna per hushåll",
    "share per year": "andel per år",
    "months per year": "månader per år",
    "kronor per household and month": "kronor per hushåll och månad",
    "households": "hushåll",
    "kronor per adult received": "kronor per mottagen vuxen",
    "kronor per worker and year": "kronor per arbetande och år",
    "kronor per adult and year": "kronor per vuxen och år",
    "years": "år",
}
_KINDS: Mapping[str, tuple[str, str]] = {
    "fixed": ("fast", "fixed"),
    "beta": ("beta", "beta"),
    "gamma": ("gamma", "gamma"),
    "normal": ("normal", "normal"),
    "triangular": ("triangel", "triangular"),
    "uniform": ("likformig", "uniform"),
    "dirichlet": ("Dirichlet", "Dirichlet"),
}


def _word(key: str, lang: Lang) -> str:
    return _WORDS[key][lang == "en"]


def _heads(keys: Sequence[str], r: Results, lang: Lang) -> tuple[str, ...]:
    shown = level(1 - r["alpha"], lang)
    return tuple(_word(k, lang).format(level=shown) for k in keys)


def source_line(r: Results, lang: Lang) -> str:
    """Return the source line of every table and figure that the model made."""
    n, price = number(r["draws"], lang, 0), r["price_year"]
    return (
        f"Källa: egen beräkning ur parametrarna i bilagan, {n} dragningar, {price} års priser."
        if lang == "sv"
        else f"Source: own calculation from the parameters in the appendix, {n} draws, prices of "
        f"{price}."
    )


def make_cost_tables(r: Results, lang: Lang) -> dict[str, Table]:
    """Return the tables of a cost report by key.

    Parameters
    ----------
    r : mapping
        ``CostResult.to_dict()``, or ``results.json`` read back.
    lang : {"sv", "en"}
        Language.

    Returns
    -------
    dict of str to Table
        ``accounts_ACCOUNT``, ``path``, ``tornado``, ``acceptability``, ``checks``,
        ``parameters``.
    """
    accounts = dict.fromkeys(row["account"] for row in r["accounts"])
    made = [_account(r, a, lang) for a in accounts]
    made += [_path(r, lang), _tornado(r, lang), _acceptability(r, lang)]
    made += [_checks(r, lang), _parameters(r, lang)]
    return {t.key: t for t in made}


def _account(r: Results, account: str, lang: Lang) -> Table:
    rows = [row for row in r["accounts"] if row["account"] == account]
    cells = [
        (
            capital(line_label(row["line"], lang)),
            _word(row["kind"], lang),
            *(_thousand(row[k], lang) for k in ("without", "with", "difference", "discounted")),
            interval(row["discounted_low"] / 1000, row["discounted_high"] / 1000, lang, 0),
        )
        for row in rows
    ]
    keys = ("line", "kind", "without", "with", "difference", "discounted", "interval")
    who = account_label(account, lang)
    years = f"{r['years'][0]}–{r['years'][1]}"
    return Table(
        f"account_{account}",
        f"{capital(who)}: tusen kronor {years}, utan och med arbetssättet; plus är pengar in"
        if lang == "sv"
        else f"{capital(who)}: thousand kronor {years}, without and with the programme; plus is "
        "money in",
        _heads(keys, r, lang),
        tuple(cells),
        source_line(r, lang),
        pd.DataFrame(rows),
        frozenset(range(2, 7)),
        cards=True,
    )


def _path(r: Results, lang: Lang) -> Table:
    rows = r["path"]
    cells = [
        (
            str(row["year"]),
            *(number(row[k], lang, 1) for k in ("leavers", "exposed", "new_without")),
            number(row["households_without"], lang, 1),
            number(row["cost_without"], lang, 0),
            number(row["saved"], lang, 0),
            interval(row["saved_low"], row["saved_high"], lang, 0),
        )
        for row in rows
    ]
    keys = ("year", "leavers", "exposed", "new", "households", "cost_without", "saved", "interval")
    return Table(
        "path",
        "Modellen år för år: vuxna, hushåll och bistånd utan arbetssättet, och hur mycket lägre "
        "biståndet är med det; inte diskonterat"
        if lang == "sv"
        else "The model year by year: adults, households and assistance without the programme, and "
        "how much less assistance there is with it; not discounted",
        _heads(keys, r, lang),
        tuple(cells),
        source_line(r, lang),
        pd.DataFrame(rows),
        frozenset(range(8)),
        cards=True,
    )


def _thousand(value: float, lang: Lang) -> str:
    return number(value / 1000, lang, 0)


def _ends(bar: Mapping[str, Any], key: str, lang: Lang) -> str:
    """Write an end of a bar, with as many decimals as the quantity's size asks for."""
    if bar[key] is None:
        return "–"
    return number(bar[key], lang, 0 if max(abs(bar["low"]), abs(bar["high"])) >= 100 else 3)


def _tornado(r: Results, lang: Lang) -> Table:
    known = r["value_of_information"]
    cells = [
        (
            capital(quantity_label(bar["name"], lang)),
            *(_ends(bar, k, lang) for k in ("low", "value", "high")),
            *(number(bar[k], lang, 0) for k in ("net_low", "net_high")),
            number(known[bar["name"]], lang, 0),
        )
        for bar in r["tornado"]
    ]
    total = capital(_word("everything", lang))
    cells.append((total, "–", "–", "–", "–", "–", number(known["everything"], lang, 0)))
    raw = [bar | {"information": known[bar["name"]]} for bar in r["tornado"]]
    keys = ("quantity", "low", "value", "high", "net_low", "net_high", "information")
    at = number(r["willingness_to_pay"], lang, 0)
    return Table(
        "tornado",
        "En storhet i taget till sina yttre kvantiler, allt annat vid angivet värde; och vad det "
        f"vore värt att veta den säkert, vid ett pris av {at} kronor per person"
        if lang == "sv"
        else "One quantity at a time to its outer quantiles, all else at its stated value; and "
        f"what it would be worth to know it for certain, at {at} kronor per person",
        _heads(keys, r, lang),
        tuple(cells),
        source_line(r, lang),
        pd.DataFrame([*raw, {"name": "everything", "information": known["everything"]}]),
        frozenset(range(1, 7)),
        cards=True,
    )


def _acceptability(r: Results, lang: Lang) -> Table:
    rows = r["acceptability"]
    cells = [
        (
            number(row["willingness"], lang, 0),
            share_of_draws(row["probability"], lang),
            number(row["net_benefit"], lang, 0),
            number(row["evpi"], lang, 0),
        )
        for row in rows[:: max(1, (len(rows) - 1) // 10)]
    ]
    return Table(
        "acceptability",
        "Hur troligt det är att arbetssättet är värt sin kostnad, efter vad en person till i "
        "arbete eller studier får kosta kommunen"
        if lang == "sv"
        else "How likely the programme is worth its cost, by what one more person in work or "
        "studies may cost the municipality",
        _heads(("willingness", "probability", "benefit", "evpi"), r, lang),
        tuple(cells),
        source_line(r, lang),
        pd.DataFrame(rows),
        frozenset(range(4)),
    )


def _checks(r: Results, lang: Lang) -> Table:
    answer = {True: "yes", False: "no", None: "unknown"}
    rows = r["finding"]["checks"]
    cells = [(literal(c[f"text_{lang}"]), word(answer[c["passed"]], lang)) for c in rows]
    return Table(
        "checks",
        "Kontroller" if lang == "sv" else "Checks",
        (word("text", lang), word("passed", lang)),
        tuple(cells),
        source_line(r, lang),
        pd.DataFrame(rows),
        cards=True,
    )


def _shown_value(p: Mapping[str, Any], lang: Lang) -> str:
    value = p["value"]
    if not isinstance(value, dict):
        return _figure(value, lang)
    parts = []
    for key, v in value.items():
        if key in ("single", "couple"):
            name = _word(key, lang)
        elif len(key) == 4:
            name = key
        else:
            name = _word("years", lang).format(key)
        parts.append(f"{name} {_figure(v, lang)}")
    return "; ".join(parts)


def _figure(value: float, lang: Lang) -> str:
    text = f"{value:.6f}".rstrip("0")
    return number(value, lang, len(text.partition(".")[2]))


def _spread(d: Mapping[str, Any], lang: Lang) -> str:
    name = _KINDS[d["kind"]][lang == "en"]
    if d["kind"] == "fixed":
        return name
    if "low" in d:
        return f"{name}, {_figure(d['low'], lang)}–{_figure(d['high'], lang)}"
    key = "sd" if "sd" in d else "concentration"
    words = {"sd": "sd", "concentration": "koncentration" if lang == "sv" else key}
    return f"{name}, {words[key]} {_figure(d[key], lang)}"


def _parameters(r: Results, lang: Lang) -> Table:
    cells = [
        (
            f"{capital(p[f'label_{lang}'])} ({p['letter']})",
            f"{_shown_value(p, lang)} {_UNITS[p['unit']] if lang == 'sv' else p['unit']}",
            str(p["year"]) if p["year"] != "each" else _word("each", lang),
            f"{_word(p['status'], lang)}; {_spread(p['distribution'], lang)}",
            literal(p[f"source_{lang}"]),
        )
        for p in r["parameters"]
    ]
    raw = [
        p | {"value": _shown_value(p, "en"), "distribution": _spread(p["distribution"], "en")}
        for p in r["parameters"]
    ]
    keys = ("quantity", "value", "year", "status", "source")
    return Table(
        "parameters",
        "Parametrarna: värde, år, källa, och om de är funna eller antagna"
        if lang == "sv"
        else "The parameters: value, year, source, and whether found or assumed",
        _heads(keys, r, lang),
        tuple(cells),
        source_line(r, lang),
        pd.DataFrame(raw),
        cards=True,
    )
