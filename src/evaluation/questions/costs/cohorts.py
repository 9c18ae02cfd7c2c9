"""The cohort model: who leaves, who needs assistance, how long, and who works."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evaluation.questions.costs.checking import reception_years
from evaluation.questions.costs.draws import Draws
from evaluation.questions.costs.parameters import HOUSEHOLDS, CostPlan

__all__ = ["Cohorts", "assistance_path", "by_year", "carried", "simulate"]


def carried(flow: np.ndarray, loss: np.ndarray, start: np.ndarray | float = 0.0) -> np.ndarray:
    r"""Return a stock that loses a share a year and is added to.

    .. math:: S_t = S_{t-1}(1 - loss_t) + flow_t

    Parameters
    ----------
    flow : numpy.ndarray
        Additions, shape (draws, years).
    loss : numpy.ndarray
        Shares lost, broadcast to the same shape.
    start : numpy.ndarray or float
        The stock before the first year, shape (draws,) or one number.

    Returns
    -------
    numpy.ndarray
        Shape (draws, years).

    Examples
    --------
    >>> carried(np.array([[8.0, 0.0]]), np.array([[0.5, 0.5]])).tolist()
    [[8.0, 4.0]]
    """
    kept = 1 - np.broadcast_to(loss, flow.shape)
    out = np.empty(flow.shape)
    before = np.broadcast_to(start, flow.shape[:1])
    for t in range(flow.shape[1]):
        before = before * kept[:, t] + flow[:, t]
        out[:, t] = before
    return out


def assistance_path(
    leavers: np.ndarray,
    *,
    in_work_or_studies: np.ndarray | float,
    needing_assistance: np.ndarray | float,
    staying: np.ndarray | float,
    adults_per_household: np.ndarray | float,
    exit_rate: np.ndarray | float,
    months: np.ndarray | float,
    monthly: np.ndarray | float,
    households_at_start: np.ndarray | float = 0.0,
) -> tuple[np.ndarray, np.ndarray]:
    r"""Return households on assistance and what they are paid, by year.

    .. math::

        N_t = L_t(1-p_t)\,r\,g/s,\quad H_t = H_{t-1}(1-x) + N_t,\quad Cost_t = H_t\,m\,k

    with :math:`k` the monthly need, norm + rent − other income.

    Parameters
    ----------
    leavers : numpy.ndarray
        :math:`L_t`, adults leaving the programme, shape (years,) or (draws, years).
    in_work_or_studies, needing_assistance, staying, adults_per_household, exit_rate, months,\
    monthly : numpy.ndarray or float
        :math:`p, r, g, s, x, m, k`; numbers, or arrays that broadcast to the leavers.
    households_at_start : numpy.ndarray or float
        :math:`H_0`, one number or shape (draws,).

    Returns
    -------
    tuple of numpy.ndarray
        :math:`H_t` and :math:`Cost_t`, the shape of the leavers.

    Examples
    --------
    The case worked by hand:

    >>> h, cost = assistance_path(np.array([100, 150, 80]), in_work_or_studies=0.40,
    ...     needing_assistance=0.80, staying=0.75, adults_per_household=1.6, exit_rate=0.35,
    ...     months=6.5, monthly=9000)
    >>> h.round(5).tolist(), cost.round(3).tolist()
    ([22.5, 48.375, 49.44375], [1316250.0, 2829937.5, 2892459.375])
    """
    rows = np.atleast_2d(np.asarray(leavers, dtype=float))
    share = (1 - np.asarray(in_work_or_studies)) * needing_assistance * staying
    new = rows * share / adults_per_household
    stock = carried(new, np.asarray(exit_rate, dtype=float), households_at_start)
    paid = stock * months * monthly
    if np.ndim(leavers) == 1 and len(stock) == 1:
        return stock[0], paid[0]
    return stock, paid


@dataclass(frozen=True)
class Cohorts:
    """Both scenarios by draw and year; every array has shape (draws, years).

    Parameters
    ----------
    received : numpy.ndarray
        Adults received in the year who are met by the programme in the scenario with it.
    everyone : numpy.ndarray
        All adults received in the year.
    leavers, exposed : numpy.ndarray
        Adults leaving the programme; of them those received from the first cohort on.
    gained : numpy.ndarray
        More of the year's leavers in work or studies with the programme than without.
    new_without, new_with : numpy.ndarray
        Households that begin on assistance in the year.
    households_without, households_with : numpy.ndarray
        Households on assistance.
    yearly : numpy.ndarray
        Kronor per household on assistance and year, in the stated year's prices, 0 at least.
    workers_without, workers_with : numpy.ndarray
        At work and living in the municipality; zeros where the tax is not counted.
    clipped : numpy.ndarray
        Whether the effect took a share beyond 0 or 1 in any year, shape (draws,).
    """

    received: np.ndarray
    everyone: np.ndarray
    leavers: np.ndarray
    exposed: np.ndarray
    gained: np.ndarray
    new_without: np.ndarray
    new_with: np.ndarray
    households_without: np.ndarray
    households_with: np.ndarray
    yearly: np.ndarray
    workers_without: np.ndarray
    workers_with: np.ndarray
    clipped: np.ndarray


def by_year(plan: CostPlan, draws: Draws, name: str, years: tuple[int, ...]) -> np.ndarray:
    """Return a parameter by draw and year, amounts in the stated year's prices.

    Parameters
    ----------
    plan : CostPlan
        The parameters.
    draws : mapping
        Their values.
    name : str
        Which.
    years : tuple of int
        Which years.

    Returns
    -------
    numpy.ndarray
        Shape (draws, years); (draws, 1) where it is the same every year.
    """
    keyed = draws[name]
    values: np.ndarray
    p, index = plan.parameters[name], plan.prices.index
    money = plan.symbol(name).money
    if set(keyed) == set(HOUSEHOLDS):
        size = by_year(plan, draws, "adults_per_household", years)
        single, couple = (keyed[k][:, None] for k in HOUSEHOLDS)
        values = (2 - size) * single + (size - 1) * couple
    elif None in keyed:
        values = keyed[None][:, None]
    else:
        values = np.stack([keyed[y] for y in years], axis=1)
    if not money:
        return values
    factor: np.ndarray | float
    if p.year == "each":
        factor = np.array([index[plan.prices.year] / index[y] for y in years])
    else:
        factor = index[plan.prices.year] / index[p.year]
    found: np.ndarray = values * factor
    return found


def simulate(
    plan: CostPlan, draws: Draws, effect: np.ndarray, on_staying: np.ndarray | None = None
) -> Cohorts:
    r"""Run the model without and with the programme on the same draws.

    Leavers :math:`L_t = \sum_a E_{t-a}\pi_a`, of them exposed those with :math:`t - a` from
    the first cohort on. Without the programme N and H are those of :func:`assistance_path`.
    With it the exposed have :math:`p_t + \Delta` and :math:`g + \Delta_g`, which gives
    :math:`N'_t`, and of the households that are spared a share f a year returns:

    .. math:: D_t = D_{t-1}(1-x)(1-f) + N_t - N'_t,\qquad H'_t = H_t - D_t

    Workers in the municipality, with w the share at work and y the share lost a year:
    :math:`W_t = W_{t-1}(1-y) + L_t p_t g w`, and the extra ones fade with f as well.

    Parameters
    ----------
    plan : CostPlan
        The parameters.
    draws : mapping
        Their values, shape (draws,) each.
    effect : numpy.ndarray
        :math:`\Delta`, a share, shape (draws,).
    on_staying : numpy.ndarray, optional
        :math:`\Delta_g`, a share, shape (draws,).

    Returns
    -------
    Cohorts
        Both scenarios.
    """
    years = plan.span
    early = reception_years(plan)
    n, many = len(effect), len(years)
    everyone = np.broadcast_to(by_year(plan, draws, "received", early), (n, len(early)))
    met = everyone * np.array([plan.reached(y) for y in early])
    before = len(early) - many
    leavers, exposed = np.zeros((n, many)), np.zeros((n, many))
    for age, share in draws["leaving"].items():
        window = slice(before - age, before - age + many)
        leavers += everyone[:, window] * share[:, None]
        exposed += met[:, window] * share[:, None]

    def value(name: str) -> np.ndarray:
        return by_year(plan, draws, name, years)

    p, r, g, s = (
        value(k)
        for k in ("in_work_or_studies", "needing_assistance", "staying", "adults_per_household")
    )
    x, m, fade = value("exit_rate"), value("months"), value("fade")
    monthly = np.maximum(value("norm") + value("rent") - value("other_income"), 0.0)
    raised = p + effect[:, None]
    more_p = np.clip(raised, 0, 1)
    stays = g if on_staying is None else g + on_staying[:, None]
    more_g = np.clip(stays, 0, 1)
    clipped = ((raised != more_p).any(axis=1)) | ((stays != more_g).any(axis=1))

    start = draws["households_at_start"][None]
    need = (1 - p) * r * g / s
    households, _ = assistance_path(
        leavers,
        in_work_or_studies=p,
        needing_assistance=r,
        staying=g,
        adults_per_household=s,
        exit_rate=x,
        months=m,
        monthly=monthly,
        households_at_start=start,
    )
    spared = exposed * (need - (1 - more_p) * r * more_g / s)
    saved = carried(spared, 1 - (1 - x) * (1 - fade))
    workers = extra = np.zeros((n, many))
    if plan.has_tax:
        w, y = value("work_share"), value("moving_out")
        workers = carried(leavers * p * g * w, y)
        extra = carried(exposed * (more_p * more_g - p * g) * w, 1 - (1 - y) * (1 - fade))
    return Cohorts(
        received=met[:, before:],
        everyone=everyone[:, before:],
        leavers=leavers,
        exposed=exposed,
        gained=exposed * (more_p - p),
        new_without=leavers * need,
        new_with=leavers * need - spared,
        households_without=households,
        households_with=households - saved,
        yearly=np.broadcast_to(monthly * m, (n, many)),
        workers_without=workers,
        workers_with=workers + extra,
        clipped=clipped,
    )
