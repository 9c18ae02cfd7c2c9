"""What activity really did: the same persons with it and without it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import numpy as np

from evaluation.data.horizons import HORIZONS
from evaluation.data.observations import SIMULATED
from evaluation.data.registry import REGISTRY
from evaluation.data.twin.activity import Activity
from evaluation.data.twin.people import FOLLOW_UPS, MEN, WOMEN
from evaluation.data.twin.world import Setting, World
from evaluation.errors import InputError
from evaluation.plan import SimulatedData

__all__ = ["Truth", "person_effects"]

Estimand = Literal["cohort", "simple"]
_SEXES: Final = {"T": None, "K": WOMEN, "M": MEN}


@dataclass(frozen=True)
class Truth:
    r"""The realised effects on every indicator.

    Of municipality m in year t it is :math:`Y_{mt}(1) - Y_{mt}(0)`: the indicator as it
    is, before rounding and suppression, less what it would be had no municipality become
    active, with the same persons and the same random numbers. An indicator by residence
    also changes where nobody is active, because people move: ``elsewhere`` says by how much.

    Parameters
    ----------
    parameters : dict
        The settings.
    codes : tuple of str
        The n municipalities.
    years : tuple of int
        The T years of the indicators.
    first_year : dict of str to int
        First year that is active from January on, by code of the truly active.
    effects : mapping
        By indicator and sex, shape (n, T); NaN where nobody is counted in either world.
    persons : dict
        Effects on the persons received; see :func:`person_effects`.
    partial : tuple of str
        Those who began in another month than January: the year before their first treated
        one is partly exposed.
    """

    parameters: dict[str, Any]
    codes: tuple[str, ...]
    years: tuple[int, ...]
    first_year: dict[str, int]
    effects: Mapping[tuple[str, str], np.ndarray] = field(repr=False)
    persons: dict[str, Any] = field(repr=False)
    partial: tuple[str, ...] = ()

    def effect(self, indicator: str, sex: str = "T") -> np.ndarray:
        """Return the realised effect by municipality and year, shape (n, T).

        Raises
        ------
        InputError
            If the twin has no such indicator for that sex.
        """
        if (indicator, sex) not in self.effects:
            raise InputError(f"the twin has no indicator {indicator!r} for sex {sex!r}")
        return self.effects[indicator, sex]

    def _cells(
        self, indicator: str, sex: str, lag: int | None, codes: Sequence[str] | None
    ) -> list[tuple[int, int, float, int]]:
        """List cohort, year, mean effect and number of units of every cell after adoption."""
        lag = REGISTRY[indicator].lag_years if lag is None else lag
        delta = self.effect(indicator, sex)
        chosen = self.first_year if codes is None else {c: self.first_year[c] for c in codes}
        cells = []
        for g in sorted(set(chosen.values())):
            rows = [self.codes.index(c) for c, year in chosen.items() if year == g]
            for j, year in enumerate(self.years):
                values = delta[rows, j]
                known = values[~np.isnan(values)]
                if year >= g + lag and len(known):
                    cells.append((g, year, float(known.mean()), len(rows)))
        return cells

    def att(
        self,
        indicator: str,
        sex: str = "T",
        *,
        estimand: Estimand = "cohort",
        lag: int | None = None,
        codes: Sequence[str] | None = None,
    ) -> float:
        """Return the average effect on the truly active from their first whole year on.

        Parameters
        ----------
        indicator : str
            Key of the registry.
        sex : {"T", "K", "M"}
            Total, women, men.
        estimand : {"cohort", "simple"}
            ``cohort``: each cohort's mean over its years, weighted by its size, so that
            every municipality weighs the same; ``simple``: every municipality and year
            weighs the same.
        lag : int, optional
            Years from the first active year to the first that counts as treated; the
            registry's ``lag_years`` without it.
        codes : sequence of str, optional
            Only these active municipalities, such as those that an estimate could use.

        Returns
        -------
        float
            In the indicator's unit; NaN where no year is left.

        Raises
        ------
        InputError
            If there is no such indicator, sex or estimand, or a code is not active.
        """
        if estimand not in ("cohort", "simple"):
            raise InputError(f"{estimand!r} is none of cohort, simple", field="estimand")
        self._check_active(codes or ())
        cells = self._cells(indicator, sex, lag, codes)
        if not cells:
            return math.nan
        if estimand == "simple":
            return float(np.average([c[2] for c in cells], weights=[c[3] for c in cells]))
        means, sizes = [], []
        for g in sorted({c[0] for c in cells}):
            own = [c for c in cells if c[0] == g]
            means.append(np.mean([c[2] for c in own]))
            sizes.append(own[0][3])
        return float(np.average(means, weights=sizes))

    def _check_active(self, codes: Iterable[str]) -> None:
        strange = [c for c in codes if c not in self.first_year]
        if strange:
            raise InputError(f"{strange[0]!r} is not active in this twin", field="codes")

    def since(
        self,
        indicator: str,
        sex: str = "T",
        *,
        first: int = 0,
        last: int | None = None,
        lag: int | None = None,
        codes: Sequence[str] | None = None,
    ) -> float:
        """Return the average effect between two years since adoption, municipalities alike.

        Parameters
        ----------
        indicator, sex : str
            As in :meth:`att`.
        first, last : int, int or None
            Years since the first treated year, which is 0; −1 is the year before it, and a
            ``last`` of None is open.
        lag : int, optional
            As in :meth:`att`.
        codes : sequence of str, optional
            Only these.

        Returns
        -------
        float
            Each municipality's mean over its years, averaged over those that have such years;
            NaN where none has.

        Raises
        ------
        InputError
            If there is no such indicator or sex, or a code is not active.
        """
        paths = self._paths(indicator, sex, lag, codes)
        found = [_between(p, first, last) for p in paths.values()]
        known = [v for v in found if not math.isnan(v)]
        return float(np.mean(known)) if known else math.nan

    def _paths(
        self, indicator: str, sex: str, lag: int | None, codes: Sequence[str] | None
    ) -> dict[str, dict[int, float]]:
        """Return each active municipality's known effects by year since adoption."""
        lag = REGISTRY[indicator].lag_years if lag is None else lag
        self._check_active(codes or ())
        delta = self.effect(indicator, sex)
        place = {c: i for i, c in enumerate(self.codes)}
        return {
            c: {
                y - self.first_year[c] - lag: float(v)
                for y, v in zip(self.years, delta[place[c]], strict=True)
                if not math.isnan(v)
            }
            for c in (self.first_year if codes is None else codes)
        }

    def by_horizon(
        self,
        indicator: str,
        sex: str = "T",
        *,
        lag: int | None = None,
        codes: Sequence[str] | None = None,
    ) -> dict[str, float]:
        """Return the effect by horizon, and late less short.

        Parameters
        ----------
        indicator, sex, lag, codes
            As in :meth:`since`.

        Returns
        -------
        dict of str to float
            ``short``, ``middle``, ``long`` of :data:`evaluation.data.horizons.HORIZONS`, each
            over those who have such years, NaN where nobody has; ``difference``: the latest
            that anyone has less the short one, over those who have every horizon until then.
        """
        paths = self._paths(indicator, sex, lag, codes)
        by = {k: {c: _between(p, *ends) for c, p in paths.items()} for k, ends in HORIZONS.items()}
        out = {}
        for k, found in by.items():
            known = [v for v in found.values() if not math.isnan(v)]
            out[k] = float(np.mean(known)) if known else math.nan
        reached = [k for k in HORIZONS if not math.isnan(out[k])]
        stay = [c for c in paths if not any(math.isnan(by[k][c]) for k in reached)]
        out["difference"] = (
            float(np.mean([by[reached[-1]][c] - by[reached[0]][c] for c in stay]))
            if len(reached) > 1 and stay
            else math.nan
        )
        return out

    def by_dose(
        self,
        indicator: str,
        sex: str = "T",
        *,
        lag: int | None = None,
        codes: Sequence[str] | None = None,
    ) -> dict[str, float]:
        """Return the effect in partly and in fully exposed years, and full less partial.

        Parameters
        ----------
        indicator, sex, lag, codes
            As in :meth:`since`.

        Returns
        -------
        dict of str to float
            ``partial``, ``full``, ``difference``, over those who have both: ``partial`` names
            them. NaN where nobody has.
        """
        paths = self._paths(indicator, sex, lag, codes)
        pairs = [
            (_between(paths[c], -1, -1), _between(paths[c], 0, None))
            for c in self.partial
            if c in paths
        ]
        both = np.array([p for p in pairs if not any(map(math.isnan, p))])
        if not len(both):
            return dict.fromkeys(("partial", "full", "difference"), math.nan)
        part, full = map(float, both.mean(axis=0))
        return {"partial": part, "full": full, "difference": full - part}

    def by_group(
        self,
        indicator: str,
        of: Mapping[str, str],
        sex: str = "T",
        *,
        lag: int | None = None,
    ) -> dict[str, float]:
        """Return the effect by group of municipalities, over all their treated years.

        Parameters
        ----------
        indicator, sex, lag
            As in :meth:`since`.
        of : mapping of str to str
            Group by code of the active municipalities that count.

        Returns
        -------
        dict of str to float
            By group.
        """
        return {
            group: self.since(indicator, sex, lag=lag, codes=[c for c in of if of[c] == group])
            for group in sorted(set(of.values()))
        }

    def elsewhere(self, indicator: str, sex: str = "T", *, lag: int | None = None) -> float:
        """Return the mean change in municipalities that are never active, in treated years.

        It reaches them by people who move and by spillovers, and a comparison with them
        misses it: an estimate is expected at ``att`` less about this.
        """
        lag = REGISTRY[indicator].lag_years if lag is None else lag
        begins = min(self.first_year.values()) + lag
        rows = [i for i, c in enumerate(self.codes) if c not in self.first_year]
        columns = [j for j, year in enumerate(self.years) if year >= begins]
        values = self.effect(indicator, sex)[np.ix_(rows, columns)]
        known = values[~np.isnan(values)]
        return float(known.mean()) if len(known) else math.nan

    def _by(self, indicator: str, sex: str, key: Literal["cohort", "event_time"]) -> dict[str, Any]:
        cells = self._cells(indicator, sex, None, None)
        lag = REGISTRY[indicator].lag_years
        out: dict[int, list[tuple[float, int]]] = {}
        for g, year, mean, size in cells:
            out.setdefault(g + lag if key == "cohort" else year - g - lag, []).append((mean, size))
        return {
            str(k): _plain(np.average([m for m, _ in v], weights=[s for _, s in v]))
            for k, v in sorted(out.items())
        }

    def to_dict(self) -> dict[str, Any]:
        """Return plain types: parameters, averages, paths, and the effects on the active."""
        rows = {c: self.codes.index(c) for c in self.first_year}
        found: list[dict[str, Any]] = []
        for (indicator, sex), delta in sorted(self.effects.items()):
            if not np.nan_to_num(delta).any():
                continue
            lag = REGISTRY[indicator].lag_years
            found.append(
                {
                    "indicator": indicator,
                    "sex": sex,
                    "lag_years": lag,
                    "att_cohort": _plain(self.att(indicator, sex)),
                    "att_simple": _plain(self.att(indicator, sex, estimand="simple")),
                    "elsewhere": _plain(self.elsewhere(indicator, sex)),
                    "by_first_treated_year": self._by(indicator, sex, "cohort"),
                    "by_event_time": self._by(indicator, sex, "event_time"),
                    "by_horizon": _plain_values(self.by_horizon(indicator, sex)),
                    "by_dose": _plain_values(self.by_dose(indicator, sex)),
                    "by_municipality": {c: [_plain(v) for v in delta[i]] for c, i in rows.items()},
                }
            )
        touched = {(f["indicator"], f["sex"]) for f in found}
        return {
            "data": SIMULATED,
            "parameters": self.parameters,
            "years": list(self.years),
            "first_active_whole_year": self.first_year,
            "persons": self.persons,
            "effects": found,
            "no_effect": sorted({i for i, _ in self.effects} - {i for i, _ in touched}),
        }


def _between(path: Mapping[int, float], first: int, last: int | None) -> float:
    """Return the mean of a path between two years since adoption; NaN where it has none."""
    found = [v for e, v in path.items() if e >= first and (last is None or e <= last)]
    return float(np.mean(found)) if found else math.nan


def _plain_values(values: Mapping[str, float]) -> dict[str, float | None]:
    return {k: _plain(v) for k, v in values.items()}


def _plain(value: float) -> float | None:
    return None if math.isnan(value) else round(float(value), 6)


def person_effects(
    setting: Setting,
    settings: SimulatedData,
    activity: Activity,
    active: World,
    without: World,
) -> dict[str, Any]:
    """Return the effects on the persons received by an active municipality, wherever they live.

    Parameters
    ----------
    setting : Setting
        Persons and municipalities.
    settings : SimulatedData
        The last year that is observed.
    activity : Activity
        Who is active since when.
    active, without : World
        The two worlds.

    Returns
    -------
    dict
        Per sex: ``n`` left the programme by the last year in both worlds,
        ``work_or_studies_90_days`` in percentage points; for all received
        three years before the last or earlier, ``stay_three_years``; for those three years
        out of the programme, kronor of assistance per person in these years; ``exposure``
        is the mean over those counted. Where nobody is exposed, the effects are missing.
    """
    people = setting.people
    last = 12 * settings.years[1] + 11
    own = people.month >= activity.start[people.place]
    left = own & active.leaver & without.leaver & (people.end <= last)
    out: dict[str, Any] = {}
    for name, sex in _SEXES.items():
        who = np.ones(len(own), dtype=bool) if sex is None else people.sex == sex
        a = who & left
        b = who & own & (people.month + 12 * FOLLOW_UPS <= last)
        c = who & left & (people.end + 12 * FOLLOW_UPS <= last)
        success = active.success[0].astype(float) - without.success[0]
        after = people.month + 12 * FOLLOW_UPS
        stay = (active.moved > after).astype(float) - (without.moved > after)
        paid = active.assisted * active.amount - without.assisted * without.amount
        out[name] = {
            "n": int(a.sum()),
            "exposure": _mean(active.exposure, a),
            "work_or_studies_90_days": _mean(100 * success, a),
            "stay_three_years": _mean(100 * stay, b),
            "assistance_three_years_kronor": _mean(paid, c),
        }
    return out


def _mean(values: np.ndarray, who: np.ndarray) -> float | None:
    return _plain(float(values[who].mean())) if who.any() else None
