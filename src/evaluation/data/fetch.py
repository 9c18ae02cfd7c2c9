"""From a plan to a snapshot: what the plan needs from Kolada, fetched whole and stored."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from evaluation.data.embedded import municipalities
from evaluation.data.kolada.chunks import make_chunks
from evaluation.data.kolada.client import KoladaClient
from evaluation.data.kolada.contract import (
    BASE_URL,
    CITATION_EN,
    CITATION_SV,
    LICENCE_EN,
    LICENCE_SV,
    NATION,
    SOURCE,
    check_indicator,
)
from evaluation.data.registry import INDICATORS, REGISTRY
from evaluation.errors import InputError
from evaluation.plan import KoladaData, OutcomeFile, Plan

if TYPE_CHECKING:
    import pandas as pd

    from evaluation.data.store import Snapshot, SnapshotStore

__all__ = ["fetch_plan", "needed_codes", "needed_years", "number_of_chunks"]

SAID_BY_THE_SOURCE = frozenset(
    {"code in its year", "range", "whole number", "ended", "women and men against total"}
)
"""Rules of the schema that a source can break without making its answer unreadable."""
FORMAT = 1
"""Of the chunks that are kept; a change of what they hold needs another number."""


def needed_codes() -> list[str]:
    """Return the nation and the 290 municipalities.

    Examples
    --------
    >>> len(needed_codes()), needed_codes()[:2]
    (291, ['0000', '0114'])
    """
    return [NATION, *sorted(municipalities().index)]


def needed_years(plan: Plan) -> dict[str, tuple[int, ...]]:
    """Return Kolada's indicators that a plan needs, each with its years.

    These are the plan's own list, its outcomes, what those are weighted by and what they are
    computed from; a part or weight that is read some years earlier is fetched from so many
    years earlier on.

    Parameters
    ----------
    plan : Plan
        One whose ``data`` has ``source: kolada``.

    Returns
    -------
    dict of str to tuple of int
        Years by Kolada's id, ascending.

    Raises
    ------
    InputError
        If the plan's data are not Kolada's, or an indicator is unknown: its place in the plan
        is named.
    """
    data = _kolada(plan)
    earliest: dict[str, int] = {}
    for i, outcome in enumerate(plan.outcomes):
        if isinstance(outcome, OutcomeFile):
            continue
        if outcome in INDICATORS:
            # ships with the package
            continue
        whole = isinstance(outcome, str)
        indicator = outcome if isinstance(outcome, str) else outcome.indicator
        if indicator not in REGISTRY:
            here: list[str | int] = ["outcomes", i] if whole else ["outcomes", i, "indicator"]
            raise plan.fault(here, _unknown(indicator))
        _add(indicator, 0, earliest)
    for i, indicator in enumerate(data.indicators):
        if indicator in REGISTRY:
            _add(indicator, 0, earliest)
            continue
        try:
            check_indicator(indicator)
        except InputError:
            raise plan.fault(["data", "indicators", i], _unknown(indicator)) from None
        earliest.setdefault(indicator, 0)
    if not earliest:
        raise plan.fault(
            ["data", "indicators"], "is empty, and no outcome needs an indicator from Kolada"
        )
    first, last = data.years
    return {i: tuple(range(first - lag, last + 1)) for i, lag in sorted(earliest.items())}


def number_of_chunks(plan: Plan) -> int:
    """Return how many requests a fetch of the plan is made of, as for :func:`fetch_plan`."""
    years = needed_years(plan)
    return len(make_chunks(list(years), needed_codes(), years))


def fetch_plan(
    plan: Plan,
    store: SnapshotStore,
    *,
    client: KoladaClient | None = None,
    progress: Callable[[str], None] | None = None,
) -> Snapshot:
    """Fetch what a plan needs from Kolada and keep it as a snapshot under the plan's name.

    Nothing is stored unless all of it came. What came whole before an interruption is kept
    beside the snapshots for a day, and the same fetch goes on from there.

    Parameters
    ----------
    plan : Plan
        One whose ``data`` has ``source: kolada``.
    store : SnapshotStore
        Where to keep it.
    client : KoladaClient, optional
        Another server or other limits.
    progress : callable, optional
        Is given the name of each chunk that is done.

    Returns
    -------
    Snapshot
        What was stored: for the nation and the 290 municipalities. Its notes say which years
        and municipalities an indicator lacks and what was left out.

    Raises
    ------
    InputError
        If the plan does not ask for Kolada's data, something cannot be fetched (it names the
        indicator and the chunk), or the snapshot cannot be written.
    """
    years, codes = needed_years(plan), needed_codes()
    client = client or KoladaClient()
    request = {
        "source": SOURCE,
        "server": client.base_url,
        "years": {indicator: list(own) for indicator, own in years.items()},
        "codes": codes,
    }
    partial = store.partial(request | {"format": FORMAT})
    fetched = client.fetch(list(years), codes, years, partial=partial, progress=progress)
    counts = "; ".join(f"{key.replace('_', ' ')} {n}" for key, n in fetched.counts.items() if n)
    snapshot = store.put(
        fetched.frame,
        name=plan.name,
        source=SOURCE,
        request=request,
        licence_sv=LICENCE_SV,
        licence_en=LICENCE_EN,
        citation_sv=CITATION_SV,
        citation_en=CITATION_EN,
        notes=[
            *fetched.notes,
            *_contradictions(fetched.frame),
            *_other_server(client.base_url),
            f"counts: {counts}",
        ],
    )
    partial.clear()
    return snapshot


def _other_server(url: str) -> list[str]:
    """Say it where the figures did not come from the service itself."""
    return [] if url == BASE_URL else [f"fetched from {url}, not from {SOURCE}'s own server"]


def _contradictions(frame: pd.DataFrame) -> list[str]:
    """Ask the schema: what cannot be read is refused, what the source itself says is noted.

    A share above 100 or a total that its parts do not make is the source's own; a user can
    neither mend it nor do without the rest, so it is kept and said.
    """
    from evaluation.data.schema import report

    faults = report(frame)
    form = faults[~faults["rule"].isin(SAID_BY_THE_SOURCE)]
    if len(form):
        raise InputError(f"{SOURCE}'s answer cannot be used: {form['problem'].iloc[0]}")
    return [
        f"{len(rows)} values kept although they contradict the registry ({rule}); the first: "
        f"{rows['problem'].iloc[0]}"
        for rule, rows in faults.groupby("rule", sort=True)
    ]


def _kolada(plan: Plan) -> KoladaData:
    if not isinstance(plan.data, KoladaData):
        problem = "has nothing to fetch; a plan with source: kolada and years: [first, last] has"
        raise plan.fault(["data"], problem)
    return plan.data


def _unknown(indicator: str) -> str:
    return f"{indicator!r} is in neither the registry nor Kolada, whose ids look like N00973"


def _add(indicator: str, lag: int, earliest: dict[str, int]) -> None:
    """Add what an indicator of the registry needs from Kolada, and how many years earlier."""
    entry = REGISTRY[indicator]
    if entry.kolada is not None:
        earliest[entry.kolada] = max(lag, earliest.get(entry.kolada, 0))
    for part in entry.parts:
        _add(part.id, lag + part.lag_years, earliest)
    if entry.weight is not None:
        _add(entry.weight, lag + entry.weight_lag_years, earliest)
