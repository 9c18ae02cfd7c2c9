"""The folder of an answer about retention: nothing but what went through disclosure control."""

from __future__ import annotations

from pathlib import Path

from evaluation.data.disclosure import cleared
from evaluation.data.observations import SIMULATED
from evaluation.errors import InputError
from evaluation.folders import beside, target_folder
from evaluation.language import Lang
from evaluation.questions.retention.result import Retention
from evaluation.report.folder import dump, write_csv
from evaluation.report.retention import retention_figures

__all__ = ["FILES", "write_retention"]

FILES = (
    "incidence.csv",
    "life_table.csv",
    "results.json",
    "retention_leaving.svg",
    "retention_staying.svg",
    "staying.csv",
)


def write_retention(found: Retention, folder: str | Path, lang: Lang = "en") -> Path:
    """Write the released life table, the curves computed from it, results and figures.

    Parameters
    ----------
    found : Retention
        The answer; its life table must have been released.
    folder : str or pathlib.Path
        New, empty, or one that this wrote.
    lang : {"sv", "en"}
        Language of the figures.

    Returns
    -------
    pathlib.Path
        The folder; hidden values are written «..».

    Raises
    ------
    InputError
        If the life table was not released, the folder holds anything else, or it cannot be
        written.
    """
    life = cleared(found.life.released)
    if found.selection is not None and found.selection.released is not None:
        cleared(found.selection.released)
    out = target_folder(folder)
    if out.is_dir():
        strange = [p.name for p in sorted(out.iterdir()) if p.name not in FILES]
        if strange:
            raise InputError(
                f"holds {strange[0]}, which this command did not write; give another --out",
                file=str(out),
            )
    life = life.drop(columns=["low", "high"])
    life["n"] = life["n"].astype(object).where(~life["suppressed"], "..")
    staying, incidence = found.curves.tidy(), found.incidence.tidy()
    with beside(out) as new:
        for name, table in (
            ("life_table", life),
            ("staying", staying),
            ("incidence", incidence),
        ):
            if found.simulated:
                table["data"] = SIMULATED
            write_csv(table, new / f"{name}.csv")
        (new / "results.json").write_text(dump(found.to_dict()), encoding="utf-8")
        for figure in retention_figures(found, lang):
            figure.save(new / f"{figure.key}.svg")
    return out
