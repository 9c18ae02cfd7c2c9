"""What came out of a file: the observations, what was left out, and how it was read."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import pandas as pd

from evaluation.data.files import panel_from_long
from evaluation.data.observations import SIMULATED, STATES, Sex
from evaluation.data.panel import Panel
from evaluation.data.reading.layout import Layout
from evaluation.errors import InputError

__all__ = ["SAYS_SIMULATED", "Reading", "says_simulated"]

SAYS_SIMULATED = f"the file says {SIMULATED}"
"""The note of such a file. A snapshot that bears it is known to be simulated."""


def says_simulated(cells: Iterable[object]) -> bool:
    """Tell whether a cell bears the words of simulated data.

    Examples
    --------
    >>> says_simulated(["N00973", 45.4, "SIMULATED / SIMULERADE DATA 2026-11-23"])
    True
    """
    return any(SIMULATED in cell for cell in cells if isinstance(cell, str))


@dataclass(frozen=True)
class Reading:
    """A file that was read.

    Parameters
    ----------
    frame : pandas.DataFrame
        Observations: see :mod:`evaluation.data.observations`.
    lines : tuple of int
        Where each of them stands in the file.
    rejected : pandas.DataFrame
        What is not among them: ``row`` (line in the file), ``field``, ``text``, ``reason``,
        and ``fault``, False for what is no fault: titles, notes, totals, counties.
    notes : tuple of str
        What was found out or changed on the way.
    encoding, separator : str or None
        Of a text file.
    decimal : {",", "."} or None
        The decimal mark; None where no number bears one.
    header_row : int or None
        Line of the first header row.
    sheet : str or None
        Of a workbook.
    hash : str
        SHA-256 of the file's bytes.
    file : str
        Its name.
    layout : Layout
        The whole layout, to be written into a plan.
    weights : pandas.DataFrame or None
        ``code``, ``year``, ``sex``, ``weight``, ``state``, where a weight was named.
    """

    frame: pd.DataFrame = field(repr=False)
    lines: tuple[int, ...] = field(repr=False)
    rejected: pd.DataFrame = field(repr=False)
    notes: tuple[str, ...]
    encoding: str | None
    separator: str | None
    decimal: str | None
    header_row: int | None
    sheet: str | None
    hash: str
    file: str
    layout: Layout = field(repr=False)
    weights: pd.DataFrame | None = field(default=None, repr=False)

    @property
    def simulated(self) -> bool:
        """Whether the file bears the words that everything made from simulated data bears."""
        return SAYS_SIMULATED in self.notes

    @property
    def counts(self) -> dict[str, int]:
        """How many rows and cells were left out, by reason, most first."""
        found = self.rejected["reason"].value_counts()
        return {str(k): int(n) for k, n in found.items()}

    def validated(self) -> pd.DataFrame:
        """Return the observations after the schema's rules for the indicator.

        Returns
        -------
        pandas.DataFrame
            As :func:`evaluation.data.schema.validate` gives it.

        Raises
        ------
        InputError
            At the first value that breaks a rule, with its line in the file: outside the
            indicator's range, women and men that do not make the total.
        """
        from evaluation.data.schema import validate

        rows = self.frame.set_axis(pd.Index(self.lines, name="row"), axis=0)
        return validate(rows, file=self.file)

    def panel(self, outcome: str, sex: Sex | None = None, *, keep_gaps: bool = False) -> Panel:
        """Return one sex as a panel; suppressed and missing values are gaps.

        Parameters
        ----------
        outcome : str
            Name of the outcome.
        sex : {"T", "K", "M"}, optional
            Which; not needed where the file has only one.
        keep_gaps : bool
            Keep units with a gap: the panel is then unbalanced.

        Returns
        -------
        Panel
            Municipalities observed in every year; the others are in ``dropped``.

        Raises
        ------
        InputError
            If there are several sexes and none was chosen, no value of the one that was,
            or no municipality is observed in every year.
        """
        have = sorted(self.frame["sex"].unique())
        if sex is None and len(have) != 1:
            raise InputError(f"holds {', '.join(have)}; say sex", file=self.file, field="sex")
        rows = self.frame[self.frame["sex"] == (sex or have[0])]
        if rows.empty:
            raise InputError(f"holds no {sex}, only {', '.join(have)}", file=self.file, field="sex")
        long = rows.rename(columns={"code": "unit", "year": "time"})
        return panel_from_long(long, outcome, keep_gaps=keep_gaps, file=self.file)

    def summary(self) -> str:
        """Return what was read, how, and what was left out, in lines."""
        f = self.frame
        states = ", ".join(f"{(f['state'] == s).sum()} {s}" for s in STATES)
        years = f"{f['year'].min()}–{f['year'].max()}"
        how = {
            "sheet": self.sheet,
            "encoding": self.encoding,
            "separator": {"\t": "tab"}.get(self.separator or "", self.separator),
            "decimal mark": self.decimal,
            "header row": self.header_row,
        }
        columns = {k: v for k, v in vars(self.layout.columns).items() if v is not None}
        lines = [
            self.file,
            f"  {len(f)} values ({states}), {f['code'].nunique()} municipalities, {years}, "
            f"sex {'/'.join(sorted(f['sex'].unique()))}",
            "  " + ", ".join(f"{k} {v}" for k, v in how.items() if v is not None),
            "  columns " + ", ".join(f"{k}: {v!r}" for k, v in columns.items()),
        ]
        wide = self.layout.wide
        if wide:
            ends = wide[0].label if len(wide) == 1 else f"{wide[0].label} … {wide[-1].label}"
            lines.append(f"  {len(wide)} columns of values: {ends}")
        lines += [f"  note: {n}" for n in self.notes]
        lines += [f"  left out: {n} × {reason}" for reason, n in self.counts.items()]
        return "\n".join(lines)

    def __str__(self) -> str:
        return self.summary()
