"""The twin's folder: written beside its place, then renamed into it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pandas as pd

from evaluation.data.observations import SIMULATED
from evaluation.errors import InputError
from evaluation.folders import beside, target_folder

__all__ = ["FILES", "write_twin"]

FILES: Final = (
    "README.txt",
    "observations.csv",
    "observations.parquet",
    "persons.parquet",
    "stance.csv",
    "truth.json",
)
_README: Final = """\
{mark}

Made up by `evaluation simulate`, seed {seed}. The codes are those of Sweden's municipalities;
nothing else here is about them, and no value may be read as a fact of any place.
Påhittat av `evaluation simulate`, frö {seed}. Koderna är de svenska kommunernas; inget annat här
handlar om dem, och inget värde får läsas som en uppgift om någon plats.

observations.csv, .parquet   one row per indicator, code, year and sex (T, K women, M men)
persons.parquet              one row per person received (not with --no-persons)
stance.csv                   stance as coded, and as it is
truth.json                   the real effects

Codes are text: read a CSV with dtype={{"code": str}}, or 0114 becomes 114. Parquet keeps them.
Koder är text: läs CSV med dtype={{"code": str}}, annars blir 0114 till 114. Parquet behåller dem.

{mark}
"""


def _check_target(out: Path) -> None:
    """Refuse to replace a folder that holds anything but a twin."""
    if not out.is_dir() or not any(out.iterdir()):
        return
    for path in sorted(out.iterdir()):
        if path.name not in FILES or not path.is_file():
            raise InputError(
                f"holds {path.name}, which no simulation wrote; move it or give another folder",
                file=str(out),
            )
    try:
        mark = json.loads((out / "truth.json").read_text(encoding="utf-8"))["data"]
    except (OSError, ValueError, TypeError, KeyError):
        mark = None
    if mark != SIMULATED:
        raise InputError(
            "holds other files and no former twin; give an empty or new folder", file=str(out)
        )


def _parquet(frame: pd.DataFrame, path: Path) -> None:
    """Write Parquet with the mark in the schema as well as in the column."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.Table.from_pandas(frame, preserve_index=False)
    table = table.replace_schema_metadata(
        {**(table.schema.metadata or {}), b"data": SIMULATED.encode()}
    )
    pq.write_table(table, path)


def _files(
    folder: Path,
    observations: pd.DataFrame,
    persons: pd.DataFrame | None,
    stance: pd.DataFrame,
    truth: Mapping[str, Any],
) -> None:
    marked = observations.assign(data=pd.Categorical([SIMULATED]).repeat(len(observations)))
    marked.to_csv(folder / "observations.csv", index=False, lineterminator="\n")
    _parquet(marked, folder / "observations.parquet")
    if persons is not None:
        _parquet(persons, folder / "persons.parquet")
    stance.to_csv(folder / "stance.csv", index=False, lineterminator="\n")
    text = json.dumps(truth, ensure_ascii=False, indent=1, allow_nan=False)
    (folder / "truth.json").write_text(text + "\n", encoding="utf-8")
    readme = _README.format(mark=SIMULATED, seed=truth["parameters"]["seed"])
    (folder / "README.txt").write_text(readme, encoding="utf-8")


def write_twin(
    folder: str | Path,
    *,
    observations: pd.DataFrame,
    persons: pd.DataFrame | None,
    stance: pd.DataFrame,
    truth: Mapping[str, Any],
) -> Path:
    """Write a twin: whole, or not at all.

    Parameters
    ----------
    folder : str or pathlib.Path
        New, empty, or holding a former twin, which is replaced.
    observations, stance : pandas.DataFrame
        See :class:`evaluation.data.twin.Twin`.
    persons : pandas.DataFrame or None
        Without them no ``persons.parquet`` is written.
    truth : mapping
        Plain types.

    Returns
    -------
    pathlib.Path
        The folder. Every file bears the words SIMULATED / SIMULERADE DATA: in a column
        ``data``, in the schema of Parquet, in the first key of JSON.

    Raises
    ------
    InputError
        If the folder holds anything else, or cannot be written.
    """
    out = target_folder(folder)
    _check_target(out)
    try:
        with beside(out) as new:
            _files(new, observations, persons, stance, truth)
    except OSError as error:
        reason = error.strerror or str(error)
        raise InputError(f"cannot be written: {reason}", file=str(out)) from None
    return out
