"""Tables about the coding: its coders, what is unsettled, and what its errors could mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from evaluation.language import Lang, interval, level, number, per_cent
from evaluation.report.table import Results, Table, literal, plain_text
from evaluation.report.words import all_sources, evidence_words, own_work, start_text, word

__all__ = ["coded_tables", "miscoding_sentences", "miscoding_tables", "settled_sentence"]

_SV_EN = {
    "agreed": ("kodarna eniga", "coders agree"),
    "adjudicated": ("avgjord", "decided"),
    "single coder": ("en kodare", "one coder"),
    "no consequence": (
        "kodarna skiljer sig, men inte om grupp eller behandlade år",
        "coders differ, but not on group or treated years",
    ),
    "unsettled": ("oenighet utan avgörande", "disagreement without a decision"),
    "no_start": ("aktiv, men ingen start angiven", "active, but no start is given"),
    "too_short": (
        "aktiv, men inget år mellan start och slut räknas som behandlat",
        "active, but no year between start and end counts as treated",
    ),
    "krippendorff_alpha_ordinal": (
        "Krippendorffs alfa (ordnad skala)",
        "Krippendorff's alpha (ordered)",
    ),
    "raw_agreement": ("Andel eniga par", "Share of agreeing pairs"),
    "fleiss_kappa": ("Fleiss kappa", "Fleiss' kappa"),
    "cohen_kappa": ("Cohens kappa", "Cohen's kappa"),
    "cohen_kappa_quadratic": ("Cohens kappa, kvadratisk", "Cohen's kappa, quadratic"),
}


def _said(key: str, lang: Lang) -> str:
    return _SV_EN[key][lang == "en"]


def _source(r: Results, lang: Lang) -> str:
    files = ", ".join(literal(f) for f in r["coding"]["files"])
    return own_work(f"{'kodbladen' if lang == 'sv' else 'the coding sheets'} {files}", lang)


def _treated(r: Results, lang: Lang) -> Table:
    rows, raw = [], []
    for t in r["design"]["treated"]:
        route = r["coding"]["route"][t["code"]]
        rows.append(
            (
                t["name"],
                number(t["population"], lang, 0),
                f"{word(t['stance'], lang)} ({word(t['strength'], lang)})",
                _said(route, lang),
                literal(f"{t['document']} {t['line']}".strip()) or "–",
                start_text(t["stated_start"], lang),
                str(t["first_year"]),
            )
        )
        raw.append(
            {k: t[k] for k in ("code", "name", "population", "stance", "strength")}
            | {"route": route, "source": plain_text(t["document"]), "page": plain_text(t["line"])}
            | {k: t[k] for k in ("stated_start", "first_year")}
        )
    how = "Hur hållningen bestämdes" if lang == "sv" else "How the stance was settled"
    start = "Start enligt kodningen" if lang == "sv" else "Start as coded"
    first, second, third, last = (
        word(k, lang) for k in ("municipality", "population", "stance", "first_year")
    )
    return Table(
        "treated",
        "Behandlade kommuner enligt planens egna kodare"
        if lang == "sv"
        else "Treated municipalities according to the plan's own coders",
        (first, second, third, how, word("source", lang), start, last),
        tuple(rows),
        _source(r, lang),
        pd.DataFrame(raw),
        frozenset({1, 6}),
        cards=True,
    )


def _groups(r: Results, lang: Lang) -> Table:
    d, sv = r["design"], lang == "sv"
    apart = [a["reason"] for a in r["coding"]["apart"]]
    evidence = evidence_words(r["plan"]["treatment"]["evidence"], lang)
    counts = [
        ("treated", word("n_treated_group", lang).format(evidence=evidence), d["n_treated"]),
        ("weaker", word("n_uncertain_group", lang), d["n_uncertain"]),
        *(
            (
                k,
                f"{'I ingen grupp' if sv else 'In neither group'}: {_said(k, lang)}",
                apart.count(k),
            )
            for k in ("unsettled", "no_start", "too_short")
            if k != "too_short" or k in apart
        ),
        ("not_known", word("n_not_known_group", lang), d["n_not_known_active"]),
        ("all", word("n_all_group", lang), d["n_municipalities"]),
        ("anonymous", word("n_anonymous_group", lang), d["n_anonymous"]),
    ]
    return Table(
        "groups",
        "Kommunerna efter vad kodarna säger" if sv else "The municipalities by what the coders say",
        (word("group", lang), word("count", lang)),
        tuple((label, number(n, lang, 0)) for _, label, n in counts),
        _source(r, lang),
        pd.DataFrame([(key, n) for key, _, n in counts], columns=["group", "count"]),
        frozenset({1}),
    )


def _apart(r: Results, lang: Lang) -> Table:
    apart = r["coding"]["apart"]
    return Table(
        "apart",
        "Kommuner i ingen grupp, och varför" if lang == "sv" else "Municipalities in neither group",
        (word("municipality", lang), word("file_reason", lang)),
        tuple((a["name"], _said(a["reason"], lang)) for a in apart),
        _source(r, lang),
        pd.DataFrame(apart, columns=["code", "name", "reason"]),
    )


def _agreement(r: Results, lang: Lang) -> Table:
    found = r["coding"]["agreement"]
    rows, raw = [], []
    for s in found["statistics"]:
        low, high = s["conf_int"] or (np.nan, np.nan)
        rows.append(
            (
                _said(s["name"], lang),
                literal(" – ".join(s["coders"])),
                "–" if s["value"] is None else number(s["value"], lang),
                "–" if s["conf_int"] is None else interval(low, high, lang),
                number(s["n_municipalities"], lang, 0),
            )
        )
        raw.append(
            {
                "statistic": s["name"],
                "coders": plain_text(" – ".join(s["coders"])),
                "value": s["value"],
                "conf_low": low,
                "conf_high": high,
                "n_units": s["n_units"],
                "n_municipalities": s["n_municipalities"],
                "note": s["note"],
            }
        )
    sv = lang == "sv"
    return Table(
        "agreement",
        "Hur eniga kodarna är" if sv else "How far the coders agree",
        (
            "Mått" if sv else "Measure",
            "Kodare" if sv else "Coders",
            word("value", lang),
            word("interval", lang).format(level=level(1 - found["alpha"], lang)),
            word("n_treated", lang),
        ),
        tuple(rows),
        _source(r, lang),
        pd.DataFrame(raw),
        frozenset({2, 3, 4}),
        cards=True,
    )


def coded_tables(r: Results, lang: Lang) -> list[Table]:
    """Make the tables of «Who is treated» for a plan with coding sheets.

    Parameters
    ----------
    r : mapping
        ``Study.to_dict()`` with its ``coding``.
    lang : {"sv", "en"}
        Language.

    Returns
    -------
    list of Table
        Treated, groups, those in neither, and agreement where there is some.
    """
    tables = [_treated(r, lang), _groups(r, lang)]
    tables += [_apart(r, lang)] if r["coding"]["apart"] else []
    return tables + ([_agreement(r, lang)] if r["coding"]["agreement"] else [])


def _bounds(pair: Sequence[float | None], lang: Lang) -> str:
    low, high = pair
    if low is None and high is None:
        return "allt" if lang == "sv" else "anything"
    return interval(-np.inf if low is None else low, np.inf if high is None else high, lang)


def _raw(name: str, what: str, b: Mapping[str, Any]) -> dict[str, Any]:
    (m_low, m_high), (s_low, s_high) = b["rates"]["false_active"], b["rates"]["hidden_active"]
    return {
        "outcome": name,
        "rates": what,
        "false_active_low": m_low,
        "false_active_high": m_high,
        "hidden_active_low": s_low,
        "hidden_active_high": s_high,
        "estimate": b["estimate"],
        "point_low": b["point"][0],
        "point_high": b["point"][1],
        "conf_low": b["conf_int"][0],
        "conf_high": b["conf_int"][1],
        "alpha": b["alpha"],
    }


def miscoding_tables(r: Results, lang: Lang) -> list[Table]:
    """Make the tables of the effects that the headlines stand for if the coding is wrong.

    Parameters
    ----------
    r : mapping
        ``Study.to_dict()``.
    lang : {"sv", "en"}
        Language.

    Returns
    -------
    list of Table
        What if, and with the rates of the plan or its coders where there are some.
    """
    sv = lang == "sv"
    first = next(iter(r["miscoding"].values()))["what_if"]
    shares = list(dict.fromkeys(b["rates"]["hidden_active"][1] for b in first))
    rows, raw = [], []
    for name, found in r["miscoding"].items():
        label = r["indicators"][name][f"label_{lang}"]
        by = {
            (b["rates"]["false_active"][1], b["rates"]["hidden_active"][1]): b
            for b in found["what_if"]
        }
        rows += [
            (label, per_cent(m, lang), *(_bounds(by[m, s]["conf_int"], lang) for s in shares))
            for m in shares
        ]
        raw += [_raw(name, "what_if", b) for b in found["what_if"]]
    head = "Dolt aktiva högst" if sv else "Hidden active at most"
    tables = [
        Table(
            "miscoding",
            f"Vad effekten kan vara om kodningen är fel: {level(1 - first[0]['alpha'], lang)} "
            "intervall efter hur många som kan vara felkodade"
            if sv
            else f"What the effect can be if the coding is wrong: "
            f"{level(1 - first[0]['alpha'], lang)} intervals by how many may be miscoded",
            (
                word("outcome", lang),
                "Felaktigt aktiva högst" if sv else "Wrongly active at most",
                *(f"{head} {per_cent(s, lang)}" for s in shares),
            ),
            tuple(rows),
            own_work(all_sources(r), lang),
            pd.DataFrame(raw),
            frozenset(range(1, 2 + len(shares))),
            cards=True,
        )
    ]
    coded = {k: m["coded"] for k, m in r["miscoding"].items() if m["coded"]}
    if coded:
        tables.append(_with_rates(r, coded, lang))
    return tables


def _with_rates(r: Results, coded: Mapping[str, Mapping[str, Any]], lang: Lang) -> Table:
    sv = lang == "sv"
    one = next(iter(coded.values()))
    stated = r["plan"]["treatment"]["coding"]["miscoding"] is not None
    whose = (
        ("som planen anger" if sv else "that the plan states")
        if stated
        else ("som kodarnas oenighet tillåter" if sv else "that the coders' disagreement allows")
    )
    interval_head = word("interval", lang).format(level=level(1 - one["alpha"], lang))
    rows = [
        (
            r["indicators"][k][f"label_{lang}"],
            number(b["estimate"], lang),
            *(
                f"{number(100 * low, lang, 0)}–{per_cent(high, lang)}"
                for low, high in (b["rates"]["false_active"], b["rates"]["hidden_active"])
            ),
            _bounds(b["conf_int"], lang),
        )
        for k, b in coded.items()
    ]
    return Table(
        "miscoding_coders",
        f"Effekten med de fel i kodningen {whose}"
        if sv
        else f"The effect with the errors of the coding {whose}",
        (
            word("outcome", lang),
            word("estimate", lang),
            "Felaktigt aktiva" if sv else "Wrongly active",
            "Dolt aktiva" if sv else "Hidden active",
            f"{interval_head}{' för effekten' if sv else ' of the effect'}",
        ),
        tuple(rows),
        own_work(all_sources(r), lang),
        pd.DataFrame([_raw(k, b["rates"]["source"], b) for k, b in coded.items()]),
        frozenset({1, 2, 3, 4}),
        cards=True,
    )


def settled_sentence(r: Results, lang: Lang) -> str:
    """Say how many disagreements on who is active there are, and how many lack a decision.

    Parameters
    ----------
    r : mapping
        ``Study.to_dict()`` with its ``coding``.
    lang : {"sv", "en"}
        Language.

    Returns
    -------
    str
        One or two sentences.
    """
    c = r["coding"]["calls"]
    both = c["both_active"] + c["both_not"] + c["n_split"]
    if not both:
        return (
            "Ingen kommun är kodad av mer än en kodare; hur eniga kodare är går inte att säga."
            if lang == "sv"
            else "No municipality was coded by more than one coder; how far coders agree cannot be "
            "told."
        )
    share = c["open_share"]
    n, open_ = c["n_split"], c["split_open"]
    if n == 1:
        left = ("saknar", "lacks") if open_ else ("har", "has")
        about_sv = f"en av dem är aktiv; den oenigheten {left[0]} avgörande."
        about_en = f"one of them is active; that disagreement {left[1]} a decision."
    else:
        about_sv = f"{n} av dem är aktiva" + (
            "." if share is None else f"; av oenigheterna saknar {per_cent(share, 'sv')} avgörande."
        )
        about_en = f"{n} of them are active" + (
            "." if share is None else f"; {per_cent(share, 'en')} of these lack a decision."
        )
    some_sv, some_en = ("kommun", "municipality") if both == 1 else ("kommuner", "municipalities")
    sv = f"Minst två har kodat {both} {some_sv} och är oeniga om huruvida {about_sv}"
    en = f"At least two have coded {both} {some_en} and disagree on whether {about_en}"
    if not n:
        sv = f"Minst två har kodat {both} {some_sv} och är eniga om vilka av dem som är aktiva."
        en = f"At least two have coded {both} {some_en} and agree on which of them are active."
    return sv if lang == "sv" else en


def miscoding_sentences(r: Results, lang: Lang) -> list[str]:
    """Say, outcome by outcome, what the effect can be with a tenth miscoded on both sides.

    Parameters
    ----------
    r : mapping
        ``Study.to_dict()``.
    lang : {"sv", "en"}
        Language.

    Returns
    -------
    list of str
        One sentence per outcome with an interval.
    """
    texts = []
    for name, found in r["miscoding"].items():
        b = next(x for x in found["what_if"] if x["rates"]["factor"][0] == 0.8)
        if None in b["conf_int"]:
            continue
        i = r["indicators"][name]
        share = per_cent(b["rates"]["false_active"][1], lang)
        bounds, own = (interval(low, high, lang) for low, high in (b["conf_int"], b["interval"]))
        texts.append(
            f"{i['definite_sv'][:1].upper()}{i['definite_sv'][1:]}: är högst {share} av de aktiva "
            f"och högst {share} av jämförelsegruppen felkodade, går intervallet för effekten från "
            f"{bounds} {i['change_sv']}, i stället för {own}."
            if lang == "sv"
            else f"{i['label_en'][:1].upper()}{i['label_en'][1:]}: if at most {share} of the "
            f"active and at most {share} of the comparison group are miscoded, the interval of the "
            f"effect is {bounds} {i['change_en']} instead of {own}."
        )
    return texts
