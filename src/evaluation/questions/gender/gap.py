"""Both effects, the gap and its ratio, from two panels of the same units: no plan needed."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from evaluation.data.panel import Panel
from evaluation.errors import InputError
from evaluation.estimation.did.aggregation import aggregate
from evaluation.estimation.did.windowed import windowed_group_time
from evaluation.estimation.equivalence import Equivalence, equivalence
from evaluation.estimation.few_treated.auto import auto_inference
from evaluation.estimation.few_treated.contrasts import contrasts, event_contrasts
from evaluation.estimation.few_treated.permutation import max_statistic_p, permutation_test
from evaluation.estimation.joint import JointEffects, combined, joint_effects, joint_placebos
from evaluation.estimation.joint_test import GapMovement, gap_movement
from evaluation.estimation.windows import WHOLE, Windows
from evaluation.results import Estimate

__all__ = ["GapAnalysis", "Test", "analyse_gap"]

SHOWN_PLACEBOS = 300
"""Placebo pairs that a result keeps for a figure."""


@dataclass(frozen=True)
class Test:
    """What the intervals and p-values rest on.

    Parameters
    ----------
    picks : numpy.ndarray
        Shape (assignments, treated): the other assignments, one and the same for both sexes.
    mechanism : str
        How they are made, in words.
    inference : {"permutation", "auto"}
        Permutation, or the test that the rule chooses by the design.
    size : pandas.Series, optional
        Persons by unit, for the rule.
    seed : int
        Seed of the assignments.
    """

    picks: np.ndarray = field(repr=False)
    mechanism: str
    inference: str = "permutation"
    size: pd.Series | None = field(default=None, repr=False)
    seed: int = 0

    def estimate(
        self, panel: Panel, cohort: pd.Series, estimand: str, windows: Windows, alpha: float
    ) -> tuple[Estimate, str]:
        """Return the aggregate with its inference, and the rule that gave it."""
        if self.inference == "auto":
            found = auto_inference(
                panel, cohort, size=self.size, estimand=estimand, windows=windows, alpha=alpha
            )
            return found.result, found.rule
        gt = windowed_group_time(panel, cohort, windows, alpha=alpha)
        like = aggregate(gt, estimand)  # type: ignore[arg-type]
        permuted = permutation_test(
            contrasts(panel, cohort, estimand, windows=windows),
            self.picks,
            seed=self.seed,
            alpha=alpha,
            like=like,
            mechanism=self.mechanism,
        )
        return permuted.result, "permutation"


@dataclass(frozen=True)
class GapAnalysis:
    """Women's and men's effects on the same units, and everything about their gap.

    Parameters
    ----------
    estimates : dict of str to Estimate
        ``gap`` (women less men) first, ``women``, ``men``, and ``log_ratio`` where levels are
        above zero: the change of log(women / men), by the delta method.
    joint : JointEffects
        Covariance and levels, women first.
    movement : GapMovement
        What the joint test says.
    lower : {"K", "M"}
        Whose level was lower before the start: the lagging group of the joint test.
    gap_wide : Estimate
        The gap at level ``1 - 2 alpha``, for equivalence.
    equivalence : Equivalence or None
        Whether the gap's change is smaller than a margin, where one was given.
    pre_p : float or None
        Joint permutation p-value of the gap's years before the start; None without any.
    n_pre : int
        How many such years it is a test of.
    placebo : numpy.ndarray
        Shape (assignments, 2): both effects under the same other assignments.
    ratio_problem : str
        Why there is no ratio; empty where there is one.
    """

    estimates: dict[str, Estimate]
    joint: JointEffects
    movement: GapMovement
    lower: str
    gap_wide: Estimate
    equivalence: Equivalence | None
    pre_p: float | None
    n_pre: int
    placebo: np.ndarray = field(repr=False)
    ratio_problem: str = ""

    def levels(self) -> dict[str, float]:
        """Return the treated units' levels, gap and ratio: before, after, and without effect."""
        j = self.joint
        out: dict[str, float] = {}
        for when, pair in (
            ("before", j.before),
            ("after", j.level),
            ("without", j.counterfactual),
        ):
            out |= {f"women_{when}": float(pair[0]), f"men_{when}": float(pair[1])}
            out[f"gap_{when}"] = float(pair[0] - pair[1])
            if pair[1] > 0 and pair[0] > 0:
                out[f"ratio_{when}"] = float(pair[0] / pair[1])
        return out

    def to_dict(self) -> dict[str, Any]:
        """Return plain types for JSON; what no data show is None."""

        def plain(values: np.ndarray) -> list[Any]:
            return [[v if math.isfinite(v) else None for v in row] for row in values.tolist()]

        j = self.joint
        step = max(1, len(self.placebo) // SHOWN_PLACEBOS)
        return {
            "estimates": {k: e.to_dict() for k, e in self.estimates.items()},
            "joint": {
                "covariance": plain(j.covariance),
                "correlation": j.correlation if math.isfinite(j.correlation) else None,
                "df": [d if math.isfinite(d) else None for d in j.df],
                "influence_covariance": plain(j.influence_covariance),
                "placebo_covariance": plain(np.cov(self.placebo.T)),
                "n_units": j.n_units,
                "n_treated": j.n_treated,
            },
            "levels": self.levels(),
            "movement": self.movement.to_dict(),
            "lower": self.lower,
            "gap_wide": self.gap_wide.to_dict(),
            "equivalence": self.equivalence.to_dict() if self.equivalence else None,
            "pre_p": self.pre_p,
            "n_pre": self.n_pre,
            "ratio_problem": self.ratio_problem,
            "placebo": self.placebo[::step][:SHOWN_PLACEBOS].round(6).tolist(),
        }


def _ratio(
    joint: JointEffects,
    women: Panel,
    men: Panel,
    cohort: pd.Series,
    windows: Windows,
    alpha: float,
    test: Test,
) -> Estimate:
    """Return the change of the log ratio with the interval of its linear part."""
    change, slope = joint.log_ratio()
    linear, _ = test.estimate(combined(women, men, slope), cohort, joint.estimand, windows, alpha)
    low, high = (b - linear.estimate + change for b in linear.conf_int)
    return replace(
        linear,
        term="log_ratio",
        estimate=change,
        conf_int=(low, high),
        statistic=None,
        method=f"{linear.method}, delta method",
        notes=(*linear.notes, "the treated units' own levels are taken as known"),
    )


def _movement(
    joint: JointEffects, placebo: np.ndarray, lower: str, rule: str, alpha: float
) -> GapMovement:
    """Test jointly, the lower group first, by the same kind of inference as the gap."""
    order = [0, 1] if lower == "K" else [1, 0]
    own = joint.covariance[np.ix_(order, order)]
    known = bool(np.isfinite(own).all()) and np.linalg.det(own) > 0
    others = placebo[:, order]
    if rule == "welch" and known:
        return gap_movement(joint.estimate[order], own, df=min(joint.df), alpha=alpha)
    metric = own if known else np.cov(others.T)
    return gap_movement(joint.estimate[order], metric, placebo=others, alpha=alpha)


def analyse_gap(
    women: Panel,
    men: Panel,
    cohort: pd.Series,
    test: Test,
    *,
    estimand: str = "cohort",
    windows: Windows = WHOLE,
    alpha: float = 0.05,
    margin: float | None = None,
) -> GapAnalysis:
    """Estimate women's and men's effects jointly, and say how the gap moved.

    Parameters
    ----------
    women, men : Panel
        Balanced, the same units and years; :func:`evaluation.estimation.joint.common_units`.
    cohort : pandas.Series
        First treated year by unit, 0 for never treated.
    test : Test
        Assignments and inference, the same for both.
    estimand : {"cohort", "simple"}
        The aggregate.
    windows : Windows
        Years that some units leave out.
    alpha : float
        One minus the level; below one half.
    margin : float, optional
        The largest change of the gap that counts as none, chosen beforehand.

    Returns
    -------
    GapAnalysis
        ``estimates["gap"]`` equals women less men and the triple difference of the panels.

    Raises
    ------
    InputError
        As :func:`evaluation.estimation.joint.joint_effects` and the inference.
    """
    joint = joint_effects(women, men, cohort, estimand=estimand, windows=windows)
    placebo = joint_placebos(women, men, cohort, test.picks, estimand=estimand, windows=windows)
    gap = combined(women, men, np.array([1.0, -1.0]))
    found, rules = {}, {}
    for name, panel in (("gap", gap), ("women", women), ("men", men)):
        e, rules[name] = test.estimate(panel, cohort, estimand, windows, alpha)
        found[name] = replace(e, term=name)
    problem = ""
    try:
        found["log_ratio"] = _ratio(joint, women, men, cohort, windows, alpha, test)
    except InputError as error:
        problem = error.problem
    wide, _ = test.estimate(gap, cohort, estimand, windows, 2 * alpha)
    lower = "K" if joint.before[0] <= joint.before[1] else "M"
    pre = {e: c for e, c in event_contrasts(gap, cohort, windows=windows).items() if e < 0}
    return GapAnalysis(
        estimates=found,
        joint=joint,
        movement=_movement(joint, placebo, lower, rules["gap"], alpha),
        lower=lower,
        gap_wide=replace(wide, term="gap"),
        equivalence=None if margin is None else equivalence(wide, margin, alpha),
        pre_p=max_statistic_p(pre, test.picks)[1] if pre else None,
        n_pre=len(pre),
        placebo=placebo,
        ratio_problem=problem,
    )
