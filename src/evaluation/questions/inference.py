"""The headline's inference on one panel: permutation within matched sets, or the rule's test."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from evaluation.data import embedded
from evaluation.data.panel import Panel
from evaluation.design.comparison import matched_sets, nearest_in_size
from evaluation.design.comparison.weighting import Weighting
from evaluation.design.counties import counties
from evaluation.design.treatment import Design, TreatedUnit
from evaluation.estimation.did.aggregation import aggregate
from evaluation.estimation.did.windowed import windowed_group_time
from evaluation.estimation.few_treated.auto import FewTreated, auto_inference
from evaluation.estimation.few_treated.contrasts import Contrasts, contrasts
from evaluation.estimation.few_treated.permutation import (
    Permutation,
    matched_assignments,
    permutation_test,
)
from evaluation.estimation.windows import Windows
from evaluation.plan import Plan
from evaluation.results import Estimate

__all__ = ["DesignInference", "Settings", "unit_size"]


@dataclass(frozen=True)
class Settings:
    """How an outcome is estimated.

    Parameters
    ----------
    estimand : {"cohort", "simple"}
        The headline aggregate.
    alpha : float
        One minus the level.
    draws, seed : int
        Draws and seed of the permutation.
    donors : int
        Donors per treated municipality.
    inference : {"permutation", "auto"}
        What the headline rests on: permutation within matched sets, or the test that the
        rule chooses by the design.
    weighting : Weighting, optional
        Makes the matched or weighted estimate the headline.
    not_yet : bool
        Whether the treated are compared with before their own start; the headline then.
    divisions : pandas.DataFrame, optional
        By code: columns of groups, a frozenset of names each, that the effect is given by
        besides.
    """

    estimand: str
    alpha: float
    draws: int
    seed: int
    donors: int
    inference: str = "permutation"
    weighting: Weighting | None = None
    not_yet: bool = False
    divisions: pd.DataFrame | None = field(default=None, repr=False, compare=False)

    @classmethod
    def of_plan(
        cls, plan: Plan, weighting: Weighting | None, divisions: pd.DataFrame | None = None
    ) -> Settings:
        """Take from a plan how its outcomes are estimated.

        Parameters
        ----------
        plan : Plan
            The evaluation plan.
        weighting : Weighting or None
            Its matching, with the columns it uses.
        divisions : pandas.DataFrame, optional
            Its groups of municipalities.
        """
        e, c = plan.estimation, plan.comparison
        return cls(
            e.estimand,
            e.alpha,
            e.draws,
            e.seed,
            c.donors_per_treated,
            e.inference,
            weighting,
            c.group == "not_yet_treated",
            divisions,
        )


def unit_size(panel: Panel) -> pd.Series:
    """Return persons by code: those behind the panel's values where it knows them.

    Parameters
    ----------
    panel : Panel
        An outcome.

    Returns
    -------
    pandas.Series
        Mean of the weights over the years; without weights, population on 31 December 2017.
    """
    if panel.weights is None:
        places = counties() if len(panel.units[0]) == 2 else embedded.municipalities()
        return places["population_2017"]
    mean = panel.weights.mean(axis=1)
    # a unit whose persons are withheld in every year is as small as the smallest known
    known = mean[mean > 0]
    return mean.where(mean > 0, known.min()).rename("persons")


@dataclass(frozen=True)
class DesignInference:
    """Inference for one panel and one design, with the matched sets fixed once.

    Parameters
    ----------
    panel : Panel
        The treated, in the plan's order, and then the comparison group; no others.
    design : Design
        Who is treated and compared.
    settings : Settings
        Aggregate, level, draws, seed, donors, inference.
    size : pandas.Series
        Persons by code: those behind the outcome's value, mean over the years, where the
        panel knows them; population on 31 December 2017 otherwise.
    sets : list of list of str
        Each treated municipality with its donors.
    picks : numpy.ndarray
        Shape (assignments, treated): the other assignments, columns of the panel's units.
    """

    panel: Panel
    design: Design
    settings: Settings
    size: pd.Series = field(repr=False)
    sets: list[list[str]] = field(repr=False)
    picks: np.ndarray = field(repr=False)

    @classmethod
    def of(cls, panel: Panel, design: Design, settings: Settings) -> DesignInference:
        """Build the matched sets and draw the assignments.

        Parameters
        ----------
        panel : Panel
            All municipalities.
        design : Design
            Who is treated and compared.
        settings : Settings
            Aggregate, level, draws, seed, donors, inference.
        """
        size = unit_size(panel)
        inner = panel.select([*design.treated_codes, *design.controls])
        sets = matched_sets(design.treated_codes, list(design.controls), size, settings.donors)
        windows = Windows(design.partial, design.last_years)
        main = contrasts(inner, design.cohort(), settings.estimand, windows=windows)
        picks = matched_assignments(main, sets, settings.draws, settings.seed)
        return cls(inner, design, settings, size, sets, picks)

    @property
    def windows(self) -> Windows:
        """The years that the treated leave out."""
        return Windows(self.design.partial, self.design.last_years)

    @property
    def sized_by(self) -> str:
        """What the size counts: ``population``, or ``persons`` behind the outcome's values."""
        return "population" if self.panel.weights is None else "persons"

    @property
    def alone_donors(self) -> int:
        """Donors of one municipality alone: 2/alpha members for a p-value well below alpha."""
        s = self.settings
        wanted = max(s.donors, int(np.ceil(2 / s.alpha)) - 1)
        return min(wanted, len(self.design.controls))

    @property
    def mechanism(self) -> str:
        """The assignment mechanism in words."""
        return f"any of {self.settings.donors + 1} municipalities of similar size in each set"

    def permute(self, cohort: pd.Series) -> Permutation:
        """Test the aggregate over the assignments."""
        return self._permuted(self.panel, cohort, self.picks, self.settings.estimand)

    def rule(self, cohort: pd.Series) -> FewTreated:
        """Test the aggregate by the rule."""
        return self._by_rule(self.panel, cohort, self.settings.estimand)

    def rule_among_peers(self, cohort: pd.Series) -> FewTreated:
        """Test by the rule against those alone who are near some treated one in size."""
        treated, s = self.design.treated_codes, self.settings
        peers = nearest_in_size(treated, self.design.controls, self.size, s.donors)
        codes = [*treated, *peers]
        return self._by_rule(self.panel.select(codes), cohort[codes], s.estimand)

    def headline(self, cohort: pd.Series) -> Estimate:
        """Estimate the aggregate with the headline's inference."""
        if self.settings.inference == "auto":
            return self.rule(cohort).result
        return self.permute(cohort).result

    def alone_sets(self, unit: TreatedUnit) -> list[list[str]]:
        """Return the set of one municipality alone."""
        return matched_sets([unit.code], self.design.controls, self.size, self.alone_donors)

    def alone(self, unit: TreatedUnit) -> Estimate:
        """Estimate one municipality, with sets wide enough for a p-value below alpha."""
        controls = list(self.design.controls)
        panel = self.panel.select([unit.code, *controls])
        cohort = pd.Series({unit.code: unit.first_year} | dict.fromkeys(controls, 0))
        if self.settings.inference == "auto":
            return self._by_rule(panel, cohort, "cohort").result
        c = contrasts(panel, cohort, "cohort", windows=self.windows)
        picks, mechanism = self.alone_assignments(unit, c)
        return self._permuted(panel, cohort, picks, "cohort", mechanism).result

    def alone_assignments(self, unit: TreatedUnit, c: Contrasts) -> tuple[np.ndarray, str]:
        """Draw the assignments of one municipality alone, and say the mechanism in words."""
        sets = self.alone_sets(unit)
        picks = matched_assignments(c, sets, self.settings.draws, self.settings.seed)
        return picks, f"any of {len(sets[0])} municipalities of similar size"

    def without(self, codes: Sequence[str]) -> DesignInference:
        """Return the inference without some treated, who join no group."""
        rest = tuple(t for t in self.design.treated if t.code not in codes)
        return DesignInference.of(self.panel, replace(self.design, treated=rest), self.settings)

    def _permuted(
        self,
        panel: Panel,
        cohort: pd.Series,
        picks: np.ndarray,
        estimand: str,
        mechanism: str | None = None,
    ) -> Permutation:
        s = self.settings
        gt = windowed_group_time(panel, cohort, self.windows, alpha=s.alpha)
        like = aggregate(gt, estimand)  # type: ignore[arg-type]
        return permutation_test(
            contrasts(panel, cohort, estimand, windows=self.windows),
            picks,
            seed=s.seed,
            alpha=s.alpha,
            like=like,
            mechanism=mechanism or self.mechanism,
        )

    def _by_rule(self, panel: Panel, cohort: pd.Series, estimand: str) -> FewTreated:
        return auto_inference(
            panel,
            cohort,
            size=self.size,
            estimand=estimand,
            windows=self.windows,
            alpha=self.settings.alpha,
        )
