"""What a parameter file must fulfil beyond its form: bounds, units, years, index, sums."""

from __future__ import annotations

from collections.abc import Iterator

from evaluation.questions.costs.correlations import correlation_faults
from evaluation.questions.costs.parameters import HOUSEHOLDS, CostPlan, Parameter
from evaluation.questions.costs.symbols import CREDIT, SYMBOLS, TAX, Symbol

__all__ = ["check_plan", "reception_years"]

MOST_YEARS = 60
Fault = tuple[tuple[str | int, ...], str]


def reception_years(plan: CostPlan) -> tuple[int, ...]:
    """Return the years of reception that the model's years rest on.

    Parameters
    ----------
    plan : CostPlan
        The parameters.

    Returns
    -------
    tuple of int
        From the first model year less the longest time in the programme, to the last.

    Examples
    --------
    >>> from evaluation.questions.costs import load_costs
    >>> reception_years(load_costs("by_hand"))
    (2017, 2018, 2019)
    """
    oldest = max(plan.parameters["leaving"].keyed)
    return tuple(range(plan.years[0] - oldest, plan.years[1] + 1))


def check_plan(plan: CostPlan) -> None:
    """Refuse a parameter file whose values cannot be right.

    Parameters
    ----------
    plan : CostPlan
        Of the right form.

    Raises
    ------
    InputError
        At the first fault, with file, line and key.
    """
    for path, problem in _faults(plan):
        raise plan.fault(path, problem)


def _faults(plan: CostPlan) -> Iterator[Fault]:
    first, last = plan.years
    if not first <= last < first + MOST_YEARS:
        yield (
            ("years",),
            f"must be [first, last], at most {MOST_YEARS} years (found {first}, {last})",
        )
    given = plan.parameters
    for name in given:
        if name not in SYMBOLS:
            yield ("parameters", name), f"unknown key; known here are {', '.join(SYMBOLS)}"
    for symbol in SYMBOLS.values():
        if symbol.needed and symbol.name not in given:
            yield ("parameters", symbol.name), f"is missing: {symbol.en}, {symbol.unit}"
    for group in (TAX, CREDIT):
        there = [n for n in group if n in given]
        missing = [n for n in group if n not in given]
        if there and missing:
            yield ("parameters", missing[0]), f"is missing: {there[0]} needs {', '.join(group)}"
    for name in ("other_tax", "income_equalisation"):
        if name in given and TAX[0] not in given:
            yield ("parameters", name), f"needs {', '.join(TAX)} beside it"
    for name, parameter in given.items():
        yield from (
            (("parameters", name, *path), problem)
            for path, problem in _one(plan, SYMBOLS[name], parameter)
        )
    yield from _together(plan)


def _one(plan: CostPlan, symbol: Symbol, p: Parameter) -> Iterator[Fault]:
    if p.unit != symbol.unit:
        yield ("unit",), f"must be {symbol.unit!r} (found {p.unit!r})"
    bounds = f"between {symbol.lowest:g} and {symbol.highest:g}"
    if symbol.highest == float("inf"):
        bounds = f"{symbol.lowest:g} or more"
    for key, value in p.keyed.items():
        if not symbol.lowest <= value <= symbol.highest:
            path = ("value",) if key is None else ("value", key)
            yield path, f"must be {bounds} {symbol.unit} (found {value:g})"
    yield from _keys(plan, symbol, p)
    yield from _spread(symbol, p, bounds)
    if symbol.money:
        yield from _indexed(plan, p)
    elif p.year == "each":
        yield ("year",), "must be a year: only an amount by year can be in each year's prices"


def _keys(plan: CostPlan, symbol: Symbol, p: Parameter) -> Iterator[Fault]:
    keys = set(p.keyed)
    if symbol.by == "age":
        if keys == {None} or keys == set(HOUSEHOLDS) or not all(0 <= k <= 10 for k in keys):
            yield ("value",), "must be a share for each age, in years since reception (0 to 10)"
        elif sum(p.keyed.values()) > 1 + 1e-9:
            yield ("value",), f"must sum to 1 at most (found {sum(p.keyed.values()):g})"
        return
    if keys == {None}:
        return
    if keys == set(HOUSEHOLDS):
        if symbol.by != "household":
            yield ("value",), "must be a number, or a number for each year"
        return
    if symbol.by == "":
        yield ("value",), "must be a single number"
        return
    if symbol.name == "received":
        return
    if missing := [y for y in plan.span if y not in keys]:
        yield ("value",), f"has no value for {missing[0]}; all of {plan.years[0]}–{plan.years[1]}"


def _spread(symbol: Symbol, p: Parameter, bounds: str) -> Iterator[Fault]:
    d = p.distribution
    at = ("distribution",)
    if (d.kind == "dirichlet") != (symbol.by == "age") and d.kind != "fixed":
        wants = "fixed or dirichlet" if symbol.by == "age" else "no dirichlet"
        yield at, f"of {symbol.name} must be {wants} (found {d.kind})"
    if symbol.name == "equalisation_lag" and (d.kind != "fixed" or p.keyed[None] % 1):
        yield at, "a lag is a whole number of years, and fixed"
    if d.low is not None and d.high is not None:
        if isinstance(p.value, dict):
            yield at, f"a value by key takes beta, gamma, normal or fixed (found {d.kind})"
        elif not d.low <= p.value <= d.high or d.low == d.high:
            yield at, f"low {d.low:g} and high {d.high:g} must enclose the value {p.value:g}"
        if not symbol.lowest <= d.low or not d.high <= symbol.highest:
            yield at, f"low and high must be {bounds} (found {d.low:g} and {d.high:g})"
    if d.sd is None:
        return
    for value in p.keyed.values():
        if d.kind == "beta" and (symbol.highest != 1 or not d.sd**2 < value * (1 - value)):
            yield (
                at,
                (
                    f"beta is for a share with sd² below value·(1 − value) (found {value:g}, sd "
                    f"{d.sd:g})"
                ),
            )
        if d.kind == "gamma" and (symbol.lowest != 0 or symbol.highest <= 12 or value <= 0):
            yield at, f"gamma is for a number above 0 without an upper bound (found {value:g})"


def _indexed(plan: CostPlan, p: Parameter) -> Iterator[Fault]:
    if p.year == "each":
        if not all(isinstance(k, int) for k in p.keyed):
            yield ("year",), "each is for a value by year"
            return
        years = [k for k in p.keyed if k in plan.span]
    else:
        years = [p.year]
    for year in years:
        if year not in plan.prices.index:
            have = ", ".join(str(y) for y in sorted(plan.prices.index))
            yield ("year",), f"prices.index has no value for {year}; it has {have}"


def _together(plan: CostPlan) -> Iterator[Fault]:
    given = plan.parameters
    received = given["received"].keyed
    if None not in received and set(received) != set(HOUSEHOLDS):
        needs = reception_years(plan)
        if missing := [y for y in needs if y not in received]:
            yield (
                ("parameters", "received", "value"),
                f"has no value for {missing[0]}; those leaving in {plan.years[0]}–{plan.years[1]} "
                f"were received in {needs[0]}–{needs[-1]}",
            )
    mixed = any(set(given[n].keyed) == set(HOUSEHOLDS) for n in ("norm", "rent"))
    sizes = given["adults_per_household"]
    tops = [*sizes.keyed.values(), *([sizes.distribution.high] if sizes.distribution.high else [])]
    if mixed and max(tops) > 2:
        yield (
            ("parameters", "adults_per_household", "value"),
            "must be 2 or less where norm or rent is given for single and couple",
        )
    if mixed and sizes.distribution.kind in {"gamma", "normal"}:
        yield (
            ("parameters", "adults_per_household", "distribution"),
            "must be fixed, triangular or uniform where norm or rent is for single and couple",
        )
    last = plan.effect.last_cohort
    if last is not None and not plan.effect.first_cohort <= last <= plan.years[1]:
        yield (
            ("effect", "last_cohort"),
            f"must lie between first_cohort and {plan.years[1]} (found {last})",
        )
    if not plan.effect.first_cohort <= plan.years[1]:
        yield (
            ("effect", "first_cohort"),
            f"must be {plan.years[1]} or earlier, or nobody is reached within the years",
        )
    yield from correlation_faults(plan)
