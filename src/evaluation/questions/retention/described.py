"""Staying described: the shares still there as a finding, which claims no effect."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from evaluation.estimation.survival.curves import Curves
from evaluation.language import Lang, interval, level, listed, number, p_value, per_cent
from evaluation.results import Check, Estimate, Finding

__all__ = [
    "described",
    "description",
    "group_name",
    "kind_name",
    "ratio_words",
    "staying_sentence",
]

_GROUPS = {
    (): {"all": ("samtliga", "everybody")},
    ("exposed",): {
        "0": ("övriga", "the others"),
        "1": ("mottagna av en aktiv kommun", "received by an active kommun"),
    },
    ("sex",): {"K": ("kvinnor", "women"), "M": ("män", "men")},
    ("stance",): {
        "active": ("aktiva kommuner", "active municipalities"),
        "not known to be active": ("ej kända som aktiva", "not known to be active"),
    },
}


def group_name(by: tuple[str, ...], group: str, lang: Lang) -> str:
    """Return a group's name in words.

    Examples
    --------
    >>> group_name(("sex",), "K", "sv"), group_name(("cohort",), "2015", "en")
    ('kvinnor', '2015')
    """
    return _GROUPS.get(by, {}).get(group, (group, group))[lang == "en"]


_KINDS = {
    "within_county": ("inom länet", "within the county"),
    "metropolitan": ("till storstad", "to a metropolis"),
    "elsewhere": ("till annan kommun", "to another kommun"),
    "abroad": ("utomlands", "abroad"),
    "death": ("avlidna", "died"),
}


def kind_name(kind: str, lang: Lang) -> str:
    """Return where people went in words; kinds that a release joined are joined by «or».

    Examples
    --------
    >>> kind_name("abroad_or_death", "sv"), kind_name("2014", "sv")
    ('utomlands eller avlidna', '2014')
    """
    parts = kind.split("_or_")
    if not all(p in _KINDS for p in parts):
        return kind
    return f" {'eller' if lang == 'sv' else 'or'} ".join(_KINDS[p][lang == "en"] for p in parts)


def staying_sentence(curves: Curves, horizon: int, lang: Lang) -> str:
    """Say in one sentence who is still there at the horizon.

    Parameters
    ----------
    curves : Curves
        Of staying, as published.
    horizon : int
        Months.
    lang : {"sv", "en"}
        Language.
    """
    rows = curves.table[curves.table["month"] == horizon]
    parts = [
        f"{group_name(curves.by, str(r['group']), lang)} "
        f"{per_cent(r['estimate'], lang, 1)} "
        f"({number(100 * r['conf_low'], lang, 1)}–{number(100 * r['conf_high'], lang, 1)})"
        for _, r in rows.iterrows()
    ]
    secret = "visas inte (små tal)" if lang == "sv" else "not shown (small numbers)"
    seen = set(rows["group"])
    parts += [f"{group_name(curves.by, g, lang)} {secret}" for g in curves.groups if g not in seen]
    if lang == "sv":
        return f"Kvar i kommunen efter {horizon} månader: {listed(parts, 'sv')}."
    return f"Still in the kommun after {horizon} months: {listed(parts, 'en')}."


def ratio_words(
    ratio: tuple[float, float, float], clustered: tuple[float, float], e: Estimate, lang: Lang
) -> str:
    """Write a hazard ratio with interval and p-value by permutation, and the clustered interval.

    Parameters
    ----------
    ratio : tuple of float
        The ratio and the ends of its interval by permutation.
    clustered : tuple of float
        The ends of the clustered interval.
    e : Estimate
        The log hazard ratio, for its level and p-value.
    lang : {"sv", "en"}
        Language.

    Examples
    --------
    >>> e = Estimate(term="att", estimate=-0.2, conf_int=(-0.4, 0.1), method="cloglog",
    ...              inference="permutation", estimand="log hazard ratio", n_obs=9,
    ...              n_units=9, n_treated_units=2, n_clusters=9, p_value=0.2)
    >>> ratio_words((0.82, 0.67, 1.11), (0.76, 0.89), e, "en").replace("\u00a0", " ")
    '0.82 (95 % interval 0.67 to 1.11 and p = 0.200, by permutation; clustered interval 0.76 to \
0.89, too short where few are active)'
    """
    sv, (point, low, high) = lang == "sv", ratio
    shown, ends, beside = (
        level(1 - e.alpha, lang),
        interval(low, high, lang),
        interval(*clustered, lang),
    )
    p = p_value(1.0 if e.p_value is None else e.p_value, lang)
    no_low, no_high = low <= 0, math.isinf(high)
    if sv:
        gone = " eller ".join(w for w, no in (("nedre", no_low), ("övre", no_high)) if no)
        without = f"; permutationen ger ingen {gone} gräns" if gone else ""
        return (
            f"{number(point, lang)} ({shown} intervall {ends} och {p}, genom permutation{without}; "
            f"klustrat intervall {beside}, för kort när få är aktiva)"
        )
    gone = " or ".join(w for w, no in (("lower", no_low), ("upper", no_high)) if no)
    without = f"; the permutation sets no {gone} bound" if gone else ""
    return (
        f"{number(point, lang)} ({shown} interval {ends} and {p}, by permutation{without}; "
        f"clustered interval {beside}, too short where few are active)"
    )


def description(
    estimates: Mapping[str, Estimate], checks: Sequence[Check], sv: str, en: str
) -> Finding:
    """Return shares as a finding, graded as what it is: no evidence of an effect.

    Parameters
    ----------
    estimates : mapping of str to Estimate
        The shares.
    checks : sequence of Check
        What was asked of them.
    sv, en : str
        The sentence.
    """
    return Finding(
        "retention",
        estimates,
        tuple(checks),
        sv,
        en,
        "very weak",
        "Bara beskrivning: skillnaden mellan grupper jämförs inte med vad den hade varit utan "
        "aktivitet.",
        "Description only: the difference between groups is not compared with what it would have "
        "been without activity.",
    )


def described(curves: Curves, horizon: int) -> Finding:
    """Return the shares still there at the horizon as a finding.

    Parameters
    ----------
    curves : Curves
        Of staying, as published.
    horizon : int
        Months.

    Returns
    -------
    Finding
        One estimate per group that is shown so far, in per cent.
    """
    persons = dict(zip(curves.groups, curves.persons, strict=True))
    shown = {}
    for _, r in curves.table[curves.table["month"] == horizon].iterrows():
        n = persons[r["group"]] or 0
        shown[str(r["group"])] = Estimate(
            term="share still there",
            estimate=100 * float(r["estimate"]),
            conf_int=(100 * float(r["conf_low"]), 100 * float(r["conf_high"])),
            method=curves.method,
            inference=curves.inference,
            estimand=f"share still in the kommun after {horizon} months, per cent",
            std_error=100 * float(r["std_error"]),
            n_obs=n,
            n_units=n,
            n_treated_units=0,
            n_clusters=n,
            alpha=curves.alpha,
            data_hash=curves.data_hash,
            notes=("persons are taken as independent", *curves.notes),
        )
    of = len(curves.groups)
    check = Check(
        "groups_shown",
        len(shown) == of,
        f"{len(shown)} av {of} grupper visas fram till {horizon} månader.",
        f"{len(shown)} of {of} groups are shown up to {horizon} months.",
        float(len(shown)),
        float(of),
    )
    sv, en = (staying_sentence(curves, horizon, lang) for lang in ("sv", "en"))
    return description(shown, (check,), sv, en)
