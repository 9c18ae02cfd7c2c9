"""Chunks: the requests that a fetch is made of, what came of each, and how one is kept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from evaluation.data.kolada.contract import MOST_IDS, Page, Row, data_path
from evaluation.errors import InputError

__all__ = ["Chunk", "Finished", "KoladaError", "Partial", "RevisedError", "make_chunks"]


class Partial(Protocol):
    """Where the chunks of an interrupted fetch are kept, as plain JSON.

    Only what was put whole, and not so long ago that it would be of another vintage, may come
    out of it again.
    """

    def get(self, key: str) -> list[Any] | None:
        """Return what was put under a key, None where nothing whole was."""

    def put(self, key: str, rows: list[Any]) -> None:
        """Keep a list under a key, whole or not at all."""


@dataclass(frozen=True)
class Chunk:
    """One indicator for at most 25 municipalities in at most 25 years.

    Examples
    --------
    >>> Chunk("N00973", ("0114", "2321"), (2015, 2016)).name
    'N00973, municipalities 0114–2321 (2), years 2015–2016 (2)'
    """

    indicator: str
    codes: tuple[str, ...]
    years: tuple[int, ...]

    @property
    def name(self) -> str:
        """How errors and the progress bar call it."""
        areas = f"municipalities {self.codes[0]}–{self.codes[-1]} ({len(self.codes)})"
        return (
            f"{self.indicator}, {areas}, years {self.years[0]}–{self.years[-1]} ({len(self.years)})"
        )

    @property
    def key(self) -> str:
        """What it is kept under; the chunks of one request do not overlap."""
        return f"{self.indicator}-{self.codes[0]}-{self.codes[-1]}-{self.years[0]}-{self.years[-1]}"

    @property
    def path(self) -> str:
        """Its path and query at the server."""
        return data_path(self.indicator, self.codes, self.years)


class KoladaError(InputError):
    """Kolada did not give what was asked for.

    Parameters
    ----------
    problem : str
        What happened.
    indicator : str
        The indicator that was asked for.
    chunk : Chunk, optional
        The request, where one stands out.
    """

    def __init__(self, problem: str, *, indicator: str, chunk: Chunk | None = None) -> None:
        self.indicator = indicator
        self.chunk = chunk
        super().__init__(f"Kolada, {chunk.name if chunk else indicator}: {problem}")


class RevisedError(Exception):
    """One cell came with two values: it was revised between two pages."""


@dataclass
class Finished:
    """What came of one chunk: the asked rows, and counts of what was left out."""

    rows: list[Row] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)

    @classmethod
    def from_pages(cls, chunk: Chunk, pages: Iterable[Page]) -> Finished:
        """Keep the asked rows of a chunk's pages, each once, and count the others.

        Raises
        ------
        RevisedError
            If two rows of one cell differ.
        """
        out = cls()
        codes, years = frozenset(chunk.codes), frozenset(chunk.years)
        cells: dict[tuple[str, int, str], Row] = {}
        for page in pages:
            out.counts["deleted"] += page.deleted
            out.counts.update({f"status {mark}": n for mark, n in page.marks.items()})
            for row in page.rows:
                if row[0] != chunk.indicator:
                    out.counts["other_indicators"] += 1
                elif row[1] not in codes:
                    out.counts["other_areas"] += 1
                elif row[2] not in years:
                    out.counts["other_years"] += 1
                elif (earlier := cells.setdefault(row[1:4], row)) is not row:
                    if earlier != row:
                        raise RevisedError(
                            f"{row[1]} {row[2]} {row[3]} came as {earlier[4]} and as {row[4]}"
                        )
                    out.counts["duplicates"] += 1
        out.rows = list(cells.values())
        return out

    def kept(self) -> list[Any]:
        """Return the plain JSON that it is kept as."""
        return [dict(self.counts), *self.rows]

    @classmethod
    def from_kept(cls, kept: list[Any]) -> Finished:
        """Return a chunk that was kept."""
        counts, *rows = kept
        return cls([tuple(row) for row in rows], Counter(counts))


def make_chunks(
    indicators: Sequence[str],
    codes: Sequence[str],
    years: Sequence[int] | Mapping[str, Sequence[int]],
) -> tuple[Chunk, ...]:
    """Cut a request into chunks of one indicator and at most 25 municipalities and years.

    290 municipalities, the nation and 15 years are 12 requests for an indicator; one year for all
    areas at a time would be 15, and bring the regions and groups with it.

    Parameters
    ----------
    indicators, codes : sequence of str
        Ids and four-digit codes; repeated ones count once.
    years : sequence of int, or mapping of str to sequence of int
        Years, for all indicators or for each.

    Returns
    -------
    tuple of Chunk
        In the order of the sorted ids.

    Examples
    --------
    >>> chunks = make_chunks(["N00973"], [f"{i:04}" for i in range(291)], range(2010, 2025))
    >>> len(chunks), len(chunks[0].codes), len(chunks[-1].codes)
    (12, 25, 16)
    """
    areas = sorted(set(codes))
    periods = {i: sorted(set(_years(years, i))) for i in sorted(set(indicators))}
    return tuple(
        Chunk(indicator, tuple(areas[i : i + MOST_IDS]), tuple(own[j : j + MOST_IDS]))
        for indicator, own in periods.items()
        for i in range(0, len(areas), MOST_IDS)
        for j in range(0, len(own), MOST_IDS)
    )


def _years(years: Sequence[int] | Mapping[str, Sequence[int]], indicator: str) -> Sequence[int]:
    return years[indicator] if isinstance(years, Mapping) else years
