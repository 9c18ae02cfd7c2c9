"""The effect question of a plan alone, without the rest of its report."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING, Any

import pandas as pd

from evaluation.data.files import read_table
from evaluation.data.sources import Sources, open_sources
from evaluation.data.store import SnapshotStore
from evaluation.errors import InputError
from evaluation.language import Lang
from evaluation.plan import Plan
from evaluation.questions.effect import OutcomeAnalysis
from evaluation.questions.horizons.horizon_plot import draw_horizons
from evaluation.questions.horizons.rows import tidy_rows
from evaluation.questions.horizons.summary import summary
from evaluation.questions.prepared import prepare
from evaluation.questions.truth import truths
from evaluation.results import Finding

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["PlanEffect", "group_columns", "plan_effect"]


@dataclass(frozen=True, repr=False)
class PlanEffect:
    """The effect of every outcome of a plan: headline, horizons, doses, subgroups, families.

    Parameters
    ----------
    plan : Plan
        What was asked.
    outcomes : mapping of str to OutcomeAnalysis
        By name; the same as in the whole report.
    sources : Sources
        What the outcomes were read from.
    truth : mapping of str to float
        The real effect behind each headline, where the data are simulated.
    """

    plan: Plan
    outcomes: Mapping[str, OutcomeAnalysis]
    sources: Sources = field(compare=False)
    truth: Mapping[str, float] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"<PlanEffect {self.plan.name}: {', '.join(self.outcomes)}>"

    def _repr_html_(self) -> str:
        return self.tidy().to_html(
            index=False, float_format=lambda v: f"{v:.4f}", na_rep="–", border=0
        )

    @property
    def findings(self) -> dict[str, Finding]:
        """Each outcome's finding: estimates, checks, sentence and grade."""
        return {k: o.finding for k, o in self.outcomes.items()}

    @property
    def notice(self) -> tuple[str, str]:
        """What must be said of made-up data, in Swedish and English; empty for real ones."""
        origin = self.sources.origin
        return (origin.notice_sv, origin.notice_en) if origin else ("", "")

    def tidy(self) -> pd.DataFrame:
        """Return one row per number.

        Returns
        -------
        pandas.DataFrame
            ``outcome``, ``part`` (headline, horizon, dose, subgroup, family), ``by``, ``key``,
            ``estimate``, ``conf_low``, ``conf_high``, ``p_value``, ``p_adjusted``,
            ``n_treated``, ``inference``, ``truth`` (NaN for real data).
        """
        rows = [r for k, o in self.outcomes.items() for r in tidy_rows(k, o, self.truth.get(k))]
        return pd.DataFrame(rows).astype({"n_treated": "Int64"})

    def summary(self, lang: Lang = "en") -> str:
        """Return the answer as text for people."""
        notice = self.notice[0 if lang == "sv" else 1]
        parts = [summary(o, lang, self.truth.get(k)) for k, o in self.outcomes.items()]
        return "\n\n".join([*([notice] if notice else []), *parts])

    def plot(self, outcome: str | None = None, ax: Axes | None = None, lang: Lang = "en") -> Axes:
        """Draw one outcome's horizons: points with their intervals, the headline above.

        Parameters
        ----------
        outcome : str, optional
            Which; the first without it.
        ax : matplotlib.axes.Axes, optional
            Where; new ones without it.
        lang : {"sv", "en"}
            Language.

        Returns
        -------
        matplotlib.axes.Axes
            The axes.

        Raises
        ------
        InputError
            If there is no such outcome.
        """
        name = next(iter(self.outcomes)) if outcome is None else outcome
        if name not in self.outcomes:
            raise InputError(f"{name!r} is none of {', '.join(self.outcomes)}", field="outcome")
        if ax is None:
            import matplotlib.pyplot as plt

            _, ax = plt.subplots(figsize=(6.4, 3.2), layout="constrained")
        o = self.outcomes[name]
        i = o.indicator
        label, unit = (i.label_sv, i.change_sv) if lang == "sv" else (i.label_en, i.change_en)
        draw_horizons(o.horizons.to_dict(), o.headline.to_dict(), ax, lang, unit)
        ax.set_title(fill(label[0].upper() + label[1:], 70), loc="left", fontsize="medium")
        return ax

    def to_dict(self) -> dict[str, Any]:
        """Return plain types for JSON, keyed."""
        notice = self.notice[1]
        return ({"notice": notice} if notice else {}) | {
            "plan": self.plan.name,
            "plan_hash": self.plan.hash(),
            "outcomes": {
                k: {
                    "indicator": o.indicator.id,
                    "label_sv": o.indicator.label_sv,
                    "label_en": o.indicator.label_en,
                    "change_sv": o.indicator.change_sv,
                    "change_en": o.indicator.change_en,
                    "finding": o.finding.to_dict(),
                    "horizons": o.horizons.to_dict(),
                    **({"truth": self.truth[k]} if k in self.truth else {}),
                    "first_years": {t.code: t.first_year for t in o.inference.design.treated},
                    "n_controls": o.n_controls,
                    "data_hash": o.inference.panel.hash(),
                }
                for k, o in self.outcomes.items()
            },
        }


def group_columns(path: str | Path) -> list[str]:
    """Return the columns of a file of groups that municipalities can be divided by.

    Parameters
    ----------
    path : str or pathlib.Path
        With the column ``code``.

    Returns
    -------
    list of str
        Those that are neither ``code`` nor ``source``, hold no numbers throughout, and put two
        municipalities together at least once; of X and X_title (as ``evaluation data groups``
        writes them) the titles.

    Raises
    ------
    InputError
        If the file cannot be read, or no column is left.
    """
    table = read_table(path, columns=["code"])
    chosen = []
    for name in map(str, table.columns):
        column = table[name]
        numbers = pd.to_numeric(column.str.replace(",", "."), errors="coerce").notna().all()
        alone = column.nunique() == len(column)
        if name not in ("code", "source") and not numbers and not alone:
            chosen.append(name)
    found = [n for n in chosen if f"{n}_title" not in chosen]
    if not found:
        raise InputError(
            f"no column divides the municipalities; there are {', '.join(table.columns)}",
            file=str(path),
            row=1,
        )
    return found


def plan_effect(
    plan: Plan,
    *,
    outcomes: Sequence[str] | None = None,
    groups: str | Path | None = None,
    by: Sequence[str] = (),
    store: SnapshotStore | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> PlanEffect:
    """Answer the effect question of a plan, without the rest of its report.

    Parameters
    ----------
    plan : Plan
        The plan.
    outcomes : sequence of str, optional
        Names of the outcomes to answer, as in the report; all without it.
    groups : str or pathlib.Path, optional
        A file of groups of municipalities (column ``code``), for subgroups besides size, county
        and stance; the plan's own file serves its matching as before.
    by : sequence of str
        Its columns to divide by; without it those of :func:`group_columns`.
    store : SnapshotStore, optional
        Where the plan's snapshot lies.
    progress : callable
        Called with the name of each step.

    Returns
    -------
    PlanEffect
        The same numbers as the whole report's.

    Raises
    ------
    InputError
        As for the whole plan; or if there is no such outcome, no such column, or an outcome
        that misleads alone (N31001) stands alone in the plan.

    Examples
    --------
    >>> from evaluation.plan import load_plan
    >>> found = plan_effect(load_plan("settlement"), outcomes=["foreign_background"])
    >>> found.findings["foreign_background"].grade
    'very weak'
    >>> horizons = found.tidy().query("part == 'horizon'").set_index("key")["n_treated"]
    >>> {k: int(n) for k, n in horizons.items()}
    {'short': 4, 'middle': 4, 'long': 4, 'difference': 4}
    """
    if by and groups is None:
        raise InputError("names columns of a file of groups, and none is given", field="by")
    divide = None
    if groups is not None:
        divide = list(dict.fromkeys(by)) or group_columns(groups)
    progress("design")
    sources = open_sources(plan, store=store, progress=progress)
    ready = prepare(
        plan,
        sources,
        groups=None if groups is None else Path(groups),
        only=outcomes,
        divide=divide,
    )
    found = {}
    for name in ready.fitted:
        progress(name)
        found[name] = ready.answer(name)
    real = truths(sources.twin, ready.read, found) if sources.twin else ()
    return PlanEffect(plan, found, sources, {t.outcome: t.truth for t in real})
