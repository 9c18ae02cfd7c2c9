"""A folder that ``evaluation cohorts`` wrote before: what was published of the same persons."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from evaluation.data.disclosure import Dominance, Former, Rules, Spec
from evaluation.data.persons.education import AREA, EDUCATION_TABLE, education_spec
from evaluation.data.persons.table_specs import (
    BY,
    CAME,
    assisted_spec,
    life_spec,
    received_spec,
    retention_spec,
    status_spec,
)
from evaluation.errors import InputError

__all__ = ["MARK", "PublishedFolder", "read_published"]

MARK: Final = "quality.json"
_FIELD: Final = "--previous"
_HIDDEN: Final = ".."
_COUNTS: Final = {"received": "received", "assisted_persons": "persons"}
_AMOUNTS: Final = {"assisted_months": "months", "assisted_kronor": "kronor"}
_VALUES: Final = {**_COUNTS, **_AMOUNTS}


@dataclass(frozen=True)
class PublishedFolder:
    """What a former run published, read from its folder and checked.

    Parameters
    ----------
    folder : pathlib.Path
        The folder.
    until : str
        The last month that it knew, ``2017-12``.
    simulated : bool
        Whether it says that it is SIMULATED / SIMULERADE DATA.
    former : dict of str to Former
        Its tables by name.
    areas : pandas.DataFrame or None
        Municipalities joined to areas, where it has counts by education.
    """

    folder: Path
    until: str
    simulated: bool
    former: dict[str, Former] = field(repr=False)
    areas: pd.DataFrame | None = field(repr=False)

    def received_as_retention(self) -> Former | None:
        """Return those received of late as the receptions of three years later.

        What a run tells of the last three years, a later one tells in the table of who stayed.
        """
        found = self.former.get("received")
        if found is None:
            return None
        t = found.table
        moved = pd.DataFrame(
            {
                "code": t["code"],
                "year": (t["year"].astype(int) + 3).astype(str),
                "sex": t["sex"],
                "group": CAME,
                "n": t["received"],
            }
        )
        by = (*BY, "group")
        return Former(moved, Spec(by=by, sums=found.spec.sums, rules=found.spec.rules))

    def refuse_unlike(
        self, *, until: str, k: int, simulated: bool, exposed: bool, of: pd.DataFrame | None
    ) -> None:
        """Refuse a former folder that cannot be set beside a new count.

        Parameters
        ----------
        until : str
            The last month of the new count.
        k : int
            Its smallest count that is shown.
        simulated : bool
            Whether the new count is of simulated persons.
        exposed : bool
            Whether its life tables are by exposure.
        of : pandas.DataFrame or None
            Its areas, where counts by education are to leave.

        Raises
        ------
        InputError
            If the former folder knew more months, showed smaller counts, is of simulated persons
            where the new count is not, or has other keys.
        """
        if simulated != self.simulated:
            kinds = ("simulated persons", "persons")
            raise self.fault(
                f"holds {kinds[not self.simulated]} and these are {kinds[not simulated]}"
            )
        if until < self.until:
            raise self.fault(
                f"is a release until {self.until}, later than {until}; give the same --until or a "
                "later one"
            )
        counts = [f.spec.rules.k for f in self.former.values() if f.spec.dominance is None]
        if min(counts, default=k) < k:
            raise self.fault(
                f"shows counts from {min(counts)} on, and what is shown cannot be hidden any more; "
                f"give --k {min(counts)}"
            )
        life = self.former.get("life_table")
        if life is not None and ("exposed" in life.table) != exposed:
            what = ("without", "with") if exposed else ("with", "without")
            raise self.fault(
                f"holds a life table {what[0]} exposure and the new one would be {what[1]}; give "
                f"--adoption {'in neither or both runs'}"
            )
        if of is not None and self.areas is not None and not _same_areas(of, self.areas):
            raise self.fault(
                "joins municipalities to other areas; give the --adoption that it was made with, "
                "or leave --education out",
                file="areas.csv",
            )

    def fault(self, text: str, *, file: str | None = None) -> InputError:
        """Return an error about the folder or one of its files."""
        place = self.folder if file is None else self.folder / file
        return InputError(text, file=str(place), field=_FIELD)


def _same_areas(one: pd.DataFrame, two: pd.DataFrame) -> bool:
    pairs = [set(zip(f["code"], f["area"].astype(str), strict=True)) for f in (one, two)]
    return pairs[0] == pairs[1]


def read_published(folder: str | Path) -> PublishedFolder:
    """Read a folder that ``evaluation cohorts`` wrote.

    Parameters
    ----------
    folder : str or pathlib.Path
        The folder, as it was published.

    Returns
    -------
    PublishedFolder
        Its tables with their rules; what was hidden in them stays unknown.

    Raises
    ------
    InputError
        If it is no such folder, a table of its record is missing or is not as the record says,
        or its numbers contradict each other.
    """
    place = Path(folder)
    mark = place / MARK
    try:
        record = json.loads(mark.read_text(encoding="utf-8"))
        until = str(record["provenance"]["until"])
        disclosure = {str(k): dict(v) for k, v in record["disclosure"].items()}
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        raise InputError(
            "is no folder that `evaluation cohorts --out` wrote: it has no record of its tables",
            file=str(mark),
            field=_FIELD,
        ) from None
    areas = None
    if (place / "areas.csv").is_file():
        areas = pd.read_csv(place / "areas.csv", dtype=str)
    tables = {name: _table(place / f"table_{name}.csv", own) for name, own in disclosure.items()}
    life = tables.get("life_table")
    sexes = () if life is None else tuple(sorted(set(life["sex"]) - {"T"})) or ("T",)
    former = {}
    for name, cells in tables.items():
        file = str(place / f"table_{name}.csv")
        try:
            own = _spec(name, cells, disclosure[name]["parameters"], sexes, areas)
            former[name] = Former(*own)
        except InputError as error:
            raise InputError(error.problem, file=file, row=error.row, field=_FIELD) from None
        except (KeyError, TypeError, ValueError):
            raise InputError(
                "is not as its record in quality.json says", file=file, field=_FIELD
            ) from None
    return PublishedFolder(place, until, "data" in record, former, areas)


def _table(file: Path, record: Mapping[str, Any]) -> pd.DataFrame:
    """Read a table as it was published and hold it against its record."""
    try:
        cells = pd.read_csv(file, dtype=str, keep_default_na=False)
    except (OSError, ValueError):
        raise InputError("is missing or cannot be read", file=str(file), field=_FIELD) from None
    value = _VALUES.get(file.stem.removeprefix("table_"), "n")
    if not {value, "suppressed"} <= set(cells.columns):
        raise InputError(f"has no columns {value}, suppressed", file=str(file), field=_FIELD)
    hidden = (cells["suppressed"] == "True").to_numpy()
    if (len(cells), int(hidden.sum())) != (record.get("cells"), record.get("hidden")):
        raise InputError(
            f"has {len(cells)} cells and {int(hidden.sum())} hidden ones, and its record in "
            f"{MARK} says {record.get('cells')} and {record.get('hidden')}",
            file=str(file),
            field=_FIELD,
        )
    numbers = pd.to_numeric(cells[value], errors="coerce").to_numpy(float)
    wrong = np.where(hidden, cells[value] != _HIDDEN, ~np.isfinite(numbers))
    if wrong.any():
        row = int(np.argmax(wrong))
        raise InputError(
            f"{cells[value].iloc[row]!r} is neither a number nor hidden as «suppressed» says",
            file=str(file),
            row=row + 2,
            field=value,
        )
    last = list(cells.columns).index("suppressed")
    return cells.iloc[:, :last].assign(**{value: np.where(hidden, np.nan, numbers)})


def _spec(
    name: str,
    cells: pd.DataFrame,
    parameters: Mapping[str, Any],
    sexes: tuple[str, ...],
    areas: pd.DataFrame | None,
) -> tuple[pd.DataFrame, Spec]:
    """Return a former table with the columns that its specification names, and that."""
    if name in _AMOUNTS:
        own = {**parameters, "largest": tuple(parameters["largest"])}
        spec = assisted_spec(Rules())
        return cells, Spec(
            by=spec.by, value=_AMOUNTS[name], sums=spec.sums, dominance=Dominance(**own)
        )
    rules = Rules(**parameters)
    if name.startswith("status_"):
        if cells["code"].str.startswith(AREA).any() and areas is None:
            raise InputError("has areas, and areas.csv is missing")
        return cells, status_spec(cells, name.removeprefix("status_"), rules, areas)
    if name == EDUCATION_TABLE:
        return cells, education_spec(cells, rules)
    if name == "retention":
        return retention_spec(cells, rules, sexes)
    if name == "received":
        return received_spec(cells, rules, sexes)
    if name == "assisted_persons":
        return cells, assisted_spec(rules)
    if name == "life_table":
        return life_spec(cells.assign(month=cells["month"].astype(int)), rules, sexes)
    raise InputError("is no table that `evaluation cohorts` writes")
