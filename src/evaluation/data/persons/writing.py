"""The folder of counted person records: written beside its place, then renamed into it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from evaluation.data.disclosure import Released, cleared
from evaluation.data.observations import SIMULATED
from evaluation.data.persons.education import EDUCATION_TABLE, areas, gender_cells
from evaluation.data.persons.outcomes import outcomes
from evaluation.data.persons.previous import MARK
from evaluation.data.persons.quality import Quality, may_leave
from evaluation.errors import InputError
from evaluation.folders import beside, target_folder

__all__ = ["write_cohorts"]

_README: Final = """\
{mark}Person records counted by `evaluation cohorts`, data until {until}.
{kept} of {rows} rows count.
Personuppgifter räknade av `evaluation cohorts`, data till och med {until}.
{kept} av {rows} rader räknas.

outcomes.csv     one row per indicator, municipality, year and sex (T, K women, M men)
outcome_*.csv    the same, a file per indicator: for `evaluation data import` and plans
{more}quality.csv      rows left out, by reason          rader som inte räknas, efter skäl
quality.json     the same, with the engine and what the protection found
table_*.csv      the tables behind, as they may leave; «..» is hidden, bounds beside it

Everything here went through disclosure control: small counts, and what would give them away, are
hidden. Codes are text: read a CSV with dtype={{"code": str}}, or 0114 becomes 114.
Allt här har gått genom röjandekontroll: små antal, och det som skulle avslöja dem, är dolt.
Koder är text: läs CSV med dtype={{"code": str}}, annars blir 0114 till 114.
{mark}"""


_AREAS: Final = """\
areas.csv        municipalities joined to areas for counts by education
"""
_CELLS: Final = """\
cells_education.csv  leavers by area, year, sex and education: `evaluation gender --cells`
"""


def write_cohorts(
    folder: str | Path,
    released: Mapping[str, Released],
    quality: Quality,
    *,
    provenance: Mapping[str, Any],
    simulated: bool = False,
    adoption: Mapping[str, int] | None = None,
) -> Path:
    """Write what may leave: whole, or not at all.

    Parameters
    ----------
    folder : str or pathlib.Path
        New, empty, or written by this before, which is replaced.
    released : mapping of str to Released
        From :func:`evaluation.data.persons.releases`; anything else is refused.
    quality : Quality
        Rows left out by reason. Reasons with 1 to 4 rows are written so: they count rows of a
        file and say nothing about any municipality.
    provenance : mapping
        Plain types; hashes and sizes of the person files stay where they are.
    adoption : mapping of str to int, optional
        First whole active year by municipality, as it was counted with.
    simulated : bool
        Whether every file is to say SIMULATED / SIMULERADE DATA.

    Returns
    -------
    pathlib.Path
        The folder.

    Raises
    ------
    InputError
        If a table has not been through the gate, or the folder holds anything else or cannot
        be written.
    """
    tables = {name: cleared(table) for name, table in released.items()}
    out = target_folder(folder)
    if out.is_dir() and any(out.iterdir()) and not (out / MARK).is_file():
        raise InputError(
            "holds other files; give an empty or new folder", file=str(out), field="--out"
        )
    try:
        with beside(out) as new:
            mark = {"data": SIMULATED} if simulated else {}
            for name, table in tables.items():
                shown = table.astype({c: object for c in table.columns if c not in ("low", "high")})
                _csv(shown.assign(**mark), new / f"table_{name}.csv", na_rep="..")
            panel = outcomes(released)
            _csv(panel.assign(**mark), new / "outcomes.csv")
            for indicator, own in panel.groupby("indicator"):
                own = own.drop(columns="indicator")
                _csv(own.assign(**mark), new / f"outcome_{indicator}.csv")
            more = ""
            if EDUCATION_TABLE in tables:
                of = areas(adoption)
                _csv(of.assign(**mark), new / "areas.csv")
                cells = gender_cells(released[EDUCATION_TABLE], of)
                more = _AREAS
                if len(cells):
                    _csv(cells.assign(**mark), new / "cells_education.csv")
                    more += _CELLS
            _csv(quality.tidy().assign(**mark), new / "quality.csv")
            content = {
                **mark,
                **quality.to_dict(),
                "provenance": may_leave(provenance),
                "disclosure": {
                    name: {
                        "cells": table.n_cells,
                        "hidden": table.n_suppressed,
                        "parameters": table.parameters,
                        "check": table.check.to_dict(),
                    }
                    for name, table in released.items()
                },
            }
            text = json.dumps(content, ensure_ascii=False, indent=1, allow_nan=False, default=str)
            (new / MARK).write_text(text + "\n", encoding="utf-8")
            words = _README.format(
                mark=f"{SIMULATED}\n" if simulated else "",
                until=provenance.get("until", ""),
                kept=quality.kept,
                more=more,
                rows=quality.rows,
            )
            (new / "README.txt").write_text(words, encoding="utf-8")
    except OSError as error:
        reason = error.strerror or str(error)
        raise InputError(f"cannot be written: {reason}", file=str(out)) from None
    return out


def _csv(frame: Any, path: Path, na_rep: str = "") -> None:
    frame.to_csv(path, index=False, na_rep=na_rep, lineterminator="\n")
