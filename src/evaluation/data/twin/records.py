"""The person records as a register would have them at the end of the last year."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from evaluation.data.observations import SIMULATED
from evaluation.data.twin.moves import KINDS
from evaluation.data.twin.people import EDUCATION, FOLLOW_UPS, PROGRAMME
from evaluation.data.twin.world import Setting, World

__all__ = ["person_records"]

_STATUS = ("neither", "work", "studies")
_EPOCH = 12 * 1970


def _dates(month: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Turn months counted from January of year 0 into first days of the month."""
    since = np.where(known, month - _EPOCH, 0).astype("datetime64[M]").astype("datetime64[s]")
    return np.where(known, since, np.datetime64("NaT", "s"))


def _named(position: np.ndarray, known: np.ndarray, names: Sequence[str]) -> pd.Series:
    kind = pd.CategoricalDtype(list(names))
    return pd.Series(pd.Categorical.from_codes(np.where(known, position, -1).tolist(), dtype=kind))


def person_records(setting: Setting, world: World, last: int) -> pd.DataFrame:
    """Return one row per person received.

    Nothing after December of the last year is known, but for the status after 90 days of
    those who left the programme in it. Statuses are missing for those who had left the
    country or died. Only the first move is recorded.

    Parameters
    ----------
    setting : Setting
        Persons and municipalities.
    world : World
        What became of them: the world with activity.
    last : int
        Last year.

    Returns
    -------
    pandas.DataFrame
        ``person``; ``received_code`` and ``received`` (first day of the month); ``sex``
        (K, M), ``age``, ``education``; ``programme_start``, ``programme_end``;
        ``residence_code`` in December of the year of leaving; ``status_90_days``,
        ``status_1_year`` … (work, studies, neither); ``moved``, ``move``,
        ``destination_code``; ``assisted_from``, ``assisted_months``, ``assisted_kronor`` a
        month; ``two_sfi_courses``; ``data``.
    """
    country, people = setting.country, setting.people
    horizon = 12 * last + 11
    n = len(people.place)
    left = world.leaver & (people.end <= horizon)
    moved = world.moved <= horizon
    gone = moved & (setting.destination < 0)
    table: dict[str, object] = {
        "person": np.arange(1, n + 1),
        "received_code": _named(people.place, np.ones(n, dtype=bool), country.codes),
        "received": _dates(people.month, np.ones(n, dtype=bool)),
        "sex": _named(people.sex, np.ones(n, dtype=bool), ("K", "M")),
        "age": people.age,
        "education": _named(people.education, people.adult, EDUCATION),
        "programme_start": _dates(people.month, people.adult),
        "programme_end": _dates(people.end, left),
        "residence_code": _named(world.residence, left, country.codes),
    }
    for k in range(1 + FOLLOW_UPS):
        at = people.end + 12 * k
        seen = left if k == 0 else left & (at <= horizon) & ~(gone & (world.moved <= at))
        status = np.where(world.success[k], np.where(world.work[k], 1, 2), 0)
        name = "status_90_days" if k == 0 else f"status_{k}_year{'s' if k > 1 else ''}"
        table[name] = _named(status, seen, _STATUS)
    assisted = left & (world.assisted > 0) & (people.end < horizon)
    months = np.minimum(world.assisted, horizon - people.end)
    learnt = people.adult & (people.month + PROGRAMME <= horizon)
    table |= {
        "moved": _dates(world.moved, moved),
        "move": _named(setting.kind, moved, KINDS),
        "destination_code": _named(
            setting.destination, moved & (setting.destination >= 0), country.codes
        ),
        "assisted_from": _dates(people.end + 1, assisted),
        "assisted_months": pd.arrays.IntegerArray(np.where(assisted, months, 0), ~left),
        "assisted_kronor": np.where(assisted, np.rint(world.amount), np.nan),
        "two_sfi_courses": pd.arrays.BooleanArray(world.language, ~learnt),
        "data": _named(np.zeros(n, dtype=int), np.ones(n, dtype=bool), [SIMULATED]),
    }
    frame = pd.DataFrame(table)
    frame.attrs["data"] = SIMULATED
    return frame
