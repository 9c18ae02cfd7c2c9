"""What an assessment of a model found."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

from evaluation.data.registry import REGISTRY
from evaluation.design.catalogue import Model
from evaluation.language import Lang, number
from evaluation.plan import model_plan
from evaluation.questions.evaluability.words import VERDICTS
from evaluation.results import Check

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "CatalogueAssessment",
    "Evaluability",
    "OutcomeFit",
    "SmallestEffect",
    "Verdict",
    "earliest_year",
]

Verdict = Literal["now", "with live data", "with person records", "not evaluable"]


@cache
def earliest_year() -> int:
    """Return the first year of Kolada's oldest series in the registry, as far as it is known.

    Examples
    --------
    >>> earliest_year()
    2010
    """
    return min(i.years[0] for i in REGISTRY.values() if i.kolada and i.years[0] is not None)


@dataclass(frozen=True)
class OutcomeFit:
    """An outcome of the registry that fits a model's goal.

    Parameters
    ----------
    outcome : str
        Key of the registry.
    direct : bool
        Whether it measures the goal, or only moves with it among all inhabitants.
    ships : bool
        Whether its panel ships with the package.
    horizon_days : int or None
        Days from the event to the measurement; None for a stock of the year.
    counts_as_success : tuple of str
        What is counted.
    denominator : str or None
        Whom it is divided by.
    first_year : int or None
        First treated year of this outcome, its lag counted; None without a start.
    years_before, years_after : int or None
        Years of data before it, and from it on until the model ended; None where the series'
        first year or the model's start is not known. Zero or below: there are none.
    """

    outcome: str
    direct: bool
    ships: bool
    horizon_days: int | None
    counts_as_success: tuple[str, ...]
    denominator: str | None
    first_year: int | None
    years_before: int | None
    years_after: int | None

    @property
    def carries(self) -> bool:
        """Whether there is, or may be, a year before and a year after the start.

        A series whose first year is not known is taken to begin no earlier than
        ``earliest_year()``.
        """
        if self.first_year is None or self.years_after is None or self.years_after < 1:
            return False
        if self.years_before is None:
            return self.first_year > earliest_year()
        return self.years_before >= 1


@dataclass(frozen=True)
class SmallestEffect:
    """The smallest effect that the design could find.

    Parameters
    ----------
    outcome : str
        Key of the registry.
    effect : float or None
        In the outcome's unit of change; None where no effect that was tried is found.
    largest_tried, target, alpha : float
        Largest effect tried, power asked for, level of the test.
    first_year, n_treated, n_units, draws, seed : int
        The design and the simulation.
    inference, data_hash : str
        How each simulated study tests, and the panel.
    """

    outcome: str
    effect: float | None
    largest_tried: float
    target: float
    alpha: float
    first_year: int
    n_treated: int
    n_units: int
    draws: int
    seed: int
    inference: str
    data_hash: str

    def text(self, lang: Lang) -> str:
        """Return the effect with its unit."""
        unit = (
            REGISTRY[self.outcome].change_sv if lang == "sv" else REGISTRY[self.outcome].change_en
        )
        if self.effect is None:
            most = number(self.largest_tried, lang, 1)
            return f"ingen upp till {most} {unit}" if lang == "sv" else f"none up to {most} {unit}"
        return f"{number(self.effect, lang, 1)} {unit}"


@dataclass(frozen=True)
class Evaluability:
    """Whether a model can be evaluated, and how.

    Parameters
    ----------
    model : Model
        The row of the catalogue.
    verdict : {"now", "with live data", "with person records", "not evaluable"}
        What it takes.
    obstacles : tuple of str
        Why not with what ships, by key; all that apply.
    reason_sv, reason_en : str
        The verdict's reason, made from the fields.
    start : tuple of int or None
        Year and month that the assessment rests on.
    start_from : {"stated", "assumed", ""}
        The document, or the assumption of a plan that ships.
    n_treated : int
        Treated units: named municipalities, and counties as one unit each; 0 where none is named.
    exposed : tuple of str
        How many people were reached, as the documents state it.
    outcomes : tuple of OutcomeFit
        Every outcome of the registry that fits the goal.
    chosen : OutcomeFit or None
        The one that the verdict rests on.
    design : str
        Key of the possible design; empty where there is none.
    grade, grade_reason_sv, grade_reason_en : str
        The best evidence that the design can give before its data are seen; empty unless the
        verdict is ``now`` or ``with live data``.
    checks : tuple of Check
        What the grade rests on.
    shares_place_with : tuple of str
        Other dated models in the same municipalities, whose effects cannot be told apart.
    smallest : SmallestEffect or None
        For ``now`` only.
    """

    model: Model
    verdict: Verdict
    obstacles: tuple[str, ...]
    reason_sv: str
    reason_en: str
    start: tuple[int, int] | None
    start_from: str
    n_treated: int
    exposed: tuple[str, ...]
    outcomes: tuple[OutcomeFit, ...]
    chosen: OutcomeFit | None
    design: str
    grade: str
    grade_reason_sv: str
    grade_reason_en: str
    checks: tuple[Check, ...]
    shares_place_with: tuple[str, ...]
    smallest: SmallestEffect | None

    @property
    def plan(self) -> str | None:
        """Name of the plan that carries out the evaluation; None where no data here can."""
        return model_plan(self.model.id)

    def reason(self, lang: Lang) -> str:
        """Return the reason in one language."""
        return self.reason_sv if lang == "sv" else self.reason_en

    def row(self) -> dict[str, Any]:
        """Return what a table shows of it."""
        c = self.chosen
        return {
            "model": self.model.id,
            "kind": self.model.kind,
            "verdict": self.verdict,
            "scope": self.model.where.scope,
            "n_treated": self.n_treated,
            "start": "" if self.start is None else f"{self.start[0]}-{self.start[1]:02d}",
            "start_from": self.start_from,
            "outcome": c.outcome if c else "",
            "horizon_days": c.horizon_days if c else None,
            "counts_as_success": ", ".join(c.counts_as_success) if c else "",
            "first_year": c.first_year if c else None,
            "years_before": c.years_before if c else None,
            "years_after": c.years_after if c else None,
            "smallest_effect": self.smallest.effect if self.smallest else None,
            "design": self.design,
            "plan": self.plan or "",
            "grade": self.grade,
            "obstacles": ", ".join(self.obstacles),
            "reason_sv": self.reason_sv,
            "reason_en": self.reason_en,
        }

    def to_dict(self) -> dict[str, Any]:
        """Return plain types for JSON."""
        return self.row() | {
            "exposed": list(self.exposed),
            "outcomes": [asdict(o) for o in self.outcomes],
            "smallest": asdict(self.smallest) if self.smallest else None,
            "grade_reason_sv": self.grade_reason_sv,
            "grade_reason_en": self.grade_reason_en,
            "checks": [c.to_dict() for c in self.checks],
            "shares_place_with": list(self.shares_place_with),
        }


@dataclass(frozen=True)
class CatalogueAssessment:
    """Every model assessed.

    Parameters
    ----------
    rows : tuple of Evaluability
        In the order of the data.
    data_hash : str
        SHA-256 of the models' file.
    """

    rows: tuple[Evaluability, ...]
    data_hash: str

    @property
    def counts(self) -> dict[str, int]:
        """How many models have each verdict."""
        found: list[str] = [r.verdict for r in self.rows]
        return {v: found.count(v) for v in VERDICTS}

    def tidy(self) -> pd.DataFrame:
        """Return one row per model."""
        import pandas as pd

        return pd.DataFrame([r.row() for r in self.rows])

    def sentence(self, lang: Lang) -> str:
        """Return the counts as one sentence."""
        told = "; ".join(f"{VERDICTS[v][lang == 'en']}: {n}" for v, n in self.counts.items())
        n = len(self.rows)
        return f"Av {n} rader: {told}." if lang == "sv" else f"Of {n} rows: {told}."

    def to_dict(self) -> dict[str, Any]:
        """Return plain types for JSON."""
        return {
            "counts": self.counts,
            "rows": [r.to_dict() for r in self.rows],
            "data_hash": self.data_hash,
        }
