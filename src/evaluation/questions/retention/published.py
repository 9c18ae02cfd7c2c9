"""Retention in a study: the published shares of the active and of the comparison, by year."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np
import pandas as pd

from evaluation.data.panel import Panel
from evaluation.data.sources import Sources
from evaluation.design.carried import Carried
from evaluation.language import Lang, interval, level, number
from evaluation.questions.retention.described import description
from evaluation.questions.retention.shares import (
    LAG,
    RECEIVED,
    STAYED,
    exact_interval,
    retention_shares,
)
from evaluation.results import Check, Estimate, Finding

__all__ = ["OUTCOME", "PublishedRetention", "published_retention", "retention_of_study"]

OUTCOME: Final = "retention_3_years"
"""The registry's outcome that this is about."""
TREATED, COMPARISON = "treated", "comparison"


@dataclass(frozen=True)
class PublishedRetention:
    """How many of those received are left three years later, in two groups of municipalities.

    Parameters
    ----------
    by_year : pandas.DataFrame
        ``group`` (treated, comparison), ``cohort`` (year of reception), ``year``,
        ``received``, ``stayed``, ``share`` (per cent), ``conf_low``, ``conf_high``.
    by_municipality : pandas.DataFrame
        The same over all years, by ``code`` and ``name`` of each treated municipality.
    whole : pandas.DataFrame
        The same over all years, by group.
    n_units : dict of str to int
        Municipalities by group; the same in all years.
    check : Check
        How many shares of one municipality and year exceed 100 per cent.
    alpha : float
        One minus the level.
    simulated : bool
        Whether the counts are simulated.
    """

    by_year: pd.DataFrame = field(repr=False)
    by_municipality: pd.DataFrame = field(repr=False)
    whole: pd.DataFrame = field(repr=False)
    n_units: dict[str, int]
    check: Check
    alpha: float
    simulated: bool = False

    @property
    def finding(self) -> Finding:
        """The shares of both groups as a finding, which claims no effect."""
        mark_sv, mark_en = ("SIMULERADE DATA: ", "SIMULATED DATA: ") if self.simulated else ("", "")
        sv, en = mark_sv + self.sentence("sv"), mark_en + self.sentence("en")
        digest = hashlib.sha256(self.by_year.to_csv(index=False).encode()).hexdigest()
        shown = {}
        for r in self.whole.to_dict("records"):
            group, n = str(r["group"]), int(r["received"])
            if n == 0:
                continue
            units = self.n_units[group]
            # a sum over 100 per cent has no binomial interval
            low, high = (r["conf_low"], r["conf_high"])
            shown[group] = Estimate(
                term="share still there",
                estimate=float(r["share"]),
                conf_int=(-np.inf, np.inf) if np.isnan(low) else (float(low), float(high)),
                method=f"{STAYED}(t) / {RECEIVED}(t−{LAG}), summed over municipalities",
                inference="Clopper–Pearson, exact binomial",
                estimand="share of the received still in the kommun after three years, per cent",
                n_obs=n,
                n_units=units,
                n_treated_units=units if group == TREATED else 0,
                n_clusters=n,
                small_sample="exact",
                alpha=self.alpha,
                data_hash=digest,
                notes=("persons are taken as independent",),
            )
        return description(shown, (self.check,), sv, en)

    def sentence(self, lang: Lang) -> str:
        """Say what share is left, in both groups."""
        years = self.by_year["cohort"]
        rows = {str(r["group"]): r for r in self.whole.to_dict("records")}

        def share(group: str) -> str:
            r = rows[group]
            unit = "procent" if lang == "sv" else "per cent"
            said = f"{number(r['share'], lang, 1)} {unit}"
            if np.isnan(r["conf_low"]):
                return said
            ends = interval(r["conf_low"], r["conf_high"], lang, 1)
            word = "exakt intervall" if lang == "sv" else "exact interval"
            return f"{said} ({level(1 - self.alpha, lang)} {word} {ends})"

        first, last = int(years.min()), int(years.max())
        span = f"{first}–{last}" if first < last else str(first)
        a, b = self.n_units[TREATED], self.n_units[COMPARISON]
        if lang == "sv":
            active = "den aktiva kommunen" if a == 1 else f"de {a} aktiva kommunerna"
            active += ", före och efter starten,"
            return (
                f"Av dem som togs emot {span} i {active} fanns {share(TREATED)} kvar tre år "
                f"senare, i jämförelsegruppen ({b}) {share(COMPARISON)}."
            )
        active = "active municipality" if a == 1 else f"{a} active municipalities"
        active += ", before and after the start"
        return (
            f"Of those received in {span} by the {active}, {share(TREATED)} were still there three "
            f"years later, in the comparison group ({b}) {share(COMPARISON)}."
        )

    def to_dict(self) -> dict[str, Any]:
        """Return plain types for JSON."""
        return {
            "method": f"{STAYED}(t) / {RECEIVED}(t−{LAG}), summed over municipalities",
            "inference": "Clopper–Pearson, exact binomial; persons independent",
            "alpha": self.alpha,
            "n_units": self.n_units,
            "by_year": _records(self.by_year),
            "by_municipality": _records(self.by_municipality),
            "whole": _records(self.whole),
            "check": self.check.to_dict(),
            "sentence_sv": self.sentence("sv"),
            "sentence_en": self.sentence("en"),
            "finding": self.finding.to_dict(),
        }


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Return rows of plain types, None where there is no number."""
    plain = table.astype(object).where(table.notna(), None)
    return [{str(k): v for k, v in row.items()} for row in plain.to_dict("records")]


def _summed(rows: pd.DataFrame, by: list[str], alpha: float) -> pd.DataFrame:
    out = rows.groupby(by, as_index=False, sort=False)[["received", "stayed"]].sum()
    x, n = out["stayed"].to_numpy(dtype=float), out["received"].to_numpy(dtype=float)
    out["share"] = np.divide(100 * x, n, out=np.full(len(x), np.nan), where=n > 0)
    out["conf_low"], out["conf_high"] = exact_interval(x, n, alpha)
    whole = {"received": np.int64, "stayed": np.int64}
    return out.astype(whole)


def published_retention(
    observations: pd.DataFrame,
    treated: Mapping[str, str],
    comparison: Sequence[str],
    years: Sequence[int],
    *,
    alpha: float = 0.05,
) -> PublishedRetention:
    """Sum the published counts over the municipalities of the outcome's comparison.

    The same municipalities in every year: those whose shares are all known. The interval is of
    persons drawn independently. Those received by one municipality are alike, so it is too short
    for a comparison between municipalities: that is what the outcome's own estimate is for.

    Parameters
    ----------
    observations : pandas.DataFrame
        The tidy form, with N00732 and N01986, sex T.
    treated : mapping of str to str
        Names of the active municipalities, by code.
    comparison : sequence of str
        Codes of the comparison group.
    years : sequence of int
        Years of measurement: three after reception.
    alpha : float
        One minus the level.

    Returns
    -------
    PublishedRetention
        Counts, shares and exact intervals.

    Raises
    ------
    InputError
        If an indicator is missing or a count is no whole number.
    """
    found = retention_shares(observations, alpha=alpha)
    rows = found.table
    group = dict.fromkeys(comparison, COMPARISON) | dict.fromkeys(treated, TREATED)
    chosen = rows["code"].isin(list(group)) & rows["year"].isin(list(years))
    rows = rows[chosen & rows["state"].isin(["observed", "over_100"])]
    # counts that were suppressed in one year would make the years unlike
    n = rows.groupby("code")["year"].nunique()
    rows = rows[rows["code"].map(n) == n.max()]
    rows = rows.assign(group=rows["code"].map(group))
    # the active first
    rows = rows.sort_values(["year", "group", "code"], ascending=[True, False, True])
    mine = rows[rows["group"] == TREATED].assign(name=lambda t: t["code"].map(dict(treated)))
    units = rows.groupby("group")["code"].nunique()
    return PublishedRetention(
        by_year=_summed(rows, ["group", "cohort", "year"], alpha),
        by_municipality=_summed(mine.sort_values("code"), ["code", "name"], alpha),
        whole=_summed(rows, ["group"], alpha),
        n_units={g: int(units.get(g, 0)) for g in (TREATED, COMPARISON)},
        check=found.check,
        alpha=alpha,
    )


def retention_of_study(
    sources: Sources, panels: Mapping[str, Panel], fitted: Mapping[str, Carried], alpha: float
) -> PublishedRetention | None:
    """Return the published retention of a plan's own comparison.

    Parameters
    ----------
    sources : Sources
        With the observations.
    panels, fitted : mapping
        Panel and design by outcome.
    alpha : float
        One minus the level.

    Returns
    -------
    PublishedRetention or None
        None where staying is no outcome of the plan, or its units are no municipalities.
    """
    if OUTCOME not in panels or sources.observations is None:
        return None
    panel, design = panels[OUTCOME], fitted[OUTCOME].design
    if design.model is not None and design.model.counties:
        return None
    units = set(panel.units)
    treated = {t.code: t.name for t in design.treated if t.code in units}
    others = [c for c in design.controls if c in units]
    found = published_retention(sources.observations, treated, others, panel.years, alpha=alpha)
    return replace(found, simulated=sources.twin is not None)
