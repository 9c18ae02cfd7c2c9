"""Statistics Sweden's database by municipality, through ``pxwebpy``."""

from __future__ import annotations

import itertools
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from evaluation.data import embedded
from evaluation.data.observations import COLUMNS, MISSING, OBSERVED, Sex
from evaluation.data.reading.cells import DEFAULT_MARKS, Meaning, plain, read_period
from evaluation.errors import InputError

if TYPE_CHECKING:
    from evaluation.data.store import Snapshot, SnapshotStore

__all__ = ["ScbFetch", "ScbMapping", "fetch_scb"]

PERTURBED_FROM = 2025
_SEXES: Final[Mapping[str, Sex]] = MappingProxyType({"1": "M", "2": "K", "1+2": "T", "TOT1": "T"})


@dataclass(frozen=True)
class ScbMapping:
    """Which variable of the table is what.

    Parameters
    ----------
    code, year : str
        Variables of municipality and year.
    sex : str, optional
        Variable of sex; without one the values are totals.
    sexes : mapping of str to {"T", "K", "M"}
        Meaning of its codes; SCB's are 1 men, 2 women.
    marks : mapping of str to {"suppressed", "zero", "missing"}
        Meaning of the signs that stand where a value is lacking.
    """

    code: str = "Region"
    year: str = "Tid"
    sex: str | None = None
    sexes: Mapping[str, Sex] = field(default_factory=lambda: _SEXES)
    marks: Mapping[str, Meaning] = field(default_factory=lambda: DEFAULT_MARKS)


@dataclass(frozen=True)
class ScbFetch:
    """What SCB answered.

    Parameters
    ----------
    frame : pandas.DataFrame
        Observations.
    table, title, updated : str
        The table's id, its title and when SCB last changed it.
    request : dict
        What was asked, in plain types.
    notes : tuple of str
        What must be known.
    retrieved : datetime.datetime
        When, in UTC.
    """

    frame: pd.DataFrame = field(repr=False)
    table: str
    title: str
    updated: str
    request: dict[str, Any]
    notes: tuple[str, ...]
    retrieved: datetime

    def put(self, store: SnapshotStore, name: str) -> Snapshot:
        """Keep it as a snapshot.

        Parameters
        ----------
        store : SnapshotStore
            Where.
        name : str
            What it is for.

        Returns
        -------
        Snapshot
            With SCB as the source, CC0 as the licence and the table in the citation.
        """
        return store.put(
            self.frame,
            name=name,
            source="SCB",
            request=self.request,
            licence_sv="CC0",
            licence_en="CC0",
            citation_sv=f"Källa: SCB, {self.table}, {self.title}",
            citation_en=f"Source: SCB, {self.table}, {self.title}",
            notes=self.notes,
            retrieved=self.retrieved,
        )


def fetch_scb(
    table: str,
    query: Mapping[str, str | Sequence[str]],
    *,
    indicator: str,
    mapping: ScbMapping | None = None,
    code_list: Mapping[str, str] | None = None,
    url: str | None = None,
    language: str = "sv",
    attempts: int = 5,
    timeout: float = 30.0,
    wait: float = 1.0,
) -> ScbFetch:
    """Fetch one series by municipality and year from a table of SCB's.

    A query over the limit of cells that the server states is split by its largest
    variable; if the server refuses a part all the same, the parts are halved until it
    does not. 429 (with Retry-After), 5xx, timeouts, broken connections and answers that
    are no JSON are tried again with growing pauses.

    Parameters
    ----------
    table : str
        The table's id, such as ``"TAB6571"``.
    query : mapping of str to str or sequence of str
        Codes by variable; ``"*"`` takes all. Variables other than municipality, year and
        sex must be down to one code each: nothing is added up.
    indicator : str
        What the values are; goes into the column ``indicator``.
    mapping : ScbMapping, optional
        Which variable is what.
    code_list : mapping of str to str, optional
        A code list by variable, such as ``{"Region": "vs_RegionKommun07"}``.
    url : str, optional
        The server; without it ``EVALUATION_SCB_URL``, else SCB's.
    language : str
        Language of the title.
    attempts : int
        Tries per call.
    timeout : float
        Seconds without a byte after which a try is given up.
    wait : float
        Seconds before the second try; they double from there, to at most 30 times as many.

    Returns
    -------
    ScbFetch
        Observations of the municipalities; counties and the nation are left out.

    Raises
    ------
    ImportError
        If ``pxwebpy`` is not installed.
    InputError
        If any part fails for good, naming table and part; if the answer is no table, empty,
        not by year, or leaves another variable open. Never a part of what was asked.
    """
    mapping = mapping or ScbMapping()
    try:
        from pxweb import get_known_apis

        from evaluation.data.scb_client import Api, ScbError
    except ImportError as error:
        raise ImportError('SCB needs pxwebpy: pip install "integration-evaluation[scb]"') from error
    server = (url or os.environ.get("EVALUATION_SCB_URL") or get_known_apis()["scb"]).rstrip("/")
    asked: dict[str, list[str] | str] = {
        k: [v] if isinstance(v, str) else list(v) for k, v in query.items()
    }
    place = f"SCB {table}"
    try:
        api = Api(server, language, timeout, attempts, wait)
        answers = api.answers(table, asked, dict(code_list) if code_list else None)
    except ScbError as error:
        tries = f" after {attempts} attempts" if error.retriable else ""
        raise InputError(f"{error.chunk}: {error.problem}{tries}", file=place) from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"the answer is no table ({error})", file=place) from None
    try:
        cells = [c for answer in answers for c in _cells(answer, mapping)]
        first = answers[0]
        title, updated = str(first.get("label", table)), str(first.get("updated", ""))
    except (KeyError, TypeError, IndexError, AttributeError, ValueError) as error:
        if isinstance(error, InputError):
            raise error.placed(file=place) from None
        raise InputError(f"the answer is no table ({error!r})", file=place) from None
    return ScbFetch(
        frame=_tidy(cells, indicator, place),
        table=table,
        title=title,
        updated=updated,
        request={
            "server": server,
            "table": table,
            "query": asked,
            "code_list": dict(code_list or {}),
        },
        notes=_notes(cells),
        retrieved=datetime.now(UTC),
    )


def _cells(answer: Mapping[str, Any], mapping: ScbMapping) -> list[tuple[Any, ...]]:
    """Return code, year, sex, value and state of every cell of an answer in json-stat2."""
    names = answer["id"]
    codes = []
    for name in names:
        category = answer["dimension"][name]["category"]
        index = category.get("index") or list(category["label"])
        codes.append(list(index) if isinstance(index, list) else sorted(index, key=index.get))
    values, states = answer["value"], answer.get("status") or {}
    if math.prod(map(len, codes)) != len(values):
        raise InputError(f"{len(values)} values for {math.prod(map(len, codes))} cells")
    roles = {"code": mapping.code, "year": mapping.year, "sex": mapping.sex}
    for role, name in roles.items():
        if name is not None and name not in names:
            raise InputError(f"has no variable {name!r}; it has {', '.join(names)}", field=role)
    for name, inner in zip(names, codes, strict=True):
        if name not in roles.values() and len(inner) > 1:
            raise InputError(f"{len(inner)} codes of {name} are left; choose one", field=name)
    at = {r: names.index(n) for r, n in roles.items() if n is not None}
    out = []
    for k, combination in enumerate(itertools.product(*codes)):
        sign = states.get(str(k)) if isinstance(states, dict) else states[k]
        value, state = _value(values[k], sign, mapping)
        period = read_period(combination[at["year"]])
        if period is None or period.month is not None:
            raise InputError(f"{combination[at['year']]!r} is not a year", field=mapping.year)
        sex: Sex = "T"
        if "sex" in at:
            found = mapping.sexes.get(combination[at["sex"]])
            if found is None:
                raise InputError(
                    f"{combination[at['sex']]!r} is no known sex; say sexes", field=mapping.sex
                )
            sex = found
        out.append((combination[at["code"]], period.year, sex, value, state))
    return out


def _value(value: Any, sign: str | None, mapping: ScbMapping) -> tuple[float, str]:
    """Return value and state; a sign counts only where there is no value."""
    if value is not None:
        return float(value), OBSERVED
    meaning = mapping.marks.get(plain(sign))
    if meaning is None:
        raise InputError(f"the sign {sign!r} is not known; say marks")
    return (0.0, OBSERVED) if meaning == "zero" else (math.nan, meaning)


def _tidy(cells: list[tuple[Any, ...]], indicator: str, place: str) -> pd.DataFrame:
    frame = pd.DataFrame(cells, columns=["code", "year", "sex", "value", "state"])
    frame = frame[frame["code"].isin(embedded.municipalities().index)]
    if frame.empty or (frame["state"] == MISSING).all():
        raise InputError("the answer holds no value of a municipality", file=place)
    from evaluation.data.schema import validate

    tidy = frame.assign(indicator=indicator)[list(COLUMNS)].reset_index(drop=True)
    return validate(tidy, file=place, origin="SCB")


def _notes(cells: Sequence[tuple[Any, ...]]) -> tuple[str, ...]:
    if max(c[1] for c in cells) < PERTURBED_FROM:
        return ()
    return (
        f"From {PERTURBED_FROM} on SCB perturbs the cells: women and men need not add up to "
        "the total.",
    )
