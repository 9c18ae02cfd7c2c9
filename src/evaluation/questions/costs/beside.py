"""The model beside the panel: whether assistance moves the same way in both."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from evaluation.language import Lang, interval, number
from evaluation.questions.costs.panel import PAID, PARTS, SUM, PanelCost, panel_costs
from evaluation.questions.effect import OutcomeAnalysis
from evaluation.results import Check, Estimate

__all__ = ["panel_check", "panel_of_plan"]


def panel_of_plan(outcomes: Mapping[str, OutcomeAnalysis]) -> tuple[PanelCost, ...]:
    """Take a plan's own effects on the municipal accounts to kronor a year.

    Parameters
    ----------
    outcomes : mapping of str to OutcomeAnalysis
        The plan's outcomes, analysed.

    Returns
    -------
    tuple of PanelCost
        Of the headlines, scaled to the mean of the treated municipalities' inhabitants in 2017;
        empty where the plan has neither U31001 nor N31001 + N40010.
    """
    there = {k: outcomes[k] for k in (PAID, SUM, *PARTS) if k in outcomes}
    if PAID not in there and SUM not in there and not set(PARTS) <= set(there):
        return ()
    treated = {t.code: t.population for o in there.values() for t in o.inference.design.treated}
    return panel_costs(
        {k: o.headline for k, o in there.items()}, float(np.mean(list(treated.values())))
    )


def _moves(estimate: float, lang: Lang) -> str:
    if estimate == 0:
        return "ändras inte" if lang == "sv" else "is unchanged"
    if lang == "sv":
        return "sjunker" if estimate < 0 else "stiger"
    return "falls" if estimate < 0 else "rises"


def _holds_zero(e: Estimate) -> bool:
    return e.conf_int[0] <= 0 <= e.conf_int[1]


def panel_check(saved: Estimate, cost: PanelCost) -> Check:
    """Ask whether the model's assistance and the panel's cost move the same way.

    Parameters
    ----------
    saved : Estimate
        ``assistance_saved`` of the model: kronor, positive is less assistance.
    cost : PanelCost
        The panel's effect: negative is cheaper.

    Returns
    -------
    Check
        Passed where the two estimates have the same sign, not passed where they differ and both
        intervals exclude zero; undecided (None) where one of those holds it. It enters no grade:
        the two measure different people.

    Examples
    --------
    >>> e = Estimate(term="att", estimate=-50.0, conf_int=(-90.0, -10.0), method="cs",
    ...              inference="permutation", estimand="cohort", n_obs=9, n_units=9,
    ...              n_treated_units=2, n_clusters=9)
    >>> [cost] = panel_costs({"U31001": e}, 12_000)
    >>> panel_check(e, cost).passed
    False
    """
    panel = cost.per_inhabitant
    same = np.sign(-saved.estimate) == np.sign(panel.estimate)
    passed = True if same else None if _holds_zero(saved) or _holds_zero(panel) else False

    def text(lang: Lang) -> str:
        sv = lang == "sv"
        ends = interval(*panel.conf_int, lang, 0)
        kronor, each = number(abs(saved.estimate), lang, 0), number(panel.estimate, lang, 0)
        model = _moves(-saved.estimate, lang)
        there = _moves(panel.estimate, lang)
        told = {
            True: ("de pekar åt samma håll", "they point the same way"),
            False: ("de pekar åt olika håll", "they point different ways"),
            None: (
                "skattningarna pekar åt olika håll, men ett intervall rymmer noll, så om de säger "
                "emot varandra går inte att avgöra",
                "the estimates point different ways, but an interval holds zero, so whether they "
                "contradict each other cannot be told",
            ),
        }[passed][lang == "en"]
        if sv:
            return (
                f"I modellen {model} biståndet ({kronor} kronor under alla år, diskonterat), i "
                f"panelen {there} {cost.outcome} ({each} kronor per invånare och år, {ends}): "
                f"{told}. Modellen räknar på de mottagna i parameterfilen, panelen på alla "
                "invånare i de behandlade kommunerna."
            )
        return (
            f"In the model assistance {model} ({kronor} kronor over all years, discounted), in "
            f"the panel {cost.outcome} {there} ({each} kronor per inhabitant and year, {ends}): "
            f"{told}. The model counts those received in the parameter file, the panel every "
            "inhabitant of the treated municipalities."
        )

    name = f"panel_{cost.outcome.replace(' + ', '_')}"
    return Check(name, passed, text("sv"), text("en"))
