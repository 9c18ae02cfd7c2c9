"""What the answer turns on: one parameter at a time, and where it turns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from evaluation.questions.costs.draws import Draws, quantiles
from evaluation.questions.costs.totals import EFFECT, STAYING, Model, Totals

__all__ = ["BreakEven", "TornadoBar", "break_even", "break_even_bounds", "tornado"]


@dataclass(frozen=True)
class TornadoBar:
    """The municipality's net at the two ends of one uncertain quantity, all else at its value.

    Parameters
    ----------
    name : str
        The parameter or effect.
    value, low, high : float or None
        The quantity at its value and at the probabilities alpha/2 and 1 − alpha/2; None for
        one that is several numbers.
    net_low, net_high : float
        The discounted net at those ends, kronor.
    """

    name: str
    value: float | None
    low: float | None
    high: float | None
    net_low: float
    net_high: float

    @property
    def span(self) -> float:
        """How far the net moves."""
        return abs(self.net_high - self.net_low)


def tornado(
    model: Model, *, alpha: float = 0.05, account: str = "municipality"
) -> tuple[TornadoBar, ...]:
    """Move one uncertain quantity at a time to its outer quantiles.

    All ends are computed in one pass of the vectorised model.

    Parameters
    ----------
    model : Model
        Parameters and effects.
    alpha : float
        One minus the level of the ends.
    account : str
        Whose net.

    Returns
    -------
    tuple of TornadoBar
        The longest first.
    """
    names = model.uncertain
    if not names:
        return ()
    ends = np.array([alpha / 2, 1 - alpha / 2])
    base, effect, staying = model.at_values(2 * len(names))
    rows = {k: {i: v.copy() for i, v in by.items()} for k, by in base.items()}
    shown: list[tuple[float | None, float | None, float | None]] = []
    for i, name in enumerate(names):
        at = slice(2 * i, 2 * i + 2)
        if name == EFFECT:
            effect[at] = model.effect.quantile(ends)
            shown.append((model.effect.estimate, float(effect[at][0]), float(effect[at][1])))
        elif name == STAYING and staying is not None and model.on_staying is not None:
            staying[at] = model.on_staying.quantile(ends)
            shown.append((model.on_staying.estimate, float(staying[at][0]), float(staying[at][1])))
        else:
            shown.append(_moved(model, name, ends, rows[name], at))
    net = model.totals(rows, effect, staying).net(account)
    bars = [
        TornadoBar(name, *shown[i], float(net[2 * i]), float(net[2 * i + 1]))
        for i, name in enumerate(names)
    ]
    return tuple(sorted(bars, key=lambda b: -b.span))


def _moved(
    model: Model, name: str, ends: np.ndarray, rows: dict[Any, np.ndarray], at: slice
) -> tuple[float | None, float | None, float | None]:
    p = model.plan.parameters[name]
    if p.distribution.kind == "dirichlet":
        # those who leave the programme at all, from few to many; the ages keep their shares
        left = sum(p.keyed.values())
        total = p.distribution.concentration or 1.0
        if left >= 1 - 1e-12:
            return left, left, left
        from scipy import special

        ends_left = special.betaincinv(total * left, total * (1 - left), ends)
        for key, share in p.keyed.items():
            rows[key][at] = share * ends_left / left
        return left, float(ends_left[0]), float(ends_left[1])
    moved = quantiles(p, model.plan.symbol(name), ends[:, None])
    for key, values in moved.items():
        rows[key][at] = values
    if None not in moved:
        return None, None, None
    return p.keyed[None], float(moved[None][0]), float(moved[None][1])


@dataclass(frozen=True)
class BreakEven:
    """Where the municipality's discounted net is zero, all else at its value.

    Parameters
    ----------
    effect : float or None
        The effect on the share in work or studies; None where there is no such effect in
        the range.
    effect_range : tuple of float
        The effects that no share is cut by: −min p to 1 − max p.
    net_at_range : tuple of float
        The net at the ends of that range.
    cost_per_person : float or None
        What the programme may cost per adult received; None where the net without its cost
        is negative, so that no cost breaks even, or nobody is met.
    cost_now : float
        What it costs, on average over those received, in the stated year's prices.
    effect_bounds : tuple of (float or None)
        Quantiles alpha/2 and 1 − alpha/2 of the break-even effect over draws of everything
        else; None where it lies beyond what a share can change by.
    cost_bounds : tuple of float, optional
        The same of the break-even cost per person, over draws of the effect too; below zero
        where no cost breaks even. None where nobody is met.
    alpha : float
        One minus the level of the bounds.
    """

    effect: float | None
    effect_range: tuple[float, float]
    net_at_range: tuple[float, float]
    cost_per_person: float | None
    cost_now: float
    effect_bounds: tuple[float | None, float | None] = (None, None)
    cost_bounds: tuple[float, float] | None = None
    alpha: float = 0.05

    @classmethod
    def read(cls, r: Mapping[str, Any]) -> BreakEven:
        """Take it out of a result's plain types, where its pairs are lists."""
        plain: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in r.items()}
        return cls(**plain)


def break_even(model: Model) -> BreakEven:
    r"""Find the effect and the programme cost at which the municipality comes out even.

    As long as no share is cut the net is a line in the effect,
    :math:`net(\Delta) = net(0) + \beta\Delta`, so that the root is
    :math:`-net(0)/\beta`, taken if it lies in that range. With :math:`P` the discounted
    number of adults met, the break-even cost is the net without the programme's cost, over
    :math:`P`.

    Parameters
    ----------
    model : Model
        Parameters and effects.

    Returns
    -------
    BreakEven
        Both points.
    """
    p = np.array(list(model.plan.parameters["in_work_or_studies"].keyed.values()))
    ends = (-float(p.min()), float(1 - p.max()))
    draws, effect, staying = model.at_values(3)
    effect[1:] = ends
    totals = model.totals(draws, effect, staying)
    _, at_low, at_high = (float(v) for v in totals.net("municipality"))
    root = None
    if at_high != at_low:
        root = ends[0] - at_low * (ends[1] - ends[0]) / (at_high - at_low)
        if not ends[0] <= root <= ends[1]:
            root = None
    met = float(totals.met[0])
    spent = float(totals.lines.get(("municipality", "programme_cost"), np.zeros(3))[0])
    free = float(totals.net("municipality")[0]) - spent
    # rounding leaves a net of nothing a trace above or below zero
    size = sum(abs(float(v[0])) for (a, _), v in totals.lines.items() if a == "municipality")
    free = 0.0 if abs(free) <= 1e-12 * size else free
    most = free / met if met > 0 and free >= 0 else None
    return BreakEven(root, ends, (at_low, at_high), most, -spent / met if met > 0 else 0.0)


def break_even_bounds(
    model: Model, draws: Draws, staying: np.ndarray | None, drawn: Totals, *, alpha: float
) -> tuple[tuple[float | None, float | None], tuple[float, float] | None]:
    r"""Return the intervals of the effect and of the cost at which the municipality breaks even.

    Within a draw the net is a line in the effect, so its root is algebra there too. It is
    taken to be infinite where even the largest effect that fits does not suffice, and minus
    infinite where even the smallest does.

    Parameters
    ----------
    model : Model
        Parameters and effects.
    draws, staying : mapping, numpy.ndarray
        Draws of the parameters and of the effect on staying.
    drawn : Totals
        The model on those draws and on draws of the effect.
    alpha : float
        One minus the level.

    Returns
    -------
    tuple
        Bounds of the effect, None where infinite, and of the cost per person.
    """
    p = np.stack(list(draws["in_work_or_studies"].values()))
    low, high = -p.min(axis=0), 1 - p.max(axis=0)
    at_low, at_high = (
        model.totals(draws, end, staying, keep=()).net("municipality") for end in (low, high)
    )
    rises = at_high > at_low
    root = low - at_low * (high - low) / np.where(rises, at_high - at_low, 1.0)
    root = np.where(rises & (at_low <= 0) & (at_high >= 0), root, np.inf)
    root = np.where(np.minimum(at_low, at_high) > 0, -np.inf, root)
    spent = drawn.lines.get(("municipality", "programme_cost"), np.zeros(len(root)))
    some = drawn.met > 0
    cost = (drawn.net("municipality") - spent)[some] / drawn.met[some]
    first, last = _outer(root, alpha)
    return (
        (first if np.isfinite(first) else None, last if np.isfinite(last) else None),
        _outer(cost, alpha) if some.all() else None,
    )


def _outer(values: np.ndarray, alpha: float) -> tuple[float, float]:
    """Return the outer quantiles; infinite values are not interpolated between."""
    if np.isfinite(values).all():
        found = np.quantile(values, [alpha / 2, 1 - alpha / 2])
        return float(found[0]), float(found[1])
    row = np.sort(values)
    n = len(row) - 1
    return float(row[int(np.floor(alpha / 2 * n))]), float(row[int(np.ceil((1 - alpha / 2) * n))])
