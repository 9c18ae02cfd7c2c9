"""Years that are neither treated nor untreated: what they show, and what is left without them."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from evaluation.data.panel import Panel
from evaluation.design.treatment import Design
from evaluation.estimation.diagnostics.refits import by_permutation, contrast_estimate
from evaluation.estimation.few_treated.contrasts import partial_contrasts
from evaluation.language import listed, number
from evaluation.questions.inference import DesignInference
from evaluation.results import Check, Estimate

__all__ = ["left_out_checks", "partial_years"]

ENOUGH_TREATED_YEARS = 2
"""Treated years of a municipality below which its mean is that of a single year."""


def partial_years(inference: DesignInference, cohort: pd.Series) -> Estimate | None:
    """Estimate the partly exposed years against the base; None where there are none.

    Parameters
    ----------
    inference : DesignInference
        The design, its sets and assignments.
    cohort : pandas.Series
        First treated year by code, 0 for the comparison group.

    Returns
    -------
    Estimate or None
        The mean over the municipalities with such years; not part of the headline.
    """
    c = partial_contrasts(inference.panel, cohort, inference.windows)
    if c is None:
        return None
    s = inference.settings
    judge = by_permutation(inference.sets, draws=s.draws, seed=s.seed, alpha=s.alpha)
    found = contrast_estimate(inference.panel, c, "partial_years", judge)
    return replace(found, n_treated_units=len(inference.windows.partial))


def left_out_checks(
    design: Design, panel: Panel, headline: Estimate, partly: Estimate | None
) -> list[Check]:
    """Say which years are left out, and whether what is left is enough.

    Parameters
    ----------
    design : Design
        Who is treated from when to when.
    panel : Panel
        The outcome, for its years.
    headline : Estimate
        What the report says.
    partly : Estimate or None
        From :func:`partial_years`.

    Returns
    -------
    list of Check
        ``partial_years``: passes where the partly exposed years lie between nothing and the
        headline, as a part of the dose should. ``treatment_ends``: passes where every
        municipality whose treatment ended has two treated years. Empty where nothing is left
        out.
    """
    out = []
    if partly is not None:
        years = sum(design.partial.values())
        n = len(design.partial)
        between = 0 <= partly.estimate * headline.estimate <= headline.estimate**2
        out.append(
            Check(
                "partial_years",
                between,
                f"Utelämnade delvis exponerade kommunår: {years}, i {n} "
                f"{'kommun' if n == 1 else 'kommuner'}, varken basår eller behandlade. "
                f"Skillnaden i dem är {number(partly.estimate, 'sv', sign=True)} "
                f"mot {number(headline.estimate, 'sv', sign=True)} i de helt exponerade; mellan "
                f"noll och det väntas den, och där ligger den{'' if between else ' inte'}.",
                f"Partly exposed municipality-years left out: {years}, in {n} "
                f"{'municipality' if n == 1 else 'municipalities'}, neither base nor treated. "
                f"The difference in them is "
                f"{number(partly.estimate, 'en', sign=True)} against "
                f"{number(headline.estimate, 'en', sign=True)} in those exposed whole; it should "
                f"lie between zero and that, and it does{'' if between else ' not'}.",
                partly.estimate,
                headline.estimate,
            )
        )
    last = panel.years[-1]
    ended = [t for t in design.treated if t.last_year is not None and t.last_year < last]
    if ended:
        shortest = min(t.last_year - t.first_year + 1 for t in ended if t.last_year is not None)
        after = sum(last - t.last_year for t in ended if t.last_year is not None)
        sv = listed([f"{t.name} ({t.last_year})" for t in ended], "sv")
        en = listed([f"{t.name} ({t.last_year})" for t in ended], "en")
        out.append(
            Check(
                "treatment_ends",
                shortest >= ENOUGH_TREATED_YEARS,
                f"Exponeringen upphör, med sista behandlade år: {sv}. {after} kommunår "
                f"därefter är utelämnade; som minst återstår {shortest} behandlade år.",
                f"Exposure ends, with the last treated year: {en}. {after} municipality-years "
                f"after it are left out; at the least {shortest} treated years are left.",
                float(shortest),
                float(ENOUGH_TREATED_YEARS),
            )
        )
    return out
