"""The estimate against a comparison that is matched, weighted, or not yet treated, with its test.

The mechanism is the headline's: any member of a set of similar size might as well have been the
active one. What is done with the real treated, the choice of matches or weights included, is done
with every assignment's, so that the choosing is part of the test.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from evaluation.design.comparison.weighting import Weighting
from evaluation.estimation.did.aggregation import aggregate
from evaluation.estimation.did.callaway_santanna import callaway_santanna
from evaluation.estimation.did.windowed import windowed_group_time
from evaluation.estimation.few_treated.contrasts import contrasts
from evaluation.estimation.few_treated.permutation import Permutation, against_placebos
from evaluation.estimation.few_treated.reassigned import (
    Balanced,
    Chooser,
    Nearest,
    NotYet,
    reassigned,
)
from evaluation.questions.inference import DesignInference
from evaluation.results import Estimate

__all__ = ["Weighted", "not_yet_treated", "stated", "weighted"]


@dataclass(frozen=True)
class Weighted:
    """An estimate against chosen controls.

    Parameters
    ----------
    test : Permutation
        The estimate with its permutation test and interval.
    weights : pandas.Series
        Weight of every control, adding up to 1.
    """

    test: Permutation
    weights: pd.Series = field(repr=False)

    @property
    def result(self) -> Estimate:
        """The estimate."""
        return self.test.result

    @property
    def n_used(self) -> int:
        """Controls that weigh more than a ten-thousandth of an equal share."""
        return int((self.weights > 1e-4 / len(self.weights)).sum())

    @property
    def effective_size(self) -> float:
        """1 / Σ w²: how many equally weighted controls carry as much."""
        w = self.weights.to_numpy(dtype=float)
        return float(1 / (w @ w))


def _method(w: Weighting) -> str:
    on = ", ".join(w.on)
    if w.method == "entropy":
        return f"difference-in-differences, controls weighted by entropy balancing on {on}"
    of = f" within {', '.join(w.exact)}" if w.exact else ""
    within = "" if w.caliper is None else f", caliper {w.caliper:g}"
    how = "with" if w.replacement else "without"
    return (
        f"difference-in-differences, {w.matches} nearest by Mahalanobis distance on {on}{of}"
        f"{within}, {how} replacement"
    )


def _tested(inference: DesignInference, chooser: Chooser, like: Estimate) -> Permutation:
    design, s = inference.design, inference.settings
    c = contrasts(inference.panel, design.cohort(), s.estimand, windows=inference.windows)
    real, _ = reassigned(c, np.array([c.slots]), chooser)
    a, b = reassigned(c, inference.picks, chooser)
    return against_placebos(
        float(real[0]),
        a,
        b,
        seed=s.seed,
        alpha=s.alpha,
        like=like,
        mechanism=f"{inference.mechanism}, the comparison chosen anew in each assignment",
    )


def weighted(inference: DesignInference, weighting: Weighting) -> Weighted:
    """Estimate against matched or weighted controls.

    Parameters
    ----------
    inference : DesignInference
        Panel, design, assignments.
    weighting : Weighting
        How the controls are chosen.

    Returns
    -------
    Weighted
        Every treated unit weighs as in the headline's aggregate.

    Raises
    ------
    InputError
        If there is no overlap, too few years lie before the first treated one, or a covariate
        is constant or missing.
    """
    panel, design, s = inference.panel, inference.design, inference.settings
    cohort = design.cohort()
    table = weighting.table(panel, design.touched(), inference.size)
    weights = weighting.weights(table, design.treated_codes)
    chooser: Chooser
    if weighting.method == "mahalanobis":
        chooser = Nearest(
            weighting.distances(table), weighting.matches, replacement=weighting.replacement
        )
    else:
        chooser = Balanced(table[list(weighting.covariates)].to_numpy(dtype=float))
    gt = windowed_group_time(panel, cohort, inference.windows, alpha=s.alpha)
    like = aggregate(gt, s.estimand)  # type: ignore[arg-type]
    test = _tested(inference, chooser, replace(like, method=_method(weighting)))
    return Weighted(test, weights)


def not_yet_treated(inference: DesignInference) -> Permutation:
    """Estimate against those never treated and the treated before their own start.

    Parameters
    ----------
    inference : DesignInference
        Panel, design, assignments.

    Returns
    -------
    Permutation
        Its estimate is that of Callaway and Sant'Anna with this comparison group.
    """
    panel, s = inference.panel, inference.settings
    cohort = inference.design.cohort()
    years = np.array(panel.years)
    first = cohort[panel.units].to_numpy()
    carrying = ((first[:, None] > 0) & (years >= first[:, None])).astype(float)
    chooser = NotYet(panel.values.to_numpy(dtype=float), carrying, years)
    gt = callaway_santanna(panel, cohort, control_group="not_yet_treated", alpha=s.alpha)
    return _tested(inference, chooser, aggregate(gt, s.estimand))  # type: ignore[arg-type]


def stated(inference: DesignInference) -> tuple[str, Permutation] | None:
    """Return the key and the test of the headline that the plan's comparison asks for.

    Parameters
    ----------
    inference : DesignInference
        With the plan's settings.

    Returns
    -------
    tuple of str and Permutation, or None
        None where the headline is that of the whole group, every member weighing the same.
    """
    s = inference.settings
    if s.weighting is not None:
        return s.weighting.method, weighted(inference, s.weighting).test
    if s.not_yet:
        return "not_yet_treated", not_yet_treated(inference)
    return None
