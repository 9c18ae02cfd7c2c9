"""Against whom: who is compared and who not, how alike they are, and what another choice gives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pandas as pd

from evaluation.design.comparison.balance import Balance, balance_table
from evaluation.design.comparison.covariates import plain_rows
from evaluation.design.comparison.groups import BIG_CITIES, INCOME_FROM_NORWAY
from evaluation.design.comparison.restricted import narrowed
from evaluation.design.comparison.support import Overlap, overlap
from evaluation.design.comparison.weighting import Method, Weighting
from evaluation.design.treatment import Design
from evaluation.errors import InputError
from evaluation.questions.inference import DesignInference
from evaluation.questions.weighted import Weighted, not_yet_treated, weighted
from evaluation.results import Estimate

__all__ = ["Against", "Alternative", "against_whom"]

METHODS: tuple[Method, ...] = ("mahalanobis", "entropy")


@dataclass(frozen=True)
class Alternative:
    """The estimate with another comparison.

    Parameters
    ----------
    key : str
        Which one.
    n_controls : int or None
        Controls with a weight.
    effective_size : float or None
        How many of equal weight carry as much.
    result : Estimate or None
        None where there is none.
    problem : str
        Why there is none: ``no_overlap``, ``too_few``; empty otherwise.
    detail : str
        What the method said.
    n_without : int
        Assignments for which the method finds no comparison; they count against the estimate.
    """

    key: str
    n_controls: int | None
    effective_size: float | None
    result: Estimate | None
    problem: str = ""
    detail: str = ""
    n_without: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Return plain types for JSON."""
        return {
            "key": self.key,
            "n_controls": self.n_controls,
            "effective_size": self.effective_size,
            "result": self.result.to_dict() if self.result else None,
            "problem": self.problem,
            "detail": self.detail,
            "n_without": self.n_without,
        }


@dataclass(frozen=True)
class Against:
    """The comparison of one outcome.

    Parameters
    ----------
    units : pandas.DataFrame
        One row per municipality: ``code``, ``role`` (treated, control, out), ``reason`` and
        ``near`` where it is out, the covariates, and ``weight_<method>``.
    covariates : tuple of str
        What the groups are compared on.
    years : tuple of int
        First and last year of level and trend: those before anyone was treated.
    balance : dict of str to Balance
        By method, ``mahalanobis`` and ``entropy``, as far as there is overlap; ``equal`` where
        neither can be.
    overlap : Overlap or None
        Whether each treated has controls like it.
    alternatives : tuple of Alternative
        The headline first.
    problem : str
        Why balance and overlap cannot be given; empty otherwise.
    """

    units: pd.DataFrame = field(repr=False)
    covariates: tuple[str, ...]
    years: tuple[int, int]
    balance: dict[str, Balance]
    overlap: Overlap | None
    alternatives: tuple[Alternative, ...]
    problem: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return plain types for JSON."""
        units = self.units.astype(object).where(self.units.notna(), None)
        out = self.units[self.units["role"] == "out"]
        return {
            "counts": {
                "treated": int((self.units["role"] == "treated").sum()),
                "control": int((self.units["role"] == "control").sum()),
            }
            | {str(k): int(n) for k, n in out["reason"].value_counts(sort=False).items()},
            "covariates": list(self.covariates),
            "years": list(self.years),
            "balance": {k: b.to_dict() for k, b in self.balance.items()},
            "overlap": self.overlap.to_dict() if self.overlap else None,
            "alternatives": [a.to_dict() for a in self.alternatives],
            "units": plain_rows(units),
            "problem": self.problem,
        }


def against_whom(
    inference: DesignInference,
    headline: Estimate,
    left_out: Sequence[str] = (),
    left_out_treated: Sequence[str] = (),
) -> Against:
    """Set the comparison of an outcome beside others, and say how alike the groups are.

    Parameters
    ----------
    inference : DesignInference
        Panel, design, assignments, and whether the plan matches.
    headline : Estimate
        The plan's.
    left_out, left_out_treated : sequence of str
        Controls and treated that the outcome has no values for, or cannot carry.

    Returns
    -------
    Against
        Balance and overlap are on what the plan matches on, by default level, trend and size;
        trend is left out where one year alone lies before the first treated one.
    """
    panel, design = inference.panel, inference.design
    cohort = design.touched()
    first = int(cohort[cohort > 0].min())
    before = [y for y in panel.years if y < first]
    chosen = inference.settings.weighting or Weighting(
        "mahalanobis", on=("level", "trend", "size") if len(before) > 1 else ("level", "size")
    )
    columns = list(chosen.covariates)
    known = chosen.table(panel, cohort, inference.size)[columns]
    found: dict[Method, Weighted | InputError] = {
        m: _attempt(inference, chosen, m) for m in METHODS
    }
    weights = {m: w.weights for m, w in found.items() if isinstance(w, Weighted)}
    balance: dict[str, Balance] = {}
    support, problem = None, ""
    try:
        treated = design.treated_codes
        balance |= {m: balance_table(known, treated, w) for m, w in weights.items()}
        if not balance:
            balance["equal"] = balance_table(known, treated)
        support = overlap(known, treated)
    except InputError as error:
        # a covariate that does not vary, for instance: the estimate does not need it
        problem = str(error)
    units = _units(design, left_out, left_out_treated).merge(
        known.assign(**{f"weight_{m}": w for m, w in weights.items()}),
        how="left",
        left_on="code",
        right_index=True,
    )
    return Against(
        units.sort_values("code", ignore_index=True),
        chosen.covariates,
        (before[0], before[-1]),
        balance,
        support,
        tuple(_alternatives(inference, headline, found)),
        problem,
    )


def _attempt(
    inference: DesignInference, chosen: Weighting, method: Method
) -> Weighted | InputError:
    """Match or weigh on the same covariates; the plan's own keys hold for its own method."""
    if method != chosen.method:
        chosen = Weighting(method, on=chosen.on, extra=chosen.extra)
    try:
        return weighted(inference, chosen)
    except InputError as error:
        return error


def _units(
    design: Design, left_out: Sequence[str], left_out_treated: Sequence[str]
) -> pd.DataFrame:
    rows = [(c, "treated", "", "") for c in design.treated_codes]
    rows += [(c, "control", "", "") for c in design.controls]
    others = set(design.model.others) if design.model else set()
    weaker = set(design.counts.uncertain)
    rows += [
        (c, "out", "other_model" if c in others else "uncertain" if c in weaker else "apart", "")
        for c in design.excluded
    ]
    rows += [(c, "out", "partly", "") for c in (design.model.partly if design.model else ())]
    rows += [(c, "out", why, near) for c, why, near in design.dropped]
    rows += [(c, "out", "no_values", "") for c in left_out]
    rows += [(c, "out", "treated_left_out", "") for c in left_out_treated]
    return pd.DataFrame(rows, columns=["code", "role", "reason", "near"])


def _alternatives(
    inference: DesignInference,
    headline: Estimate,
    found: dict[Method, Weighted | InputError],
) -> list[Alternative]:
    s, design = inference.settings, inference.design
    n = len(design.controls)
    own = s.weighting.method if s.weighting else None
    rows = []
    if own:
        mine = found[own]
        assert isinstance(mine, Weighted)
        rows.append(_chosen(inference, "headline", mine))
    else:
        rows.append(Alternative("headline", n, float(n), headline))
    if own or s.not_yet or s.inference == "auto":
        plain = inference.permute(design.cohort()).result
        rows.append(Alternative("unmatched", n, float(n), plain))
    for method in METHODS:
        w = found[method]
        if method == own:
            continue
        rows.append(
            _chosen(inference, method, w)
            if isinstance(w, Weighted)
            else Alternative(method, None, None, None, "no_overlap", str(w))
        )
    # those not yet treated are compared year by year, which years left out have no place in
    if (
        not s.not_yet
        and inference.windows.plain
        and len({t.first_year for t in design.treated}) > 1
    ):
        rows.append(Alternative("not_yet_treated", n, float(n), not_yet_treated(inference).result))
    by_county = design.model is not None and design.model.counties
    rules = (
        {}
        if by_county
        else {
            "without_neighbours": narrowed(design, beyond=1),
            "without_big_cities": narrowed(design, without=BIG_CITIES),
            "without_income_from_norway": narrowed(design, without=INCOME_FROM_NORWAY),
        }
    )
    # a rule that the plan follows already, or that meets nobody, is no alternative
    return rows + [
        _narrower(inference, key, smaller)
        for key, smaller in rules.items()
        if len(smaller.controls) < n
    ]


def _chosen(inference: DesignInference, key: str, w: Weighted) -> Alternative:
    lost = len(inference.picks) - len(w.test.placebo)
    return Alternative(key, w.n_used, w.effective_size, w.result, n_without=lost)


def _narrower(inference: DesignInference, key: str, design: Design) -> Alternative:
    """Estimate against fewer controls, all of the same weight, with donors as far as they go."""
    n = len(design.controls)
    donors = min(inference.settings.donors, n // len(design.treated))
    if donors < 1:
        return Alternative(key, n, float(n), None, "too_few")
    settings = replace(inference.settings, donors=donors)
    smaller = DesignInference.of(inference.panel, design, settings)
    return Alternative(key, n, float(n), smaller.permute(design.cohort()).result)
