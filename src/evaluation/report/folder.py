"""What every report's folder is made of: results, tables, figures, documents, and their record."""

from __future__ import annotations

import json
import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import pandas as pd

from evaluation.data.embedded import file_hash
from evaluation.errors import InputError
from evaluation.language import Lang
from evaluation.report.figure import Figure
from evaluation.report.render import Format, render
from evaluation.report.table import Results, Table

__all__ = [
    "MARK",
    "RECORD",
    "Contents",
    "check_target",
    "dump",
    "versions",
    "write_contents",
    "write_csv",
    "write_record",
]

PACKAGES = (
    "integration-evaluation",
    "numpy",
    "pandas",
    "scipy",
    "statsmodels",
    "linearmodels",
    "diff-diff",
    "pandera",
    "pyarrow",
    "httpx",
    "openpyxl",
    "matplotlib",
    "seaborn",
    "pypandoc-binary",
    "typst",
)
MARK, RECORD = "results.json", "provenance.json"


@dataclass(frozen=True)
class Contents:
    """How one kind of report turns its results into what a reader sees.

    Parameters
    ----------
    tables, figures : callable
        Give tables and figures by key from the results and the language.
    text : callable
        Gives Markdown from tables, figures and the ending of the figures' files.
    title : str
        In the report's language.
    notice : str
        Words that every page must bear, such as that the data are simulated; mostly none.
    """

    tables: Callable[[Results, Lang], Mapping[str, Table]]
    figures: Callable[[Results, Lang], Mapping[str, Figure]]
    text: Callable[[Mapping[str, Table], Mapping[str, Figure], str], str]
    title: str
    notice: str


def dump(content: Mapping[str, Any]) -> str:
    """Write plain types as JSON; what is not a finite number is refused."""
    return json.dumps(content, ensure_ascii=False, indent=1, allow_nan=False) + "\n"


def write_csv(table: pd.DataFrame, path: Path) -> None:
    """Write a raw table, unrounded, comma-separated, UTF-8."""
    table.to_csv(path, index=False, lineterminator="\n")


def versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that the numbers come from."""
    out = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            out[name] = version(name)
        except PackageNotFoundError:
            out[name] = "not installed"
    return out


def check_target(out: Path) -> None:
    """Refuse to replace a folder that holds anything but a report written here.

    Parameters
    ----------
    out : pathlib.Path
        The folder.

    Raises
    ------
    InputError
        If it holds a file that no report's provenance.json names.
    """
    if not out.is_dir() or not any(out.iterdir()):
        return
    try:
        recorded = json.loads((out / RECORD).read_text(encoding="utf-8"))["files"]
        known = {*recorded, RECORD}
    except (OSError, ValueError, TypeError, KeyError):
        known = set()
    if MARK not in known:
        raise InputError(
            "holds other files and no former report; give an empty or new folder", file=str(out)
        )
    present = {p.relative_to(out).as_posix() for p in out.rglob("*") if p.is_file()}
    for name in sorted(present - known):
        raise InputError(
            f"holds {name}, which no report wrote; move it or give another folder", file=str(out)
        )


def write_contents(
    results: Results,
    folder: Path,
    lang: Lang,
    formats: Sequence[Format],
    contents: Contents,
    progress: Callable[[str], None] = lambda _: None,
) -> None:
    """Write results, tables, figures and documents into a folder.

    Parameters
    ----------
    results : mapping
        Plain types, as ``results.json`` holds them.
    folder : pathlib.Path
        An existing folder without any of these.
    lang : {"sv", "en"}
        Language.
    formats : sequence of {"html", "pdf", "docx"}
        Which documents to render.
    contents : Contents
        What this kind of report shows of its results.
    progress : callable
        Called with the name of each step as it begins.
    """
    (folder / MARK).write_text(dump(results), encoding="utf-8")
    progress("tables")
    tables = contents.tables(results, lang)
    (folder / "tables").mkdir()
    for t in tables.values():
        write_csv(t.raw, folder / "tables" / f"{t.key}.csv")
    progress("figures")
    figures = contents.figures(results, lang)
    (folder / "figures").mkdir()
    for f in figures.values():
        f.save(folder / "figures" / f"{f.key}.svg")
        if "docx" in formats:
            f.save(folder / "figures" / f"{f.key}.png")
    for form in formats:
        progress(form)
        text = contents.text(tables, figures, "png" if form == "docx" else "svg")
        render(text, folder, form, lang, contents.title, contents.notice)
    for picture in (folder / "figures").glob("*.png"):
        picture.unlink()


def write_record(folder: Path, rests_on: Mapping[str, Any], **run: Any) -> None:
    """Write what a finished report rests on, with versions and the hash of every file.

    Parameters
    ----------
    folder : pathlib.Path
        The report.
    rests_on : mapping
        What a recomputation must find again.
    **run
        What is true of this run alone, such as its machine and time.
    """
    files = sorted(p for p in folder.rglob("*") if p.is_file())
    record = {
        **rests_on,
        "versions": versions(),
        **run,
        "files": {p.relative_to(folder).as_posix(): file_hash(p) for p in files},
    }
    (folder / RECORD).write_text(dump(record), encoding="utf-8")
