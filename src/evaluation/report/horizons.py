"""The horizons, doses, subgroups and estimator families in the report: tables and sentences."""

from __future__ import annotations

from typing import Any

import pandas as pd

from evaluation.language import Lang, listed
from evaluation.questions.horizons.names import group_label, part_name
from evaluation.questions.horizons.subgroups import FEW
from evaluation.questions.horizons.words import horizon_name
from evaluation.report.figure import capital
from evaluation.report.table import (
    Results,
    Table,
    estimate_cells,
    headings,
    literal,
    p_cell,
    plain_text,
    raw_row,
    value_cell,
)
from evaluation.report.words import own_work, place_name

__all__ = ["horizon_tables", "horizon_text"]


def _name(key: str, lang: Lang) -> str:
    """Name a division, a family or a row; a column of the plan's own file may hold anything."""
    return literal(part_name(key, lang))


def _label(by: str, label: str, lang: Lang) -> str:
    """Name a subgroup."""
    name = group_label(by, label, lang)
    # our own names hold narrow spaces, which a stranger's text may not keep
    return name if by in ("size", "stance") else literal(name)


def _duration(r: Results, name: str, lang: Lang) -> Table:
    sv = lang == "sv"
    found = r["outcomes"][name]["horizons"]
    d, truth = found["duration"], found["truth"]["horizons"] if "truth" in found else None
    rows, raw = [], []
    for h in d["horizons"]:
        e = h["estimate"]
        cells = estimate_cells(e, lang) if e else ("–",) * 3
        same = h["balanced"]
        rows.append(
            (
                capital(horizon_name(h["key"], lang)),
                str(len(h["codes"])),
                str(h["n_years"]),
                *cells,
                p_cell(h["p_adjusted"], lang),
                value_cell(same["estimate"] if same else None, lang),
                *((value_cell(truth[h["key"]], lang),) if truth else ()),
            )
        )
        raw.append(
            {"horizon": h["key"], "first": h["first"], "last": h["last"]}
            | {"n_treated": len(h["codes"]), "n_years": h["n_years"]}
            | raw_row(e)
            | {"p_adjusted": h["p_adjusted"], "balanced": same["estimate"] if same else None}
            | ({"truth": truth[h["key"]]} if truth else {})
        )
    e = d["difference"]
    if e:
        late = capital(horizon_name(d["late"], lang))
        early = horizon_name("short", lang)
        rows.append(
            (
                part_name("difference", lang).format(late=late, early=early),
                str(e["n_treated_units"]),
                "–",
                *estimate_cells(e, lang),
                "–",
                value_cell(e["estimate"], lang),
                *((value_cell(truth["difference"], lang),) if truth else ()),
            )
        )
        raw.append(
            {"horizon": "difference", "n_treated": e["n_treated_units"]}
            | raw_row(e)
            | {"balanced": e["estimate"]}
            | ({"truth": truth["difference"]} if truth else {})
        )
    label = r["indicators"][name][f"label_{lang}"]
    keys = ("n_treated", "municipality_years", "estimate", "interval", "p")
    years = "Kommunår" if sv else "Municipality-years"
    heads = tuple(years if k == "municipality_years" else headings((k,), r, lang)[0] for k in keys)
    last = ("p, justerat", "Samma kommuner") if sv else ("p, adjusted", "Same municipalities")
    real = headings(("truth",), r, lang) if truth else ()
    return Table(
        f"horizons_{name}",
        f"Effekten efter tid sedan start, {label}; tal i {r['indicators'][name]['change_sv']}"
        if sv
        else f"The effect by time since the start, {label}; in "
        f"{r['indicators'][name]['change_en']}",
        ("Horisont" if sv else "Horizon", *heads, *last, *real),
        tuple(rows),
        own_work(r["indicators"][name]["source"], lang),
        pd.DataFrame(raw),
        frozenset(range(1, 9 if truth else 8)),
        cards=True,
    )


def _exposure(r: Results, name: str, lang: Lang) -> list[Table]:
    h = r["outcomes"][name]["horizons"]
    found, truth = h["exposure"], h["truth"]["exposure"] if "truth" in h else None
    if found is None:
        return []
    sv = lang == "sv"
    parts = (
        ("partial", found["partial"], found["partial_years"], "partial"),
        ("full", found["full"], found["full_years"], "full"),
        ("full_minus_partial", found["difference"], None, "difference"),
    )
    rows = [
        (
            _name(k, lang),
            "–" if n is None else str(n),
            *estimate_cells(e, lang),
            *((value_cell(truth[t], lang),) if truth else ()),
        )
        for k, e, n, t in parts
    ]
    label = r["indicators"][name][f"label_{lang}"]
    n = len(found["codes"])
    return [
        Table(
            f"exposure_{name}",
            f"Effekten i delvis och fullt exponerade år, {label} ({n} "
            f"{'kommun' if n == 1 else 'kommuner'})"
            if sv
            else f"The effect in partly and fully exposed years, {label} ({n} "
            f"{'municipality' if n == 1 else 'municipalities'})",
            (
                "Exponering" if sv else "Exposure",
                "Kommunår" if sv else "Municipality-years",
                *headings(("estimate", "interval", "p", *(("truth",) if truth else ())), r, lang),
            ),
            tuple(rows),
            own_work(r["indicators"][name]["source"], lang),
            pd.DataFrame(
                [
                    {"exposure": k, "n_years": n}
                    | raw_row(e)
                    | ({"truth": truth[t]} if truth else {})
                    for k, e, n, t in parts
                ]
            ),
            frozenset(range(1, 6 if truth else 5)),
        )
    ]


def _subgroups(r: Results, name: str, lang: Lang) -> list[Table]:
    divided = [s for s in r["outcomes"][name]["horizons"]["subgroups"] if s["groups"]]
    if not divided:
        return []
    sv = lang == "sv"
    truth = r["outcomes"][name]["horizons"].get("truth", {}).get("subgroups")
    rows, raw = [], []
    for s in divided:
        for g in s["groups"]:
            rows.append(
                (
                    _name(s["by"], lang),
                    _label(s["by"], g["label"], lang),
                    str(len(g["codes"])),
                    *estimate_cells(g["estimate"], lang)[:2],
                    p_cell(g["p_adjusted"], lang),
                    *estimate_cells(g["difference"], lang)[:2],
                    p_cell(g["difference_p_adjusted"], lang),
                )
            )
            raw.append(
                {"by": plain_text(s["by"]), "group": plain_text(g["label"])}
                | {"n_treated": len(g["codes"]), "n_years": g["n_years"]}
                | raw_row(g["estimate"])
                | {"p_adjusted": g["p_adjusted"]}
                | ({"truth": truth[s["by"]][g["label"]]} if truth else {})
                | {f"difference_{k}": v for k, v in raw_row(g["difference"]).items()}
                | {"difference_p_adjusted": g["difference_p_adjusted"]}
            )
    label = r["indicators"][name][f"label_{lang}"]
    estimate, interval = headings(("estimate", "interval"), r, lang)
    own = ("Indelning", "Grupp", "Kommuner") if sv else ("Division", "Group", "Municipalities")
    p = "p, justerat" if sv else "p, adjusted"
    less = "Minus övriga behandlade" if sv else "Less the other treated"
    heads = (*own, estimate, interval, p, less, interval, p)
    return [
        Table(
            f"subgroups_{name}",
            f"Effekten efter slag av kommun, {label}"
            if sv
            else f"The effect by kind of municipality, {label}",
            heads,
            tuple(rows),
            own_work(r["indicators"][name]["source"], lang),
            pd.DataFrame(raw),
            frozenset(range(2, 9)),
            cards=True,
        )
    ]


def _families(r: Results, name: str, lang: Lang) -> Table:
    sv = lang == "sv"
    found = r["outcomes"][name]["horizons"]["families"]
    keys = ("short", "middle", "long")
    label = r["indicators"][name][f"label_{lang}"]
    return Table(
        f"families_{name}",
        f"Samma horisonter med andra skattare, bara punktskattningar, {label}"
        if sv
        else f"The same horizons by other estimators, points only, {label}",
        ("Skattare" if sv else "Estimator", *(capital(horizon_name(k, lang)) for k in keys)),
        tuple(
            (_name(f["key"], lang), *(value_cell(f["points"][k], lang) for k in keys))
            for f in found
        ),
        own_work(r["indicators"][name]["source"], lang),
        pd.DataFrame([{"family": f["key"]} | f["points"] | {"reason": f["reason"]} for f in found]),
        frozenset({1, 2, 3}),
    )


def horizon_tables(r: Results, name: str, lang: Lang) -> list[Table]:
    """Make one outcome's tables of horizons, doses, subgroups and families."""
    return [
        _duration(r, name, lang),
        *_exposure(r, name, lang),
        *_subgroups(r, name, lang),
        _families(r, name, lang),
    ]


def _alike(r: Results, h: dict[str, Any], lang: Lang) -> str:
    """Say by what the treated do not differ, and which groups are too few to judge."""
    sv = lang == "sv"
    parts = []
    same = [s for s in h["subgroups"] if not s["groups"]]
    if same:
        told = listed(
            [f"{_name(s['by'], lang).lower()} ({_label(s['by'], s['only'], lang)})" for s in same],
            lang,
        )
        parts.append(
            f"Alla behandlade är lika i fråga om {told}."
            if sv
            else f"All treated are alike in {told}."
        )
    few: dict[tuple[str, ...], None] = {}
    for s in h["subgroups"]:
        few |= {tuple(g["codes"]): None for g in s["groups"] if len(g["codes"]) <= FEW}
    total = sum(len(s["groups"]) for s in h["subgroups"])
    small = sum(len(g["codes"]) <= FEW for s in h["subgroups"] for g in s["groups"])
    if small:
        named = listed([" + ".join(place_name(r, c) for c in codes) for codes in few], lang)
        tail = f" ({named})" if len(few) <= 2 * FEW else ""
        parts.append(
            f"{small} av {total} grupper består av högst {FEW} kommuner{tail}: där går en effekt "
            "inte att skilja från det som annars hände i just dem."
            if sv
            else f"{small} of {total} groups hold at most {FEW} municipalities{tail}: there an "
            "effect cannot be told from whatever else happened in just these."
        )
    return " ".join(parts)


def horizon_text(r: Results, name: str, lang: Lang) -> dict[str, str]:
    """Return the sentences beside the tables: on subgroups, and on families left out."""
    h = r["outcomes"][name]["horizons"]
    sv = lang == "sv"
    out = [f for f in h["families"] if f["reason"]]
    told = ""
    if out:
        names = listed([_name(f["key"], lang) for f in out], lang)
        told = (
            f"Går inte att räkna här: {names}; skälen står i tabellfilen."
            if sv
            else f"Cannot be computed here: {names}; the reasons stand in the table file."
        )
    return {
        "subgroups": _alike(r, h, lang),
        "families": told,
        "exposure": "yes" if h["exposure"] else "",
        "divided": "yes" if any(s["groups"] for s in h["subgroups"]) else "",
    }
