"""What a pass over a file has found so far: what was left out, what was noticed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np
import pandas as pd

from evaluation.errors import InputError

__all__ = ["REJECTED", "Findings"]

REJECTED: Final = ("row", "field", "text", "reason", "fault")


@dataclass
class Findings:
    """Lists that grow while a file is read.

    Parameters
    ----------
    file : str
        Name of the file.
    rejected : list of tuple
        Line, column, text, reason, whether it is a fault.
    notes : list of str
        What was found out or changed.
    lost : int
        Values that a fault has cost.
    """

    file: str
    rejected: list[tuple[int, str, str, str, bool]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    lost: int = 0

    def reject(self, row: int, where: str, text: str, reason: str, *, lost: int = 0) -> None:
        """List what could not be used, and how many values that costs; 0 is no fault."""
        self.rejected.append((int(row), where, text[:80], reason, lost > 0))
        self.lost += lost

    def note(self, text: str) -> None:
        """Keep a note, if there is one."""
        if text:
            self.notes.append(text)

    def table(self) -> pd.DataFrame:
        """Return what was left out, by row."""
        found = pd.DataFrame(self.rejected, columns=list(REJECTED)).astype(
            {"row": np.int64, "field": "str", "text": "str", "reason": "str", "fault": np.bool_}
        )
        return found.sort_values("row", kind="stable", ignore_index=True)

    def check_share(self, used: int) -> None:
        """Refuse the file where more than half of its values cannot be used.

        Parameters
        ----------
        used : int
            Values that can be used.

        Raises
        ------
        InputError
            Naming the most frequent reason and where it first stands.
        """
        if used > 0 and self.lost <= used:
            return
        rejected = self.table()
        faults = rejected[rejected["fault"]]
        if faults.empty:
            raise InputError("no value of a municipality was found", file=self.file)
        reason = str(faults["reason"].value_counts().index[0])
        example = faults[faults["reason"] == reason].iloc[0]
        raise InputError(
            f"{self.lost} of {self.lost + used} values cannot be used, most often because: "
            f"{reason} (such as {example['text']!r})",
            file=self.file,
            row=int(example["row"]),
            field=str(example["field"]) or None,
        )
