"""Crossing the choices of a specification curve: what is estimated, on whom, and with what."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np
import pandas as pd

from evaluation.data.panel import Panel
from evaluation.errors import InputError
from evaluation.estimation.robustness.linear_specifications import (
    ESTIMATORS,
    Estimator,
    LinearBlock,
    orthonormal,
    year_weights,
)
from evaluation.estimation.robustness.refits import map_draws
from evaluation.estimation.windows import WHOLE, Windows, spells

__all__ = ["Block", "RefittedBlock", "SpecificationGrid", "specification_grid"]


class Block(Protocol):
    """Specifications that are evaluated together; one of your own takes part likewise."""

    @property
    def choices(self) -> Sequence[Mapping[str, str]]:
        """What each specification chose, by dimension."""

    @property
    def counts(self) -> Sequence[tuple[int, int, int]]:
        """Units, treated units and unit-years of each specification."""

    def evaluate(self, picks: np.ndarray) -> np.ndarray:
        """Return the estimates, shape (specifications, assignments).

        ``picks`` has shape (assignments, slots) and holds columns of the grid's units. NaN
        where an assignment leaves nothing to estimate.
        """


@dataclass(frozen=True)
class SpecificationGrid:
    """All specifications of a curve, over the same units and treated slots.

    Parameters
    ----------
    units : tuple of str
        Codes: the columns that assignments pick from.
    slots : tuple of int
        Column of each unit that is treated under some coding, ascending: the real assignment.
    blocks : tuple of Block
        The specifications, those with shared algebra together.
    data_hash : str
        SHA-256 over the outcomes' hashes and the other inputs.
    """

    units: tuple[str, ...]
    slots: tuple[int, ...]
    blocks: tuple[Block, ...] = field(repr=False)
    data_hash: str = ""

    def __len__(self) -> int:
        return sum(len(b.choices) for b in self.blocks)

    def joined(self, *blocks: Block) -> SpecificationGrid:
        """Return the grid with further specifications, such as refitted ones.

        Parameters
        ----------
        *blocks : Block
            With the same dimensions as those that are there.

        Returns
        -------
        SpecificationGrid
            All of them.

        Raises
        ------
        InputError
            If a specification names other dimensions.

        Examples
        --------
        See :class:`RefittedBlock`.
        """
        names = set(self.blocks[0].choices[0])
        for choice in (c for b in blocks for c in b.choices):
            if set(choice) != names:
                raise InputError(
                    f"{', '.join(choice)}: the dimensions are {', '.join(sorted(names))}",
                    field="specifications",
                )
        return replace(self, blocks=(*self.blocks, *blocks))


@dataclass(frozen=True)
class RefittedBlock:
    """One specification that no table can be made for: fitted anew for every assignment.

    Parameters
    ----------
    choice : dict of str to str
        What it chooses, by dimension.
    count : tuple of int
        Units, treated units and unit-years.
    estimate : callable
        Called with the columns of the treated units, in the order of the grid's slots; returns
        the estimate, NaN where there is none.
    workers : int
        Processes, as in :func:`evaluation.estimation.robustness.refits.map_draws`.

    Examples
    --------
    >>> block = RefittedBlock({"estimator": "first pick"}, (3, 1, 6), lambda pick: float(pick[0]))
    >>> block.evaluate(np.array([[2], [0]])).tolist()
    [[2.0, 0.0]]
    """

    choice: dict[str, str]
    count: tuple[int, int, int]
    estimate: Callable[[np.ndarray], float] = field(repr=False)
    workers: int = 1

    @property
    def choices(self) -> tuple[dict[str, str]]:
        """The one choice."""
        return (self.choice,)

    @property
    def counts(self) -> tuple[tuple[int, int, int]]:
        """The one count."""
        return (self.count,)

    def evaluate(self, picks: np.ndarray) -> np.ndarray:
        """Return the estimates, shape (1, assignments)."""
        picks, function = np.asarray(picks), self.estimate

        def refit(draw: int, rng: np.random.Generator) -> float:
            del rng
            return float(function(picks[draw]))

        return map_draws(refit, len(picks), seed=0, workers=self.workers)[None, :]


def _unit_values(values: pd.Series, units: Sequence[str], name: str, field: str) -> np.ndarray:
    known = pd.to_numeric(values.reindex(list(units)), errors="coerce").to_numpy(dtype=float)
    bad = np.flatnonzero(~np.isfinite(known))
    if bad.size:
        raise InputError(f"{name}: unit {units[bad[0]]} has no finite number", field=field)
    return known


def _unit_weight(
    weights: pd.Series | None, keep: Sequence[str] | None, units: Sequence[str], names: str
) -> np.ndarray:
    """Return the unit weights, zero outside the sample."""
    w = np.ones(len(units))
    if weights is not None:
        w = _unit_values(weights, units, names, "weights")
        if (w <= 0).any():
            who = units[int(np.flatnonzero(w <= 0)[0])]
            raise InputError(f"{names}: unit {who} has a weight of zero or below", field="weights")
    if keep is not None:
        unknown = [u for u in keep if u not in set(units)]
        if unknown:
            raise InputError(f"{names}: there is no unit {unknown[0]}", field="samples")
        w = np.where(np.isin(units, list(keep)), w, 0.0)
    return np.asarray(w / w.mean())


def _digest(*parts: object) -> str:
    h = hashlib.sha256()
    for part in parts:
        if isinstance(part, pd.Series | pd.DataFrame):
            h.update(part.to_csv().encode())
        else:
            h.update(repr(part).encode())
    return h.hexdigest()


def specification_grid(
    outcomes: Mapping[str, Panel],
    adoption: Mapping[str, pd.Series],
    *,
    estimators: Sequence[Estimator] = ESTIMATORS,
    controls: Mapping[str, pd.DataFrame | None] | None = None,
    samples: Mapping[str, Sequence[str] | None] | None = None,
    weights: Mapping[str, pd.Series | None] | None = None,
    windows: Windows = WHOLE,
) -> SpecificationGrid:
    """Cross all choices of every dimension.

    Parameters
    ----------
    outcomes : mapping of str to Panel
        Definitions of one outcome, on one scale. The first names the units; another may lack
        some of them, which are then outside its samples.
    adoption : mapping of str to pandas.Series
        Codings of the first treated year by unit, 0 for never treated. A unit that a coding
        does not treat is a control there.
    estimators : sequence of str
        ``cs_cohort`` and ``cs_simple`` are the aggregates of Callaway & Sant'Anna (2021) with
        never-treated controls and outcome regression; ``before_after`` compares the mean after
        with the mean before adoption; ``detrended`` takes out each unit's own straight line,
        drawn through the years before; ``twfe`` is two-way fixed effects, with covariates
        times year.
    controls : mapping of str to pandas.DataFrame or None, optional
        Covariates that do not change over time, shape (units, covariates); None for none.
    samples : mapping of str to sequence of str or None, optional
        Units that stay, by code; None for all. A treated unit outside a sample is left out.
    weights : mapping of str to pandas.Series or None, optional
        Weight by unit, above zero; None for equal weights.
    windows : Windows
        Years that some units leave out; ``twfe`` cannot leave out any.

    Returns
    -------
    SpecificationGrid
        One specification per combination.

    Raises
    ------
    InputError
        If a dimension is empty, units, years, covariates or weights are at fault, or a
        combination has no treated unit or no control left.

    Examples
    --------
    >>> wide = pd.DataFrame([[1., 2., 5.], [1., 1., 1.], [0., 1., 2.]],
    ...                     index=["a", "b", "c"], columns=[2000, 2001, 2002])
    >>> grid = specification_grid({"y": Panel("y", wide)},
    ...                           {"coded": pd.Series({"a": 2002, "b": 0, "c": 0})},
    ...                           estimators=["cs_cohort", "before_after", "twfe"])
    >>> [float(v) for v in grid.blocks[0].evaluate([[0]])[:, 0].round(12)]
    [2.5, 2.75, 2.75]
    """
    controls = {"none": None} if controls is None else controls
    samples = {"all": None} if samples is None else samples
    weights = {"equal": None} if weights is None else weights
    dimensions = {
        "outcomes": outcomes,
        "adoption": adoption,
        "estimators": estimators,
        "controls": controls,
        "samples": samples,
        "weights": weights,
    }
    for name, given in dimensions.items():
        if not given:
            raise InputError("at least one choice is needed", field=name)
    unknown = [e for e in estimators if e not in ESTIMATORS]
    if unknown:
        raise InputError(f"{unknown[0]!r} is none of {', '.join(ESTIMATORS)}", field="estimators")
    if "twfe" in estimators and not windows.plain:
        raise InputError(
            "twfe cannot leave out partly exposed years or years after an end", field="estimators"
        )
    first = next(iter(outcomes.values()))
    units = first.units
    for name, panel in outcomes.items():
        extra = sorted(set(panel.units) - set(units))
        if extra:
            raise InputError(
                f"{name} has unit {extra[0]}, which the first outcome lacks; put the widest first",
                field="outcomes",
            )
    ever = np.zeros(len(units), dtype=bool)
    for name, coding in adoption.items():
        absent = [u for u in units if u not in coding.index or pd.isna(coding[u])]
        if absent:
            raise InputError(
                f"{name}: unit {absent[0]} has no first treated year; 0 is never treated",
                field="adoption",
            )
        ever |= coding[units].to_numpy(dtype=int) > 0
    slots = [int(i) for i in np.flatnonzero(ever)]
    if not slots:
        raise InputError("no unit is treated", field="adoption")
    blocks: list[Block] = []
    for who, unit_weights, chosen, coded in itertools.product(samples, weights, controls, adoption):
        w = _unit_weight(weights[unit_weights], samples[who], units, f"{who}, {unit_weights}")
        # outcomes that cover the same units share their algebra
        covered: dict[tuple[str, ...], list[str]] = {}
        for name, panel in outcomes.items():
            covered.setdefault(tuple(sorted(panel.units)), []).append(name)
        for cover, names in covered.items():
            inside = np.where(np.isin(units, cover), w, 0.0)
            labels = {
                "controls": chosen,
                "sample": who,
                "weights": unit_weights,
                "adoption": coded,
            }
            blocks.append(
                _block(
                    {n: outcomes[n] for n in names},
                    adoption[coded],
                    estimators,
                    controls[chosen],
                    inside,
                    units,
                    slots,
                    labels,
                    windows,
                )
            )
    data_hash = _digest(
        *(p.hash() for p in outcomes.values()),
        *(v for mapping in (adoption, controls, samples, weights) for v in mapping.values()),
        *(() if windows.plain else (sorted(windows.partial.items()), sorted(windows.last.items()))),
    )
    return SpecificationGrid(tuple(units), tuple(slots), tuple(blocks), data_hash)


def _block(
    panels: Mapping[str, Panel],
    cohort: pd.Series,
    estimators: Sequence[Estimator],
    covariates: pd.DataFrame | None,
    w: np.ndarray,
    units: Sequence[str],
    slots: Sequence[int],
    labels: Mapping[str, str],
    windows: Windows,
) -> LinearBlock:
    """Compute the tables of all specifications that share everything but outcome and estimator."""
    where = ", ".join(labels.values())
    x = np.empty((len(units), 0))
    if covariates is not None:
        x = np.column_stack(
            [
                _unit_values(covariates[c], units, f"{labels['controls']}, {c}", "controls")
                for c in covariates
            ]
        )
    start = cohort[list(units)].to_numpy(dtype=int)
    active = np.flatnonzero(start[list(slots)] > 0)
    columns = np.asarray(slots)[active]
    treated = int((w[columns] > 0).sum())
    kept = int((w > 0).sum())
    if treated == 0 or kept - treated < 1:
        side = "treated unit" if treated == 0 else "control"
        raise InputError(f"{where}: no {side} is left", field="samples")
    basis = orthonormal(x, w, where)
    kinds = [
        (int(start[i]), windows.base(units[i], int(start[i])), windows.last.get(units[i], 0))
        for i in columns
    ]
    distinct = sorted(set(kinds))
    group = np.array([distinct.index(k) for k in kinds])
    first_years = np.array([g for g, _, _ in distinct])
    choices, counts, tables = [], [], []
    for name, panel in panels.items():
        spells(panel, cohort, windows)
        years = np.array(panel.years)
        y = panel.values.set_axis(panel.units).reindex(list(units)).fillna(0.0).to_numpy(float)
        for estimator in estimators:
            if estimator == "twfe":
                after = (years[None, :] >= first_years[:, None]).astype(float)
                after -= after.mean(axis=1, keepdims=True)
                # covariates times year, weighted: taken out of every year by itself
                residual = y - basis @ (basis.T @ (w[:, None] * y))
                table, extra = after @ residual.T, after @ after.T
            else:
                paths = np.array(
                    [
                        year_weights(estimator, years, g, base, end or None)
                        for g, base, end in distinct
                    ]
                )
                ends = np.array([end or years[-1] for _, _, end in distinct])
                within = (years >= first_years[:, None]) & (years <= ends[:, None])
                n_post = within.sum(axis=1)
                per_slot = n_post if estimator == "cs_simple" else np.ones(len(first_years))
                table, extra = paths @ y.T, per_slot[group].astype(float)
            choices.append({"estimator": estimator, "outcome": name, **labels})
            counts.append((kept, treated, kept * len(years)))
            tables.append((estimator, table, extra))
    block = LinearBlock(tuple(choices), tuple(counts), active, group, basis, w, tuple(tables))
    if not np.isfinite(block.evaluate(np.array([slots]))).all():
        raise InputError(
            f"{where}: the controls that are left do not identify the covariates", field="controls"
        )
    return block
