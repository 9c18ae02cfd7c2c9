"""Whether a model of the documents can be evaluated, with what, and what effect could be seen.

The verdict follows from the model's fields by the rules of :func:`assess`; none is typed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

from evaluation.data import embedded
from evaluation.data.panel import embedded_panel
from evaluation.data.registry import REGISTRY
from evaluation.design.catalogue import Model, catalogue
from evaluation.design.exposure import first_treated_year
from evaluation.design.stance import classify
from evaluation.errors import InputError
from evaluation.estimation.few_treated.auto import ENOUGH_UNITS
from evaluation.language import Lang, number
from evaluation.plan import load_plan
from evaluation.questions.checks import ENOUGH_PRE_YEARS
from evaluation.questions.evaluability_words import VERDICTS, say
from evaluation.questions.grading import grade
from evaluation.questions.power import power
from evaluation.results import Check

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "CatalogueAssessment",
    "Evaluability",
    "OutcomeFit",
    "SmallestEffect",
    "assess",
    "assess_catalogue",
]

Verdict = Literal["now", "with live data", "with person records", "not evaluable"]
DRAWS, SEED, DONORS = 500, 20171205, 30
# the plan whose stated assumptions date models that no document dates
ASSUMPTIONS = "settlement"
# no series of Kolada's in the registry is known to begin before this year
EARLIEST = min(i.years[0] for i in REGISTRY.values() if i.kolada and i.years[0] is not None)
EVERY_STRENGTH = ("explicit", "strong", "indirect", "weak")


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

        A series whose first year is not known is taken to begin no earlier than ``EARLIEST``.
        """
        if self.first_year is None or self.years_after is None or self.years_after < 1:
            return False
        if self.years_before is None:
            return self.first_year > EARLIEST
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


@cache
def _assumed() -> Mapping[str, int]:
    """Return the first years that the plan which ships assumes, by model."""
    entries = load_plan(ASSUMPTIONS).treatment.adoption
    return {e.model: e.assumed_first_year for e in entries if e.assumed_first_year is not None}


def _start(model: Model) -> tuple[tuple[int, int] | None, str]:
    if model.starts.date:
        return model.starts.date, "stated"
    year = _assumed().get(model.id)
    return ((year, 1), "assumed") if year is not None else (None, "")


def _fit(outcome: str, direct: bool, start: tuple[int, int] | None, model: Model) -> OutcomeFit:
    i = REGISTRY[outcome]
    first = before = after = None
    if start is not None:
        first = first_treated_year(start, "first_whole_year") + i.lag_years
        before = None if i.years[0] is None else first - i.years[0]
        lasts = [i.years[1], None if model.ends.year is None else model.ends.year + i.lag_years]
        known = [y for y in lasts if y is not None]
        after = min(known) - first + 1 if known else None
    return OutcomeFit(
        outcome,
        direct,
        i.embedded,
        i.horizon_days,
        i.counts_as_success,
        i.denominator,
        first,
        before,
        after,
    )


def _obstacles(model: Model, start: object, fits: tuple[OutcomeFit, ...]) -> list[str]:
    """Return what no data can mend: nobody named, no date, nothing that measures the goal."""
    found = []
    if model.kind in ("recommendation", "success_factor"):
        found.append("advice")
    elif model.where.scope == "part_of_region":
        found.append("unnamed")
    if start is None:
        found.append("no_start")
    if not fits:
        found.append("no_outcome")
    person = any(f.counts_as_success for f in fits)
    if model.where.scope == "nation" and fits and not person:
        found.append("no_comparison")
    return found


def _decide(
    model: Model, start: tuple[int, int] | None, fits: tuple[OutcomeFit, ...]
) -> tuple[Verdict, list[str], OutcomeFit | None, str]:
    """Return verdict, obstacles, the outcome it rests on, and the design: the rules in order."""
    obstacles = _obstacles(model, start, fits)
    if obstacles:
        return "not evaluable", obstacles, None, ""
    person = next((f for f in fits if f.counts_as_success), None)
    if model.where.scope == "nation":
        return "with person records", ["everywhere"], person, "arrival_date"
    if model.for_a_group:
        if person is None:
            return "not evaluable", ["group", "no_person_outcome"], None, ""
        return "with person records", ["group"], person, "participants"
    region = model.where.scope == "region"
    shipped = [f for f in fits if f.ships and f.carries and not region]
    if shipped:
        ships = max(shipped, key=lambda f: f.years_before or 0)
        enough = (ships.years_before or 0) >= ENOUGH_PRE_YEARS
        alone = len(model.where.codes) == 1
        return "now", [], ships, "synthetic_control" if alone and enough else "permutation"
    live = next((f for f in fits if not f.ships and f.carries), None)
    if live:
        return "with live data", ["not_shipped"], live, "counties" if region else "permutation"
    if person:
        return "with person records", ["too_early"], person, "registers"
    return "not evaluable", ["too_early", "no_person_outcome"], None, ""


def _checks(n_treated: int, start_from: str, fit: OutcomeFit) -> tuple[Check, ...]:
    """Return what the grade of a design rests on, before any data are seen."""
    before = fit.years_before
    years = (
        ("okänt antal år före starten", "unknown number of years before the start")
        if before is None
        else (f"{before} år före starten", f"{before} year(s) before the start")
    )
    stated = start_from == "stated"
    return (
        Check(
            "few_treated",
            n_treated >= ENOUGH_UNITS,
            f"Behandlade enheter: {n_treated} (minst {ENOUGH_UNITS} behövs).",
            f"Treated units: {n_treated} (at least {ENOUGH_UNITS} are needed).",
            float(n_treated),
            float(ENOUGH_UNITS),
        ),
        Check(
            "pre_period",
            None if before is None else before >= ENOUGH_PRE_YEARS,
            f"Förperiod: {years[0]} (minst {ENOUGH_PRE_YEARS} behövs).",
            f"Pre-period: {years[1]} (at least {ENOUGH_PRE_YEARS} are needed).",
            None if before is None else float(before),
            float(ENOUGH_PRE_YEARS),
        ),
        Check(
            "years_stated",
            stated,
            "Dokumentet anger starten." if stated else f"Starten antas av planen {ASSUMPTIONS}.",
            "The document states the start."
            if stated
            else f"The start is assumed by the plan {ASSUMPTIONS}.",
        ),
    )


@cache
def _smallest(outcome: str, year: int, codes: tuple[str, ...]) -> SmallestEffect:
    """Simulate the design once for each outcome, first year and set of treated municipalities.

    Municipalities named as active on any evidence stand in for nobody and are compared with
    nobody, so that the panel's variation is that of municipalities not known to be active.
    """
    counts = classify(EVERY_STRENGTH)
    active = set(counts.active) | set(counts.uncertain)
    panel = embedded_panel(outcome)
    kept = panel.select([u for u in panel.units if u in codes or u not in active])
    found = power(
        kept,
        treated_units=codes,
        cohort_year=year,
        size=embedded.municipalities()["population_2017"].reindex(kept.units),
        donors=min(DONORS, len(kept.units) // len(codes) - 1),
        draws=DRAWS,
        seed=SEED,
    )
    return SmallestEffect(
        outcome,
        found.detectable,
        found.effects[-1],
        found.target,
        found.alpha,
        year,
        found.n_treated_units,
        found.n_units,
        DRAWS,
        SEED,
        found.inference,
        found.data_hash,
    )


def _neighbours(model: Model) -> tuple[str, ...]:
    here = set(model.where.codes)
    return tuple(
        m.id
        for m in catalogue().values()
        if m.id != model.id and here & set(m.where.codes) and _start(m)[0] is not None
    )


def assess(model: Model | str) -> Evaluability:
    """Assess whether a model can be evaluated.

    The rules, in order. **not evaluable**: it is advice that nobody is known to follow from a
    date; or municipalities take part that are not named; or no date of its start is stated,
    nor assumed by the plan that ships; or no outcome of the registry measures its goal; or it
    began everywhere at once and the outcome is no person's. **with person records**: it began
    everywhere at once (people are compared by date of arrival); or it is for a group, which
    drowns among all newly arrived; or the series begins after it did. **now**: an outcome that
    fits the goal ships, with a year before and a year after the start. **with live data**: such
    an outcome is in the registry and must be fetched.

    Parameters
    ----------
    model : Model or str
        A row of the catalogue, or its key.

    Returns
    -------
    Evaluability
        Verdict with its reason; for ``now`` the smallest effect that the design could find.

    Raises
    ------
    InputError
        If there is no such model.

    Examples
    --------
    >>> assess("vg_factor_1").verdict, assess("vellinge_upprop").verdict
    ('not evaluable', 'with live data')
    """
    if isinstance(model, str):
        if model not in catalogue():
            raise InputError(f"there is no model {model!r}; `evaluation models list` shows all")
        model = catalogue()[model]
    start, start_from = _start(model)
    fits = tuple(_fit(k, direct, start, model) for k, direct in model.reads.outcomes)
    verdict, obstacles, chosen, design = _decide(model, start, fits)
    n_treated = len(model.where.codes)
    if model.where.scope == "region" and model.kind not in ("recommendation", "success_factor"):
        n_treated += len(model.where.regions)
    checks: tuple[Check, ...] = ()
    graded = ("", "", "")
    smallest = None
    if chosen and verdict in ("now", "with live data"):
        checks = _checks(n_treated, start_from, chosen)
        graded = grade(checks)
    if chosen and verdict == "now":
        assert chosen.first_year is not None
        smallest = _smallest(chosen.outcome, chosen.first_year, model.where.codes)
    keys = obstacles or (["now"] if chosen and chosen.direct else ["now", "indirect"])
    why = {
        lang: " ".join(say(k, lang, model, chosen.outcome if chosen else "") for k in keys)
        for lang in ("sv", "en")
    }
    return Evaluability(
        model=model,
        verdict=verdict,
        obstacles=tuple(obstacles),
        reason_sv=why["sv"],
        reason_en=why["en"],
        start=start,
        start_from=start_from,
        n_treated=n_treated,
        exposed=tuple(r.text for r in model.results if r.role == "exposed"),
        outcomes=fits,
        chosen=chosen,
        design=design,
        grade=graded[0],
        grade_reason_sv=graded[1],
        grade_reason_en=graded[2],
        checks=checks,
        shares_place_with=_neighbours(model),
        smallest=smallest,
    )


def assess_catalogue(progress: Callable[[str], None] = lambda _: None) -> CatalogueAssessment:
    """Assess every model of the documents.

    Parameters
    ----------
    progress : callable
        Called with each model's key as it begins.

    Returns
    -------
    CatalogueAssessment
        One row per model.

    Examples
    --------
    >>> len(assess_catalogue().rows)
    68
    """
    rows = []
    for name, model in catalogue().items():
        progress(name)
        rows.append(assess(model))
    return CatalogueAssessment(tuple(rows), embedded.DATA_SETS["models"].sha256)
