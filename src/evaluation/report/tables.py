"""Tables of the report, made from the results' plain types: formatted for people, raw as CSV."""

from __future__ import annotations

import pandas as pd

from evaluation.data import embedded
from evaluation.language import Lang, interval, number, per_cent
from evaluation.report.against import against_tables
from evaluation.report.coding_tables import coded_tables, miscoding_tables
from evaluation.report.costs_section import costs_tables
from evaluation.report.gender import gender_tables
from evaluation.report.growth import growth_tables
from evaluation.report.horizons import horizon_tables
from evaluation.report.model_tables import model_groups
from evaluation.report.outcome_tables import checks_table, outcome_tables
from evaluation.report.retention_section import retention_tables
from evaluation.report.simulated import mark_table, truth_table
from evaluation.report.table import (
    Results,
    Table,
    estimate_cells,
    headings,
    raw_row,
    value_cell,
)
from evaluation.report.words import (
    all_sources,
    evidence_words,
    is_simulated,
    own_work,
    start_text,
    word,
)

__all__ = ["Table", "make_tables"]

DOCUMENTS = ", ".join(embedded.DOCUMENTS)


def _simulated_treated(r: Results, lang: Lang) -> Table:
    rows = tuple(
        (t["name"], number(t["population"], lang, 0), t["stated_start"], str(t["first_year"]))
        for t in r["design"]["treated"]
    )
    return Table(
        "treated",
        "Behandlade kommuner i den simulerade kodningen"
        if lang == "sv"
        else "Treated municipalities in the simulated coding",
        tuple(word(k, lang) for k in ("municipality", "population", "start_coded", "first_year")),
        rows,
        own_work(r["origin"][f"citation_{lang}"], lang),
        pd.DataFrame(
            [
                {k: t[k] for k in ("code", "name", "population", "stated_start", "first_year")}
                for t in r["design"]["treated"]
            ]
        ),
        frozenset({1, 3}),
    )


def _treated(r: Results, lang: Lang) -> Table:
    rows, raw = [], []
    for t in r["design"]["treated"]:
        line = word("line", lang)
        start = start_text(t["stated_start"], lang) if not t["assumed"] else word("not_dated", lang)
        rows.append(
            (
                t["name"],
                number(t["population"], lang, 0),
                # a county has no stance
                f"{word(t['stance'], lang)} ({word(t['strength'], lang)})" if t["stance"] else "–",
                f"{t['document'].split(';')[0]}, {line} {t['line']}" if t["document"] else "–",
                f"{start} ({t['start_document']}, {line} {t['start_line']})",
                str(t["first_year"]),
            )
        )
        raw.append(t | {"neighbours": "–".join(map(str, t["neighbours"]))})
    keys = ("municipality", "population", "stance", "where", "start", "first_year")
    return Table(
        "treated",
        "Behandlade kommuner: sedan när och på vilken evidens"
        if lang == "sv"
        else "Treated municipalities: since when and on what evidence",
        tuple(word(k, lang) for k in keys),
        tuple(rows),
        own_work(
            f"{'dokumenten' if lang == 'sv' else 'the documents'} {DOCUMENTS}; "
            + r["data"]["municipalities"][f"source_{lang}"],
            lang,
        ),
        pd.DataFrame(raw),
        frozenset({1, 5}),
        cards=True,
    )


def _groups(r: Results, lang: Lang) -> Table:
    d = r["design"]
    evidence = r["plan"]["treatment"]["evidence"]
    counts = [
        ("n_treated_group", d["n_treated"]),
        ("n_uncertain_group", d["n_uncertain"]),
        ("n_not_known_group", d["n_not_known_active"]),
        ("n_all_group", d["n_municipalities"]),
        ("n_anonymous_group", d["n_anonymous"]),
    ]
    return Table(
        "groups",
        "Kommunerna efter vad dokumenten säger"
        if lang == "sv"
        else "The municipalities by what the documents say",
        (word("group", lang), word("count", lang)),
        tuple(
            (word(k, lang).format(evidence=evidence_words(evidence, lang)), number(n, lang, 0))
            for k, n in counts
        ),
        own_work(f"{'dokumenten' if lang == 'sv' else 'the documents'} {DOCUMENTS}", lang),
        pd.DataFrame(counts, columns=["group", "count"]),
        frozenset({1}),
    )


def _matched_sets(r: Results, lang: Lang) -> Table:
    names = {t["code"]: t["name"] for t in r["design"]["treated"]}
    rows, raw = [], []
    for outcome, o in r["outcomes"].items():
        for c, m in o["matched_sets"].items():
            raw.append({"outcome": outcome, "code": c, "sized_by": o["sized_by"]} | m)
    first, o = next(iter(r["outcomes"].items()))
    for c, m in o["matched_sets"].items():
        cells = (m["size"], m["donors"], m["smallest"], m["largest"])
        rows.append((names[c], *(number(x, lang, 0) for x in cells)))
    by = word(f"by_{o['sized_by']}", lang)
    alike = all(x["matched_sets"] == o["matched_sets"] for x in r["outcomes"].values())
    only = "" if alike else f" ({r['indicators'][first][f'label_{lang}']})"
    return Table(
        "matched_sets",
        f"De behandlade kommunernas jämförelsekommuner i permutationen, efter {by}{only}"
        if lang == "sv"
        else "The treated municipalities' comparison municipalities in the permutation, "
        f"by {by}{only}",
        tuple(word(k, lang) for k in ("municipality", "own_size", "donors", "smallest", "largest")),
        tuple(rows),
        own_work(
            r["data"]["municipalities"][f"source_{lang}"]
            if o["sized_by"] == "population"
            else r["origin"][f"citation_{lang}"],
            lang,
        ),
        pd.DataFrame(raw),
        frozenset({1, 2, 3, 4}),
        cards=True,
    )


def _case(r: Results, lang: Lang) -> Table:
    c = r["case"]
    label = r["indicators"][c["indicator"]][f"label_{lang}"]
    estimates = c["finding"]["estimates"]
    years = {"rise": str(c["peak_year"])}
    last = str(c["synthetic_control"]["rows"][-1]["time"])
    years |= {"change": f"{years['rise']}–{last}", "last": last}
    return Table(
        "case",
        f"{c['name']} mot sin syntetiska kommun, {label}"
        if lang == "sv"
        else f"{c['name']} against its synthetic municipality, {label}",
        headings(("quantity", "year", "estimate", "interval", "p"), r, lang),
        tuple(
            (
                word(k, lang),
                years[k],
                *estimate_cells(e, lang),
            )
            for k, e in estimates.items()
        ),
        own_work(r["indicators"][c["indicator"]]["source"], lang),
        pd.DataFrame([{"key": k, "years": years[k]} | raw_row(e) for k, e in estimates.items()]),
        frozenset({2, 3, 4}),
    )


def _case_path(r: Results, lang: Lang) -> Table:
    c = r["case"]
    rows = c["synthetic_control"]["rows"]
    keys = ("actual", "synthetic", "gap")
    return Table(
        "case_path",
        f"{c['name']}: utveckling år för år" if lang == "sv" else f"{c['name']}: year by year",
        (word("year", lang), *(word(k, lang) for k in keys), word("placebo_range", lang)),
        tuple(
            (
                str(x["time"]),
                *(value_cell(x[k], lang) for k in keys),
                interval(x["placebo_low"], x["placebo_high"], lang),
            )
            for x in rows
        ),
        own_work(r["indicators"][c["indicator"]]["source"], lang),
        pd.DataFrame(rows),
        frozenset(range(5)),
    )


def _hidden(r: Results, lang: Lang) -> Table:
    sv = lang == "sv"
    rows, raw = [], []
    for name, o in r["outcomes"].items():
        h = o["hidden_active"]

        def cell(share: float | None, count: int | None, total: int = h["n_controls"]) -> str:
            if share is None:
                return "vid ingen andel" if sv else "at no share"
            if count == 0:
                return "ej signifikant från början" if sv else "not significant to begin with"
            return f"{per_cent(share, lang, 1)} ({count} {'av' if sv else 'of'} {total})"

        rows.append(
            (
                r["indicators"][name][f"label_{lang}"],
                cell(h["sign_share"], h["sign_lost_at"]),
                cell(h["significance_share"], h["significance_lost_at"]),
            )
        )
        raw.append({"outcome": name} | {k: v for k, v in h.items() if k != "curve"})
    return Table(
        "hidden_active",
        "Andel av jämförelsegruppen som i värsta fall måste vara aktiv för att resultatet ska falla"
        if sv
        else "Share of the comparison group that must be active, at worst, to undo the result",
        (
            "Utfall" if sv else "Outcome",
            "Tecknet vänds vid" if sv else "The sign turns at",
            "Signifikansen förloras vid" if sv else "Significance is lost at",
        ),
        tuple(rows),
        own_work(all_sources(r), lang),
        pd.DataFrame(raw),
        cards=True,
    )


def _context(r: Results, i: int, lang: Lang) -> Table:
    s = r["context"][i]
    codes = [k for k in s["rows"][0] if k != "time"]
    names = r["places"] | {"0000": word("nation", lang)}
    return Table(
        f"context_{s['name']}",
        s[f"label_{lang}"],
        (word("year", lang), *(names[c] for c in codes)),
        tuple((str(x["time"]), *(value_cell(x[c], lang, 1) for c in codes)) for x in s["rows"]),
        f"Källa: {s['source']}." if lang == "sv" else f"Source: {s['source']}.",
        pd.DataFrame(s["rows"]),
        frozenset(range(len(codes) + 1)),
    )


def _data(r: Results, lang: Lang) -> Table:
    return Table(
        "data",
        "Datamängder" if lang == "sv" else "Data sets",
        (*tuple(word(k, lang) for k in ("data_set", "source", "licence")), "SHA-256"),
        tuple(
            (
                d[f"title_{lang}"],
                d[f"source_{lang}"],
                d[f"licence_{lang}"],
                f"{d['sha256'][:12]}…",
            )
            for d in r["data"].values()
        ),
        own_work("SCB; Kolada; dokumenten" if lang == "sv" else "SCB; Kolada; the documents", lang),
        pd.DataFrame([{"name": k} | d for k, d in r["data"].items()]),
        cards=True,
    )


def make_tables(results: Results, lang: Lang) -> dict[str, Table]:
    """Make every table of the report.

    Parameters
    ----------
    results : mapping
        ``Study.to_dict()``, or ``results.json`` read back.
    lang : {"sv", "en"}
        Language of headings and numbers; the raw content is the same in both.

    Returns
    -------
    dict of str to Table
        By key.
    """
    if is_simulated(results):
        tables = [_simulated_treated(results, lang)]
    elif results["coding"]:
        tables = coded_tables(results, lang)
    else:
        groups = model_groups if "model" in results["design"] else _groups
        tables = [_treated(results, lang), groups(results, lang)]
    tables.append(_matched_sets(results, lang))
    tables += against_tables(results, lang)
    for name in results["outcomes"]:
        tables += outcome_tables(results, name, lang)
        tables += horizon_tables(results, name, lang)
    tables += gender_tables(results, lang)
    tables += [_hidden(results, lang), *miscoding_tables(results, lang)]
    tables += retention_tables(results, lang)
    tables += costs_tables(results, lang)
    if results["case"]:
        case = results["case"]
        source = results["indicators"][case["indicator"]]["source"]
        tables += [
            _case(results, lang),
            _case_path(results, lang),
            checks_table(results, "case", case["finding"]["checks"], source, lang),
            *growth_tables(results, lang),
        ]
    tables += [_context(results, i, lang) for i in range(len(results["context"]))]
    tables.append(_data(results, lang))
    if is_simulated(results):
        tables = [mark_table(t, lang) for t in (*tables, truth_table(results, lang))]
    return {t.key: t for t in tables}
