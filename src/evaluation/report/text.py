"""The report's Markdown: a template per language, filled from the results and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evaluation.data import embedded
from evaluation.language import Lang, level, listed, number, p_value, per_cent
from evaluation.report.against_text import (
    appendix_outcomes,
    group_text,
    headline_text,
    like_text,
    note_text,
)
from evaluation.report.coding_tables import miscoding_sentences, settled_sentence
from evaluation.report.costs_section import cost_words
from evaluation.report.figures import Figure
from evaluation.report.gender import equivalence_text, ratio_text, representation_text
from evaluation.report.horizons import horizon_text
from evaluation.report.limits import one_sex_limits, outcome_limits
from evaluation.report.table import literal
from evaluation.report.tables import Table
from evaluation.report.template import template
from evaluation.report.words import (
    evidence_words,
    exposure_rule,
    is_simulated,
    left_out_text,
    place_name,
    start_text,
    treated_out_text,
    word,
)

__all__ = ["Numbered", "make_markdown"]

Results = Mapping[str, Any]
SHORT = 16
NAMED = 20
"""So many municipalities left out are named in running text."""


class Numbered:
    """Places tables and figures, numbered in the order in which they are used."""

    def __init__(
        self, tables: Mapping[str, Table], figures: Mapping[str, Figure], lang: Lang, image: str
    ) -> None:
        self._tables = tables
        self._figures = figures
        self._lang = lang
        self._image = image
        self.tables = 0
        self.figures = 0

    def table(self, key: str) -> str:
        """Return a table with its number, caption and source."""
        self.tables += 1
        t = self._tables[key]
        cards = " .cards" if t.cards else ""
        # a short table stays on one page; a long one may break, after its caption
        whole = ' typst:breakable="false"' if len(t.rows) <= SHORT else ""
        name = "Tabell" if self._lang == "sv" else "Table"
        return (
            f'::: {{.table{cards}{whole}}}\n::: {{.caption typst:sticky="true"}}\n'
            f"**{name} {self.tables}.** {t.title}\n:::\n\n{t.markdown()}\n\n"
            f"[*{t.source}*]{{.source}}\n:::"
        )

    def figure(self, key: str) -> str:
        """Return a figure with its number, caption and source."""
        self.figures += 1
        f = self._figures[key]
        name = "Figur" if self._lang == "sv" else "Figure"
        return (
            f'::: {{.figure typst:breakable="false"}}\n**{name} {self.figures}.** {f.title}\n\n'
            f"![{f.alt}](figures/{key}.{self._image}){{width=100%}}\n\n"
            f"[*{f.source}*]{{.source}}\n:::"
        )


def _context_text(r: Results, lang: Lang) -> str:
    """Say what the national series show, from their first, last and break years."""
    sv = lang == "sv"
    parts = []
    for s in r["context"]:
        points = {x["time"]: x["0000"] for x in s["rows"] if x["0000"] is not None}
        first, last = min(points), max(points)

        def n(year: int, points: dict[int, float] = points) -> str:
            return number(points[year], lang, 1)

        label = s[f"label_{lang}"].rsplit(",", 1)[0]
        parts.append(
            f"{label} ({s['source']}): {n(first)} procent {first} och {n(last)} procent {last} "
            "i riket."
            if sv
            else f"{label} ({s['source']}): {n(first)} per cent in {first} and {n(last)} per cent "
            f"in {last} nationally."
        )
        begins = min(x["time"] for x in s["rows"])
        if begins < first:
            parts.append(
                f"Rikets serie börjar {first}; de enskilda kommunernas {begins}."
                if sv
                else f"The national series begins in {first}, the municipalities' in {begins}."
            )
        year = s["law_change"]
        if year and {year - 1, year, year + 1} <= set(points):
            parts.append(
                f"Runt lagändringen {year} gick andelen från {n(year - 1)} över {n(year)} till "
                f"{n(year + 1)}."
                if sv
                else f"Around the change of law in {year} the share went from {n(year - 1)} to "
                f"{n(year)} and on to {n(year + 1)}."
            )
    return " ".join(parts)


def _sharpest(r: Results, lang: Lang) -> list[dict[str, str]]:
    """Where the regression and the permutation disagree, and how often the former errs here."""
    alpha = r["plan"]["estimation"]["alpha"]
    found = []
    for name, o in r["outcomes"].items():
        e = o["finding"]["estimates"]
        rate = o["analytic_rejection"]["twfe"]
        if rate is None or rate <= alpha or per_cent(rate, lang) == level(alpha, lang):
            continue
        if e["twfe"]["p_value"] <= alpha < e["permutation"]["p_value"]:
            label = "definite_sv" if lang == "sv" else "label_en"
            found.append(
                {
                    "label": r["indicators"][name][label],
                    "p_twfe": p_value(e["twfe"]["p_value"], lang),
                    "p_perm": p_value(e["permutation"]["p_value"], lang),
                    "rate": per_cent(rate, lang),
                }
            )
    return found


def _adjusted(r: Results, name: str, lang: Lang) -> str:
    """Write an outcome's p-values adjusted for there being several; empty where there is none."""
    holm, together = r["holm"][name], r["multiple_testing"]
    if holm is None or len(r["outcomes"]) < 2:
        return ""
    n = len(r["outcomes"])
    first = f"Holm {p_value(holm, lang)}"
    # Romano and Wolf's method adjusts the p-values of the permutation
    if together is not None and r["plan"]["estimation"]["inference"] == "permutation":
        row = next(x for x in together["rows"] if x["outcome"] == name)
        first += f", Romano–Wolf {p_value(row['romano_wolf'], lang)}"
    return (
        f" Korrigerat för {n} utfall: {first}."
        if lang == "sv"
        else f" Adjusted for {n} outcomes: {first}."
    )


def _left_out(r: Results, codes: list[str], lang: Lang) -> str:
    """Name the municipalities, or count them and say where they are named."""
    if len(codes) <= NAMED:
        return listed([place_name(r, c) for c in codes], lang)
    n = number(len(codes), lang, 0)
    return (
        f"{n} kommuner, var och en med skäl i tabellfilen left_out"
        if lang == "sv"
        else f"{n} municipalities, each with its reason in the table file left_out"
    )


def _computed(r: Results, name: str, lang: Lang) -> str:
    """Say how many computed values are impossible, or could not be computed; empty for none."""
    found = r["computed"].get(name)
    if found is None:
        return ""
    outside, zero = (number(found[k], lang, 0) for k in ("outside", "zero_denominators"))
    return (
        f" Av de beräknade värdena i underlaget ligger {outside} utanför det möjliga och {zero} "
        "saknas därför att nämnaren är noll."
        if lang == "sv"
        else f" Of the computed values in the data {outside} lie outside what is possible and "
        f"{zero} are missing because the denominator is zero."
    )


def _whose(r: Results) -> str:
    """Name the template that says who is treated, by whose coding."""
    if is_simulated(r):
        return "simulated"
    if r["coding"]:
        return "sheets"
    return "model" if "model" in r["design"] else "documents"


def _coding_words(r: Results, tables: Mapping[str, Table], lang: Lang) -> dict[str, Any]:
    """Return what the parts about the coding and its errors are filled with."""
    coding = r["plan"]["treatment"]["coding"]
    own = r["coding"]
    found = {
        "miscoding_sentences": miscoding_sentences(r, lang),
        "r_tables": tables,
        "no_bound": any(
            m["coded"] and None in m["coded"]["conf_int"] for m in r["miscoding"].values()
        ),
        "stated_rates": bool(own) and coding["miscoding"] is not None,
        "shared_errors": per_cent(coding["shared_errors"], lang) if own else "",
        "coders": "",
        "ended": "",
        "settled": "",
    }
    if own:
        found |= {
            "coders": listed([literal(c) for c in own["coders"]], lang),
            "ended": listed([place_name(r, c) for c in own["ended"]], lang),
            "settled": settled_sentence(r, lang),
        }
    return found


def _start_source(model: str, lang: Lang) -> str:
    """Name the source outside the documents that speaks of when a model began, if there is one."""
    source = embedded.START_SOURCES.get(model)
    return "" if source is None else source[0 if lang == "sv" else 1]


def make_markdown(
    results: Results,
    tables: Mapping[str, Table],
    figures: Mapping[str, Figure],
    lang: Lang,
    *,
    image: str = "svg",
) -> str:
    """Fill the template of a language.

    Parameters
    ----------
    results : mapping
        ``Study.to_dict()``, or ``results.json`` read back.
    tables, figures : mapping
        From :func:`evaluation.report.tables.make_tables` and
        :func:`evaluation.report.figures.make_figures`.
    lang : {"sv", "en"}
        Language.
    image : {"svg", "png"}
        Which files the figures refer to.

    Returns
    -------
    str
        Pandoc Markdown.
    """
    placed = Numbered(tables, figures, lang, image)
    design = results["design"]
    estimation = results["plan"]["estimation"]
    case = results["case"]
    predictors = ""
    if case:
        names = []
        for p in case["predictors"]:
            head, _, tail = p.partition(", ")
            if head in results["indicators"]:
                label = results["indicators"][head]
                text = label["definite_sv"] if lang == "sv" else f"the {label['label_en']}"
                names.append(f"{text} {tail}")
            else:
                names.append("folkmängdens logaritm" if lang == "sv" else "the log of population")
        predictors = listed(names, lang)
    return template(f"report.{lang}.md.j2").render(
        r=results,
        table=placed.table,
        figure=placed.figure,
        word=lambda key: word(key, lang),
        cap=lambda t: t[0].upper() + t[1:],
        treated_names=listed([t["name"] for t in design["treated"]], lang),
        uncertain=listed([u["name"] for u in design["uncertain"]], lang),
        assumed=listed([t["name"] for t in design["treated"] if t["assumed"]], lang),
        rule=exposure_rule(results["plan"]["treatment"]["exposure"], lang),
        draws=number(estimation["draws"], lang, 0),
        alpha=level(estimation["alpha"], lang),
        level=level(1 - estimation["alpha"], lang),
        sharpest=_sharpest(results, lang),
        evidence=evidence_words(results["plan"]["treatment"]["evidence"], lang),
        simulated=is_simulated(results),
        has_90_days=any(name.startswith("N00973") for name in results["outcomes"]),
        who=f"who.{_whose(results)}.{lang}.md.j2",
        listed=lambda places: listed([p["name"] for p in places], lang),
        against=f"against.{lang}.md.j2",
        like=f"like.{lang}.md.j2",
        horizons=f"horizons.{lang}.md.j2",
        horizon_text=lambda name: horizon_text(results, name, lang),
        gender=f"gender.{lang}.md.j2",
        ratio_text=lambda g: ratio_text(g, lang),
        equivalence_text=lambda g: equivalence_text(g, lang),
        representation_text=lambda g: representation_text(g, lang),
        costs=f"costs.body.{lang}.md.j2",
        cost_words=cost_words(results["costs"], lang) if "costs" in results else {},
        group_text=group_text(results, lang),
        headline_text=headline_text(results, lang),
        like_text=lambda name: like_text(results, name, lang),
        note_text=note_text(results, lang),
        limits=[*outcome_limits(results, lang), *one_sex_limits(results, lang)],
        show_overlap=lambda name: bool(tables[f"overlap_{name}"].rows),
        dropped_listed=appendix_outcomes(results),
        miscoding=f"miscoding.{lang}.md.j2",
        **_coding_words(results, tables, lang),
        literal=literal,
        start=lambda stated: literal(start_text(stated, lang)),
        computed=lambda name: _computed(results, name, lang),
        treated_out=lambda outcome: treated_out_text(outcome, lang),
        few=any(
            c["name"] == "analytic_size" and c["passed"] is False
            for o in results["outcomes"].values()
            for c in o["finding"]["checks"]
        ),
        documents=embedded.DOCUMENTS,
        missing=[t for t in (left_out_text(results, n, lang) for n in results["outcomes"]) if t],
        start_source=lambda model: _start_source(model, lang),
        left_out=lambda codes: _left_out(results, codes, lang),
        adjusted=lambda name: _adjusted(results, name, lang),
        by_rule=estimation["inference"] == "auto",
        effective=number(case["synthetic_control"]["effective_donors"], lang, 0) if case else "",
        predictors=predictors,
        context_text=_context_text(results, lang),
    )
