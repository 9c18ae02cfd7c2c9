"""What every difference-in-differences estimator starts from: checked arrays.

One place decides who is left out and says so: units that are always treated, and, where
nobody is never treated, the years in which the last cohort is treated itself.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from evaluation.data.panel import Panel
from evaluation.errors import InputError
from evaluation.estimation.cohorts import check_cohorts, without_always_treated

__all__ = ["Sample", "named", "prepare"]


@dataclass(frozen=True)
class Sample:
    """Arrays of one estimation, units in rows and years in columns.

    Parameters
    ----------
    outcome : str
        Name of the outcome.
    units : tuple of str
        Codes.
    years : numpy.ndarray
        Shape (years,), ascending.
    y : numpy.ndarray
        Shape (units, years); NaN where the unit was not observed.
    cohort : numpy.ndarray
        Shape (units,): first treated year, 0 for never treated (in these years).
    weight : numpy.ndarray
        Shape (units, years), zero where the unit was not observed.
    weighted : bool
        Whether weights were given.
    covariates : numpy.ndarray
        Shape (units, years, covariates).
    names : tuple of str
        Names of the covariates.
    cluster : numpy.ndarray or None
        Shape (units,): codes 0, 1, ….
    notes : tuple of str
        Who was left out and why.
    data_hash : str
        SHA-256 of outcome, weights, covariates and clusters.
    """

    outcome: str
    units: tuple[str, ...]
    years: np.ndarray
    y: np.ndarray
    cohort: np.ndarray
    weight: np.ndarray
    weighted: bool
    covariates: np.ndarray
    names: tuple[str, ...]
    cluster: np.ndarray | None
    notes: tuple[str, ...]
    data_hash: str

    @property
    def observed(self) -> np.ndarray:
        """Whether a unit was observed in a year, shape (units, years)."""
        seen: np.ndarray = ~np.isnan(self.y)
        return seen

    @property
    def n_obs(self) -> int:
        """How many unit-years there are."""
        return int(self.observed.sum())

    @property
    def n_clusters(self) -> int:
        """How many clusters there are; every unit is its own without a cluster column."""
        return len(self.units) if self.cluster is None else int(self.cluster.max()) + 1

    @property
    def cohorts(self) -> np.ndarray:
        """The treated cohorts, ascending."""
        return np.unique(self.cohort[self.cohort > 0])


def named(units: tuple[str, ...]) -> str:
    """List units for a note, the first ten of them.

    Examples
    --------
    >>> named(("a", "b"))
    'a, b'
    """
    return ", ".join(units[:10]) + (" …" if len(units) > 10 else "")


def _per_unit_year(given: pd.Series | pd.DataFrame, panel: Panel, name: str) -> np.ndarray:
    """Spread a value by unit, or by unit and year, over the panel's cells."""
    if given.index.has_duplicates:
        raise InputError(
            f"unit {given.index[given.index.duplicated()][0]} stands twice", field=name
        )
    try:
        if isinstance(given, pd.DataFrame):
            wide = given.reindex(index=panel.units, columns=panel.years)
            values = wide.to_numpy(dtype=float, na_value=np.nan)
        else:
            one = given.reindex(panel.units).to_numpy(dtype=float, na_value=np.nan)
            values = np.repeat(one[:, None], len(panel.years), axis=1)
    except (TypeError, ValueError):
        raise InputError("the values must be numbers", field=name) from None
    bad = ~np.isfinite(values) & panel.values.notna().to_numpy()
    if bad.any():
        i, j = np.argwhere(bad)[0]
        raise InputError(
            f"unit {panel.units[i]}, year {panel.years[j]}: a finite number is needed", field=name
        )
    return np.asarray(values, dtype=float)


def _weights(given: pd.Series | pd.DataFrame | None, panel: Panel) -> np.ndarray:
    seen = panel.values.notna().to_numpy()
    if given is None:
        return seen.astype(float)
    values = np.where(seen, _per_unit_year(given, panel, "weights"), 0.0)
    bad = (values <= 0) & seen
    if bad.any():
        i, j = np.argwhere(bad)[0]
        raise InputError(
            f"unit {panel.units[i]}, year {panel.years[j]}: the weight {values[i, j]:g} must be "
            "above zero",
            field="weights",
        )
    # only ratios matter; a mean of one keeps the numbers readable
    return np.asarray(values / values[seen].mean())


def _clusters(given: pd.Series | None, panel: Panel) -> np.ndarray | None:
    if given is None:
        return None
    known = given.reindex(panel.units)
    if known.isna().any():
        raise InputError(f"unit {known.index[known.isna()][0]} has no cluster", field="cluster")
    codes = np.unique(known.astype(str), return_inverse=True)[1]
    if codes.max() == 0:
        raise InputError(
            "all units lie in one cluster; an error needs at least two", field="cluster"
        )
    return np.asarray(codes)


def prepare(
    panel: Panel,
    cohort: pd.Series,
    *,
    weights: pd.Series | pd.DataFrame | None = None,
    covariates: Mapping[str, pd.Series | pd.DataFrame] | None = None,
    cluster: pd.Series | None = None,
    last_as_control: bool = False,
    all_treated: bool = False,
    anticipation: int = 0,
    gaps: bool = False,
    singletons: bool = True,
) -> Sample:
    """Check everything that an estimator is given, and say what it leaves out.

    Parameters
    ----------
    panel : Panel
        The outcome; it may be unbalanced.
    cohort : pandas.Series
        First treated year by unit, 0 for never treated.
    weights : pandas.Series or pandas.DataFrame, optional
        Above zero, by unit or by unit and year.
    covariates : mapping of str to pandas.Series or pandas.DataFrame, optional
        By unit or by unit and year.
    cluster : pandas.Series, optional
        By unit; units are nested in clusters.
    last_as_control : bool
        Where nobody is never treated, take the last cohort as comparison and leave out
        the years from its adoption (less the anticipation) on.
    all_treated : bool
        Let everybody be treated, without giving up any year for it.
    anticipation : int
        Years before adoption in which the effect may already show.
    gaps : bool
        Whether calendar years may be missing.
    singletons : bool
        Whether units observed once stay. Their own effect fits them exactly, so in a regression
        they say nothing, but they would count in its small-sample factor.

    Returns
    -------
    Sample
        The arrays.

    Raises
    ------
    InputError
        As :func:`evaluation.estimation.cohorts.check_cohorts`; if a weight is not above
        zero, a covariate or a cluster is missing, there is one cluster only, or the
        anticipation is negative or leaves no pre-period.
    """
    if anticipation < 0:
        raise InputError("must be zero or more", field="anticipation")
    notes = []
    if panel.dropped:
        n, lack = len(panel.dropped), "any year" if panel.unbalanced else "every year"
        notes.append(
            f"{n} {'unit' if n == 1 else 'units'} without a value in {lack} "
            f"{'was' if n == 1 else 'were'} left out: {named(panel.dropped)}"
        )
    if not singletons:
        once = (panel.values.notna().sum(axis=1) == 1).to_numpy()
        if once.any() and not once.all():
            names = np.array(panel.units, dtype=object)
            n = int(once.sum())
            notes.append(
                f"{n} {'unit' if n == 1 else 'units'} observed in one year only "
                f"{'was' if n == 1 else 'were'} left out: {named(tuple(names[once]))}"
            )
            panel = panel.select(list(names[~once]))
    panel, always = without_always_treated(panel, cohort)
    if always:
        n = len(always)
        notes.append(
            f"{n} always-treated {'unit was' if n == 1 else 'units were'} left out, treated from "
            f"the first year on, {panel.years[0]}, without a pre-period: {named(always)}"
        )
    g = check_cohorts(
        panel, cohort, gaps=gaps, all_treated=last_as_control or all_treated, unbalanced=True
    )
    if last_as_control and not (g == 0).any():
        last = int(g.max())
        end = last - anticipation
        keep = [y for y in panel.years if y < end]
        if len(keep) < 2:
            raise InputError(
                f"nobody is never treated and the last cohort, {last}, leaves {len(keep)} year(s) "
                "before it; at least two are needed",
                field="cohort",
            )
        notes.append(
            f"nobody is never treated: the last cohort, {last}, serves as comparison, and the "
            f"years from {end} on are left out"
        )
        values = panel.values[keep]
        seen = values.notna().any(axis=1).to_numpy()
        panel = Panel(panel.outcome, values[seen], panel.dropped, panel.unbalanced)
        g = np.where(g >= end, 0, g)[seen]
        if not (g > 0).any():
            raise InputError(
                "with the last cohort as comparison nobody is treated before it", field="cohort"
            )
    short = (g > 0) & (g - anticipation <= panel.years[0])
    if short.any():
        first_unit = panel.units[int(np.flatnonzero(short)[0])]
        raise InputError(
            f"unit {first_unit}: treated from {g[short][0]} on, {anticipation} years of "
            f"anticipation leave no pre-period; the data begin in {panel.years[0]}",
            field="anticipation",
        )
    nobody = panel.values.isna().all(axis=0).to_numpy()
    if nobody.any():
        raise InputError(
            f"nobody is observed in {panel.years[int(nobody.argmax())]}", field=panel.outcome
        )
    tables = covariates or {}
    x = [_per_unit_year(v, panel, k) for k, v in tables.items()]
    w = _weights(weights, panel)
    codes = _clusters(cluster, panel)
    y = panel.values.to_numpy(dtype=float)
    outcome_hash = panel.hash()
    h = hashlib.sha256(outcome_hash.encode())
    for part in (w if weights is not None else None, *x, codes):
        if part is not None:
            h.update(np.ascontiguousarray(part, dtype="<f8").tobytes())
    extra = weights is not None or bool(x) or codes is not None
    return Sample(
        outcome=panel.outcome,
        units=tuple(panel.units),
        years=np.array(panel.years),
        y=y,
        cohort=g,
        weight=w,
        weighted=weights is not None,
        covariates=np.stack(x, axis=2) if x else np.empty((*y.shape, 0)),
        names=tuple(tables),
        cluster=codes,
        notes=tuple(notes),
        data_hash=h.hexdigest() if extra else outcome_hash,
    )
