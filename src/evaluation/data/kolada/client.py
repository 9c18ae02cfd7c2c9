"""Kolada's figures, whole or not at all."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from evaluation.data.kolada.chunks import (
    Chunk,
    Finished,
    KoladaError,
    Partial,
    RevisedError,
    make_chunks,
)
from evaluation.data.kolada.contract import (
    CALLS_PER_SECOND,
    NATION,
    ContractError,
    base_url,
    check_code,
    check_indicator,
    kpi_path,
    read_page,
    read_title,
)
from evaluation.data.kolada.rate import RateLimiter
from evaluation.data.kolada.transport import CallError, Transport, Waits
from evaluation.data.observations import COLUMNS, MISSING, SUPPRESSED, observations
from evaluation.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Fetched", "KoladaClient"]

AGAIN: Final = "; run the same fetch again: what had come whole was kept"


@dataclass(frozen=True)
class Fetched:
    """A whole fetch.

    Parameters
    ----------
    frame : pandas.DataFrame
        Observations. A cell that the source does not return is no row of it.
    counts : dict of str to int
        ``rows``, ``suppressed`` and ``missing`` of them; ``absent`` cells, counted for the years
        and municipalities that an indicator has at all, women and men apart where it is so
        divided; what was left out: ``deleted``, ``other_areas``, ``other_years``,
        ``other_indicators``, ``duplicates``; values by their ``status …``; and how it went:
        ``requests``, ``chunks``, ``resumed`` and ``refetched`` of them.
    notes : tuple of str
        What a reader of the figures should know, one sentence each.
    """

    frame: pd.DataFrame
    counts: dict[str, int]
    notes: tuple[str, ...]

    @property
    def requests(self) -> int:
        """Calls that were made, repeated ones included."""
        return self.counts["requests"]


class KoladaClient:
    """Fetch figures from Kolada, version 3.

    Parameters
    ----------
    base_url : str, optional
        The server; by default ``EVALUATION_KOLADA_URL``, else Kolada's own.
    rate : float or None
        Calls a second at most, over all threads; None lifts it.
    workers : int
        Calls at once.
    attempts : int
        Of one call, before the fetch is given up.
    timeout : float
        Seconds to wait for a connection and for each next part of an answer; an answer may take
        four times as long in all.
    waits : Waits, optional
        Other pauses between the attempts.

    Raises
    ------
    InputError
        If the address is none.

    Examples
    --------
    >>> KoladaClient("http://localhost:8000/v3", rate=None).base_url
    'http://localhost:8000/v3'
    """

    def __init__(
        self,
        base_url: str | None = None,
        *,
        rate: float | None = CALLS_PER_SECOND,
        workers: int = 8,
        attempts: int = 5,
        timeout: float = 30.0,
        waits: Waits | None = None,
    ) -> None:
        if workers < 1 or attempts < 1 or not timeout > 0:
            raise ValueError("workers and attempts must be at least 1, timeout above zero")
        self.base_url = _base_url(base_url)
        self.workers, self.attempts, self.timeout = workers, attempts, timeout
        self.waits = waits or Waits()
        self.limiter = RateLimiter(rate)

    @contextmanager
    def connect(self) -> Iterator[Transport]:
        """Open the connections of one fetch; all fetches of a client share its limit of calls."""
        import httpx

        with httpx.Client(
            timeout=httpx.Timeout(self.timeout, pool=None),
            limits=httpx.Limits(max_connections=self.workers),
            headers={"Accept": "application/json", "User-Agent": "integration-evaluation"},
            follow_redirects=False,
        ) as http:
            yield Transport(
                http, self.base_url, self.limiter, self.attempts, self.waits, 4 * self.timeout
            )

    def fetch(
        self,
        indicators: Sequence[str],
        codes: Sequence[str],
        years: Sequence[int] | Mapping[str, Sequence[int]],
        *,
        partial: Partial | None = None,
        progress: Callable[[str], None] | None = None,
    ) -> Fetched:
        """Fetch indicators for municipalities and years, all of them or none.

        Parameters
        ----------
        indicators : sequence of str
            Kolada's ids.
        codes : sequence of str
            Four digits as text; ``"0000"`` is the nation. Only these are kept.
        years : sequence of int, or mapping of str to sequence of int
            Years, for all indicators or for each.
        partial : Partial, optional
            Where finished chunks are kept, and taken from.
        progress : callable, optional
            Is given the name of each chunk that is done.

        Returns
        -------
        Fetched
            The observations, with counts and notes.

        Raises
        ------
        KoladaError
            If a chunk finally fails, an indicator has no values at all, or a group of
            municipalities lacks those that others have; it names the indicator and the chunk.
        InputError
            If an id, code or year cannot be one, or a finished chunk cannot be kept.
        """
        chunks = _checked(indicators, codes, years)
        with self.connect() as transport:
            run = _Run(transport, partial, progress)
            run.all(chunks, self.workers)
            run.fill_gaps(chunks)
        return _fetched(chunks, run.done, transport.counts)


def _base_url(given: str | None) -> str:
    # the parameter of the client bears the function's name
    return base_url(given)


def _checked(
    indicators: Sequence[str],
    codes: Sequence[str],
    years: Sequence[int] | Mapping[str, Sequence[int]],
) -> tuple[Chunk, ...]:
    """Return the chunks of a request that can be one."""
    for indicator in indicators:
        check_indicator(indicator)
    for code in codes:
        check_code(code)
    listed = years.values() if isinstance(years, Mapping) else [years]
    for year in itertools.chain.from_iterable(listed):
        if isinstance(year, bool) or not isinstance(year, int) or not 1900 <= year <= 2100:
            raise InputError(f"{year!r} is no year between 1900 and 2100")
    chunks = make_chunks(indicators, codes, years)
    if not chunks:
        raise InputError("nothing to fetch: an indicator, a municipality and a year are needed")
    return chunks


class _Run:
    """One fetch on its way."""

    def __init__(
        self,
        transport: Transport,
        partial: Partial | None,
        progress: Callable[[str], None] | None,
    ) -> None:
        self.transport, self.partial, self.progress = transport, partial, progress
        self.done: dict[Chunk, Finished] = {}

    def all(self, chunks: Sequence[Chunk], workers: int) -> None:
        """Do every chunk; at the first that fails, stop the others and raise."""
        with ThreadPoolExecutor(max_workers=min(workers, len(chunks))) as pool:
            tasks = {pool.submit(self.chunk, chunk): chunk for chunk in chunks}
            try:
                for task in as_completed(tasks):
                    self.done[tasks[task]] = task.result()
                    if self.progress is not None:
                        self.progress(tasks[task].name)
            except BaseException:
                # an interruption from the keyboard too: nobody waits for what is not wanted
                self.transport.stop.set()
                pool.shutdown(wait=False, cancel_futures=True)
                raise

    def chunk(self, chunk: Chunk) -> Finished:
        """Return one chunk, kept or fetched, and keep it if it has rows."""
        kept = None if self.partial is None else self.partial.get(chunk.key)
        if kept is not None:
            found = Finished.from_kept(kept)
            found.counts["resumed"] = 1
            return found
        found = self._fetched(chunk)
        # an empty chunk is asked for again
        if self.partial is not None and found.rows:
            try:
                self.partial.put(chunk.key, found.kept())
            except InputError as error:
                raise self._error(chunk, f"it came, and cannot be kept: {error}") from None
        return found

    def _fetched(self, chunk: Chunk) -> Finished:
        """Fetch a chunk; once more where a value was revised between its pages."""
        for turn in range(2):
            try:
                found = Finished.from_pages(chunk, self.transport.pages(chunk.path, read_page))
            except RevisedError as error:
                if turn:
                    problem = f"the figures were revised during the fetch ({error})"
                    raise self._error(chunk, problem) from None
            except (CallError, ContractError) as error:
                raise self._error(chunk, str(error)) from None
            else:
                found.counts["refetched"] = turn
                return found
        raise AssertionError("the second turn returns or raises")

    def fill_gaps(self, chunks: Sequence[Chunk]) -> None:
        """Ask once more where rows are lacking altogether; raise if there is none again."""
        for indicator in dict.fromkeys(c.indicator for c in chunks):
            own = [c for c in chunks if c.indicator == indicator]
            for chunk in self._empty(own):
                self.done[chunk] = self.chunk(chunk)
                self.done[chunk].counts["refetched"] += 1
            if not any(self.done[c].rows for c in own):
                raise KoladaError(self._why_nothing(indicator, own), indicator=indicator)
            still = self._empty(own)
            if still:
                problem = (
                    "the answer to a valid question was empty, twice, where other "
                    "municipalities have values"
                )
                raise self._error(still[0], problem)

    def _empty(self, chunks: Sequence[Chunk]) -> list[Chunk]:
        """Return the chunks without a row where one is expected.

        That is where the municipalities have no row in any year, or where other
        municipalities have rows in the same years.
        """
        some = {c.codes for c in chunks if self.done[c].rows}
        told = {c.years for c in chunks if any(row[1] != NATION for row in self.done[c].rows)}
        return [
            c for c in chunks if not self.done[c].rows and (c.codes not in some or c.years in told)
        ]

    def _why_nothing(self, indicator: str, chunks: Sequence[Chunk]) -> str:
        """Ask what the service knows of an indicator that has no values."""
        years = sorted({y for c in chunks for y in c.years})
        nothing = f"not one value for {years[0]}–{years[-1]}"
        deleted = sum(self.done[c].counts["deleted"] for c in chunks)
        other = sum(self.done[c].counts[k] for c in chunks for k in _LEFT_OUT)
        extra = f" (left out: {deleted} deleted, {other} not asked for)" if deleted + other else ""
        try:
            title = self.transport.get(self.transport.address(kpi_path(indicator)), read_title)
        except (CallError, ContractError) as error:
            return f"{nothing}{extra}, and nothing is said about the indicator: {error}"
        if title is None:
            return f"{nothing}{extra}: the service does not know the indicator; was it withdrawn?"
        return f"{nothing}{extra}, though the service knows the indicator as «{title[:100]}»"

    def _error(self, chunk: Chunk, problem: str) -> KoladaError:
        again = AGAIN if self.partial is not None else ""
        return KoladaError(problem + again, indicator=chunk.indicator, chunk=chunk)


_LEFT_OUT = ("other_areas", "other_years", "other_indicators")


def _fetched(chunks: Sequence[Chunk], done: dict[Chunk, Finished], calls: Counter[str]) -> Fetched:
    """Put the chunks together."""
    import pandas as pd

    rows = [row for chunk in chunks for row in done[chunk].rows]
    frame = observations(pd.DataFrame.from_records(rows, columns=list(COLUMNS)))
    counts: Counter[str] = Counter(
        dict.fromkeys(("deleted", *_LEFT_OUT, "duplicates", "resumed", "refetched"), 0)
    )
    for chunk in chunks:
        counts.update(done[chunk].counts)
    notes: list[str] = []
    counts["absent"] = 0
    for indicator, own in frame.groupby("indicator", sort=True):
        asked = [c for c in chunks if c.indicator == indicator]
        codes = {code for c in asked for code in c.codes}
        years = {year for c in asked for year in c.years}
        no_year = sorted(years - set(own["year"]))
        no_code = sorted(codes - set(own["code"]))
        if no_year:
            notes.append(f"{indicator}: no value for {', '.join(map(str, no_year))}")
        if no_code:
            notes.append(f"{indicator}: no value for municipality {', '.join(no_code)}")
        cells = (len(codes) - len(no_code)) * (len(years) - len(no_year)) * own["sex"].nunique()
        counts["absent"] += cells - len(own)
    notes += [
        f"{n} values bear the status {key.removeprefix('status ')!r}"
        for key, n in sorted(counts.items())
        if key.startswith("status ")
    ]
    if counts["resumed"]:
        notes.append(
            f"{counts['resumed']} of {len(chunks)} chunks come from an earlier fetch that was "
            "interrupted"
        )
    state: Any = frame["state"]
    counts["suppressed"] = int((state == SUPPRESSED).sum())
    counts["missing"] = int((state == MISSING).sum())
    counts["rows"], counts["chunks"] = len(frame), len(chunks)
    counts["requests"] = calls["requests"]
    return Fetched(frame, dict(sorted(counts.items())), tuple(notes))
