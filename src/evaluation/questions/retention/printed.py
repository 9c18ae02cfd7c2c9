"""An answer about retention as text for people, tables and all."""

from __future__ import annotations

import numpy as np

from evaluation.data.observations import SIMULATED
from evaluation.estimation.survival.group_tests import GroupTest
from evaluation.estimation.survival.hazard_model import HazardModel
from evaluation.language import Lang, interval, level, number, p_value, per_cent
from evaluation.questions.lines import check_line, columns, grade_line
from evaluation.questions.retention.described import kind_name
from evaluation.questions.retention.notes import note_text
from evaluation.questions.retention.result import Retention

__all__ = ["printed"]

_METHODS = {
    "discrete-time hazard, complementary log-log link": "Hasard i diskret tid, komplementär "
    "log-log-länk",
    "Cox, ties by Efron": "Cox, lika tider enligt Efron",
    "errors clustered by municipality": "fel klustrade på kommun",
    "G/(G−1), normal quantiles": "G/(G−1), normalkvantiler",
    "none, normal quantiles": "ingen korrektion, normalkvantiler",
}


def printed(found: Retention, lang: Lang) -> str:
    """Write the whole answer: sentences, tables, tests, models, grade, checks and notes.

    Parameters
    ----------
    found : Retention
        The answer.
    lang : {"sv", "en"}
        Language; numbers are written as it does.

    Returns
    -------
    str
        Several lines.
    """
    sv = lang == "sv"
    out = [SIMULATED, ""] if found.simulated else []
    out.append(found.summary(lang))
    out += _mean_months(found, lang) + _leaving(found, lang)
    if found.tests:
        out += ["", "Test av att grupperna är lika:" if sv else "Tests that the groups are alike:"]
        out += [f"  {_test(found, t, lang)}" for t in found.tests]
    if found.models:
        out += ["", _described(found, lang)]
    for model in found.models:
        out += ["", *_model(model, lang)]
    out += ["", grade_line(found.finding, lang), "Kontroller:" if sv else "Checks:"]
    bounded = () if found.selection is None else found.selection.checks
    out += [check_line(c, lang) for c in (*found.finding.checks, *bounded)]
    mark = "not" if sv else "note"
    out += [f"{mark}: {note_text(n, lang)}" for n in found.notes]
    return "\n".join(out)


def _mean_months(found: Retention, lang: Lang) -> list[str]:
    if not len(found.means.table):
        return []
    shown = level(1 - found.means.alpha, lang)
    rows = [
        (
            found.group_name(str(r["group"]), lang),
            number(r["estimate"], lang),
            interval(r["conf_low"], r["conf_high"], lang),
        )
        for r in found.means.table.to_dict("records")
    ]
    title = (
        f"Månader i kommunen av de första {found.horizon}, medeltal ({shown} intervall):"
        if lang == "sv"
        else f"Months in the kommun of the first {found.horizon}, mean ({shown} interval):"
    )
    return ["", title, *(f"  {line}" for line in columns(rows))]


def _leaving(found: Retention, lang: Lang) -> list[str]:
    table = found.incidence.table
    last = table[table["month"] == found.horizon]
    if not len(last):
        return []
    shown = level(1 - found.incidence.alpha, lang)
    rows = []
    for r in last.to_dict("records"):
        ends = interval(100 * r["conf_low"], 100 * r["conf_high"], lang)
        group, kind = found.group_name(str(r["group"]), lang), kind_name(str(r["kind"]), lang)
        rows.append((group, kind, per_cent(r["estimate"], lang, 2), ends))
    title = (
        f"Har lämnat kommunen efter {found.horizon} månader, fördelat på vart ({shown} intervall):"
        if lang == "sv"
        else f"Have left the kommun after {found.horizon} months, by where to ({shown} interval):"
    )
    return ["", title, *(f"  {line}" for line in columns(rows, words=2))]


def _test(found: Retention, test: GroupTest, lang: Lang) -> str:
    name = test.method.partition(",")[0]
    if test.kind:
        name += f" ({kind_name(test.kind, lang)})"
    width = found.life.width
    if lang == "sv":
        step = "" if width == 1 else f" i steg om {width} månader"
        freedom = "frihetsgrad" if test.df == 1 else "frihetsgrader"
        square = f"chi-två {number(test.statistic, lang, 3)}, {test.df} {freedom}"
    else:
        step = "" if width == 1 else f" in steps of {width} months"
        square = f"chi-squared {number(test.statistic, lang, 3)}, {test.df} df"
    return f"{name}{step}: {square}, {p_value(test.p_value, lang)}"


def _described(found: Retention, lang: Lang) -> str:
    """Say what the ratios of the models are not, where they stand beside an effect's."""
    sv = lang == "sv"
    clause = (
        "Riskkvoterna här beskriver gruppernas skillnad; de är ingen effekt"
        if sv
        else "The hazard ratios here describe how the groups differ; they are no effect"
    )
    if found.effect is None:
        return f"{clause}."
    return clause + (
        " av att vara aktiv, som jämför med samma kommuner före starten och står ovan."
        if sv
        else " of being active, which compares with the same municipalities before the start and "
        "stands above."
    )


def _model(model: HazardModel, lang: Lang) -> list[str]:
    sv = lang == "sv"
    method, inference, correction = (
        _METHODS.get(w, w) if sv else w for w in (model.method, model.inference, model.small_sample)
    )
    out = [f"{method}; {', '.join(kind_name(k, lang) for k in model.kinds)}"]
    ratio = "riskkvot" if sv else "hazard ratio"
    for c in model.coefficients:
        low, high = np.exp(c.conf_int)
        out.append(
            f"  {c.term}: {ratio} {number(float(np.exp(c.estimate)), lang)} "
            f"({interval(low, high, lang)}; {p_value(c.p_value, lang)})"
        )
    words = ("händelser", "personer", "kluster") if sv else ("events", "persons", "clusters")
    counts = (model.n_events, model.n_persons, model.n_clusters)
    told = ", ".join(f"{number(n, lang, 0)} {w}" for n, w in zip(counts, words, strict=True))
    out.append(f"  {told}; {inference}; {correction}")
    mark = "not" if sv else "note"
    return out + [f"  {mark}: {note_text(n, lang)}" for n in model.notes]
