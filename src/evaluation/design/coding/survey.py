"""Survey answers: several respondents of a municipality, taken together with their disagreement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import pandas as pd

from evaluation.data.files import read_table
from evaluation.data.places import NATION, canonical, name
from evaluation.data.reading.cells import plain
from evaluation.design.coding.resampling import Statistic, ordinal_alpha
from evaluation.design.coding.sheet import CodingSheet, coding_sheet
from evaluation.design.coding.vocabulary import (
    ANONYMOUS,
    ORDERED_STANCES,
    STANCES,
    UNCLEAR,
    marked_anonymous,
    rank,
    suggestion,
)
from evaluation.errors import InputError

__all__ = ["SurveySummary", "read_answers", "summarise_answers"]

_NEEDED: Final = ("code", "stance")
_FIELDS: Final = (*_NEEDED, "respondent", "note")
_COLUMNS: Final = (
    "code", "municipality", "n", "n_unclear", "median", "low", "high", "split", "disagree",
    "one_respondent",
)  # fmt: skip


@dataclass(frozen=True, repr=False)
class SurveySummary:
    """What the respondents of each municipality said, taken together.

    Parameters
    ----------
    table : pandas.DataFrame
        One row per municipality: ``n`` answers with a place in the order and ``n_unclear``
        without; ``median``, ``low`` and ``high`` of the former (``unclear`` where there is
        none); ``split`` where the two middle answers differ, the median then being the one that
        begins later; ``disagree`` where low and high differ; ``one_respondent``.
    anonymous : mapping of str to int
        Answers without a municipality, by stance: counted and used for nothing else.
    respondents : Statistic, optional
        Krippendorff's alpha of the answers within municipalities; None where no municipality
        has two.
    n_answers : int
        Answers with a municipality.
    draws, seed, alpha : int, int, float
        Of the bootstrap behind the interval.
    """

    table: pd.DataFrame = field(repr=False)
    anonymous: Mapping[str, int]
    respondents: Statistic | None
    n_answers: int
    draws: int
    seed: int
    alpha: float

    def tidy(self) -> pd.DataFrame:
        """Return one row per municipality."""
        return self.table

    def to_dict(self) -> dict[str, Any]:
        """Return plain types for JSON."""
        found = self.respondents
        return {
            "municipalities": self.table.to_dict("records"),
            "anonymous": dict(self.anonymous),
            "respondents": found and asdict(found),
            "n_answers": self.n_answers,
            "draws": self.draws,
            "seed": self.seed,
            "alpha": self.alpha,
        }

    def as_sheet(self, coder: str, source: str, *, evidence: str = "weak") -> CodingSheet:
        """Return the medians as a sheet of one coder.

        Parameters
        ----------
        coder, source : str
            What the rows are to bear.
        evidence : {"none", "weak", "indirect", "strong", "explicit"}
            What an answer to the survey is worth.

        Returns
        -------
        CodingSheet
            Without dates; the note tells range and number of answers.
        """
        rows = [
            {
                "code": r["code"],
                "coder": coder,
                "stance": r["median"],
                "evidence": evidence,
                "source": source,
                "note": f"{r['n'] + r['n_unclear']} answers, {r['low']} to {r['high']}",
            }
            for r in self.table.to_dict("records")
        ]
        columns = ["code", "coder", "stance", "evidence", "source", "note"]
        return coding_sheet(pd.DataFrame(rows, columns=columns))

    def __repr__(self) -> str:
        return (
            f"<SurveySummary, {self.n_answers} answers of {len(self.table)} municipalities, "
            f"{sum(self.anonymous.values())} anonymous>"
        )

    def _repr_html_(self) -> str:
        return self.table.to_html(index=False, border=0)


def read_answers(path: str | Path) -> pd.DataFrame:
    """Read survey answers, one row per respondent.

    Parameters
    ----------
    path : str or pathlib.Path
        CSV or workbook with ``code`` (empty where the answer is anonymous) and ``stance``, and,
        if wanted, ``respondent`` and ``note``.

    Returns
    -------
    pandas.DataFrame
        Text; the index is the line in the file. For :func:`summarise_answers`.

    Raises
    ------
    InputError
        If the file cannot be read or a column is lacking or unknown.
    """
    table = read_table(path, columns=_NEEDED)
    for column in table.columns:
        if column not in _FIELDS:
            raise InputError(
                suggestion(str(column), _FIELDS), file=str(path), row=1, field=str(column)
            )
    for column in _NEEDED:
        if column not in table.columns:
            problem = f"there is no such column; needed are {', '.join(_NEEDED)}"
            raise InputError(problem, file=str(path), row=1, field=column)
    return table


def summarise_answers(
    answers: pd.DataFrame | Sequence[Mapping[str, str]],
    *,
    draws: int = 9999,
    seed: int = 1,
    alpha: float = 0.05,
) -> SurveySummary:
    """Take the answers of each municipality's respondents together.

    Parameters
    ----------
    answers : pandas.DataFrame or sequence of mapping
        ``code`` and ``stance``, and ``respondent`` and ``note`` where there are any.
    draws, seed : int
        Of the bootstrap for the agreement of respondents; 0 draws give no interval.
    alpha : float
        One minus the level.

    Returns
    -------
    SurveySummary
        Median, range and number by municipality; anonymous answers counted.

    Raises
    ------
    InputError
        If a code or a stance is none, a respondent stands twice for a municipality, an answer
        that is marked as anonymous bears a code, or there is no answer.

    Examples
    --------
    >>> rows = [{"code": "1264", "stance": s} for s in ("active_day_one", "active_from_asylum")]
    >>> found = summarise_answers([*rows, {"code": "", "stance": "waits_two_years"}], draws=0)
    >>> found.table[["n", "median", "split", "one_respondent"]].values.tolist()
    [[2, 'active_day_one', True, False]]
    >>> found.anonymous
    {'waits_two_years': 1}
    """
    frame = answers if isinstance(answers, pd.DataFrame) else pd.DataFrame(list(answers))
    for column in _NEEDED:
        if column not in frame.columns:
            raise InputError(
                f"there is no such column; needed are {', '.join(_NEEDED)}", field=column
            )
    given = frame.astype(object).where(frame.notna(), None)
    texts = given.reindex(columns=list(_FIELDS), fill_value="").map(plain)
    by_code: dict[str, list[str]] = {}
    anonymous: dict[str, int] = {}
    seen: dict[tuple[str, str], int] = {}
    for line, cells in zip(frame.index, texts.itertuples(index=False, name=None), strict=True):
        row = dict(zip(_FIELDS, map(str, cells), strict=True))
        try:
            code = _code(row)
            who = (code, row["respondent"])
            if code and row["respondent"] and who in seen:
                raise InputError(
                    f"respondent {row['respondent']!r} of {name(code)} ({code}) stands twice "
                    f"(first in row {seen[who]})",
                    field="respondent",
                )
        except InputError as error:
            raise InputError(
                error.problem, file=frame.attrs.get("file"), row=int(str(line)), field=error.field
            ) from None
        if code:
            by_code.setdefault(code, []).append(row["stance"])
            seen[who] = int(str(line))
        else:
            anonymous[row["stance"]] = anonymous.get(row["stance"], 0) + 1
    if not by_code and not anonymous:
        raise InputError("there is no answer", file=frame.attrs.get("file"))
    table = pd.DataFrame([_row(c, by_code[c]) for c in sorted(by_code)], columns=list(_COLUMNS))
    counts = [[by_code[c].count(s) for s in ORDERED_STANCES] for c in sorted(by_code)]
    several = any(sum(c) > 1 for c in counts)
    found = (
        ordinal_alpha(
            counts, sorted(by_code), coders=("respondents",), draws=draws, seed=seed, alpha=alpha
        )
        if several
        else None
    )
    total = sum(map(len, by_code.values()))
    return SurveySummary(table, anonymous, found, total, draws, seed, alpha)


def _code(row: dict[str, str]) -> str:
    """Check an answer; return today's code, or nothing where it is anonymous."""
    if row["stance"] not in STANCES:
        raise InputError(suggestion(row["stance"], STANCES), field="stance")
    if row["code"] == "":
        return ""
    code = canonical(row["code"])
    if code == NATION:
        raise InputError("the nation has no stance; a municipality's code is needed", field="code")
    for field_ in ("respondent", "note"):
        if marked_anonymous(row[field_]):
            raise InputError(
                f"{row[field_]!r} is {ANONYMOUS} and bears the code {code}; anonymous answers can "
                "be counted but never tied to a municipality",
                field=field_,
            )
    return code


def _row(code: str, stances: Sequence[str]) -> dict[str, Any]:
    """Take one municipality's answers together."""
    places = sorted(r for s in stances if (r := rank(s)) is not None)
    n = len(places)
    words = [ORDERED_STANCES[p] for p in places] or [UNCLEAR]
    lower, upper = words[(len(words) - 1) // 2], words[len(words) // 2]
    return {
        "code": code,
        "municipality": name(code),
        "n": n,
        "n_unclear": len(stances) - n,
        "median": lower,
        "low": words[0],
        "high": words[-1],
        "split": lower != upper,
        "disagree": words[0] != words[-1],
        "one_respondent": len(stances) == 1,
    }
