"""Women and men in the report: tables, a figure of the joint test, and sentences."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from evaluation.language import Lang, interval, level, number, per_cent
from evaluation.questions.gender.words import outcome_words
from evaluation.report.figure import ACCENT, GREY, INK, WIDTH, Figure, blank, number_axis
from evaluation.report.table import (
    Results,
    Table,
    estimate_cells,
    headings,
    p_cell,
    raw_row,
    value_cell,
)
from evaluation.report.words import own_work, word

__all__ = [
    "equivalence_text",
    "gender_figures",
    "gender_tables",
    "ratio_text",
    "representation_text",
]

_NAMES = {
    "gap": ("Gapet, kvinnor minus män", "The gap, women less men"),
    "women": ("Kvinnor", "Women"),
    "men": ("Män", "Men"),
    "all": ("Alla", "All"),
    "ratio": ("Kvoten kvinnor/män", "The ratio women/men"),
    "before": ("Före starten", "Before the start"),
    "after": ("Efter starten", "After the start"),
    "without": ("Efter, utan effekten", "After, without the effect"),
    "T": ("Alla", "All"),
    "K": ("Kvinnor", "Women"),
    "M": ("Män", "Men"),
    "common": ("Båda könen, analyserade", "Both sexes, analysed"),
    "common_sample": ("Gemensamma kommuner", "Common municipalities"),
    "equivalence": ("Ekvivalens", "Equivalence"),
}


def _name(key: str, lang: Lang) -> str:
    return _NAMES[key][0 if lang == "sv" else 1] if key in _NAMES else word(key, lang)


def _label(g: dict[str, Any], lang: Lang) -> str:
    return str(g["indicator"][f"label_{lang}"])


def _estimates(r: Results, g: dict[str, Any], lang: Lang) -> Table:
    sv = lang == "sv"
    found = g["finding"]["estimates"]
    shown = [k for k in ("women", "men", "gap", "all") if k in found]
    simulated = bool(g["truth"])
    rows = [
        (
            _name(k, lang),
            *estimate_cells(found[k], lang),
            *((value_cell(g["truth"].get(k), lang),) if simulated else ()),
        )
        for k in shown
    ]
    keys = ("quantity", "estimate", "interval", "p", *(("truth",) if simulated else ()))
    label = _label(g, lang)
    return Table(
        f"gender_{g['entry']}",
        f"Effekt för kvinnor och män, skattade tillsammans i samma {len(g['treated'])} behandlade "
        f"kommuner, {label}"
        if sv
        else f"Effect for women and men, estimated jointly in the same {len(g['treated'])} treated "
        f"municipalities, {label}",
        headings(keys, r, lang),
        tuple(rows),
        own_work(g["indicator"]["source"], lang),
        pd.DataFrame(
            [
                {"key": k} | raw_row(e) | ({"truth": g["truth"].get(k)} if simulated else {})
                for k, e in found.items()
            ]
        ),
        frozenset(range(1, len(keys))),
    )


def _levels(g: dict[str, Any], lang: Lang) -> Table:
    sv = lang == "sv"
    levels = g["gap"]["levels"]
    columns = ("women", "men", "gap", "ratio")
    when = ("before", "without", "after")
    return Table(
        f"gender_levels_{g['entry']}",
        f"De behandlade kommunernas nivåer, med och utan effekten, {_label(g, lang)}"
        if sv
        else f"The treated municipalities' levels, with and without the effect, {_label(g, lang)}",
        ("", *(_name(k, lang) for k in columns)),
        tuple(
            (_name(w, lang), *(value_cell(levels.get(f"{k}_{w}"), lang) for k in columns))
            for w in when
        ),
        own_work(g["indicator"]["source"], lang),
        pd.DataFrame([{"when": w} | {k: levels.get(f"{k}_{w}") for k in columns} for w in when]),
        frozenset({1, 2, 3, 4}),
    )


def _movement(g: dict[str, Any], lang: Lang) -> Table:
    sv = lang == "sv"
    m = g["gap"]["movement"]
    rejected = ("förkastas", "kan inte förkastas") if sv else ("rejected", "cannot be rejected")
    rows, raw = [], []
    for k, p in m["p_values"].items():
        text = outcome_words(k, g["gap"]["lower"], lang)
        out = p <= m["alpha"]
        rows.append((text[0].upper() + text[1:], p_cell(p, lang), rejected[0 if out else 1]))
        raw.append({"outcome": k, "p_value": p, "rejected": out, "inference": m["inference"]})
    return Table(
        f"gender_test_{g['entry']}",
        f"Varför gapet rörde sig: fyra utfall prövade tillsammans, {_label(g, lang)}"
        if sv
        else f"Why the gap moved: four outcomes tested jointly, {_label(g, lang)}",
        ("Utfall", "p", f"På nivån {level(m['alpha'], lang)}")
        if sv
        else ("Outcome", "p", f"At the level {level(m['alpha'], lang)}"),
        tuple(rows),
        own_work(g["indicator"]["source"], lang),
        pd.DataFrame(raw),
        frozenset({1}),
    )


def _sample(g: dict[str, Any], lang: Lang) -> Table:
    sv = lang == "sv"
    s = g["sample"]
    rows, raw = [], []
    for key in (k for k in ("T", "K", "M", "common") if k in s["kept"]):
        n, lost = s["kept"][key], s["n_units"] - s["kept"][key]
        women = s["persons"]["common_K"] if key == "common" else s["persons"].get(key)
        men = s["persons"]["common_M"] if key == "common" else None
        held = [x for x in (women, men) if x is not None]
        joined = " / ".join(per_cent(x, lang, 1) for x in held) if held else "–"
        rows.append((_name(key, lang), number(n, lang, 0), number(lost, lang, 0), joined))
        raw.append({"series": key, "kept": n, "lost": lost, "persons": women, "men": men})
    return Table(
        f"gender_sample_{g['entry']}",
        f"Kommuner med värde varje år, och deras andel av personerna (kvinnor / män på sista "
        f"raden), {_label(g, lang)}"
        if sv
        else f"Municipalities with a value in every year, and their share of the persons (women / "
        f"men in the last row), {_label(g, lang)}",
        ("Serie", "Kommuner", "Faller bort", "Andel av personerna")
        if sv
        else ("Series", "Municipalities", "Lost", "Share of the persons"),
        tuple(rows),
        own_work(g["indicator"]["source"], lang),
        pd.DataFrame(raw),
        frozenset({1, 2, 3}),
    )


def _lost(g: dict[str, Any], lang: Lang) -> Table:
    """List every municipality lost for some sex, with the reason; a file, not in the text."""
    rows = g["sample"]["lost"]
    sexes = [k for k in ("T", "K", "M") if k in g["sample"]["kept"]]
    return Table(
        f"gender_lost_{g['entry']}",
        "Kommuner som faller bort, efter kön" if lang == "sv" else "Municipalities lost, by sex",
        (word("municipality", lang), *(_name(k, lang) for k in sexes)),
        tuple((x["code"], *(x[k] for k in sexes)) for x in rows),
        own_work(g["indicator"]["source"], lang),
        pd.DataFrame(rows, columns=["code", *sexes]),
        cards=True,
    )


def _checks(g: dict[str, Any], lang: Lang) -> Table:
    verdict = {True: "yes", False: "no", None: "unknown"}
    checks = g["finding"]["checks"]
    return Table(
        f"gender_checks_{g['entry']}",
        f"Kontroller, kvinnor och män, {_label(g, lang)}"
        if lang == "sv"
        else f"Checks, women and men, {_label(g, lang)}",
        tuple(word(k, lang) for k in ("check", "passed", "text")),
        tuple(
            (_name(c["name"], lang), word(verdict[c["passed"]], lang), c[f"text_{lang}"])
            for c in checks
        ),
        own_work(g["indicator"]["source"], lang),
        pd.DataFrame(checks),
        cards=True,
    )


def gender_tables(r: Results, lang: Lang) -> list[Table]:
    """Make the tables of women and men, none where no outcome has both."""
    found = []
    for g in r["gender"].values():
        found += [
            _estimates(r, g, lang),
            _levels(g, lang),
            _movement(g, lang),
            _sample(g, lang),
            _lost(g, lang),
            _checks(g, lang),
        ]
    return found


def _ellipse(v: list[list[float]], radius: float) -> tuple[list[float], list[float]]:
    """Return points of the ellipse of a covariance, by its Cholesky root."""
    a = math.sqrt(v[0][0])
    b = v[0][1] / a
    c = math.sqrt(max(v[1][1] - b * b, 0.0))
    turn = [2 * math.pi * k / 120 for k in range(121)]
    return (
        [radius * a * math.cos(t) for t in turn],
        [radius * (b * math.cos(t) + c * math.sin(t)) for t in turn],
    )


def _plane(g: dict[str, Any], alpha: float, lang: Lang) -> Figure:
    """Draw the two effects in one plane, with what placebo studies give."""
    sv = lang == "sv"
    found = g["finding"]["estimates"]
    at = found["men"]["estimate"], found["women"]["estimate"]
    cloud = g["gap"]["placebo"]
    # men across, women up
    v, df = g["gap"]["joint"]["covariance"], g["gap"]["joint"]["df"]
    around: tuple[list[float], list[float]] = ([], [])
    if all(x is not None for row in v for x in row) and None not in df:
        from scipy.stats import f

        radius = math.sqrt(2 * float(f.ppf(1 - alpha, 2, min(df))))
        around = _ellipse([[v[1][1], v[0][1]], [v[0][1], v[0][0]]], radius)
    across, up = ([c + d for d in part] for c, part in zip(at, around, strict=True))
    reach = 1.1 * max(map(abs, (*at, *across, *up, *(x for pair in cloud for x in pair))))
    drawing, ax = blank(WIDTH, 4.6)
    ax.axhline(0, color=GREY, lw=0.8)
    ax.axvline(0, color=GREY, lw=0.8)
    ax.plot(
        [-reach, reach],
        [-reach, reach],
        color=GREY,
        ls="--",
        lw=1,
        label="gapet oförändrat" if sv else "gap unchanged",
    )
    ax.plot(
        [p[1] for p in cloud],
        [p[0] for p in cloud],
        ".",
        color=GREY,
        ms=3,
        alpha=0.6,
        label="placebostudier" if sv else "placebo studies",
    )
    if across:
        name = "ellips, varje sidas kovarians" if sv else "ellipse, each side's covariance"
        ax.plot(across, up, color=INK, lw=1.2, label=f"{level(1 - alpha, lang)} {name}")
    ax.plot(*at, "o", color=ACCENT, label="skattningen" if sv else "the estimate")
    ax.set_xlim(-reach, reach)
    ax.set_ylim(-reach, reach)
    ax.set_aspect("equal")
    unit = g["indicator"][f"change_{lang}"]
    ax.set_xlabel(f"effekt för män, {unit}" if sv else f"effect for men, {unit}")
    ax.set_ylabel(f"effekt för kvinnor, {unit}" if sv else f"effect for women, {unit}")
    number_axis(ax, lang, "x")
    number_axis(ax, lang, "y")
    drawing.legend(loc="outside lower center", ncols=2, frameon=False, fontsize="small")
    shown = [number(x, lang, sign=True) for x in at]
    return Figure(
        f"gender_{g['entry']}",
        "Effekten för kvinnor mot effekten för män; ovanför den streckade linjen ökade kvinnornas "
        f"andel mest, {_label(g, lang)}"
        if sv
        else "The effect for women against that for men; above the dashed line women gained "
        f"more, {_label(g, lang)}",
        f"Punkt: män {shown[0]}, kvinnor {shown[1]}."
        if sv
        else f"Point: men {shown[0]}, women {shown[1]}.",
        own_work(g["indicator"]["source"], lang),
        drawing,
    )


def gender_figures(r: Results, lang: Lang) -> list[Figure]:
    """Draw one figure per outcome that has both sexes."""
    alpha = r["plan"]["estimation"]["alpha"]
    return [_plane(g, alpha, lang) for g in r["gender"].values()]


def ratio_text(g: dict[str, Any], lang: Lang) -> str:
    """Tell the ratio of the levels, with and without the effect, and the interval of its change."""
    sv = lang == "sv"
    e = g["finding"]["estimates"].get("log_ratio")
    levels = g["gap"]["levels"]
    if e is None:
        return (
            "Kvoten anges inte: en nivå är inte större än noll."
            if sv
            else "No ratio is given: a level is not above zero."
        )
    now, without = (number(levels[f"ratio_{k}"], lang) for k in ("after", "without"))
    factor = number(math.exp(e["estimate"]), lang)
    low, high = (
        end if b is None else math.exp(b)
        for b, end in zip(e["conf_int"], (0.0, math.inf), strict=True)
    )
    ends = interval(low, high, lang)
    shown = level(1 - e["alpha"], lang)
    return (
        f"Kvoten kvinnor genom män är {now} efter starten och hade varit {without} utan effekten: "
        f"faktorn {factor} ({shown} intervall {ends}, deltametoden på logaritmen; de behandlades "
        "egna nivåer tas som kända). En kvot nära ett kan höra till låga nivåer för båda; därför "
        "står nivåerna i tabellen."
        if sv
        else f"The ratio of women to men is {now} after the start and would have been {without} "
        f"without the effect: a factor of {factor} ({shown} interval {ends}, delta method on the "
        "logarithm; the treated's own levels are taken as known). A ratio close to one may go with "
        "low levels for both, so the levels stand in the table."
    )


def equivalence_text(g: dict[str, Any], lang: Lang) -> str:
    """Say what no larger change of the gap can be claimed."""
    sv = lang == "sv"
    wide, alpha = g["gap"]["gap_wide"], g["gap"]["movement"]["alpha"]
    ends = [abs(b) if b is not None else math.inf for b in wide["conf_int"]]
    unit = g["indicator"][f"change_{lang}"]
    least = number(max(ends), lang)
    shown = level(1 - 2 * alpha, lang)
    low, high = g["finding"]["estimates"]["gap"]["conf_int"]
    # no bound is an infinite one: it holds zero on that side
    if (low is None or low <= 0) and (high is None or high >= 0):
        warning = (
            "Ett intervall som rymmer noll visar inte att gapet stod still. "
            if sv
            else "An interval that holds zero does not show that the gap stood still. "
        )
    else:
        warning = ""
    text = warning + (
        f"Två ensidiga test på nivån {level(alpha, lang)} ({shown} intervall) visar att "
        f"förändringen är mindre än {least} {unit} åt något håll, och ingen snävare gräns"
        if sv
        else f"Two one-sided tests at the level {level(alpha, lang)} ({shown} interval) show that "
        f"the change is less than {least} {unit} either way, and no tighter bound"
    )
    e = g["gap"]["equivalence"]
    if e is None:
        return f"{text}. " + (
            "Planen anger ingen marginal på förhand." if sv else "The plan states no margin."
        )
    margin = number(e["margin"], lang)
    told = ("uppfylls" if e["equivalent"] else "uppfylls inte") if sv else (
        "is met" if e["equivalent"] else "is not met"
    )  # fmt: skip
    return f"{text}. " + (
        f"Planens marginal {margin} {told}." if sv else f"The plan's margin of {margin} {told}."
    )


def representation_text(g: dict[str, Any], lang: Lang) -> str:
    """Describe women's share of persons and successes, with the warning; empty without counts."""
    found = g["representation"]
    if not found:
        return ""
    persons, successes = (
        per_cent(found[f"women_of_{k}"], lang, 1) for k in ("persons", "successes")
    )
    ratio = number(found["ratio"], lang)
    return (
        f"Bara beskrivning: kvinnor är {persons} av personerna bakom utfallet i de behandlade "
        f"kommunerna efter starten och {successes} av dem med lyckat utfall, en "
        f"representationskvot på {ratio}. Nämnarna är olika: den ena andelen räknas av alla som "
        "lämnat programmet, den andra av dem med lyckat utfall, och vilka kvinnor och män som alls "
        "räknas ändras när mottagandet ändras. Kvoten säger inget om effekt."
        if lang == "sv"
        else f"Description only: women are {persons} of the persons behind the outcome in the "
        f"treated municipalities after the start and {successes} of those who succeeded, a "
        f"representation ratio of {ratio}. The denominators differ: one share is of all who left "
        "the programme, the other of those who succeeded, and which women and men are counted at "
        "all changes when reception changes. The ratio says nothing about effect."
    )
