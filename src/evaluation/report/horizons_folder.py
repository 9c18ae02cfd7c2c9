"""The folder that ``evaluation effect --out`` writes."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from evaluation.data.observations import SIMULATED
from evaluation.errors import InputError
from evaluation.folders import beside, target_folder
from evaluation.language import Lang
from evaluation.questions.horizons.categories import CategoryEffect
from evaluation.questions.horizons.plan import PlanEffect
from evaluation.report.figure import style
from evaluation.report.folder import dump, write_csv
from evaluation.report.horizons_figure import draw_outcome
from evaluation.report.simulated import mark_figure

__all__ = ["write_effect"]

_MARK = "effect.json"
_KNOWN = ("effect.json", "effect.csv", "effect.txt")


def _check_target(out: Path) -> None:
    """Refuse to replace a folder that holds anything but an answer written here."""
    if not out.is_dir():
        return
    present = sorted(p.relative_to(out).as_posix() for p in out.rglob("*"))
    strange = [
        p for p in present if p not in _KNOWN and not (p[:9] == "horizons_" and p[-4:] == ".svg")
    ]
    if strange or (present and _MARK not in present):
        named = strange[0] if strange else present[0]
        raise InputError(
            f"holds {named}, which no answer wrote; give an empty or new folder", file=str(out)
        )


def write_effect(found: PlanEffect | CategoryEffect, folder: str | Path, *, lang: Lang) -> Path:
    """Write an answer: every number, a tidy table, the text, a figure by outcome.

    Parameters
    ----------
    found : PlanEffect or CategoryEffect
        The answer.
    folder : str or pathlib.Path
        New, empty, or a former answer's; it appears whole or not at all.
    lang : {"sv", "en"}
        Language of the text and the figures.

    Returns
    -------
    pathlib.Path
        The folder.

    Raises
    ------
    InputError
        If the folder holds anything else.
    """
    out = target_folder(folder)
    _check_target(out)
    simulated = bool(found.notice[0]) if isinstance(found, PlanEffect) else found.simulated
    with beside(out) as new:
        (new / _MARK).write_text(dump(found.to_dict()), encoding="utf-8")
        table = found.tidy()
        if simulated:
            table = table.assign(data=SIMULATED)
        write_csv(table, new / "effect.csv")
        (new / "effect.txt").write_text(found.summary(lang) + "\n", encoding="utf-8")
        for name, o in found.outcomes.items() if isinstance(found, PlanEffect) else ():
            with style():
                figure = draw_outcome(
                    o.horizons.to_dict(), o.headline.to_dict(), asdict(o.indicator), name, lang
                )
                if simulated:
                    figure = mark_figure(figure, lang)
            figure.save(new / f"{figure.key}.svg")
    return out
