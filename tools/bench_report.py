"""From measurements to reports/benchmarks.md: targets, growth, and what runs at one size."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

SIZES = (290, 2900, 29000)


@dataclass(frozen=True)
class Measured:
    """One case at one size.

    Parameters
    ----------
    seconds : float
        Median wall time.
    peak_mb : float
        Peak memory above the imports', the data included.
    answer : float
        What it computed.
    """

    seconds: float
    peak_mb: float
    answer: float


@dataclass(frozen=True)
class Row:
    """A line of the report: a case, who runs it, and at which sizes.

    Parameters
    ----------
    title : str
        What is computed.
    library : str
        Which package computes it.
    case : str
        Name in the ``CASES`` of its module.
    sizes : tuple of int
        Numbers of units at which it is measured.
    """

    title: str
    library: str
    case: str
    sizes: tuple[int, ...] = SIZES


@dataclass(frozen=True)
class Target:
    """A bound on one measurement, or on the ratio of two.

    Parameters
    ----------
    title : str
        What is bounded.
    case : str
        The case.
    units : int
        Its size.
    limit : float
        The bound.
    beside : str
        A second case; the ratio of the times is then bounded.
    inverse : bool
        Whether the ratio is how many times faster the case is than ``beside``, which must be at
        least the limit. Otherwise the number must be at most the limit.
    quantity : {"seconds", "peak_mb"}
        What is measured.
    """

    title: str
    case: str
    units: int
    limit: float
    beside: str = ""
    inverse: bool = False
    quantity: str = "seconds"


Results = Mapping[tuple[str, int], Measured]


def exponent(sizes: Sequence[int], values: Sequence[float]) -> float:
    """Return the least-squares slope of the log of a value on the log of the size.

    Examples
    --------
    >>> exponent([10, 100, 1000], [1.0, 100.0, 10000.0])
    2.0
    """
    x, y = [math.log(s) for s in sizes], [math.log(v) for v in values]
    middle = sum(x) / len(x)
    over = sum((a - middle) ** 2 for a in x)
    return round(sum((a - middle) * b for a, b in zip(x, y, strict=True)) / over, 12)


def reached(target: Target, results: Results) -> float | None:
    """Return the number that a target bounds, or None where it was not measured."""
    keys = [(target.case, target.units)] + ([(target.beside, target.units)] * bool(target.beside))
    if any(key not in results for key in keys):
        return None
    value = float(getattr(results[keys[0]], target.quantity))
    if not target.beside:
        return value
    other = float(getattr(results[keys[1]], target.quantity))
    return other / value if target.inverse else value / other


def met(target: Target, value: float) -> bool:
    """Return whether the target is met."""
    return value >= target.limit if target.inverse else value <= target.limit


def target_lines(targets: Sequence[Target], results: Results) -> list[str]:
    """Return the table of targets."""
    lines = ["| target | bound | measured | met |", "| --- | ---: | ---: | --- |"]
    for t in targets:
        unit = "×" if t.beside else " s" if t.quantity == "seconds" else " MB"
        digits = ".0f" if t.quantity == "peak_mb" else ".3g"
        bound = f"{'≥' if t.inverse else '≤'} {t.limit:g}{unit}"
        value = reached(t, results)
        if value is None:
            lines.append(f"| {t.title} | {bound} | not measured | – |")
            continue
        verdict = "yes" if met(t, value) else "**no**"
        lines.append(f"| {t.title} | {bound} | {value:{digits}}{unit} | {verdict} |")
    return lines


def _slope(row: Row, results: Results, quantity: str, least: float) -> str:
    found = [(n, getattr(results[row.case, n], quantity)) for n in row.sizes]
    usable = [(n, v) for n, v in found if v >= least]
    return f"{exponent(*zip(*usable, strict=True)):.2f}" if len(usable) > 1 else "–"


def growth_lines(rows: Sequence[Row], results: Results, absent: Sequence[str]) -> list[str]:
    """Return the table of time and memory by size.

    Parameters
    ----------
    rows : sequence of Row
        In the order of the table.
    results : mapping
        Measurements by case and size.
    absent : sequence of str
        Libraries that are not installed.

    Returns
    -------
    list of str
        Lines of Markdown; a dash where a size was not run.
    """
    sizes = [f"{n:,}" for n in SIZES]
    heads = ["what", "library", *(f"{n} units, s" for n in sizes), "time exponent"]
    heads += [*(f"{n}, MB" for n in sizes), "memory exponent", "answer at 290"]
    lines = ["| " + " | ".join(heads) + " |", "| --- | --- |" + " ---: |" * (len(heads) - 2)]
    for row in rows:
        if row.library in absent:
            lines.append(f"| {row.title} | {row.library} | not installed" + " |" * 9)
            continue
        if any((row.case, n) not in results for n in row.sizes):
            continue
        of = {n: results.get((row.case, n)) for n in SIZES}
        cells = [f"{m.seconds:.3g}" if m else "–" for m in of.values()]
        cells.append(_slope(row, results, "seconds", 0.0))
        cells += [f"{m.peak_mb:.0f}" if m else "–" for m in of.values()]
        # below one MB there is only the allocator's own coarseness
        cells += [_slope(row, results, "peak_mb", 1.0), f"{results[row.case, SIZES[0]].answer:.6f}"]
        lines.append(f"| {row.title} | {row.library} | " + " | ".join(cells) + " |")
    return lines


def single_lines(rows: Sequence[Row], results: Results, absent: Sequence[str]) -> list[str]:
    """Return the table of what runs at one size."""
    lines = ["| what | library | seconds | MB | answer |", "| --- | --- | ---: | ---: | ---: |"]
    for row in rows:
        found = results.get((row.case, row.sizes[0]))
        if row.library in absent:
            lines.append(f"| {row.title} | {row.library} | not installed | | |")
        elif found:
            answer = "" if math.isnan(found.answer) else f"{found.answer:.4f}"
            lines.append(
                f"| {row.title} | {row.library} | {found.seconds:.3g} | {found.peak_mb:.0f} | "
                f"{answer} |"
            )
    return lines
