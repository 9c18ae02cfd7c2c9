"""The specification curve of one outcome, drawn again from the results' plain types."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evaluation.estimation.robustness.curve_plot import draw
from evaluation.estimation.robustness.specification_curve import JointTest, SpecificationCurve
from evaluation.language import Lang, number
from evaluation.report.figure import WIDTH, Figure, capital
from evaluation.report.words import own_work, word

__all__ = ["curve_figure", "read_curve"]

ROW, REST = 0.17, 3.1
"""Inches of a line of choices, and of everything else."""


def read_curve(c: Mapping[str, Any], lang: Lang) -> SpecificationCurve:
    """Return the curve that the results hold, its choices in the words of the report.

    Parameters
    ----------
    c : mapping
        ``SpecificationCurve.to_dict()``, or read back.
    lang : {"sv", "en"}
        Language of the choices.
    """
    rows = c["rows"]

    def column(name: str) -> tuple[Any, ...]:
        return tuple(r[name] for r in rows)

    choices = tuple(
        {
            "estimator": r["estimator"],
            word("curve_controls", lang): word(f"curve_{r['controls']}", lang),
            "sample": word(f"curve_{r['sample']}", lang),
            "weights": word(f"curve_{r['weights']}", lang),
            "adoption": word(f"curve_{r['adoption']}", lang),
        }
        for r in rows
    )
    return SpecificationCurve(
        choices=choices,
        estimate=column("estimate"),
        p_value=column("p_value"),
        n_units=column("n_units"),
        n_treated_units=column("n_treated_units"),
        n_obs=column("n_obs"),
        null_low=column("null_low"),
        null_high=column("null_high"),
        joint=tuple(JointTest(**t) for t in c["joint"]),
        n_assignments=c["n_assignments"],
        inference=c["inference"],
        alpha=c["alpha"],
        seed=c["seed"],
        data_hash=c["data_hash"],
        notes=tuple(c["notes"]),
    )


def curve_figure(r: Mapping[str, Any], name: str, lang: Lang) -> Figure:
    """Draw the specification curve of an outcome.

    Parameters
    ----------
    r : mapping
        The results.
    name : str
        The outcome.
    lang : {"sv", "en"}
        Language.
    """
    label = r["indicators"][name][f"label_{lang}"]
    curve = read_curve(r["outcomes"][name]["robustness"]["curve"], lang)
    table = curve.tidy()
    shown = [d for d in curve.choices[0] if table[d].nunique() > 1]
    drawing = draw(curve, lang)
    drawing.set_size_inches(WIDTH, REST + ROW * sum(table[d].nunique() for d in shown))
    low, high = (number(v, lang) for v in (curve.estimate[0], curve.estimate[-1]))
    n = number(len(curve.estimate), lang, 0)
    return Figure(
        f"specifications_{name}",
        f"{capital(label)}: skattningen under andra val, ordnad efter storlek"
        if lang == "sv"
        else f"{capital(label)}: the estimate under other choices, by size",
        f"{n} skattningar från {low} till {high} med ett band av placebokurvor; under dem streck "
        "för vilka val som ligger bakom var och en."
        if lang == "sv"
        else f"{n} estimates from {low} to {high} with a band of placebo curves; ticks below them "
        "show the choices behind each.",
        own_work(r["indicators"][name]["source"], lang),
        drawing,
    )
