"""The effect as draws of its own estimate."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from scipy import special

from evaluation.data.registry import REGISTRY, refuse_mixing
from evaluation.errors import InputError, read_text
from evaluation.questions.costs.parameters import CostPlan, Effect, told
from evaluation.results import Estimate

__all__ = [
    "MEASURES",
    "UncertainEffect",
    "effect_from_estimate",
    "effects_of",
    "estimate_from_dict",
]

Unit = Literal["share", "percentage points"]
DISTRIBUTION = (
    "two-piece normal whose median is the estimate and whose quantiles alpha/2 and 1 - alpha/2 "
    "are the interval's bounds"
)
# what the model's p and g are shares of; an effect on another measure is no change of them
MEASURES = {"on_work_or_studies": "N00973", "on_staying": "retention_3_years"}
"""The registry's outcome that each of the model's shares is."""
_SIZES = ("n_obs", "n_units", "n_treated_units", "n_clusters")
_KEYS = ("term", "estimate", "conf_int", "alpha", "method", "inference", "estimand", *_SIZES)


@dataclass(frozen=True)
class UncertainEffect:
    r"""An effect with the distribution that its interval implies.

    A confidence distribution: with the estimate :math:`\hat\Delta`, the bounds
    :math:`[l, h]` at level :math:`1-\alpha` and :math:`z = \Phi^{-1}(1-\alpha/2)`,

    .. math:: F^{-1}(u) = \hat\Delta + \Phi^{-1}(u)\,\sigma_u,\quad
              \sigma_u = (\hat\Delta - l)/z \text{ below the median}, (h - \hat\Delta)/z
              \text{ above}.

    Its median is the estimate and its tail quantiles are the bounds, whether they are
    analytic or from inverted permutation tests, symmetric or not; between them the shape is
    an assumption. For a symmetric interval it is the normal.

    Parameters
    ----------
    estimate, low, high : float
        As shares, not percentage points.
    alpha : float
        One minus the level of the bounds.
    inference : str
        How the bounds were made.
    source_sv, source_en : str
        Where they come from.
    found : bool
        Whether it was estimated or found, and not assumed.
    estimate_of : Estimate, optional
        The estimate itself, where there is one.
    grade : str
        The evidence grade of the finding it stands in; empty if unknown.
    notes : tuple of str
        What a reader must know, such as that the data are simulated.

    Examples
    --------
    >>> e = UncertainEffect(0.05, -0.05, 0.10, 0.05, "permutation", "en rapport",
    ...                     "a report", True)
    >>> e.quantile(np.array([0.025, 0.5, 0.975])).round(4).tolist()
    [-0.05, 0.05, 0.1]
    """

    estimate: float
    low: float
    high: float
    alpha: float
    inference: str
    source_sv: str
    source_en: str
    found: bool
    estimate_of: Estimate | None = None
    grade: str = ""
    notes: tuple[str, ...] = ()

    @property
    def fixed(self) -> bool:
        """Whether the interval has no width."""
        return self.low == self.high

    def quantile(self, u: np.ndarray) -> np.ndarray:
        """Return the effect at given probabilities.

        Parameters
        ----------
        u : numpy.ndarray
            Between 0 and 1.

        Returns
        -------
        numpy.ndarray
            Shares, the same shape.
        """
        z = special.ndtri(1 - self.alpha / 2)
        score = special.ndtri(u)
        below, above = (self.estimate - self.low) / z, (self.high - self.estimate) / z
        found: np.ndarray = self.estimate + score * np.where(score < 0, below, above)
        return found

    def to_dict(self) -> dict[str, Any]:
        """Return plain types for JSON."""
        return {
            "estimate": self.estimate,
            "conf_int": [self.low, self.high],
            "alpha": self.alpha,
            "unit": "share",
            "inference": self.inference,
            "distribution": DISTRIBUTION,
            "source_sv": self.source_sv,
            "source_en": self.source_en,
            "status": "found" if self.found else "assumed",
            "grade": self.grade,
            "notes": list(self.notes),
        }


def effect_from_estimate(
    estimate: Estimate, *, unit: Unit = "percentage points", source: str = "", grade: str = ""
) -> UncertainEffect:
    """Take an estimate's own interval as the effect's uncertainty.

    Parameters
    ----------
    estimate : Estimate
        On work or studies (or on staying), of those leaving.
    unit : {"percentage points", "share"}
        What the estimate is in.
    source : str
        Where it comes from; its method and estimand otherwise.
    grade : str
        Evidence grade of the finding it stands in.

    Returns
    -------
    UncertainEffect
        As a share.

    Raises
    ------
    InputError
        If a bound is infinite, or the interval does not hold the estimate.

    Examples
    --------
    >>> e = Estimate(term="att", estimate=4.0, conf_int=(-1.0, 9.0), method="cs",
    ...              inference="permutation", estimand="cohort", n_obs=9, n_units=9,
    ...              n_treated_units=2, n_clusters=9)
    >>> effect_from_estimate(e).high
    0.09
    """
    factor = 0.01 if unit == "percentage points" else 1.0
    low, high = estimate.conf_int
    if not np.isfinite([low, high]).all():
        raise InputError(
            "the effect's interval has no finite bounds, so no interval of the saving follows "
            "from it; take an estimate whose interval is finite",
            field="effect",
        )
    if not low <= estimate.estimate <= high:
        raise InputError(
            f"the effect's interval {low:g} to {high:g} does not hold the estimate "
            f"{estimate.estimate:g}",
            field="effect",
        )
    value = estimate.estimate * factor
    if max(abs(value), abs(low * factor), abs(high * factor)) > 1:
        raise InputError(
            f"an effect of {low:g} to {high:g} {unit} lies beyond what a share can change by; "
            f"state the right unit",
            field="effect",
        )
    named = source or f"{estimate.method}, {estimate.estimand}"
    return UncertainEffect(
        value,
        low * factor,
        high * factor,
        estimate.alpha,
        estimate.inference,
        named,
        named,
        True,
        estimate,
        grade,
        estimate.notes,
    )


def effects_of(
    plan: CostPlan,
    on_work: UncertainEffect | None = None,
    on_staying: UncertainEffect | None = None,
) -> tuple[UncertainEffect, UncertainEffect | None]:
    """Return the effects that a parameter file names, or those given in their place.

    Parameters
    ----------
    plan : CostPlan
        The parameters.
    on_work, on_staying : UncertainEffect, optional
        In place of the file's.

    Returns
    -------
    UncertainEffect
        On the share in work or studies.
    UncertainEffect or None
        On the share staying.

    Raises
    ------
    InputError
        If a report cannot be read, has no such estimate, or its outcome is no such share.
    """
    if on_work is None:
        on_work = _effect(plan, plan.effect.on_work_or_studies, "on_work_or_studies")
    if on_staying is None and plan.effect.on_staying is not None:
        on_staying = _effect(plan, plan.effect.on_staying, "on_staying")
    return on_work, on_staying


def _effect(plan: CostPlan, given: Effect, name: str) -> UncertainEffect:
    if given.results is not None and given.key is not None:
        try:
            return _reported(plan, given.results, given.key, name)
        except InputError as error:
            at = ("effect", name, error.field or "key")
            raise plan.fault(at, error.problem) from None
    assert given.estimate is not None
    assert given.conf_int is not None
    factor = 0.01 if given.unit == "percentage points" else 1.0
    low, high = (factor * b for b in given.conf_int)
    if max(abs(low), abs(high)) > 1:
        problem = f"must lie within what a share can change by (found {given.conf_int})"
        raise plan.fault(("effect", name, "conf_int"), problem)
    return UncertainEffect(
        factor * given.estimate,
        low,
        high,
        given.alpha,
        f"as given: {given.status}",
        told(given.source, "sv"),
        told(given.source, "en"),
        given.status == "found",
    )


def _reported(plan: CostPlan, results: str, key: str, name: str) -> UncertainEffect:
    path = (Path(plan.file).parent if plan.file else Path()) / results
    try:
        content = json.loads(read_text(path))
    except ValueError as error:
        said = error.problem if isinstance(error, InputError) else "is not JSON"
        raise InputError(f"{results}: {said}", field="results") from None
    steps = key.split(".")
    node: Any = content
    for i, step in enumerate(steps):
        if not isinstance(node, Mapping) or step not in node:
            have = ", ".join(list(node)[:12]) if isinstance(node, Mapping) else "no keys"
            under = ".".join(steps[:i]) or "the top"
            raise InputError(f"{results} has no {step!r} under {under}, which has {have}")
        node = node[step]
    if not isinstance(node, Mapping) or any(k not in node for k in _KEYS):
        raise InputError(f"{key} is no estimate: it needs {', '.join(_KEYS)}")
    _check_outcome(content, steps, name)
    estimate = estimate_from_dict(node)
    outcome = content["outcomes"][steps[1]]
    plan_name = content.get("plan", {}).get("name", "")
    found = effect_from_estimate(
        estimate,
        source=f"{Path(results).name} ({plan_name}), {key}",
        grade=str(outcome.get("finding", {}).get("grade", "")),
    )
    origin = content.get("origin") or {}
    notice = origin.get("notice_en", "")
    return replace(found, notes=(*found.notes, notice)) if notice else found


def estimate_from_dict(r: Mapping[str, Any]) -> Estimate:
    """Take an estimate out of plain types; a bound that JSON could not carry is infinite.

    Parameters
    ----------
    r : mapping
        ``Estimate.to_dict()``, or that read back.

    Returns
    -------
    Estimate
        The same.
    """
    low, high = (
        np.inf * s if b is None else b for b, s in zip(r["conf_int"], (-1, 1), strict=True)
    )
    fields = {k: v for k, v in r.items() if k in Estimate.__dataclass_fields__}
    return Estimate(**fields | {"conf_int": (low, high), "notes": tuple(r.get("notes", ()))})


def _check_outcome(content: Mapping[str, Any], steps: list[str], name: str) -> None:
    """Refuse an outcome whose effect is no change of the share that the model takes."""
    if steps[0] != "outcomes" or len(steps) < 3:
        raise InputError("must begin with outcomes.NAME, such as outcomes.N00973.finding.estimates")
    indicator = content.get("indicators", {}).get(steps[1], {})
    if indicator.get("change_en") != "percentage points":
        raise InputError(f"{steps[1]} is in {indicator.get('change_en')}, not percentage points")
    entry = REGISTRY.get(indicator.get("id", steps[1]))
    if entry is None:
        return
    refuse_mixing([MEASURES[name], entry])
