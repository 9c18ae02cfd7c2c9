"""A municipality held up for its figures: what the picking alone does to them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from evaluation.data.panel import Panel
from evaluation.data.registry import Indicator
from evaluation.design.treatment import TreatedUnit
from evaluation.errors import InputError
from evaluation.estimation.diagnostics.refits import Refits, by_permutation
from evaluation.estimation.diagnostics.selection import PickedBest, after_selection, picked_best
from evaluation.language import Lang, number, p_value, per_cent
from evaluation.questions.inference import DesignInference
from evaluation.results import Check

__all__ = ["Selection", "selection", "selection_checks"]

PICKED_YEARS, FOLLOWED_YEARS = 2, 3


@dataclass(frozen=True)
class Selection:
    """What picking looks like, and the municipality in the years after it was picked.

    Parameters
    ----------
    year : int
        Last year of the figures that the municipality was held up for.
    level, growth : PickedBest or None
        The highest of the comparison group in every pair of years, and the one that rose most
        in them, followed for three years; None where the panel is too short.
    after : Refits
        The municipality against others of its size, all years and only those after the pick.
    """

    year: int
    level: PickedBest | None
    growth: PickedBest | None
    after: Refits

    def to_dict(self) -> dict[str, Any]:
        """Return plain types for JSON."""
        return {
            "year": self.year,
            "level": None if self.level is None else self.level.to_dict(),
            "growth": None if self.growth is None else self.growth.to_dict(),
            "after": self.after.to_dict(),
        }


def selection(unit: TreatedUnit, year: int, inference: DesignInference) -> Selection:
    """Follow the comparison group's own highest, and the municipality after its pick.

    Parameters
    ----------
    unit : TreatedUnit
        The municipality.
    year : int
        Last year of the figures that it was held up for; not the year before its start.
    inference : DesignInference
        The outcome's panel, comparison group and settings.

    Returns
    -------
    Selection
        Estimates with permutation intervals among municipalities of its size.

    Raises
    ------
    InputError
        If the year is the base year of the start.
    """
    s, controls = inference.settings, list(inference.design.controls)
    panel = inference.panel.select([unit.code, *controls])
    cohort = pd.Series({unit.code: unit.first_year} | dict.fromkeys(controls, 0))
    judge = by_permutation(inference.alone_sets(unit), draws=s.draws, seed=s.seed, alpha=s.alpha)
    others = inference.panel.select(controls)
    steps = Panel(others.outcome, others.values.diff(axis=1).iloc[:, 1:], others.dropped)
    return Selection(
        year,
        _picked(others),
        _picked(steps),
        after_selection(panel, cohort, {unit.code: year}, judge=judge, windows=inference.windows),
    )


def _picked(panel: Panel) -> PickedBest | None:
    try:
        return picked_best(panel, years=PICKED_YEARS, horizon=FOLLOWED_YEARS)
    except InputError:
        return None


def selection_checks(found: Selection, indicator: Indicator) -> list[Check]:
    """Say what the picking alone does, and what is left in the years after it.

    Parameters
    ----------
    found : Selection
        The picks and the years after.
    indicator : Indicator
        The outcome, for its units.
    """
    out = []
    whole = found.after.base
    assert whole is not None
    if found.level is not None and found.growth is not None:
        level, growth = found.level, found.growth

        def told(lang: Lang) -> tuple[str, ...]:
            return (
                number(level.apparent, lang, sign=True),
                number(whole.estimate, lang, sign=True),
                number(growth.lead, lang),
                per_cent(growth.kept, lang),
            )

        sv, en = told("sv"), told("en")
        out.append(
            Check(
                "regression_to_the_mean",
                abs(whole.estimate) > abs(level.apparent),
                f"Väljs i efterhand den av {level.n_units} jämförelsekommuner som låg högst under "
                f"två år ser den ut att ha ändrats med {sv[0]} {indicator.change_sv} utan att "
                f"något gjorts; skattningen är {sv[1]}. Väljs den som stigit mest på två år steg "
                f"den {sv[2]} mer om året än de andra, och {sv[3]} av försprånget höll i sig de "
                "tre åren därefter.",
                f"Picking afterwards the highest of {level.n_units} comparison municipalities over "
                f"two years, it seems to have changed by {en[0]} {indicator.change_en} with "
                f"nothing done; the estimate is {en[1]}. Picking the one that rose most in two "
                f"years, it rose {en[2]} a year more than the others, and {en[3]} of that lead "
                "lasted over the three years after.",
                abs(whole.estimate),
                abs(level.apparent),
            )
        )
    if not found.after.estimates:
        out.append(
            Check(
                "after_selection",
                None,
                f"Inget år efter {found.year} finns att skatta på.",
                f"There is no year after {found.year} to estimate on.",
            )
        )
        return out
    (later,) = found.after.estimates
    assert whole.p_value is not None
    assert later.p_value is not None
    same = whole.estimate * later.estimate > 0
    out.append(
        Check(
            "after_selection",
            same,
            "Mot kommuner av liknande storlek är skillnaden "
            f"{number(whole.estimate, 'sv', sign=True)} räknat på alla år efter starten "
            f"({p_value(whole.p_value, 'sv')}) och "
            f"{number(later.estimate, 'sv', sign=True)} på åren efter {found.year} "
            f"({p_value(later.p_value, 'sv')}).",
            "Against municipalities of similar size the difference is "
            f"{number(whole.estimate, 'en', sign=True)} over all years since the start "
            f"({p_value(whole.p_value, 'en')}) and {number(later.estimate, 'en', sign=True)} over "
            f"those after {found.year} ({p_value(later.p_value, 'en')}).",
            later.estimate,
            0.0,
        )
    )
    return out
