"""The quality of the rows: how many count, how many do not and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from evaluation.data.persons.contract import REASONS
from evaluation.data.persons.counting import Cells
from evaluation.errors import InputError

__all__ = ["Quality", "may_leave", "quality_of"]


@dataclass(frozen=True)
class Quality:
    """What became of the rows of a file.

    Parameters
    ----------
    rows, kept : int
        Rows of the file, and rows that are counted.
    dropped : dict
        Rows left out by reason, all reasons in their order: a row with several faults stands
        under the first. With ``kept`` they sum to ``rows``.
    cohorts_of_one : int
        Municipality, year of reception and sex with one person only. It does not leave: beside
        a table with few hidden cells it says which of them is 1.
    largest_share : float
        From which share of rows left out on the file is refused.
    beside : dict
        For each file beside the persons (``moves``, ``assistance``): ``rows``, ``kept`` and
        ``dropped`` by reason.
    notes : tuple of str
        What to know of the file besides, such as that its dates end long before the last month
        that is said to be known.
    """

    rows: int
    kept: int
    dropped: dict[str, int]
    cohorts_of_one: int = field(repr=False)
    largest_share: float
    beside: dict[str, dict[str, Any]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def share(self) -> float:
        """Share of rows left out."""
        return 1 - self.kept / self.rows if self.rows else 0.0

    def tidy(self) -> pd.DataFrame:
        """Return one row per reason: ``reason``, ``rows``, ``sv``, ``en``."""
        rows = [
            {"reason": r.key, "rows": self.dropped[r.key], "sv": r.sv, "en": r.en} for r in REASONS
        ]
        return pd.DataFrame(rows)

    def to_dict(self) -> dict[str, Any]:
        """Return plain types for JSON, without the number of cohorts of one."""
        return {
            "rows": self.rows,
            "kept": self.kept,
            "dropped": dict(self.dropped),
            "share_dropped": self.share,
            "largest_share": self.largest_share,
            **({"beside": self.beside} if self.beside else {}),
            **({"notes": list(self.notes)} if self.notes else {}),
        }


def quality_of(cells: Cells, largest_share: float, *, file: str | None = None) -> Quality:
    """Return the quality, or refuse a file of which too much would be left out.

    Parameters
    ----------
    cells : Cells
        The counts.
    largest_share : float
        Refused where a larger share of rows is left out.
    file : str, optional
        Named in errors.

    Raises
    ------
    InputError
        If the file has no rows, none counts, or too many do not.
    """
    dropped = {r.key: cells.dropped.get(i, 0) for i, r in enumerate(REASONS, 1)}
    kept = cells.rows - sum(dropped.values())
    if not cells.rows:
        raise InputError("has no rows", file=file)
    lost = 1 - kept / cells.rows
    if not kept or lost > largest_share:
        worst = max(REASONS, key=lambda r: dropped[r.key])
        raise InputError(
            f"{cells.rows - kept} of {cells.rows} rows cannot be counted, more than "
            f"{largest_share:.1%}; {dropped[worst.key]} of them because: {worst.en}",
            file=file,
            field="--max-dropped",
        )
    cohorts, which = cells.spell_cohorts
    persons = np.bincount(which, cells.spell["n"], len(cohorts))
    return Quality(cells.rows, kept, dropped, int((persons == 1).sum()), largest_share)


def may_leave(provenance: Mapping[str, Any]) -> dict[str, Any]:
    """Return the provenance without what describes the content of the person files.

    A hash tells whoever knows all rows but a few which values these have, and the size of a CSV
    tells words of unlike length apart. Files keep their names.

    Examples
    --------
    >>> may_leave({"files": [{"name": "p.csv", "bytes": 12, "sha256": "ab"}], "until": "2025-12"})
    {'files': ['p.csv'], 'until': '2025-12'}
    """
    files = [f["name"] for f in provenance.get("files", ())]
    return {**provenance, "files": files} if files else dict(provenance)
