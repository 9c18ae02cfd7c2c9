"""Several results beside each other in one table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pandas as pd

from evaluation.errors import InputError
from evaluation.estimation.regression.result import RegressionResult
from evaluation.language import number
from evaluation.results import Estimate

__all__ = ["Comparison", "compare"]

STARS = ((0.001, "***"), (0.01, "**"), (0.05, "*"))


@dataclass(frozen=True, repr=False)
class Comparison:
    """Results side by side.

    Parameters
    ----------
    results : mapping of str to RegressionResult or Estimate
        By the name that heads the column.
    decimals : int
        Of estimates and errors.
    stars : bool
        Whether estimates carry stars.
    """

    results: Mapping[str, RegressionResult | Estimate] = field(repr=False)
    decimals: int = 4
    stars: bool = False

    def tidy(self) -> pd.DataFrame:
        """Return one row per result and coefficient."""
        columns = ["estimate", "std_error", "statistic", "p_value", "conf_low", "conf_high"]
        parts = []
        for name, result in self.results.items():
            part = result.tidy()[["term", *columns]].copy()
            part.insert(0, "result", name)
            part["n_obs"] = result.n_obs
            part["inference"] = result.inference
            parts.append(part)
        return pd.concat(parts, ignore_index=True)

    def _cell(self, value: float, error: float, p: float) -> str:
        mark = next((m for cut, m in STARS if p < cut), "") if self.stars else ""
        shown = f"{number(value, 'en', self.decimals)}{mark}"
        return shown if pd.isna(error) else f"{shown} ({number(error, 'en', self.decimals)})"

    def table(self) -> pd.DataFrame:
        """Return the table as text: estimate (standard error), then what was fitted."""
        long = self.tidy()
        columns: dict[str, dict[str, str]] = {}
        for name, result in self.results.items():
            rows = long[long.result == name]
            quintet = zip(rows.term, rows.estimate, rows.std_error, rows.p_value, strict=True)
            column = {str(t): self._cell(b, se, p) for t, b, se, p in quintet}
            whole = isinstance(result, RegressionResult)
            effects = result.effects if isinstance(result, RegressionResult) else ()
            column |= {
                "unit effects": "yes" if "unit" in effects else "–" if not whole else "no",
                "year effects": "yes" if "year" in effects else "–" if not whole else "no",
                "method": result.method,
                "errors": result.inference,
                "N": str(result.n_obs),
                "units": str(result.n_units),
                "clusters": str(result.n_clusters),
            }
            columns[name] = column
        foot = ["unit effects", "year effects", "method", "errors", "N", "units", "clusters"]
        terms = [t for t in dict.fromkeys(long.term) if t not in foot]
        return pd.DataFrame(columns).reindex([*terms, *foot]).fillna("")

    def to_text(self) -> str:
        """Return the table as plain text."""
        return self.table().to_string()

    def to_markdown(self) -> str:
        """Return the table as Markdown."""
        table = self.table()
        rows = [["", *table.columns], ["---", *["---:"] * len(table.columns)]]
        rows += [
            [str(term), *values] for term, values in zip(table.index, table.values, strict=True)
        ]
        lines = ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
        return "\n".join(lines) + "\n"

    def to_html(self) -> str:
        """Return the table as HTML."""
        return self.table().to_html(border=0)

    def __str__(self) -> str:
        return self.to_text()

    def __repr__(self) -> str:
        return f"<Comparison of {', '.join(self.results)}>"

    def _repr_html_(self) -> str:
        return self.to_html()


def compare(
    results: Mapping[str, RegressionResult | Estimate], *, decimals: int = 4, stars: bool = False
) -> Comparison:
    """Put results beside each other.

    Parameters
    ----------
    results : mapping of str to RegressionResult or Estimate
        By the name that heads the column.
    decimals : int
        Of estimates and errors.
    stars : bool
        Mark p < 0.05, 0.01, 0.001 by stars; off by default, because an interval says more.

    Returns
    -------
    Comparison
        ``tidy()``, ``table()``, ``to_text()``, ``to_markdown()``, ``to_html()``.

    Raises
    ------
    InputError
        If there is nothing to compare.

    Examples
    --------
    >>> e = Estimate(term="att", estimate=1.0, conf_int=(0.0, 2.0), method="cs",
    ...              inference="analytic", estimand="simple", std_error=0.5,
    ...              n_obs=10, n_units=5, n_treated_units=2, n_clusters=5)
    >>> compare({"first": e}, decimals=1).table().loc["att", "first"]
    '1.0 (0.5)'
    """
    if not results:
        raise InputError("there is nothing to compare; give at least one result", field="results")
    return Comparison(dict(results), decimals, stars)
