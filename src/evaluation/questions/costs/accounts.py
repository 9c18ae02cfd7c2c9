"""Who pays and who gains: municipality, state and household, every line apart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

import numpy as np

from evaluation.language import Lang
from evaluation.questions.costs.cohorts import Cohorts, by_year
from evaluation.questions.costs.draws import Draws
from evaluation.questions.costs.parameters import CostPlan

__all__ = ["ACCOUNTS", "LINES", "Account", "Flow", "account_label", "flows", "line_label"]

Account = Literal["municipality", "state", "household"]
ACCOUNTS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "municipality": ("kommunen", "the municipality"),
        "state": (
            "staten, regionen och utjämningen",
            "the state, the region and the equalisation",
        ),
        "household": ("hushållen", "the households"),
    }
)
"""The accounts, in Swedish and in English."""
LINES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "assistance": ("bistånd, brutto", "assistance, gross"),
        "programme_cost": ("arbetssättets kostnad", "cost of the programme"),
        "state_grant": (
            "statens schablonersättning (betalas lika i båda)",
            "the state's standard grant (paid alike in both)",
        ),
        "municipal_tax": ("kommunalskatt på arbetsinkomst", "municipal tax on earnings"),
        "other_tax": ("annan skatt på arbetsinkomst", "other tax on earnings"),
        "income_equalisation": (
            "inkomstutjämning på kommunalskatten",
            "income equalisation on the municipal tax",
        ),
        "equalisation_credit": (
            "kostnadsutjämning för långvarigt bistånd",
            "cost equalisation for long assistance",
        ),
        "earnings": ("arbetsinkomst", "earnings"),
        "net": ("netto", "net"),
    }
)
"""The lines, in Swedish and in English."""


def account_label(account: str, lang: Lang) -> str:
    """Return an account's name.

    Examples
    --------
    >>> account_label("municipality", "sv")
    'kommunen'
    """
    return ACCOUNTS[account][lang == "en"]


def line_label(line: str, lang: Lang) -> str:
    """Return a line's name.

    Examples
    --------
    >>> line_label("programme_cost", "en")
    'cost of the programme'
    """
    return LINES[line][lang == "en"]


@dataclass(frozen=True)
class Flow:
    """One line of one account, kronor by draw and year; positive is money in.

    Parameters
    ----------
    account, line : str
        Keys of :data:`ACCOUNTS` and :data:`LINES`.
    kind : {"gross", "cost", "offset"}
        The assistance itself, what the programme costs, or what is set against it.
    without, with_programme : numpy.ndarray
        Shape (draws, years), in the stated year's prices, not discounted.
    """

    account: str
    line: str
    kind: Literal["gross", "cost", "offset"]
    without: np.ndarray
    with_programme: np.ndarray

    @property
    def difference(self) -> np.ndarray:
        """With less without: positive is better for the account."""
        found: np.ndarray = self.with_programme - self.without
        return found


def flows(plan: CostPlan, draws: Draws, c: Cohorts) -> tuple[Flow, ...]:
    r"""Return every line of the three accounts.

    Assistance :math:`H_t m (norm + rent - i)`; programme :math:`E_t c`, for those received
    from the first cohort on; state grant :math:`E_t b`, booked in the year of reception and
    the same in both; municipal tax :math:`W_t \tau \max(e - a, 0)`, other tax with
    :math:`\tau_2`; income equalisation :math:`-q` times the municipal tax; cost equalisation
    :math:`k\,\ell\,s\,H_{t-lag}`, with :math:`H_0` before the first year. What one account
    pays another receives, but for the programme and the earnings.

    Parameters
    ----------
    plan : CostPlan
        The parameters.
    draws : mapping
        Their values.
    c : Cohorts
        Both scenarios on those values.

    Returns
    -------
    tuple of Flow
        Municipality, state and household, in that order, gross first.
    """
    given = plan.parameters
    two = {
        "assistance": (c.households_without * c.yearly, c.households_with * c.yearly),
    }

    def value(name: str) -> np.ndarray:
        return by_year(plan, draws, name, plan.span)

    if "programme_cost" in given:
        spent = c.received * value("programme_cost")
        two["programme_cost"] = (np.zeros_like(spent), spent)
    if "state_grant" in given:
        grant = c.everyone * value("state_grant")
        two["state_grant"] = (grant, grant)
    if plan.has_tax:
        workers = (c.workers_without, c.workers_with)
        earned = value("earnings")
        base = np.maximum(earned - value("basic_deduction"), 0.0)
        tax = base * value("municipal_tax")
        two["earnings"] = (workers[0] * earned, workers[1] * earned)
        two["municipal_tax"] = (workers[0] * tax, workers[1] * tax)
        if "other_tax" in given:
            other = base * value("other_tax")
            two["other_tax"] = (workers[0] * other, workers[1] * other)
        if "income_equalisation" in given:
            back = tax * value("income_equalisation")
            two["income_equalisation"] = (workers[0] * back, workers[1] * back)
    if plan.has_credit:
        per = value("equalisation_credit") * value("long_term_share")
        per = per * value("adults_per_household")
        lag = int(plan.parameters["equalisation_lag"].keyed[None])
        start = draws["households_at_start"][None]
        two["equalisation_credit"] = (
            _lagged(c.households_without, lag, start) * per,
            _lagged(c.households_with, lag, start) * per,
        )
    out = []
    for account, line, kind, sign in _BOOKED:
        if line in two:
            without, with_programme = two[line]
            out.append(Flow(account, line, kind, sign * without, sign * with_programme))
    return tuple(out)


_BOOKED: tuple[tuple[str, str, Literal["gross", "cost", "offset"], int], ...] = (
    ("municipality", "assistance", "gross", -1),
    ("municipality", "programme_cost", "cost", -1),
    ("municipality", "municipal_tax", "offset", 1),
    ("municipality", "income_equalisation", "offset", -1),
    ("municipality", "equalisation_credit", "offset", 1),
    ("municipality", "state_grant", "offset", 1),
    ("state", "state_grant", "offset", -1),
    ("state", "other_tax", "offset", 1),
    ("state", "income_equalisation", "offset", 1),
    ("state", "equalisation_credit", "offset", -1),
    ("household", "assistance", "gross", 1),
    ("household", "earnings", "offset", 1),
    ("household", "municipal_tax", "offset", -1),
    ("household", "other_tax", "offset", -1),
)


def _lagged(stock: np.ndarray, lag: int, start: np.ndarray) -> np.ndarray:
    """Return the stock so many years earlier, and the one at the start before the first year."""
    n, years = stock.shape
    back = min(lag, years)
    head = np.broadcast_to(start[:, None], (n, back))
    return np.concatenate([head, stock[:, : years - back]], axis=1)
