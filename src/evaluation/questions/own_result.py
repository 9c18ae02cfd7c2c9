"""What ``evaluation estimate`` prints, and the checks that come with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from evaluation.data.panel import Panel
from evaluation.language import number
from evaluation.questions.checks import ENOUGH_TREATED
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
    """

    result: Estimate
    event: EventStudy | None
    group_time: GroupTime | None
    checks: tuple[Check, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return plain types for JSON, in the command line's contract."""
        e = self.result.to_dict()
        events = self.event.to_dict()["rows"] if self.event else []
        return e | {
            "control_group": self.group_time.control_group if self.group_time else None,
            "event_study": [
                {
                    "time": x["event_time"],
                    "estimate": x["estimate"],
                    "std_error": x["std_error"],
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
        parts = [self.result.summary()]
        if self.event:
            table = self.event.tidy().to_string(
                index=False, float_format=lambda v: f"{v:.4f}", na_rep="–"
            )
            parts.append(
                f"by event time ({self.event.inference}; band: {self.event.band})\n{table}"
            )
        mark = {True: "passed", False: "NOT PASSED", None: "cannot be judged"}
        parts.extend(f"{c.name}: {mark[c.passed]}. {c.text_en}" for c in self.checks)
        return "\n\n".join(parts)


def own_checks(panel: Panel, always: tuple[str, ...], result: Estimate) -> tuple[Check, ...]:
    """Ask what a reader of the number must know about the file.

    Parameters
    ----------
    panel : Panel
        As it was read, with who was left out.
    always : tuple of str
        Always-treated units, left out.
    result : Estimate
        The number: its counts and its inference.

    Returns
    -------
    tuple of Check
        ``few_treated``, ``balanced`` and ``always_treated``.
    """
    n1 = result.n_treated_units
    n0 = result.n_units - n1
    few = f"{ENOUGH_TREATED}"
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
    return (
        Check(
            "few_treated",
            min(n1, n0) >= ENOUGH_TREATED,
            f"{n1} behandlade mot {n0} i jämförelsen. {few_sv}",
            f"{n1} treated against {n0} in the comparison. {few_en}",
            float(min(n1, n0)),
            float(ENOUGH_TREATED),
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
