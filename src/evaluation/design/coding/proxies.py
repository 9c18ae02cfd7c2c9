"""Indicators that bear on stance, taken as one more coder: with a reliability, never as truth."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Final

import numpy as np
import pandas as pd

from evaluation.data.observations import OBSERVED, Sex, observations
from evaluation.data.places import NATION, codes
from evaluation.data.wilson import wilson_interval
from evaluation.design.coding.resampling import Statistic, ordinal_alpha
from evaluation.design.coding.sheet import CodingSheet, coding_sheet
from evaluation.design.coding.vocabulary import (
    EVIDENCE,
    ORDERED_STANCES,
    STANCES,
    UNCLEAR,
    rank,
    suggestion,
)
from evaluation.design.stance import ACTIVE
from evaluation.errors import InputError
from evaluation.language import number, per_cent
from evaluation.results import Check

__all__ = ["SAME_DEPARTMENT", "ProxyReliability", "ProxyRule", "proxy_reliability", "proxy_sheet"]

_WAITS = ORDERED_STANCES[0]
_NOT_CODED = "not coded"
_GROUPS = ("active", "not active", UNCLEAR, _NOT_CODED)


@dataclass(frozen=True)
class ProxyRule:
    """Which stance an indicator's value is taken for.

    Parameters
    ----------
    indicator : str
        Such as U40829.
    threshold : float
        In the indicator's unit.
    at_or_above, below : str
        Stance of a value on either side. ``waits_two_years`` is refused: no indicator says of a
        named municipality that it waits.
    evidence : {"none", "weak", "indirect", "strong", "explicit"}
        What it is worth.

    Raises
    ------
    InputError
        If a stance or the evidence is none of the sheet's words, the stances are the same, or
        one of them is that the municipality waits.
    """

    indicator: str
    threshold: float
    at_or_above: str
    below: str
    evidence: str = "weak"

    def __post_init__(self) -> None:
        for name in ("at_or_above", "below"):
            stance = getattr(self, name)
            if stance not in STANCES:
                raise InputError(suggestion(stance, STANCES), field=name)
            if stance == _WAITS:
                problem = "an indicator cannot say of a named municipality that it waits"
                raise InputError(f"{problem}; take {UNCLEAR!r}", field=name)
        if self.at_or_above == self.below:
            raise InputError("is the same stance on both sides of the threshold", field="below")
        if self.evidence not in EVIDENCE:
            raise InputError(suggestion(self.evidence, EVIDENCE), field="evidence")
        if not np.isfinite(self.threshold):
            raise InputError(f"{self.threshold} is not a finite number", field="threshold")

    @property
    def coder(self) -> str:
        """Name of the coder that it becomes."""
        return f"proxy {self.indicator}"

    def stance(self, value: float) -> str:
        """Return the stance that a value is taken for."""
        return self.at_or_above if value >= self.threshold else self.below


SAME_DEPARTMENT: Final = ProxyRule("U40829", 1.0, "active_during_establishment", UNCLEAR)
"""Reception and labour market measures in one department (asked until 2023): where the work lies,
not when it begins. Yes is taken for work during the establishment; no says nothing."""


def _values(frame: pd.DataFrame, rule: ProxyRule, sex: Sex) -> pd.DataFrame:
    """Return the municipalities' observed values of the rule's indicator, by code and year."""
    table = observations(frame)
    there = table[(table["indicator"] == rule.indicator) & (table["sex"] == sex)]
    there = there[(there["state"] == OBSERVED) & (there["code"] != NATION)]
    if there.empty:
        have = ", ".join(sorted(table["indicator"].unique())) or "nothing"
        raise InputError(
            f"there is no observed value of {rule.indicator}, sex {sex}; the observations hold "
            f"{have}",
            field="indicator",
        )
    twice = there.duplicated(["code", "year"])
    if twice.any():
        row = there[twice].iloc[0]
        raise InputError(f"{rule.indicator} {row['code']} {row['year']} stands twice", field="code")
    return there[["code", "year", "value"]]


def proxy_sheet(frame: pd.DataFrame, rule: ProxyRule, *, sex: Sex = "T") -> CodingSheet:
    """Read an indicator as a coder: following years with the same stance are one period.

    Parameters
    ----------
    frame : pandas.DataFrame
        Observations (``indicator``, ``code``, ``year``, ``sex``, ``value``, ``state``).
        Suppressed and missing values give no period.
    rule : ProxyRule
        Which value is taken for which stance.
    sex : {"T", "K", "M"}
        Which rows.

    Returns
    -------
    CodingSheet
        One coder, ``proxy`` and the indicator. A period ends with the last year that has a
        value: the indicator says nothing after it.

    Raises
    ------
    InputError
        If there is no observed value of the indicator, one stands twice, or a code is none.

    Examples
    --------
    >>> rows = {"indicator": "U40829", "code": "1264", "year": [2015, 2016, 2017], "sex": "T",
    ...         "value": [0.0, 1.0, 1.0], "state": "observed"}
    >>> proxy_sheet(pd.DataFrame(rows), SAME_DEPARTMENT).tidy()[
    ...     ["stance", "began", "ended"]].values.tolist()
    [['unclear', '2015', '2015'], ['active_during_establishment', '2016', '2017']]
    """
    values = _values(frame, rule, sex)
    stance = values["value"].map(rule.stance)
    new = (
        (values["code"] != values["code"].shift())
        | (values["year"] != values["year"].shift() + 1)
        | (stance != stance.shift())
    )
    spells = values.assign(stance=stance).groupby(new.cumsum())
    rows = spells.agg(
        code=("code", "first"), stance=("stance", "first"), began=("year", "min"),
        ended=("year", "max"),
    )  # fmt: skip
    rows[["began", "ended"]] = rows[["began", "ended"]].astype("str")
    said = f"{rule.at_or_above} from {rule.threshold:g} on, else {rule.below}"
    return coding_sheet(
        rows.assign(coder=rule.coder, evidence=rule.evidence, source=rule.indicator, note=said)
    )


@dataclass(frozen=True, repr=False)
class ProxyReliability:
    """How an indicator and a coded stance go together in one year.

    Parameters
    ----------
    rule : ProxyRule
        Which value is taken for which stance.
    coder : str
        Whose coding it is compared with.
    year : int
        The year.
    groups : pandas.DataFrame
        By coded group (``active``, ``not active``, ``unclear``, ``not coded``): municipalities
        with a value ``n``, those at or above the threshold ``yes``, ``share`` in per cent with
        Wilson's ``conf_low`` and ``conf_high``, and municipalities without a value
        ``no_value``. Share and interval are missing where n is 0.
    krippendorff : Statistic, optional
        Alpha of proxy and coded stance; None where no municipality has both in the order.
    check : Check
        Whether the coded active are above the threshold more often than all others.
    draws, seed, alpha : int, int, float
        Of the intervals.
    """

    rule: ProxyRule
    coder: str
    year: int
    groups: pd.DataFrame = field(repr=False)
    krippendorff: Statistic | None
    check: Check
    draws: int
    seed: int
    alpha: float

    def tidy(self) -> pd.DataFrame:
        """Return one row per coded group."""
        return self.groups

    def to_dict(self) -> dict[str, Any]:
        """Return plain types for JSON."""
        table = self.groups
        return {
            "rule": asdict(self.rule),
            "coder": self.coder,
            "year": self.year,
            "groups": table.astype(object).where(table.notna(), None).to_dict("records"),
            "krippendorff": self.krippendorff and asdict(self.krippendorff),
            "check": self.check.to_dict(),
            "draws": self.draws,
            "seed": self.seed,
            "alpha": self.alpha,
        }

    def __repr__(self) -> str:
        return f"<ProxyReliability of {self.rule.indicator} against {self.coder}, {self.year}>"

    def _repr_html_(self) -> str:
        return self.groups.to_html(
            index=False, float_format=lambda v: f"{v:.1f}", na_rep="–", border=0
        )


def proxy_reliability(
    frame: pd.DataFrame,
    rule: ProxyRule,
    coded: CodingSheet,
    *,
    year: int | None = None,
    sex: Sex = "T",
    draws: int = 9999,
    seed: int = 1,
    alpha: float = 0.05,
) -> ProxyReliability:
    """Compare an indicator with a coded stance, municipality by municipality, in one year.

    One year, because the same municipality's years are not independent answers. The coding that
    holds at the year's end counts. Neither side is taken for the truth.

    Parameters
    ----------
    frame : pandas.DataFrame
        Observations.
    rule : ProxyRule
        Which value is taken for which stance.
    coded : CodingSheet
        One coder's, or settled ones: ``adjudicate(sheet).as_sheet()``.
    year : int, optional
        The last with an observed value, if none is given.
    sex : {"T", "K", "M"}
        Which rows.
    draws, seed : int
        Of the bootstrap behind alpha's interval.
    alpha : float
        One minus the level of the intervals.

    Returns
    -------
    ProxyReliability
        Shares by coded group, and Krippendorff's alpha.

    Raises
    ------
    InputError
        If the sheet has not exactly one coder, or the indicator no value in that year.
    """
    if len(coded.coders) != 1:
        raise InputError(
            f"a proxy is compared with one coding; there are {len(coded.coders)} coders: take "
            "adjudicate(sheet).as_sheet()",
            field="coder",
        )
    values = _values(frame, rule, sex)
    when = int(values["year"].max()) if year is None else year
    here = values[values["year"] == when].set_index("code")["value"]
    if here.empty:
        span = f"{values['year'].min()}–{values['year'].max()}"
        raise InputError(
            f"{rule.indicator} has no observed value in {when}; there are {span}", field="year"
        )
    december = 12 * when + 11
    rows = coded.codings
    rows = rows[(rows["first"] <= december) & (rows["last"] >= december)]
    said = rows.set_index("code")["stance"]
    group = pd.Series(_NOT_CODED, index=sorted({*codes(), *here.index}))
    group[said.index] = said.map(_group)
    counted = _groups(group, here, rule.threshold, alpha)
    both = [c for c in said.index if c in here.index]
    pairs = [(rank(said[c]), rank(rule.stance(here[c]))) for c in both]
    counts = np.zeros((len(both), len(ORDERED_STANCES)))
    for i, pair in enumerate(pairs):
        for place in pair:
            if place is not None:
                counts[i, place] += 1
    found = (
        ordinal_alpha(
            counts, both, coders=(coded.coders[0], rule.coder), draws=draws, seed=seed, alpha=alpha
        )
        if (counts.sum(axis=1) > 1).any()
        else None
    )
    check = _check(group, here, rule, when, alpha)
    return ProxyReliability(rule, coded.coders[0], when, counted, found, check, draws, seed, alpha)


def _group(stance: str) -> str:
    return "active" if stance in ACTIVE else UNCLEAR if stance == UNCLEAR else "not active"


def _groups(group: pd.Series, here: pd.Series, threshold: float, alpha: float) -> pd.DataFrame:
    """Count the municipalities above the threshold, by what they are coded as."""
    rows = []
    for name in _GROUPS:
        members = group.index[group == name]
        known = here[here.index.isin(members)]
        n, yes = len(known), int((known >= threshold).sum())
        low, high = _wilson(yes, n, alpha)
        share = 100 * yes / n if n else np.nan
        rows.append([name, n, yes, share, low, high, len(members) - n])
    columns = ["group", "n", "yes", "share", "conf_low", "conf_high", "no_value"]
    return pd.DataFrame(rows, columns=columns)


def _wilson(yes: int, n: int, alpha: float) -> tuple[float, float]:
    """Return the bounds in per cent; NaN where there is nobody."""
    if not n:
        return np.nan, np.nan
    low, high = wilson_interval([100 * yes / n], [n], alpha=alpha)
    return float(low[0]), float(high[0])


def _check(group: pd.Series, here: pd.Series, rule: ProxyRule, year: int, alpha: float) -> Check:
    """Say whether the coded active stand out, beyond both groups' uncertainty."""
    name = "proxy_goes_with_stance"
    active = here.index.isin(group.index[group == "active"])
    yes = here >= rule.threshold
    (k, n), (k0, n0) = ((int(yes[m].sum()), int(m.sum())) for m in (active, ~active))
    if not n or not n0:
        sv = f"{rule.indicator} {year} kan inte jämföras: {n} kodade som aktiva, {n0} andra."
        en = f"{rule.indicator} {year} cannot be compared: {n} coded as active, {n0} others."
        return Check(name, None, sv, en)
    low, high = _wilson(k, n, alpha)[0], _wilson(k0, n0, alpha)[1]
    passed = low > high
    sv_, en_ = ("går ihop", "go together") if passed else (
        "går inte påvisbart ihop", "do not demonstrably go together"
    )  # fmt: skip
    limit_sv, limit_en = (number(rule.threshold, "sv", 1), number(rule.threshold, "en", 1))
    sv = (
        f"{rule.indicator} {year}, minst {limit_sv}: {k} av {n} kodade som aktiva "
        f"({per_cent(k / n, 'sv')}) och {k0} av {n0} andra ({per_cent(k0 / n0, 'sv')}); måttet "
        f"och den kodade hållningen {sv_}."
    )
    en = (
        f"{rule.indicator} {year}, at least {limit_en}: {k} of {n} coded as active "
        f"({per_cent(k / n, 'en')}) and {k0} of {n0} others ({per_cent(k0 / n0, 'en')}); the "
        f"indicator and the coded stance {en_}."
    )
    return Check(name, passed, sv, en, low, high)
