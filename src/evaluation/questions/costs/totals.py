"""From draws to totals over the years: what every later analysis is a function of."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evaluation.questions.costs.accounts import ACCOUNTS, flows
from evaluation.questions.costs.cohorts import by_year, simulate
from evaluation.questions.costs.correlations import correlated, together
from evaluation.questions.costs.draws import Draws, central, quantiles, uncertain, uniforms
from evaluation.questions.costs.effects import UncertainEffect
from evaluation.questions.costs.parameters import CostPlan

__all__ = ["Model", "Totals"]

BLOCK = 20_000
"""Draws at a time: bounds the memory and changes no number."""
PATHS = (
    "leavers",
    "exposed",
    "new_without",
    "new_with",
    "households_without",
    "households_with",
    "cost_without",
    "cost_with",
    "saved",
    "net",
    "need",
)
"""By year: adults, households, kronor, and the kronor a year per household."""
EFFECT, STAYING = "effect on work or studies", "effect on staying"


@dataclass(frozen=True)
class Totals:
    """Sums over the years and paths by year, for every draw.

    Parameters
    ----------
    lines : dict
        By (account, line): difference with less without, discounted, shape (draws,); the
        line ``net`` is the account's sum.
    plain : dict
        By (account, line), of the first draw: scenario without and with, and their
        difference, summed without discounting, shape (3,).
    gained : numpy.ndarray
        More leavers in work or studies, discounted, shape (draws,).
    met : numpy.ndarray
        Adults met by the programme, discounted, shape (draws,).
    paths : dict
        By name, those that were asked for: shape (draws, years), undiscounted.
    clipped : numpy.ndarray
        Whether a share was cut at 0 or 1, shape (draws,).
    """

    lines: dict[tuple[str, str], np.ndarray]
    plain: dict[tuple[str, str], np.ndarray]
    gained: np.ndarray
    met: np.ndarray
    paths: dict[str, np.ndarray]
    clipped: np.ndarray

    def net(self, account: str) -> np.ndarray:
        """Return an account's net, discounted, by draw."""
        return self.lines[account, "net"]


@dataclass(frozen=True)
class Model:
    """The cost model of a parameter file, with the effects as they are to be drawn.

    Parameters
    ----------
    plan : CostPlan
        The parameters.
    effect : UncertainEffect
        On the share in work or studies.
    on_staying : UncertainEffect, optional
        On the share staying.
    """

    plan: CostPlan
    effect: UncertainEffect
    on_staying: UncertainEffect | None = None

    @property
    def uncertain(self) -> tuple[str, ...]:
        """The effects and parameters that have a distribution, the effects first."""
        effects = [(EFFECT, self.effect), (STAYING, self.on_staying)]
        drawn = [name for name, e in effects if e is not None and not e.fixed]
        return (*drawn, *uncertain(self.plan))

    def at_values(self, n: int = 1) -> tuple[Draws, np.ndarray, np.ndarray | None]:
        """Return everything at its stated value, n times."""
        staying = None if self.on_staying is None else np.full(n, self.on_staying.estimate)
        return central(self.plan, n), np.full(n, self.effect.estimate), staying

    @property
    def _groups(self) -> list[list[str]]:
        """The quantities that move together."""
        return together(self.plan.analysis.correlations)

    def uniforms(self, name: str, seed: int, n: int) -> np.ndarray:
        """Return the uniform numbers of an effect or a parameter, shape (n, columns)."""
        for group in self._groups:
            if name in group:
                first = group[: group.index(name) + 1]
                u = [uniforms(seed, other, n)[:, 0] for other in first]
                return correlated(u, self.plan.analysis.correlations, first)[-1][:, None]
        columns = 1
        if name in self.plan.parameters:
            p = self.plan.parameters[name]
            columns = len(p.keyed) + 1 if p.distribution.kind == "dirichlet" else 1
        return uniforms(seed, name, n, columns)

    def draw(
        self, seed: int, n: int, only: tuple[str, ...] | None = None
    ) -> tuple[Draws, np.ndarray, np.ndarray | None]:
        """Draw effects and parameters; those that are not drawn stay at their value.

        Parameters
        ----------
        seed : int
            The one seed.
        n : int
            How many draws.
        only : tuple of str, optional
            Which to draw; by default all that have a distribution.

        Returns
        -------
        tuple
            Parameters, effect, and effect on staying.
        """
        chosen = self.uncertain if only is None else only
        draws, effect, staying = self.at_values(n)
        found = dict(draws)
        for name in chosen:
            u = self.uniforms(name, seed, n)
            if name == EFFECT:
                effect = self.effect.quantile(u[:, 0])
            elif name == STAYING and self.on_staying is not None:
                staying = self.on_staying.quantile(u[:, 0])
            else:
                found[name] = quantiles(self.plan.parameters[name], self.plan.symbol(name), u)
        return found, effect, staying

    def totals(
        self,
        draws: Draws,
        effect: np.ndarray,
        on_staying: np.ndarray | None = None,
        *,
        keep: tuple[str, ...] = PATHS,
        block: int = BLOCK,
    ) -> Totals:
        """Run both scenarios on the same draws and sum every line.

        Parameters
        ----------
        draws : mapping
            Parameters, shape (draws,) each.
        effect, on_staying : numpy.ndarray
            Effects as shares, shape (draws,).
        keep : tuple of str
            Which paths to keep by draw: of many draws they are what takes memory.
        block : int
            Draws at a time; it changes no number.

        Returns
        -------
        Totals
            Of all draws.
        """
        n = len(effect)
        parts = []
        for begin in range(0, n, block):
            cut = slice(begin, begin + block)
            some = {k: {i: v[cut] for i, v in by.items()} for k, by in draws.items()}
            staying = None if on_staying is None else on_staying[cut]
            parts.append(self._block(some, effect[cut], staying, keep))
        return parts[0] if len(parts) == 1 else _joined(parts)

    def _block(
        self,
        draws: Draws,
        effect: np.ndarray,
        staying: np.ndarray | None,
        keep: tuple[str, ...],
    ) -> Totals:
        plan = self.plan
        c = simulate(plan, draws, effect, staying)
        rate = by_year(plan, draws, "discount_rate", plan.span)
        weight = (1 + rate) ** -np.arange(len(plan.span), dtype=float)
        lines: dict[tuple[str, str], np.ndarray] = {}
        plain: dict[tuple[str, str], np.ndarray] = {}
        yearly = {a: np.zeros(c.leavers.shape) for a in ACCOUNTS}
        for account in ACCOUNTS:
            lines[account, "net"] = np.zeros(len(effect))
            plain[account, "net"] = np.zeros(3)
        for f in flows(plan, draws, c):
            key = (f.account, f.line)
            yearly[f.account] += f.difference
            lines[key] = (f.difference * weight).sum(axis=1)
            plain[key] = np.array([v[0].sum() for v in (f.without, f.with_programme, f.difference)])
            lines[f.account, "net"] += lines[key]
            plain[f.account, "net"] += plain[key]
        paths = {
            "leavers": c.leavers,
            "exposed": c.exposed,
            "new_without": c.new_without,
            "new_with": c.new_with,
            "households_without": c.households_without,
            "households_with": c.households_with,
            "cost_without": c.households_without * c.yearly,
            "cost_with": c.households_with * c.yearly,
            "saved": (c.households_without - c.households_with) * c.yearly,
            "net": yearly["municipality"],
            "need": c.yearly,
        }
        return Totals(
            lines=lines,
            plain=plain,
            gained=(c.gained * weight).sum(axis=1),
            met=(c.received * weight).sum(axis=1),
            paths={name: paths[name] for name in keep},
            clipped=c.clipped,
        )


def _joined(parts: list[Totals]) -> Totals:
    first = parts[0]
    return Totals(
        lines={k: np.concatenate([p.lines[k] for p in parts]) for k in first.lines},
        plain=first.plain,
        gained=np.concatenate([p.gained for p in parts]),
        met=np.concatenate([p.met for p in parts]),
        paths={k: np.concatenate([p.paths[k] for p in parts]) for k in first.paths},
        clipped=np.concatenate([p.clipped for p in parts]),
    )
