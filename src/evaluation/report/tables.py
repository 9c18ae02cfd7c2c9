"""Tables of the report, made from the results' plain types: formatted for people, raw as CSV."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from evaluation.data import embedded
from evaluation.language import Lang, interval, level, number, per_cent
from evaluation.report.words import evidence_words, own_work, start_text, word

__all__ = ["Table", "make_tables"]

Results = Mapping[str, Any]
DOCUMENTS = ", ".join(embedded.DOCUMENTS)


@dataclass(frozen=True)
class Table:
    """One table.

    Parameters
    ----------
    key : str
        File name of the CSV, without ending.
    title : str
        Caption.
    header : tuple of str
        Column headings.
    rows : tuple of tuple of str
        Cells, formatted.
    source : str
        The source line.
    raw : pandas.DataFrame
        The same content unrounded, for the CSV.
    numeric : frozenset of int
        Columns to be set flush right.
    cards : bool
        Whether a narrow screen shows each row as a card, because it has too many columns
        or long texts.
    """

    key: str
    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    source: str
    raw: pd.DataFrame = field(repr=False)
    numeric: frozenset[int] = frozenset()
    cards: bool = False

    def markdown(self) -> str:
        """Return the table as a pipe table whose column widths follow the content."""
        rows = [
            tuple(
                # a number or an interval must not break over two lines
                c.replace(" ", "\u00a0") if i in self.numeric else c
                for i, c in enumerate(row)
            )
            for row in self.rows
        ]
        cells = [self.header, *rows]
        dashes = []
        for i in range(len(self.header)):
            column = [row[i] for row in cells]
            word = max(len(w) for text in column for w in (text.split(" ") or [""]))
            rest = max(len(text) for text in column) - word
            width = word + 3 + min(rest, 40) // 2
            dashes.append("-" * (width - 1) + ":" if i in self.numeric else ":" + "-" * (width - 1))
        lines = ["| " + " | ".join(c.replace("|", "\\|") for c in row) + " |" for row in cells]
        return "\n".join([lines[0], f"|{'|'.join(dashes)}|", *lines[1:]])


def _f(value: float | None, lang: Lang, decimals: int = 2) -> str:
    return "–" if value is None else number(value, lang, decimals)


def _interval(bounds: list[float | None], lang: Lang) -> str:
    low, high = bounds
    return interval(
        float("-inf") if low is None else low, float("inf") if high is None else high, lang
    )


def _p(value: float | None, lang: Lang) -> str:
    if value is None:
        return "–"
    return f"< {number(0.001, lang, 3)}" if value < 0.001 else number(value, lang, 3)


def _flat(e: Mapping[str, Any] | None) -> dict[str, Any]:
    if e is None:
        return {}
    return {
        "estimate": e["estimate"],
        "std_error": e["std_error"],
        "p_value": e["p_value"],
        "conf_low": e["conf_int"][0],
        "conf_high": e["conf_int"][1],
        "estimand": e["estimand"],
        "method": e["method"],
        "inference": e["inference"],
    }


def _head(keys: tuple[str, ...], r: Results, lang: Lang) -> tuple[str, ...]:
    shown = level(1 - r["plan"]["estimation"]["alpha"], lang)
    return tuple(word(k, lang).format(level=shown) for k in keys)


def _treated(r: Results, lang: Lang) -> Table:
    rows, raw = [], []
    for t in r["design"]["treated"]:
        line = word("line", lang)
        start = start_text(t["stated_start"], lang) if not t["assumed"] else word("not_dated", lang)
        rows.append(
            (
                t["name"],
                number(t["population"], lang, 0),
                f"{word(t['stance'], lang)} ({word(t['strength'], lang)})",
                f"{t['document'].split(';')[0]}, {line} {t['line']}",
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


def _estimates(r: Results, name: str, lang: Lang) -> Table:
    o = r["outcomes"][name]
    rows, raw = [], []
    for key, e in o["finding"]["estimates"].items():
        estimand = "twfe_estimand" if e["estimand"] == "twfe" else e["estimand"]
        rows.append(
            (
                word(key, lang),
                word(estimand, lang),
                _f(e["estimate"], lang),
                _interval(e["conf_int"], lang),
                _p(e["p_value"], lang),
            )
        )
        raw.append({"key": key} | _flat(e) | {"small_sample": e["small_sample"]})
    label = r["indicators"][name][f"label_{lang}"]
    unit = r["indicators"][name][f"change_{lang}"]
    return Table(
        f"estimates_{name}",
        f"Skattningar, {label} ({unit})" if lang == "sv" else f"Estimates, {label} ({unit})",
        _head(("method", "estimand", "estimate", "interval", "p"), r, lang),
        tuple(rows),
        own_work(r["indicators"][name]["source"], lang),
        pd.DataFrame(raw),
        frozenset({2, 3, 4}),
        cards=True,
    )


def _names(r: Results) -> dict[str, str]:
    return {t["code"]: t["name"] for t in r["design"]["treated"]}


def _per_unit(r: Results, name: str, lang: Lang) -> Table:
    names = _names(r)
    units = r["outcomes"][name]["per_unit"]
    sets = r["outcomes"][name]["matched_sets"]
    label = r["indicators"][name][f"label_{lang}"]
    return Table(
        f"per_municipality_{name}",
        f"Varje behandlad kommun för sig, {label}"
        if lang == "sv"
        else f"Each treated municipality on its own, {label}",
        _head(("municipality", "estimate", "interval", "p"), r, lang),
        tuple(
            (
                names[c],
                _f(e["estimate"], lang),
                _interval(e["conf_int"], lang),
                _p(e["p_value"], lang),
            )
            for c, e in units.items()
        ),
        own_work(r["indicators"][name]["source"], lang),
        pd.DataFrame(
            [{"code": c, "name": names[c]} | _flat(e) | sets[c] for c, e in units.items()]
        ),
        frozenset({1, 2, 3}),
    )


def _neighbours(r: Results, name: str, lang: Lang) -> Table:
    rows, raw = [], []
    last = r["outcomes"][name]["paths"][-1]["time"]
    for n in r["outcomes"][name]["neighbours"]:
        e = n["result"]
        year = f"{n['year']} ({word('chosen', lang)})" if n["chosen"] else str(n["year"])
        reason = "after_the_data" if n["year"] > last else "no_pre_period"
        rows.append(
            (n["name"], f"{n['year']}: {word(reason, lang)}", "–", "–", "–")
            if e is None
            else (
                n["name"],
                year,
                _f(e["estimate"], lang),
                _interval(e["conf_int"], lang),
                _p(e["p_value"], lang),
            )
        )
        raw.append({k: n[k] for k in ("code", "name", "year", "chosen")} | _flat(e))
    label = r["indicators"][name][f"label_{lang}"]
    return Table(
        f"neighbour_years_{name}",
        f"Huvudresultatet med en kommuns startår flyttat, {label}"
        if lang == "sv"
        else f"The headline with one municipality's start year moved, {label}",
        _head(("municipality", "first_year", "estimate", "interval", "p"), r, lang),
        tuple(rows),
        own_work(r["indicators"][name]["source"], lang),
        pd.DataFrame(raw),
        frozenset({2, 3, 4}),
    )


def _leave_one_out(r: Results, name: str, lang: Lang) -> Table:
    names = _names(r)
    left = r["outcomes"][name]["leave_one_out"]
    label = r["indicators"][name][f"label_{lang}"]
    return Table(
        f"leave_one_out_{name}",
        f"Huvudresultatet utan en behandlad kommun i taget, {label}"
        if lang == "sv"
        else f"The headline without one treated municipality at a time, {label}",
        _head(("left_out", "estimate", "interval", "p"), r, lang),
        tuple(
            (
                names[c],
                _f(e["estimate"], lang),
                _interval(e["conf_int"], lang),
                _p(e["p_value"], lang),
            )
            for c, e in left.items()
        ),
        own_work(r["indicators"][name]["source"], lang),
        pd.DataFrame([{"code": c, "name": names[c]} | _flat(e) for c, e in left.items()]),
        frozenset({1, 2, 3}),
    )


def _matched_sets(r: Results, lang: Lang) -> Table:
    own = {t["code"]: t for t in r["design"]["treated"]}
    rows, raw = [], []
    for name, o in r["outcomes"].items():
        for c, m in o["matched_sets"].items():
            raw.append({"outcome": name, "code": c, "population": own[c]["population"]} | m)
    first = next(iter(r["outcomes"].values()))["matched_sets"]
    for c, m in first.items():
        cells = (own[c]["population"], m["donors"], m["smallest"], m["largest"])
        rows.append((own[c]["name"], *(number(x, lang, 0) for x in cells)))
    return Table(
        "matched_sets",
        "De behandlade kommunernas jämförelser i permutationen, efter folkmängd"
        if lang == "sv"
        else "The treated municipalities' donors in the permutation, by population",
        tuple(word(k, lang) for k in ("municipality", "own_size", "donors", "smallest", "largest")),
        tuple(rows),
        own_work(r["data"]["municipalities"][f"source_{lang}"], lang),
        pd.DataFrame(raw),
        frozenset({1, 2, 3, 4}),
    )


def _events(r: Results, name: str, lang: Lang) -> Table:
    o = r["outcomes"][name]
    rows, raw = [], []
    for e in o["event_study"]["rows"]:
        around = o["event_envelope"].get(str(e["event_time"]))
        rows.append(
            (
                number(e["event_time"], lang, 0),
                str(e["n_treated"]),
                _f(e["estimate"], lang),
                interval(around["low"], around["high"], lang) if around else "–",
                interval(e["conf_low"], e["conf_high"], lang),
                interval(e["band_low"], e["band_high"], lang),
            )
        )
        raw.append(
            e
            | {
                "placebo_low": around["low"] if around else None,
                "placebo_high": around["high"] if around else None,
            }
        )
    label = r["indicators"][name][f"label_{lang}"]
    header = tuple(word(k, lang) for k in ("event_time", "n_treated", "estimate", "placebo_range"))
    return Table(
        f"event_study_{name}",
        f"Effekt efter år sedan start, {label}"
        if lang == "sv"
        else f"Effect by years since the start, {label}",
        (*header, "Analytiskt" if lang == "sv" else "Analytic", word("band", lang)),
        tuple(rows),
        own_work(r["indicators"][name]["source"], lang),
        pd.DataFrame(raw),
        frozenset(range(6)),
        cards=True,
    )


def _checks(r: Results, name: str, checks: list[dict[str, Any]], source: str, lang: Lang) -> Table:
    verdict = {True: "yes", False: "no", None: "unknown"}
    label = r["indicators"][name][f"label_{lang}"] if name in r["indicators"] else _case_name(r)
    return Table(
        f"checks_{name}",
        f"Kontroller, {label}" if lang == "sv" else f"Checks, {label}",
        tuple(word(k, lang) for k in ("check", "passed", "text")),
        tuple(
            (word(c["name"], lang), word(verdict[c["passed"]], lang), c[f"text_{lang}"])
            for c in checks
        ),
        own_work(source, lang),
        pd.DataFrame(checks),
        cards=True,
    )


def _case_name(r: Results) -> str:
    return str(r["case"]["name"])


def _group_time(r: Results, name: str, lang: Lang) -> Table:
    rows = r["outcomes"][name]["group_time"]["rows"]
    label = r["indicators"][name][f"label_{lang}"]
    return Table(
        f"group_time_{name}",
        f"ATT efter startår och kalenderår, {label}"
        if lang == "sv"
        else f"ATT by start year and calendar year, {label}",
        tuple(word(k, lang) for k in ("first_year", "year", "estimate")),
        tuple((str(x["cohort"]), str(x["period"]), _f(x["estimate"], lang)) for x in rows),
        own_work(r["indicators"][name]["source"], lang),
        pd.DataFrame(rows),
        frozenset({2}),
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
        _head(("quantity", "year", "estimate", "interval", "p"), r, lang),
        tuple(
            (
                word(k, lang),
                years[k],
                _f(e["estimate"], lang),
                _interval(e["conf_int"], lang),
                _p(e["p_value"], lang),
            )
            for k, e in estimates.items()
        ),
        own_work(r["indicators"][c["indicator"]]["source"], lang),
        pd.DataFrame([{"key": k, "years": years[k]} | _flat(e) for k, e in estimates.items()]),
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
                *(_f(x[k], lang) for k in keys),
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
        own_work("; ".join(i["source"] for i in r["indicators"].values()), lang),
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
        tuple((str(x["time"]), *(_f(x[c], lang, 1) for c in codes)) for x in s["rows"]),
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
    tables = [_treated(results, lang), _groups(results, lang), _matched_sets(results, lang)]
    for name, o in results["outcomes"].items():
        source = results["indicators"][name]["source"]
        tables += [
            _estimates(results, name, lang),
            _per_unit(results, name, lang),
            _neighbours(results, name, lang),
            _leave_one_out(results, name, lang),
            _events(results, name, lang),
            _group_time(results, name, lang),
            _checks(results, name, o["finding"]["checks"], source, lang),
        ]
    tables.append(_hidden(results, lang))
    if results["case"]:
        case = results["case"]
        source = results["indicators"][case["indicator"]]["source"]
        tables += [
            _case(results, lang),
            _case_path(results, lang),
            _checks(results, "case", case["finding"]["checks"], source, lang),
        ]
    tables += [_context(results, i, lang) for i in range(len(results["context"]))]
    tables.append(_data(results, lang))
    return {t.key: t for t in tables}
