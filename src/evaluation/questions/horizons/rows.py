"""One outcome's effect as rows: headline, horizons, doses, subgroups, families."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from evaluation.questions.effect import OutcomeAnalysis
from evaluation.results import Estimate

__all__ = ["estimate_row", "tidy_rows"]

_COLUMNS = (
    "outcome",
    "part",
    "by",
    "key",
    "estimate",
    "conf_low",
    "conf_high",
    "p_value",
    "p_adjusted",
    "n_treated",
    "inference",
    "truth",
)


def estimate_row(e: Estimate | None, **more: Any) -> dict[str, Any]:
    """Return a row of the tidy table; what is not known is NaN or empty."""
    found: dict[str, Any] = dict.fromkeys(_COLUMNS, math.nan) | {"by": "", "inference": ""}
    if e is not None:
        found |= {
            "estimate": e.estimate,
            "conf_low": e.conf_int[0],
            "conf_high": e.conf_int[1],
            "p_value": math.nan if e.p_value is None else e.p_value,
            "n_treated": e.n_treated_units,
            "inference": e.inference,
        }
    return found | {k: math.nan if v is None else v for k, v in more.items()}


def tidy_rows(
    name: str, o: OutcomeAnalysis, truth: float | None = None
) -> Iterator[dict[str, Any]]:
    """Give every number of an outcome's effect.

    Parameters
    ----------
    name : str
        The outcome.
    o : OutcomeAnalysis
        Its analysis.
    truth : float, optional
        The real effect behind the headline.

    Yields
    ------
    dict
        Keys as the columns of :meth:`evaluation.questions.horizons.plan.PlanEffect.tidy`.
    """
    h, d = o.horizons, o.horizons.duration
    real: Mapping[str, float | None] = h.truth.horizons if h.truth else {}
    key = next(iter(o.finding.estimates))
    yield estimate_row(o.headline, outcome=name, part="headline", key=key, truth=truth)
    for x in d.horizons:
        yield estimate_row(
            x.estimate,
            outcome=name,
            part="horizon",
            key=x.key,
            p_adjusted=x.p_adjusted,
            n_treated=len(x.codes),
            truth=real.get(x.key),
        )
    if d.difference is not None:
        yield estimate_row(
            d.difference,
            outcome=name,
            part="horizon",
            key="difference",
            truth=real.get("difference"),
        )
    if h.exposure is not None:
        doses = (h.truth.exposure if h.truth else None) or {}
        for dose in ("partial", "full", "difference"):
            yield estimate_row(
                getattr(h.exposure, dose),
                outcome=name,
                part="dose",
                key=dose,
                truth=doses.get(dose),
            )
    for division in h.subgroups:
        known = h.truth.subgroups.get(division.by, {}) if h.truth else {}
        for g in division.groups:
            here = {"outcome": name, "by": division.by, "key": g.label}
            yield estimate_row(
                g.estimate,
                part="subgroup",
                p_adjusted=g.p_adjusted,
                truth=known.get(g.label),
                **here,
            )
            yield estimate_row(
                g.difference,
                part="subgroup less the others",
                p_adjusted=g.difference_p_adjusted,
                **here | {"n_treated": len(g.codes)},
            )
    for f in h.families:
        for horizon, value in f.points.items():
            yield estimate_row(
                None, outcome=name, part="family", by=f.key, key=horizon, estimate=value
            )
