"""The regression of an outcome's change on the components that the documents describe."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from evaluation.data import embedded
from evaluation.data.panel import Panel, embedded_panel
from evaluation.data.registry import INDICATORS
from evaluation.design.comparison import nearest_in_size
from evaluation.design.components import Overlap, component_matrix, overlap
from evaluation.design.stance import classify
from evaluation.errors import InputError
from evaluation.estimation.regression.shrinkage import (
    leave_one_out_errors,
    ridge,
    shrunk,
    smoother,
)
from evaluation.questions.components.result import ComponentStudy, Prior

__all__ = ["PRIORS", "component_study"]

Array = npt.NDArray[np.float64]
PRIORS = (0.25, 0.5, 1.0, 2.0)
"""Prior standard deviations of an effect, in standard deviations of the noise."""
_PENALTIES = (*np.geomspace(0.01, 10_000, 121).tolist(), np.inf)
_EVERY = ("explicit", "strong", "indirect", "weak")


def _change(panel: Panel, codes: Sequence[str], years: tuple[int, int], donors: int) -> Array:
    """Return each municipality's change less that of others of its size without any component."""
    for code in codes:
        if code not in panel.units:
            raise InputError(f"municipality {code} has no values", field=panel.outcome)
    for year in years:
        if year not in panel.years:
            raise InputError(
                f"{year} is outside the data, {panel.years[0]}–{panel.years[-1]}",
                field=panel.outcome,
            )
    if years[0] >= years[1]:
        raise InputError(f"the first year must come before the last, found {years[0]}–{years[1]}")
    have = set(panel.units) - set(codes)
    others = [c for c in classify(_EVERY).not_known if c in have]
    if not 1 <= donors <= len(others):
        raise InputError(f"must be 1 to {len(others)}, found {donors}", field="donors")
    size = embedded.municipalities()["population_2017"]
    moved = panel.values[years[1]] - panel.values[years[0]]
    return np.array(
        [moved[c] - moved[nearest_in_size([c], others, size, donors)].mean() for c in codes]
    )


def _without(x: Array, y: Array, penalty: float) -> tuple[Array, Array]:
    """Return the lowest and the highest coefficient over the fits without one municipality."""
    rows = np.arange(len(y))
    found = np.array([ridge(x[rows != i], y[rows != i], penalty) for i in rows])
    return found.min(axis=0), found.max(axis=0)


def _explained(x: Array, y: Array, penalty: float) -> Array:
    """Return 1 − squared leave-one-out errors by those of the mean alone, per outcome."""
    error, base = (leave_one_out_errors(x, y, p) for p in (penalty, np.inf))
    out: Array = 1 - (error**2).sum(axis=0) / (base**2).sum(axis=0)
    return out


def _by_chance(x: Array, y: Array, penalty: float, draws: int, seed: int) -> tuple[float, float]:
    """Return what is explained, and how often as much is when the outcomes are shuffled."""
    rng = np.random.default_rng(np.random.SeedSequence(seed))
    shuffled = rng.permuted(np.tile(y, (draws, 1)), axis=1).T
    told = float(_explained(x, y[:, None], penalty)[0])
    others = _explained(x, shuffled, penalty)
    # rounding must not make a draw that equals the data fall below it
    return told, (1 + int((others >= told - 1e-12).sum())) / (1 + draws)


def component_study(
    outcome: str | Panel = "foreign_background",
    *,
    first: int = 2011,
    last: int = 2019,
    prior: float = 0.5,
    matrix: pd.DataFrame | None = None,
    donors: int = 30,
    alpha: float = 0.05,
    draws: int = 4999,
    seed: int = 20171205,
) -> ComponentStudy:
    r"""Regress an outcome's change on the components that municipalities have.

    .. math:: \Delta_i - \bar\Delta_{N(i)} = \alpha + \sum_b \beta_b B_{ib} + \varepsilon_i,
        \quad \beta_b \sim N(0, \tau^2\sigma^2)

    over the municipalities that the documents tell of: :math:`\Delta_i` is the change from
    ``first`` to ``last``, :math:`N(i)` the nearest in size that are not known to be active and
    have no component, and b runs over bundles of components that no municipality tells apart.
    The prior says that a bundle's effect is of the noise's order at most; the data must move it.

    Parameters
    ----------
    outcome : str or Panel
        An outcome that ships, or a panel of municipalities.
    first, last : int
        The change is taken between these years. 2011 is the first that both outcomes that ship
        have, 2019 the year of the last document.
    prior : float
        :math:`\tau`, standard deviation of an effect in standard deviations of the noise.
    matrix : pandas.DataFrame, optional
        Shape (municipalities, components), 0 or 1, index of codes; by default the documents'.
    donors : int
        How many municipalities of similar size each is compared with.
    alpha : float
        One minus the level of the intervals.
    draws, seed : int
        Of the permutation of outcomes among the municipalities.

    Returns
    -------
    ComponentStudy
        Posterior by bundle, leave-one-out, priors, permutation, overlap.

    Raises
    ------
    InputError
        If there is no such outcome, a year or a municipality is not in it, or a setting is out
        of range.

    Examples
    --------
    >>> found = component_study(draws=199)
    >>> len(found.overlap.matrix), len(found.overlap.bundles), found.overlap.in_one
    (34, 39, 89)
    """
    if isinstance(outcome, str):
        panel, indicator = embedded_panel(outcome), INDICATORS[outcome]
        unit = (indicator.change_sv, indicator.change_en)
    else:
        panel, unit = outcome, ("enheter", "units")
    if not 0 < prior <= 100:
        raise InputError(f"must be above 0 and at most 100, found {prior:g}", field="prior")
    if not 0 < alpha < 0.5:
        raise InputError(f"must be between 0 and 0.5, found {alpha:g}", field="alpha")
    if not 99 <= draws <= 1_000_000:
        raise InputError(f"must be 99 to 1000000, found {draws}", field="draws")
    found: Overlap = overlap(component_matrix() if matrix is None else matrix)
    codes = [str(c) for c in found.reduced.index]
    x = found.reduced.to_numpy(dtype=float)
    y = _change(panel, codes, (first, last), donors)
    penalty = 1 / prior**2
    names = list(found.reduced.columns)

    def fitted(sd: float) -> Prior:
        posterior = shrunk(x, y, 1 / sd**2)
        low, high = posterior.interval(alpha)
        index = pd.Index(names, name="bundle")
        table = pd.DataFrame(
            {"estimate": posterior.coefficients, "low": low, "high": high}, index=index
        )
        return Prior(sd, table)

    press = np.array([(leave_one_out_errors(x, y, p) ** 2).sum() for p in _PENALTIES])
    best = float(_PENALTIES[int(press.argmin())])
    told, p = _by_chance(x, y, penalty, draws, seed)
    return ComponentStudy(
        outcome=panel.outcome,
        unit_sv=unit[0],
        unit_en=unit[1],
        first=first,
        last=last,
        overlap=found,
        change=pd.Series(y, index=found.reduced.index, name="change"),
        prior=prior,
        posterior=shrunk(x, y, penalty),
        chosen_penalty=best,
        ridge=ridge(x, y, best),
        without=_without(x, y, penalty),
        priors=tuple(fitted(sd) for sd in sorted({*PRIORS, prior})),
        effective=float(np.trace(smoother(x, penalty)) - 1),
        explained=told,
        p_value=p,
        donors=donors,
        alpha=alpha,
        draws=draws,
        seed=seed,
        data_hash=panel.hash(),
    )
