"""The folder of a cost report: results, tables, figures, and documents."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from evaluation.data.embedded import file_hash
from evaluation.data.observations import SIMULATED
from evaluation.folders import beside, target_folder
from evaluation.language import Lang, level, number, per_cent
from evaluation.questions.costs.result import CostResult
from evaluation.questions.costs.words import break_even_sentences
from evaluation.report.bundle import MARK, check_target, dump, versions, write_csv
from evaluation.report.costs_figures import make_cost_figures
from evaluation.report.costs_tables import make_cost_tables
from evaluation.report.figure import Figure
from evaluation.report.render import FORMATS, Format, render
from evaluation.report.simulated import mark_figure
from evaluation.report.table import Table, literal
from evaluation.report.text import Numbered
from evaluation.report.words import word

__all__ = ["write_costs"]

PARAMETERS = "parameters.yaml"


def write_costs(
    result: CostResult,
    out: str | Path,
    *,
    lang: Lang = "sv",
    formats: Sequence[Format] = FORMATS,
    progress: Callable[[str], None] = lambda _: None,
) -> Path:
    """Write a cost report.

    Parameters
    ----------
    result : CostResult
        From :func:`evaluation.questions.costs.cost_analysis`.
    out : str or pathlib.Path
        Folder of the report. It appears at the end, whole, or not at all; a former report
        there is replaced, any other content is left alone and refused.
    lang : {"sv", "en"}
        Language.
    formats : sequence of {"html", "pdf", "docx"}
        Which documents to render.
    progress : callable
        Called with the name of each step as it begins.

    Returns
    -------
    pathlib.Path
        The folder, with ``results.json``, ``provenance.json``, ``tables/*.csv``,
        ``figures/*.svg``, the documents, and a copy of the parameter file.

    Raises
    ------
    InputError
        If the folder must not be replaced or cannot be written.
    """
    out = target_folder(out)
    check_target(out)
    results = result.to_dict()
    notice = SIMULATED if _is_simulated(result) else ""
    with beside(out) as new:
        (new / MARK).write_text(dump(results), encoding="utf-8")
        if result.plan.file is not None:
            shutil.copyfile(result.plan.file, new / PARAMETERS)
        progress("tables")
        tables = make_cost_tables(results, lang)
        (new / "tables").mkdir()
        for t in tables.values():
            write_csv(t.raw, new / "tables" / f"{t.key}.csv")
        progress("figures")
        figures = make_cost_figures(result, lang)
        if notice:
            figures = {k: mark_figure(f, lang) for k, f in figures.items()}
        (new / "figures").mkdir()
        for f in figures.values():
            f.save(new / "figures" / f"{f.key}.svg")
            if "docx" in formats:
                f.save(new / "figures" / f"{f.key}.png")
        title = result.plan.title.sv if lang == "sv" else result.plan.title.en
        for form in formats:
            progress(form)
            image = "png" if form == "docx" else "svg"
            text = _markdown(result, results, tables, figures, lang, image)
            render(text, new, form, lang, title, notice)
        for picture in (new / "figures").glob("*.png"):
            picture.unlink()
        files = sorted(p for p in new.rglob("*") if p.is_file())
        record = ({"notice": notice} if notice else {}) | {
            "parameters": result.plan.name,
            "data_hash": result.data_hash,
            "seed": result.seed,
            "draws": result.n_draws,
            "lang": lang,
            "formats": list(formats),
            "versions": versions(),
            "files": {p.relative_to(new).as_posix(): file_hash(p) for p in files},
        }
        (new / "provenance.json").write_text(dump(record), encoding="utf-8")
    return out


def _is_simulated(result: CostResult) -> bool:
    effects = (result.effect, result.on_staying)
    return any("SIMULATED" in n for e in effects if e is not None for n in e.notes)


def _markdown(
    result: CostResult,
    results: dict[str, Any],
    tables: dict[str, Table],
    figures: dict[str, Figure],
    lang: Lang,
    image: str,
) -> str:
    """Fill the template from the results and nothing else."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("evaluation.report", "templates"),
        undefined=jinja2.StrictUndefined,
        autoescape=False,
        keep_trailing_newline=True,
        # headings carry pandoc identifiers, {#…}, which are comments to Jinja otherwise
        comment_start_string="<#",
        comment_end_string="#>",
    )
    placed = Numbered(tables, figures, lang, image)
    e = results["effect"]
    estimates = results["finding"]["estimates"]

    def kronor(value: float) -> str:
        return number(value, lang, 0)

    found = sum(p["status"] == "found" for p in results["parameters"])
    text: str = environment.get_template(f"costs.{lang}.md.j2").render(
        r=results,
        table=placed.table,
        figure=placed.figure,
        word=lambda key: word(key, lang),
        kronor=kronor,
        share=lambda v: per_cent(v, lang),
        literal=literal,
        level=level(1 - results["alpha"], lang),
        draws=number(results["draws"], lang, 0),
        effect=[number(100 * v, lang, 1) for v in (e["estimate"], *e["conf_int"])],
        effect_level=level(1 - e["alpha"], lang),
        effect_only=estimates["net_municipality_effect_only"],
        net=estimates["net_municipality"],
        even=break_even_sentences(result.break_even, lang),
        found=found,
        assumed=len(results["parameters"]) - found,
        accounts=[k for k in tables if k.startswith("account_")],
        uncertain=bool(results["tornado"]),
    )
    return text
