"""What ``evaluation estimate`` prints, and the checks that come with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from evaluation.data.panel import Panel
from evaluation.estimation.few_treated.auto import ENOUGH_UNITS
from evaluation.language import number
from evaluation.results import Check, Estimate, EventStudy, GroupTime

__all__ = ["OwnEstimate", "own_checks"]


@dataclass(frozen=True)
class OwnEstimate:
    """What ``evaluation estimate`` prints.

    Parameters
    ----------
    result : Estimate
        The number asked for.
    event : EventStudy or None
        By time since adoption (not for twfe).
    group_time : GroupTime or None
        By cohort and period (not for twfe and sdid).
    checks : tuple of Check
        What a reader must know.
    rule, reason : str
        Which inference was taken and why.
    companions : tuple of Estimate
        The same number under other tests, to be read beside it.
    event_p : mapping of int to float or None
        p-values by event time, where the test gives them.
    """

    result: Estimate
    event: EventStudy | None
    group_time: GroupTime | None
    checks: tuple[Check, ...]
    rule: str
    reason: str
    companions: tuple[Estimate, ...] = ()
    event_p: Mapping[int, float | None] = field(default_factory=dict)

    @property
    def drawn(self) -> bool:
        """Whether the number or one beside it rests on draws."""
        return any(e.seed is not None for e in (self.result, *self.companions))

    def to_dict(self) -> dict[str, Any]:
        """Return plain types for JSON, in the command line's contract."""
        e = self.result.to_dict()
        events = self.event.to_dict()["rows"] if self.event else []
        return e | {
            "rule": self.rule,
            "reason": self.reason,
            "companions": [
                {k: c[k] for k in ("inference", "p_value", "conf_int", "std_error")}
                for c in (e.to_dict() for e in self.companions)
            ],
            "control_group": self.group_time.control_group if self.group_time else None,
            "event_study": [
                {
                    "time": x["event_time"],
                    "estimate": x["estimate"],
                    "std_error": x["std_error"],
                    "p_value": self.event_p.get(x["event_time"]),
                    "conf_int": [x["conf_low"], x["conf_high"]],
                    "band": [x["band_low"], x["band_high"]],
                    "n_treated": x["n_treated"],
                }
                for x in events
            ],
            "group_time": self.group_time.to_dict()["rows"] if self.group_time else [],
            "checks": [
                {"name": c.name, "passed": c.passed, "text": c.text_en} for c in self.checks
            ],
        }

    def summary(self) -> str:
        """Return the result as text for people."""
        parts = [f"{self.result.summary()}\n  rule: {self.rule}. {self.reason}"]
        if self.companions:
            lines = [_companion_line(c) for c in self.companions]
            parts.append("the same estimate under other tests\n" + "\n".join(lines))
        if self.event:
            shown = self.event.tidy().replace([np.inf, -np.inf], np.nan)
            if self.event_p:
                shown.insert(3, "p_value", [self.event_p.get(e) for e in self.event.event_time])
            table = shown.astype({"event_time": int}).to_string(
                index=False, float_format=lambda v: f"{v:.4f}", na_rep="–"
            )
            parts.append(
                f"by event time ({self.event.inference}; band: {self.event.band})\n{table}"
            )
        mark = {True: "passed", False: "NOT PASSED", None: "cannot be judged"}
        parts.extend(f"{c.name}: {mark[c.passed]}. {c.text_en}" for c in self.checks)
        return "\n\n".join(parts)


def _companion_line(e: Estimate) -> str:
    """Write one companion in a line."""
    p = "no p-value" if e.p_value is None else f"p = {e.p_value:.4f}"
    low, high = e.conf_int
    return f"  {e.inference}: {p}, [{low:.4f}, {high:.4f}]"


def own_checks(
    panel: Panel,
    always: tuple[str, ...],
    result: Estimate,
    rule: str,
    sides: tuple[int, int],
    clustered: bool,
    lost: tuple[str, ...] = (),
) -> tuple[Check, ...]:
    """Ask what a reader of the number must know about the file.

    Parameters
    ----------
    panel : Panel
        As it was read, with who was left out.
    always : tuple of str
        Always-treated units, left out.
    result : Estimate
        The number: its inference.
    rule : str
        Which inference was taken.
    sides : tuple of int
        Treated and comparison units, or clusters that hold them.
    clustered : bool
        Whether they are clusters.
    lost : tuple of str
        Treated units among those left out for want of a value.

    Returns
    -------
    tuple of Check
        ``few_treated``, ``balanced`` and ``always_treated``.
    """
    n1, n0 = sides
    kind_sv, kind_en = ("kluster", "clusters") if clustered else ("enheter", "units")
    few = f"{ENOUGH_UNITS}"
    if result.inference.startswith("permutation"):
        few_sv = (
            "Intervallet kommer från permutationer och förutsätter inte många behandlade; "
            "det förutsätter att enheterna är utbytbara."
        )
        few_en = (
            "The interval comes from permutations and does not need many treated; it needs the "
            "units to be exchangeable."
        )
    else:
        few_sv = f"Med färre än {few} på någon sida är analytiska intervall för korta."
        few_en = f"With fewer than {few} on either side analytic intervals are too short."
        if rule == "none":
            few_sv += " Inget annat prov finns här, så inget p-värde och intervall ges."
            few_en += " No other test applies here, so no p-value and interval are given."
        elif rule not in {"analytic", "multiplier"}:
            few_sv += f" Intervallet kommer från ett annat prov ({rule})."
            few_en += f" The interval comes from another test ({rule})."
    gaps = int(panel.values.isna().to_numpy().sum())
    out = len(panel.dropped)
    if panel.unbalanced:
        cells = panel.values.size
        balanced_sv = f"{number(100 * gaps / cells, 'sv', 1)} % av enhetsåren saknar värde."
        balanced_en = (
            f"{gaps} of {cells} unit-years have no value; units with gaps are kept"
            + (f", {out} without any value left out" if out else "")
            + "."
        )
    else:
        balanced_sv = f"{out} enheter utan värde varje år har utelämnats."
        balanced_en = f"{out} units without a value in every year were left out" + (
            f": {', '.join(panel.dropped[:10])}." if out else "."
        )
    if lost:
        balanced_sv += f" Bland dem är behandlade: {', '.join(lost)}; de räknas inte i resultatet."
        balanced_en += f" TREATED units among them: {', '.join(lost)}; the result is without them."
    return (
        Check(
            "few_treated",
            min(n1, n0) >= ENOUGH_UNITS,
            f"{n1} behandlade {kind_sv} mot {n0} i jämförelsen. {few_sv}",
            f"{n1} treated {kind_en} against {n0} in the comparison. {few_en}",
            float(min(n1, n0)),
            float(ENOUGH_UNITS),
        ),
        Check(
            "balanced",
            out == 0 and gaps == 0,
            balanced_sv,
            balanced_en,
            float(out + gaps),
            0.0,
        ),
        Check(
            "always_treated",
            not always,
            f"{len(always)} {'enhet' if len(always) == 1 else 'enheter'} är behandlade från första "
            "året och har utelämnats: de saknar år före behandlingen."
            if always
            else "Ingen enhet är behandlad från första året.",
            f"{len(always)} always-treated {'unit' if len(always) == 1 else 'units'}, treated from "
            "the first year on, left out for want of a year before treatment."
            if always
            else "No unit is treated from the first year on.",
            float(len(always)),
            0.0,
        ),
    )
