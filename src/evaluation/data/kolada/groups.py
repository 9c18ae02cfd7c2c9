"""Kolada's groups of municipalities: fetched whole, searched by title, a column to match on."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from evaluation.data import embedded
from evaluation.data.kolada.chunks import KoladaError
from evaluation.data.kolada.client import KoladaClient
from evaluation.data.kolada.contract import (
    BASE_URL,
    CITATION_EN,
    CITATION_SV,
    SOURCE,
    ContractError,
    groups_path,
    read_groups,
)
from evaluation.data.kolada.transport import CallError
from evaluation.data.store.writing import replace as write
from evaluation.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "NO_GROUP",
    "SEVERAL",
    "SIMILAR",
    "Group",
    "MunicipalityGroups",
    "csv_path",
    "fetch_groups",
    "write_column",
]

SIMILAR: Final = "Liknande kommuner"
"""How the titles of the groups begin that hold the municipalities similar to one."""
SEVERAL: Final = "|"
"""Between the groups of a municipality that is in several."""
NO_GROUP: Final = "none"
"""What stands for a municipality that is in no group."""
_WHAT: Final = "groups of municipalities"
_SHOWN: Final = 8


def _plain(text: str) -> str:
    """Return a text so that two spellings of it are the same."""
    return " ".join(unicodedata.normalize("NFC", text).casefold().split())


@dataclass(frozen=True)
class Group:
    """One group.

    Parameters
    ----------
    id, title : str
        As Kolada gives them.
    members : tuple of str
        Codes of municipalities, in order; regions and groups are not among them.
    """

    id: str
    title: str
    members: tuple[str, ...]

    def similar_to(self, name: str) -> tuple[str, int] | None:
        """Return in what, and when, the members are similar to a municipality.

        Kolada's titles read «Liknande kommuner arbetsmarknad, Åre, 2024»: in what, to whom, when.

        Returns
        -------
        tuple of str and int, or None
            The title without name and year, and the year, 0 where there is none; None for a
            group of another kind or of another municipality.

        Examples
        --------
        >>> Group("G1", "Liknande kommuner, övergripande, Åre, 2025", ()).similar_to("Åre")
        ('Liknande kommuner, övergripande', 2025)
        >>> Group("G2", "Storstäder", ()).similar_to("Malmö") is None
        True
        """
        first, *others = (part.strip() for part in self.title.split(","))
        if not _plain(first).startswith(_plain(SIMILAR)):
            return None
        rest = [p for p in others if _plain(p) != _plain(name)]
        if len(rest) == len(others):
            return None
        year = 0
        if rest and rest[-1].isdecimal() and len(rest[-1]) == 4:
            year = int(rest.pop())
        return ", ".join([first, *rest]), year


@dataclass(frozen=True)
class MunicipalityGroups:
    """Groups of municipalities as Kolada had them on a day.

    Parameters
    ----------
    groups : tuple of Group
        Sorted by title and id.
    url : str
        The server.
    retrieved : datetime.datetime
        When they were fetched, UTC.
    counts : dict of str to int
        ``groups`` that came; ``other_members``, which are no municipality; ``duplicates``,
        which came twice alike; ``requests``.
    """

    groups: tuple[Group, ...]
    url: str
    retrieved: datetime
    counts: Mapping[str, int] = field(default_factory=dict)

    def citation(self, lang: str) -> str:
        """Return the source with the day of the fetch."""
        day = f"{self.retrieved:%Y-%m-%d}"
        if lang == "sv":
            return f"{CITATION_SV}, kommungrupper, hämtade {day}"
        return f"{CITATION_EN}, groups of municipalities, retrieved {day}"

    def select(self, title: str) -> MunicipalityGroups:
        """Return the groups with a text in their titles, capital letters or not.

        Raises
        ------
        InputError
            If there is none.
        """
        wanted = _plain(title)
        found = tuple(g for g in self.groups if wanted in _plain(g.title))
        if not found:
            some = "; ".join(f"«{g.title}»" for g in self.groups[:3])
            raise InputError(
                f"none of {len(self.groups)} groups has {title!r} in its title; there are {some} "
                "and others",
                field="title",
            )
        return replace(self, groups=found)

    def own_group(self, code: str) -> Group:
        """Return the group of those similar to a municipality, the newest of several years.

        Raises
        ------
        InputError
            If the code is no municipality's, there is no such group, or there are groups for
            several purposes: then say which with :meth:`select`.
        """
        name = _name(code)
        found = [(kind, g) for g in self.groups if (kind := g.similar_to(name)) is not None]
        if not found:
            raise InputError(
                f"none of {len(self.groups)} groups is titled «{SIMILAR} …, {name}, …»"
            )
        purposes = sorted({purpose for (purpose, _), _ in found})
        if len(purposes) > 1:
            more = f" and {len(purposes) - _SHOWN} more" if len(purposes) > _SHOWN else ""
            shown = "; ".join(f"«{p}»" for p in purposes[:_SHOWN])
            raise InputError(
                f"{name} has groups for {len(purposes)} purposes, of which one is needed, by a "
                f"part of its title: {shown}{more}",
                field="title",
            )
        newest = max(year for (_, year), _ in found)
        last = [g for (_, year), g in found if year == newest]
        if len(last) > 1:
            raise InputError(
                f"{name} has {len(last)} groups titled «{last[0].title}»: "
                f"{', '.join(g.id for g in last)}",
                field="title",
            )
        return last[0]

    def similar_to(self, code: str) -> tuple[str, ...]:
        """Return the codes that Kolada calls similar to a municipality, itself not among them.

        Raises
        ------
        InputError
            As for :meth:`own_group`, or if the group holds nobody else.

        Examples
        --------
        >>> group = Group("G1", "Liknande kommuner IFO, Åre, 2024", ("2303", "2321", "2361"))
        >>> MunicipalityGroups((group,), "", datetime(2026, 1, 1)).similar_to("2321")
        ('2303', '2361')
        """
        group = self.own_group(code)
        others = tuple(c for c in group.members if c != code)
        if not others:
            raise InputError(f"«{group.title}» ({group.id}) holds no other municipality")
        return others

    def column(self) -> pd.DataFrame:
        """Return which groups each of the 290 municipalities is in, one row each.

        Returns
        -------
        pandas.DataFrame
            Columns ``code``; ``group``, the ids with ``|`` between several and ``none`` for
            none; ``group_title``, the titles likewise; ``source``.
        """
        inside: dict[str, list[Group]] = {}
        for group in self.groups:
            for code in group.members:
                inside.setdefault(code, []).append(group)
        return self._column(inside)

    def similar_column(self, codes: Sequence[str]) -> pd.DataFrame:
        """Return the column that lets each of some municipalities match those similar to it.

        Each of them is in its own group only, and every other municipality in the groups of
        those that it is similar to: who shares a group with one of them is similar to it.

        Parameters
        ----------
        codes : sequence of str
            The treated.

        Returns
        -------
        pandas.DataFrame
            As :meth:`column`.

        Raises
        ------
        InputError
            As for :meth:`similar_to`, for any of them.
        """
        inside: dict[str, list[Group]] = {}
        for code in dict.fromkeys(codes):
            group = self.own_group(code)
            inside[code] = [group]
            for other in self.similar_to(code):
                if other not in codes:
                    inside.setdefault(other, []).append(group)
        return self._column(inside)

    def _column(self, inside: Mapping[str, Sequence[Group]]) -> pd.DataFrame:
        import pandas as pd

        def joined(groups: Sequence[Group], name: str) -> str:
            return SEVERAL.join(getattr(g, name) for g in groups) or NO_GROUP

        codes = embedded.municipalities().index
        own = [inside.get(str(code), ()) for code in codes]
        return pd.DataFrame(
            {
                "code": list(codes),
                "group": [joined(g, "id") for g in own],
                "group_title": [joined(g, "title") for g in own],
                "source": self.citation("en"),
            }
        )

    def notes(self, column: pd.DataFrame) -> tuple[str, ...]:
        """Say what a user of a column should know, one sentence each."""
        several = int(column["group"].str.contains(SEVERAL, regex=False).sum())
        nowhere = int((column["group"] == NO_GROUP).sum())
        said = {
            f"{several} municipalities are in several groups: two match that share one": several,
            f"{nowhere} municipalities are in no group and stand as {NO_GROUP!r}": nowhere,
            f"fetched from {self.url}, not from {SOURCE}'s own server": self.url != BASE_URL,
        }
        return tuple(text for text, holds in said.items() if holds)

    def to_dict(self) -> dict[str, Any]:
        """Return plain types for JSON."""
        return {
            "url": self.url,
            "retrieved": self.retrieved.isoformat(),
            "citation_sv": self.citation("sv"),
            "citation_en": self.citation("en"),
            "counts": dict(self.counts),
            "groups": [
                {"id": g.id, "title": g.title, "members": list(g.members)} for g in self.groups
            ],
        }


def csv_path(path: str | Path) -> Path:
    """Return the place of a CSV.

    Raises
    ------
    InputError
        If it ends otherwise.
    """
    path = Path(path)
    if path.suffix.lower() != ".csv":
        raise InputError("must end with .csv", file=str(path))
    return path


def write_column(column: pd.DataFrame, path: str | Path) -> Path:
    """Write a column of groups as CSV, whole or not at all; an existing file gives way.

    Parameters
    ----------
    column : pandas.DataFrame
        From :meth:`MunicipalityGroups.column` or :meth:`MunicipalityGroups.similar_column`.
    path : str or pathlib.Path
        Ends with ``.csv``: UTF-8 with a byte-order mark, commas.

    Returns
    -------
    pathlib.Path
        The file.

    Raises
    ------
    InputError
        If the ending is another or the file cannot be written.
    """
    path = csv_path(path)
    text = column.to_csv(index=False, lineterminator="\n")
    write(path, text.encode("utf-8-sig"), path.parent)
    return path


def fetch_groups(client: KoladaClient | None = None) -> MunicipalityGroups:
    """Fetch every group of municipalities that Kolada has.

    Parameters
    ----------
    client : KoladaClient, optional
        By default one for the usual server.

    Returns
    -------
    MunicipalityGroups
        All of them.

    Raises
    ------
    KoladaError
        If the answer does not come whole, looks otherwise than known, names one group twice
        with different members, or holds no group of municipalities.
    """
    client = client or KoladaClient()
    with client.connect() as transport:
        try:
            pages = transport.pages(groups_path(), read_groups)
        except (CallError, ContractError) as error:
            raise KoladaError(str(error), indicator=_WHAT) from None
        requests = transport.counts["requests"]
    known = frozenset(embedded.municipalities().index)
    counts: Counter[str] = Counter(dict.fromkeys(("other_members", "duplicates"), 0))
    found: dict[str, Group] = {}
    for id, title, members in (entry for page in pages for entry in page.groups):
        own = tuple(sorted({m for m in members if m in known}))
        group = Group(id, unicodedata.normalize("NFC", " ".join(title.split())), own)
        earlier = found.setdefault(id, group)
        if earlier is not group:
            if earlier != group:
                raise KoladaError(f"the group {id} came twice and differs", indicator=_WHAT)
            counts["duplicates"] += 1
            continue
        counts["other_members"] += len({m for m in members if m not in known})
    if not any(g.members for g in found.values()):
        raise KoladaError(
            f"not one group with a municipality among {len(found)} that came", indicator=_WHAT
        )
    counts["groups"], counts["requests"] = len(found), requests
    return MunicipalityGroups(
        tuple(sorted(found.values(), key=lambda g: (g.title, g.id))),
        client.base_url,
        datetime.now(UTC).replace(microsecond=0),
        dict(sorted(counts.items())),
    )


def _name(code: str) -> str:
    places = embedded.municipalities()
    if code not in places.index:
        raise InputError(f"{code!r} is not the code of one of the 290 municipalities")
    return str(places.loc[code, "name"])
