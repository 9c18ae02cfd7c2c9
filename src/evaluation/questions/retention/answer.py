"""The question of retention put to life tables."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from evaluation.data.disclosure import Rules
from evaluation.errors import InputError
from evaluation.estimation.few_treated.auto import ENOUGH_UNITS
from evaluation.estimation.survival.cox import cox
from evaluation.estimation.survival.discrete_hazard import discrete_hazard
from evaluation.estimation.survival.group_tests import GroupTest
from evaluation.estimation.survival.hazard_model import HazardModel
from evaluation.estimation.survival.life_table import LifeTable, key_names
from evaluation.estimation.survival.released import ReleasedLifeTable, release_life_table
from evaluation.estimation.survival.released_tests import released_gray, released_logrank
from evaluation.language import Lang, interval, level, number, p_value
from evaluation.questions.grading import grade
from evaluation.questions.retention.described import described, group_name, ratio_words
from evaluation.questions.retention.effect import retention_effect
from evaluation.questions.retention.reading import RetentionInput
from evaluation.questions.retention.result import Retention
from evaluation.questions.retention.shown import (
    FEWEST_COMPARED,
    ShownEffect,
    few_leavers,
    few_persons,
    none_or_all_leave,
    show_effect,
    show_model,
)
from evaluation.results import Check, Finding

__all__ = ["retention"]


def _checks(effect: ShownEffect) -> tuple[Check, ...]:
    r = effect.share
    treated, others = r.n_treated_units, r.n_units - r.n_treated_units
    few = Check(
        "few_treated",
        min(treated, others) >= ENOUGH_UNITS,
        f"{treated} aktiva kommuner mot {others} som inte är kända som aktiva.",
        f"{treated} active municipalities against {others} not known to be active.",
        float(min(treated, others)),
        float(ENOUGH_UNITS),
    )
    out, of = effect.n_out, effect.n_out + effect.n_panel
    cells = Check(
        "cohorts_complete",
        out == 0,
        f"{out} av {of} kommuner har inga eller för få mottagna något år och ingår inte i "
        "jämförelsen av andelar.",
        f"{out} of {of} municipalities received nobody or too few in some year and are not in "
        "the comparison of shares.",
        float(out),
        0.0,
    )
    hazard = effect.hazard
    # more staying is a positive share and a negative log hazard ratio
    agree = r.estimate * hazard.estimate <= 0
    ratio = effect.ratio[0]
    scales = Check(
        "scales_agree",
        agree,
        f"Andelen ändras med {number(r.estimate, 'sv', 1, sign=True)} procentenheter och "
        f"flyttningstakten med faktorn {number(ratio, 'sv')}: "
        f"{'samma' if agree else 'olika'} riktning.",
        f"The share changes by {number(r.estimate, 'en', 1, sign=True)} percentage points and the "
        f"rate of leaving by a factor of {number(ratio, 'en')}: "
        f"{'the same' if agree else 'different'} direction.",
        ratio,
        1.0,
    )
    return (few, cells, scales, *effect.checks)


def _finding(effect: ShownEffect) -> Finding:
    r, h = effect.share, effect.hazard
    p_perm = effect.permutation.p_value or 0.0

    def said(lang: Lang) -> tuple[str, str, str, str, str]:
        return (
            number(r.estimate, lang, 1, sign=True),
            level(1 - r.alpha, lang),
            interval(*r.conf_int, lang, 1),
            p_value(p_perm, lang),
            ratio_words(effect.ratio, effect.clustered_ratio, h, lang),
        )

    one = r.n_treated_units == 1
    a, b, c, d, e = said("sv")
    sv = (
        f"Jämfört med kommuner som inte är kända som aktiva ändrades andelen kvar efter "
        f"{effect.horizon} månader med {a} procentenheter ({b} intervall {c}; permutation {d}) "
        f"i {'den aktiva' if one else f'de {r.n_treated_units} aktiva'}; takten att flytta "
        f"ändrades med faktorn {e}."
    )
    a, b, c, d, e = said("en")
    en = (
        f"Compared with municipalities not known to be active, the share still there after "
        f"{effect.horizon} months changed by {a} percentage points ({b} interval {c}; permutation "
        f"{d}) in the {'active one' if one else f'{r.n_treated_units} active ones'}; the rate of "
        f"leaving changed by a factor of {e}."
    )
    checks = _checks(effect)
    which, because_sv, because_en = grade(checks, by_rule=True)
    estimates = {
        "retention_pp": r,
        "retention_pp_permutation": effect.permutation,
        "log_hazard_ratio": h,
        "log_hazard_ratio_clustered": effect.hazard_clustered,
    }
    return Finding("retention", estimates, checks, sv, en, which, because_sv, because_en)


def retention(
    data: RetentionInput,
    *,
    by: Sequence[str] = (),
    horizon: int = 36,
    step: int | None = None,
    rules: Rules | None = None,
    draws: int = 999,
    seed: int = 1,
    alpha: float = 0.05,
) -> Retention:
    """Answer the question of retention with what may leave person records.

    Simulated records go through the same control as real ones.

    Parameters
    ----------
    data : RetentionInput
        Life table, and who is active.
    by : sequence of str
        Keys whose groups are compared, for example ``sex``, ``exposed``, ``stance``.
    horizon : int
        Months.
    step : int, optional
        Months of a step of the released life table; without it the finest of 1, 3, 6 and 12 in
        which no count is small.
    rules : Rules, optional
        Thresholds of disclosure control; counts of 1 to 4 are hidden without them.
    draws, seed : int
        Of the permutations.
    alpha : float
        One minus the level.

    Returns
    -------
    Retention
        Curves, tests and models by group, and the effect where it is known who is active.

    Raises
    ------
    InputError
        If a key is not there or has one group only, nobody was followed to the horizon, the life
        table cannot be protected, or as for what is called.
    """
    table, rules = data.table, Rules() if rules is None else rules
    # a key given twice divides no further
    by = tuple(dict.fromkeys(key_names(by)))
    _check_keys(data, by)
    if not 1 <= horizon <= table.months:
        ends = "".join(f" ({n})" for n in data.notes if "--until" in n)
        raise InputError(
            f"{horizon} months; the data have 1 to {table.months}{ends}", field="horizon"
        )
    life = release_life_table(table, by, horizon=horizon, width=step, rules=rules)
    curves = life.staying(alpha)
    tests, about_tests = _tests(life)
    models, about_models = _models(table, horizon, alpha, life, rules)
    effect, about = _effect(data, horizon, rules, draws, seed, alpha, life.hash)
    notes = (
        *data.notes,
        *about_tests,
        *about_models,
        *_hidden(life, curves.table),
        *about,
        *(effect.notes if effect is not None else ()),
        "curves and group tests take persons as independent; the models' errors are clustered by "
        "municipality",
    )
    finding = described(curves, horizon) if effect is None else _finding(effect)
    return Retention(
        life=life,
        curves=curves,
        incidence=life.leaving(alpha),
        means=life.mean(alpha),
        tests=tests,
        models=models,
        effect=effect,
        finding=finding,
        horizon=horizon,
        source=data.source,
        simulated=data.simulated,
        notes=notes,
    )


def _check_keys(data: RetentionInput, by: Sequence[str]) -> None:
    """Refuse keys that are not there; who is active is known from another file."""
    missing = next((k for k in by if k not in data.table.keys), None)
    if missing in ("exposed", "stance"):
        if data.start is None:
            problem = (
                "is no key of the life table, because nothing says who is active; give --stance "
                "FILE (code and start), or a life table of «evaluation cohorts --adoption FILE»"
            )
        else:
            problem = (
                "is no key of the life table, which was made without --adoption; make it again "
                "with «evaluation cohorts --adoption FILE», or compare by stance"
            )
        raise InputError(problem, file=data.source, field=missing)
    data.table.need(*by)


def _hidden(life: ReleasedLifeTable, curves: pd.DataFrame) -> list[str]:
    """Name the groups whose curve ends early, as anyone can see from the released table."""
    ends = {g: int((curves["group"] == g).sum()) * life.width for g in life.groups}
    return [
        f"{g}: hidden from month {end + 1} on, being small or telling of what is small"
        for g, end in ends.items()
        if end < life.horizon
    ]


def _tests(life: ReleasedLifeTable) -> tuple[tuple[GroupTest, ...], tuple[str, ...]]:
    """Test from the released steps, where every count that the test is about is published."""
    if not life.by:
        return (), ()
    if len(life.groups) < 2:
        only = life.groups[0]
        name = group_name(life.by, only, "en")
        told = f" ({name})" if name != only else ""
        raise InputError(f"the only group is {only}{told}; a test needs two", field=life.by[0])
    if not life.whole:
        return (), ("no tests and no models: numbers of the groups they compare are hidden",)
    if life.total("left") == 0:
        return (), ("no tests and no models: nobody leaves, so there is nothing to compare",)
    tests, notes = [released_logrank(life)], []
    for kind in life.kinds:
        events = life.total(kind)
        if events is None:
            notes.append(f"no test of {kind}: numbers that it rests on are hidden")
        elif events > 0:
            tests.append(released_gray(life, kind))
    return tuple(tests), tuple(notes)


def _models(
    table: LifeTable, horizon: int, alpha: float, life: ReleasedLifeTable, rules: Rules
) -> tuple[tuple[HazardModel, ...], tuple[str, ...]]:
    """Fit by month and municipality, and show few digits where there are enough of both."""
    by = life.by
    if not by or not life.whole or "municipality" not in table.keys or "municipality" in by:
        return (), ()
    if life.total("left") == 0:
        return (), ()
    reason = few_leavers(life, table.groups["municipality"].nunique(), rules)
    if reason:
        return (), (reason,)
    within = [k for k in ("cohort",) if k in table.keys and k not in by]
    fits = (
        discrete_hazard(table, by, effects=within, until=horizon, alpha=alpha),
        cox(table, by, strata=within, until=horizon, alpha=alpha),
    )
    return tuple(show_model(m, life) for m in fits), ()


def _effect(
    data: RetentionInput,
    horizon: int,
    rules: Rules,
    draws: int,
    seed: int,
    alpha: float,
    data_hash: str,
) -> tuple[ShownEffect | None, tuple[str, ...]]:
    first = data.first_year
    if first is None:
        return None, ()
    if few_persons(data.table, first, rules):
        return None, (
            f"no effect: the active municipalities received fewer than {rules.small_group_of} "
            "persons before or since",
        )
    if none_or_all_leave(data.table, first, horizon):
        return None, (
            "no effect: of those received by an active municipality, or of the others, nobody or "
            "everybody leaves, so no model can be fitted",
        )
    found = retention_effect(
        data.table,
        first,
        horizon=horizon,
        anticipation=data.anticipation,
        smallest=rules.k,
        draws=draws,
        seed=seed,
        alpha=alpha,
    )
    n = len(found.panel.units)
    if n < FEWEST_COMPARED:
        return None, (
            f"no effect: {n} municipalities have cohorts that can be used in every year, fewer "
            f"than {FEWEST_COMPARED}; what is printed of so few could be traced to one of them",
        )
    return show_effect(found, data_hash), ()
