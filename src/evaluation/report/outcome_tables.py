"""The tables of one outcome."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from evaluation.language import Lang, number
from evaluation.questions.grading import reasons
from evaluation.report.reasons import reason_text
from evaluation.report.table import (
    Results,
    Table,
    bounds_cell,
    estimate_cells,
    headings,
    literal,
    plain_text,
    raw_row,
    value_cell,
)
from evaluation.report.words import own_work, place_name, word

__all__ = ["checks_table", "outcome_tables"]


_ESTIMANDS = {"twfe": "twfe_estimand", "partial_years": "cohort"}


def _names(r: Results) -> dict[str, str]:
    return {t["code"]: t["name"] for t in r["design"]["treated"]}


def _estimates(r: Results, name: str, lang: Lang) -> Table:
    o = r["outcomes"][name]
    rows: list[tuple[str, ...]] = []
    raw = []
    for key, e in o["finding"]["estimates"].items():
        estimand = _ESTIMANDS.get(e["estimand"], e["estimand"])
        mark = f" ({word('headline', lang)})" if not rows else ""
        rows.append(
            (
                word(key, lang) + mark,
                word(estimand, lang),
                *estimate_cells(e, lang),
            )
        )
        raw.append({"key": key} | raw_row(e) | {"small_sample": e["small_sample"]})
    label = r["indicators"][name][f"label_{lang}"]
    unit = r["indicators"][name][f"change_{lang}"]
    return Table(
        f"estimates_{name}",
        f"Skattningar, {label} ({unit})" if lang == "sv" else f"Estimates, {label} ({unit})",
        headings(("method", "estimand", "estimate", "interval", "p"), r, lang),
        tuple(rows),
        own_work(r["indicators"][name]["source"], lang),
        pd.DataFrame(raw),
        frozenset({2, 3, 4}),
        cards=True,
    )


def _compared(
    r: Results,
    name: str,
    lang: Lang,
    *,
    key: str,
    title: str,
    columns: tuple[str, ...],
    rows: Iterable[tuple[tuple[str, ...], Mapping[str, Any], Mapping[str, Any] | None]],
    further: Mapping[str, Mapping[str, Any]] | None = None,
) -> Table:
    """Make a table of one estimate after another.

    A row is the cells that name it, the CSV's columns that name it, and its estimate, or None
    where there is none; ``further`` are columns of the CSV after the estimate, by code.
    """
    cells, raw = [], []
    for shown, named, e in rows:
        cells.append((*shown, *(("–", "–", "–") if e is None else estimate_cells(e, lang))))
        raw.append({**named, **raw_row(e), **(further[named["code"]] if further else {})})
    return Table(
        f"{key}_{name}",
        f"{title}, {r['indicators'][name][f'label_{lang}']}",
        headings((*columns, "estimate", "interval", "p"), r, lang),
        tuple(cells),
        own_work(r["indicators"][name]["source"], lang),
        pd.DataFrame(raw),
        frozenset(range(len(columns), len(columns) + 3)),
        cards=len(columns) > 1,
    )


def _per_unit(r: Results, name: str, lang: Lang) -> Table:
    names = _names(r)
    o = r["outcomes"][name]
    return _compared(
        r,
        name,
        lang,
        key="per_municipality",
        title="Varje behandlad kommun för sig"
        if lang == "sv"
        else "Each treated municipality on its own",
        columns=("municipality",),
        rows=(((names[c],), {"code": c, "name": names[c]}, e) for c, e in o["per_unit"].items()),
        further=o["matched_sets"],
    )


def _neighbours(r: Results, name: str, lang: Lang) -> Table:
    o = r["outcomes"][name]
    last = o["paths"][-1]["time"]

    def year(n: Mapping[str, Any]) -> str:
        if n["result"] is None:
            reason = "after_the_data" if n["year"] > last else "no_pre_period"
            return f"{n['year']}: {word(reason, lang)}"
        return f"{n['year']} ({word('chosen', lang)})" if n["chosen"] else str(n["year"])

    return _compared(
        r,
        name,
        lang,
        key="neighbour_years",
        title="Huvudresultatet med en kommuns startår flyttat"
        if lang == "sv"
        else "The headline with one municipality's start year moved",
        columns=("municipality", "first_year"),
        rows=(
            (
                (n["name"], year(n)),
                {k: n[k] for k in ("code", "name", "year", "chosen")},
                n["result"],
            )
            for n in o["neighbours"]
        ),
    )


def _leave_one_out(r: Results, name: str, lang: Lang) -> Table:
    names = _names(r)
    return _compared(
        r,
        name,
        lang,
        key="leave_one_out",
        title="Huvudresultatet utan en behandlad kommun i taget"
        if lang == "sv"
        else "The headline without one treated municipality at a time",
        columns=("left_out",),
        rows=(
            ((names[c],), {"code": c, "name": names[c]}, e)
            for c, e in r["outcomes"][name]["leave_one_out"].items()
        ),
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
                value_cell(e["estimate"], lang),
                bounds_cell(around["low"], around["high"], lang) if around else "–",
                bounds_cell(e["conf_low"], e["conf_high"], lang),
                bounds_cell(e["band_low"], e["band_high"], lang),
            )
        )
        raw.append(
            e
            | {
                "placebo_low": around["low"] if around else None,
                "placebo_high": around["high"] if around else None,
            }
        )
    partly = o["finding"]["estimates"].get("partial_years")
    if partly:
        # between the base, −1, and the first treated year, 0: no event time of its own
        at = sum(e["event_time"] < 0 for e in o["event_study"]["rows"])
        n, value = partly["n_treated_units"], value_cell(partly["estimate"], lang)
        rows.insert(at, (word("partly_exposed", lang), str(n), value, "–", "–", "–"))
        raw.insert(
            at, {"event_time": "partly exposed", "estimate": partly["estimate"], "n_treated": n}
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


def _group_time(r: Results, name: str, lang: Lang) -> Table:
    rows = r["outcomes"][name]["group_time"]["rows"]
    label = r["indicators"][name][f"label_{lang}"]
    return Table(
        f"group_time_{name}",
        f"ATT efter startår och kalenderår, {label}"
        if lang == "sv"
        else f"ATT by start year and calendar year, {label}",
        tuple(word(k, lang) for k in ("first_year", "year", "estimate")),
        tuple((str(x["cohort"]), str(x["period"]), value_cell(x["estimate"], lang)) for x in rows),
        own_work(r["indicators"][name]["source"], lang),
        pd.DataFrame(rows),
        frozenset({2}),
    )


def checks_table(
    r: Results, name: str, checks: list[dict[str, Any]], source: str, lang: Lang
) -> Table:
    """Make the table of checks, of an outcome or of the case.

    An outcome's table says which checks grade, and shows those first; a single municipality is
    graded without them.
    """
    verdict = {True: "yes", False: "no", None: "unknown"}
    graded = name in r["indicators"]
    label = r["indicators"][name][f"label_{lang}"] if graded else _case_name(r)
    keys = ["check", "passed", "text"]
    if graded:
        known = reasons(by_rule=r["plan"]["estimation"]["inference"] == "auto")
        checks = sorted(
            ({**c, "grades": c["name"] in known} for c in checks), key=lambda c: not c["grades"]
        )
        keys.insert(2, "grades")

    def row(c: Mapping[str, Any]) -> tuple[str, ...]:
        grades = (word("counts" if c["grades"] else "informs", lang),) if graded else ()
        return (
            word(c["name"], lang),
            word(verdict[c["passed"]], lang),
            *grades,
            c[f"text_{lang}"],
        )

    return Table(
        f"checks_{name}",
        f"Kontroller, {label}" if lang == "sv" else f"Checks, {label}",
        tuple(word(k, lang) for k in keys),
        tuple(row(c) for c in checks),
        own_work(source, lang),
        pd.DataFrame(checks),
        cards=True,
    )


def _case_name(r: Results) -> str:
    return str(r["case"]["name"])


def _left_out(r: Results, name: str, lang: Lang) -> Table:
    """List the municipalities without a value in every year, and what the source withheld."""
    keys = ("observed", "suppressed", "missing", "no_weight")
    rows = r["coverage"][name]
    label = r["indicators"][name][f"label_{lang}"]
    return Table(
        f"left_out_{name}",
        f"Kommuner utan värde i varje år, {label}"
        if lang == "sv"
        else f"Municipalities without a value in every year, {label}",
        (word("municipality", lang), *(word(f"years_{k}", lang) for k in keys)),
        tuple((place_name(r, x["code"]), *(number(x[k], lang, 0) for k in keys)) for x in rows),
        own_work(r["indicators"][name]["source"], lang),
        pd.DataFrame(rows, columns=["code", *keys, "reason"]),
        frozenset(range(1, 1 + len(keys))),
    )


def _rejected(r: Results, name: str, lang: Lang) -> Table:
    """List what of a file of one's own could not be used."""
    rows = r["readings"][name]["rejected"]
    keys = ("row", "field", "text", "reason")
    label = r["indicators"][name][f"label_{lang}"]
    return Table(
        f"rejected_{name}",
        f"Rader och celler som inte kunde användas, {label}"
        if lang == "sv"
        else f"Rows and cells that could not be used, {label}",
        tuple(word(f"file_{k}", lang) for k in keys),
        tuple(
            (
                *(literal(str(x[k])) for k in keys[:-1]),
                literal(reason_text(str(x["reason"]), lang)),
            )
            for x in rows
        ),
        own_work(r["indicators"][name]["source"], lang),
        pd.DataFrame(
            [{k: plain_text(v) if isinstance(v, str) else v for k, v in x.items()} for x in rows],
            columns=[*keys, "fault"],
        ),
        frozenset({0}),
        cards=True,
    )


def outcome_tables(r: Results, name: str, lang: Lang) -> list[Table]:
    """Make every table of one outcome.

    Parameters
    ----------
    r : mapping
        The results.
    name : str
        The outcome.
    lang : {"sv", "en"}
        Language.

    Returns
    -------
    list of Table
        In the order of the report.
    """
    checks = r["outcomes"][name]["finding"]["checks"]
    further = [_left_out(r, name, lang)] if r["coverage"].get(name) else []
    if name in r["readings"] and r["readings"][name]["rejected"]:
        further.append(_rejected(r, name, lang))
    return [
        _estimates(r, name, lang),
        _per_unit(r, name, lang),
        _neighbours(r, name, lang),
        _leave_one_out(r, name, lang),
        _events(r, name, lang),
        _group_time(r, name, lang),
        checks_table(r, name, checks, r["indicators"][name]["source"], lang),
        *further,
    ]
