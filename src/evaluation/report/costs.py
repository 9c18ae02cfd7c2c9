"""The folder of a cost report: results, tables, figures, and documents."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from evaluation.data.observations import SIMULATED
from evaluation.folders import beside, target_folder
from evaluation.language import Lang
from evaluation.questions.costs.carried import write_inputs
from evaluation.questions.costs.result import CostResult
from evaluation.report.costs_figures import make_cost_figures
from evaluation.report.costs_section import cost_words
from evaluation.report.costs_tables import make_cost_tables
from evaluation.report.figure import Figure
from evaluation.report.folder import Contents, check_target, write_contents, write_record
from evaluation.report.render import FORMATS, Format
from evaluation.report.simulated import mark_figure, mark_table
from evaluation.report.table import Results, Table, literal
from evaluation.report.template import template
from evaluation.report.text import Numbered
from evaluation.report.words import word

__all__ = ["build_costs", "cost_provenance", "simulated_costs", "write_costs"]


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
    results = result.to_dict(points=True)
    with beside(out) as new:
        write_inputs(result, new)
        build_costs(results, new, lang, formats, progress)
        write_record(new, cost_provenance(results, lang, formats))
    return out


def cost_provenance(results: Results, lang: Lang, formats: Sequence[Format]) -> dict[str, Any]:
    """Return what a cost report rests on, but for versions and file hashes.

    Parameters
    ----------
    results : mapping
        ``CostResult.to_dict()``.
    lang : {"sv", "en"}
        Language.
    formats : sequence of {"html", "pdf", "docx"}
        Which documents were rendered.

    Returns
    -------
    dict
        Plain types.
    """
    return ({"notice": SIMULATED} if simulated_costs(results) else {}) | {
        "parameters": results["name"],
        "data_hash": results["data_hash"],
        "seed": results["seed"],
        "draws": results["draws"],
        "lang": lang,
        "formats": list(formats),
    }


def build_costs(
    results: Results,
    folder: Path,
    lang: Lang,
    formats: Sequence[Format],
    progress: Callable[[str], None] = lambda _: None,
) -> None:
    """Write results, tables, figures and documents of a cost report into a folder.

    Parameters
    ----------
    results : mapping
        ``CostResult.to_dict(points=True)``.
    folder : pathlib.Path
        An existing folder.
    lang : {"sv", "en"}
        Language.
    formats : sequence of {"html", "pdf", "docx"}
        Which documents to render.
    progress : callable
        Called with the name of each step as it begins.
    """
    contents = Contents(
        _tables,
        _figures,
        lambda tables, figures, image: _markdown(results, tables, figures, lang, image),
        results["title"][lang],
        SIMULATED if simulated_costs(results) else "",
    )
    write_contents(results, folder, lang, formats, contents, progress)


def simulated_costs(results: Results) -> bool:
    """Say whether an effect behind a cost result was estimated on simulated data."""
    effects = (results["effect"], results["effect_on_staying"])
    return any(SIMULATED in n for e in effects if e is not None for n in e["notes"])


def _tables(results: Results, lang: Lang) -> dict[str, Table]:
    tables = make_cost_tables(results, lang)
    if simulated_costs(results):
        return {k: mark_table(t, lang) for k, t in tables.items()}
    return tables


def _figures(results: Results, lang: Lang) -> dict[str, Figure]:
    figures = make_cost_figures(results, lang)
    if simulated_costs(results):
        return {k: mark_figure(f, lang) for k, f in figures.items()}
    return figures


def _markdown(
    results: Results,
    tables: Mapping[str, Table],
    figures: Mapping[str, Figure],
    lang: Lang,
    image: str,
) -> str:
    """Fill the template from the results and nothing else."""
    placed = Numbered(tables, figures, lang, image)
    return template(f"costs.{lang}.md.j2").render(
        r=results,
        c=cost_words(results, lang),
        table=placed.table,
        figure=placed.figure,
        word=lambda key: word(key, lang),
        literal=literal,
    )
