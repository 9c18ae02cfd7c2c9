"""How far two or more coders agree, and what they have to settle."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from itertools import combinations
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from evaluation.design.coding.disagreements import coded_by, disagreements
from evaluation.design.coding.measures import (
    cohen_kappa,
    fleiss_kappa,
    krippendorff_alpha,
    pair_agreement,
    pair_tables,
    value_counts,
)
from evaluation.design.coding.resampling import (
    BOOTSTRAP,
    Measure,
    Statistic,
    resamplings,
    statistic,
)
from evaluation.design.coding.sheet import CodingSheet
from evaluation.design.coding.units import Unit, coded_units, rank_matrix
from evaluation.design.coding.vocabulary import ORDERED_STANCES, UNCLEAR
from evaluation.errors import InputError
from evaluation.language import interval, level, number
from evaluation.results import Check, Estimate

__all__ = ["TENTATIVE", "Agreement", "agreement"]

Floats = npt.NDArray[np.float64]
TENTATIVE: Final = 0.667
"""Below it no conclusion should rest on the coding; from 0.800 on it is reliable
(Krippendorff 2019, Content Analysis, 4th ed., ch. 12). A convention, not a test."""
FEW_DISAGREEING: Final = 20
"""With fewer units in disagreement the percentile interval covered 82 to 92 % in place of 95 %
(tools/agreement_coverage.py)."""


@dataclass(frozen=True, repr=False)
class Agreement:
    """What two or more coders' sheets say about each other.

    Parameters
    ----------
    coders : tuple of str
        Whose rows were compared.
    krippendorff : Estimate, optional
        Krippendorff's alpha for ordered values; None where it is not defined.
    statistics : tuple of Statistic
        Every measure, alpha first.
    disagreements : pandas.DataFrame
        What is to settle; see :func:`evaluation.design.coding.disagreements.disagreements`.
    check : Check
        Whether alpha is shown to be at least 0.667.
    n_units, n_pairable, n_disagreeing : int
        Stretches of a municipality's time that somebody coded, those to which two coders
        gave a stance that has a place in the order, and those of them that bear two stances.
    n_municipalities, n_single : int
        Municipalities coded, and those coded by one coder only.
    n_unclear : int
        Codings that are ``unclear``: missing values, not a place in the order.
    draws, seed, alpha : int, int, float
        Of the bootstrap; ``1 - alpha`` is the level of the intervals.
    inference : str
        How the intervals were made.
    data_hash : str
        SHA-256 of the sheet.
    notes : tuple of str
        What a reader must know.
    """

    coders: tuple[str, ...]
    krippendorff: Estimate | None
    statistics: tuple[Statistic, ...]
    disagreements: pd.DataFrame = field(repr=False)
    check: Check
    n_units: int
    n_pairable: int
    n_disagreeing: int
    n_municipalities: int
    n_single: int
    n_unclear: int
    draws: int
    seed: int
    alpha: float
    inference: str
    data_hash: str
    notes: tuple[str, ...] = ()

    def tidy(self) -> pd.DataFrame:
        """Return one row per measure; NaN where it is not defined, with the reason in ``note``."""
        rows = []
        for s in self.statistics:
            low, high = s.conf_int or (np.nan, np.nan)
            rows.append(
                {
                    "statistic": s.name,
                    "coders": " – ".join(s.coders),
                    "value": np.nan if s.value is None else s.value,
                    "conf_low": low,
                    "conf_high": high,
                    "n_units": s.n_units,
                    "n_municipalities": s.n_municipalities,
                    "note": s.note,
                }
            )
        return pd.DataFrame(rows)

    def to_dict(self) -> dict[str, Any]:
        """Return plain types for JSON."""
        out = {k: v for k, v in vars(self).items() if isinstance(v, int | float | str)}
        settle = self.disagreements
        return {
            "coders": list(self.coders),
            "statistics": [
                asdict(s) | {"coders": list(s.coders), "conf_int": s.conf_int and list(s.conf_int)}
                for s in self.statistics
            ],
            "krippendorff": self.krippendorff and self.krippendorff.to_dict(),
            **out,
            "disagreements": settle.astype(object).where(settle.notna(), None).to_dict("records"),
            "check": self.check.to_dict(),
            "notes": list(self.notes),
        }

    def __repr__(self) -> str:
        value = f"{self.krippendorff.estimate:.4f}" if self.krippendorff else "not defined"
        return f"<Agreement of {', '.join(self.coders)}: Krippendorff's alpha {value}>"

    def _repr_html_(self) -> str:
        return self.tidy().to_html(
            index=False, float_format=lambda v: f"{v:.4f}", na_rep="–", border=0
        )


def agreement(
    sheet: CodingSheet,
    *,
    coders: Sequence[str] | None = None,
    draws: int = 9999,
    seed: int = 1,
    alpha: float = 0.05,
) -> Agreement:
    """Compare what coders say about the same municipality at the same time.

    A unit is a stretch of a municipality's time in which no coding changes. ``unclear`` is a
    missing value: it has no place in the order. Decisions (``adjudicated``) are left out.

    Parameters
    ----------
    sheet : CodingSheet
        Two or more coders; put several sheets together with ``combine``.
    coders : sequence of str, optional
        Whom to compare; all without it.
    draws, seed : int
        Of the bootstrap, which resamples municipalities with all their units.
    alpha : float
        One minus the level of the intervals.

    Returns
    -------
    Agreement
        Krippendorff's alpha (ordinal), raw agreement, Fleiss' kappa over the units that every
        coder gave a stance, and Cohen's kappa, plain and quadratic, for every pair.

    Raises
    ------
    InputError
        If there are fewer than two coders, one of them has one row only, or no two of them
        gave a stance to the same municipality at the same time.

    Examples
    --------
    >>> words = ("active_day_one", "waits_two_years", "active_from_asylum")
    >>> rows = [{"code": c, "coder": who, "stance": s, "evidence": "strong", "source": "s"}
    ...         for c, s in zip(("2321", "1287", "1233"), words) for who in "AB"]
    >>> from evaluation.design.coding.sheet import coding_sheet
    >>> agreement(coding_sheet(rows), draws=99)
    <Agreement of A, B: Krippendorff's alpha 1.0000>
    """
    names = _compared(sheet, coders)
    units = coded_units(sheet.codings, names)
    ranks = rank_matrix(units, names)
    paired = (~np.isnan(ranks)).sum(axis=1) >= 2
    if not paired.any():
        raise InputError(
            f"coders {', '.join(names)} have not given a stance other than {UNCLEAR} to the same "
            "municipality at the same time",
            field="code",
        )
    kept = [u for u, p in zip(units, paired, strict=True) if p]
    found = _statistics(kept, ranks[paired], names, draws, seed, alpha)
    notes = [
        f"{UNCLEAR} is a missing value, not a place in the order",
        "the kappas leave out units that not all of their coders gave a stance",
    ]
    disagreeing = sum(len(set(r[~np.isnan(r)])) > 1 for r in ranks)
    if disagreeing < FEW_DISAGREEING:
        notes.append(
            f"{disagreeing} units bear different stances: with fewer than {FEW_DISAGREEING} the "
            "bootstrap interval tends to be too short"
        )
    who = coded_by(units)
    codings = sheet.codings
    return Agreement(
        coders=tuple(names),
        krippendorff=_estimate(found[0], ranks[paired], draws, seed, alpha, sheet.hash),
        statistics=found,
        disagreements=disagreements(units, names, who),
        check=_check(found[0], alpha),
        n_units=len(units),
        n_pairable=int(paired.sum()),
        n_disagreeing=disagreeing,
        n_municipalities=len(who),
        n_single=sum(len(c) == 1 for c in who.values()),
        n_unclear=int((codings["coder"].isin(names) & (codings["stance"] == UNCLEAR)).sum()),
        draws=draws,
        seed=seed,
        alpha=alpha,
        inference=BOOTSTRAP,
        data_hash=sheet.hash,
        notes=tuple(notes),
    )


def _compared(sheet: CodingSheet, coders: Sequence[str] | None) -> list[str]:
    """Return whom to compare, or say why that cannot be done."""
    names = list(sheet.coders if coders is None else dict.fromkeys(coders))
    for coder in names:
        if coder not in sheet.coders:
            raise InputError(
                f"there is no coder {coder!r}; there are {', '.join(sheet.coders) or 'none'}",
                field="coder",
            )
    if len(names) < 2:
        have = f"only {names[0]!r}" if names else "no coder"
        raise InputError(f"agreement needs two coders; there is {have}", field="coder")
    rows = sheet.codings["coder"].value_counts()
    for coder in names:
        if rows[coder] == 1:
            only = sheet.codings[sheet.codings["coder"] == coder].iloc[0]
            raise InputError(
                f"coder {coder!r} has one row only, which tells nothing about agreement; "
                "at least two are needed",
                file=only["file"] or None,
                row=int(only["row"]),
                field="coder",
            )
    return names


def _statistics(
    units: Sequence[Unit], ranks: Floats, names: Sequence[str], draws: int, seed: int, alpha: float
) -> tuple[Statistic, ...]:
    """Compute every measure on the same resamplings."""
    clusters = pd.factorize(np.array([u.code for u in units], dtype=object))[0].astype(np.intp)
    size = len(ORDERED_STANCES)
    counts = value_counts(ranks, size)
    whole = ~np.isnan(ranks).any(axis=1)
    taken = resamplings(int(clusters.max()) + 1, draws, seed)

    def one(name: str, who: Sequence[str], measure: Measure, used: Any = slice(None)) -> Statistic:
        return statistic(name, who, measure, clusters[used], taken, alpha)

    found = [
        one("krippendorff_alpha_ordinal", names, lambda w: krippendorff_alpha(counts, clusters, w)),
        one("raw_agreement", names, lambda w: pair_agreement(counts, clusters, w)),
        one(
            "fleiss_kappa",
            names,
            lambda w: fleiss_kappa(counts[whole], clusters[whole], w),
            whole,
        ),
    ]
    for i, j in combinations(range(len(names)), 2):
        a, b = ranks[:, i], ranks[:, j]
        both = ~np.isnan(a) & ~np.isnan(b)
        for quadratic in (False, True):

            def measure(w: Floats, a: Floats = a, b: Floats = b, q: bool = quadratic) -> Floats:
                return cohen_kappa(pair_tables(a, b, size, clusters, w), quadratic=q)

            name = f"cohen_kappa{'_quadratic' if quadratic else ''}"
            found.append(one(name, (names[i], names[j]), measure, both))
    return tuple(found)


def _estimate(
    s: Statistic, ranks: Floats, draws: int, seed: int, alpha: float, data_hash: str
) -> Estimate | None:
    if s.value is None:
        return None
    return Estimate(
        term="krippendorff_alpha",
        estimate=s.value,
        conf_int=s.conf_int or (-np.inf, np.inf),
        method="Krippendorff's alpha",
        inference=f"{BOOTSTRAP}, {draws} draws",
        estimand="agreement beyond chance on the ordered stances",
        n_obs=int((~np.isnan(ranks)).sum()),
        n_units=s.n_units,
        n_treated_units=0,
        n_clusters=s.n_municipalities,
        small_sample="expected disagreement over n (n − 1) pairs",
        alpha=alpha,
        seed=seed,
        data_hash=data_hash,
        notes=(s.note,) if s.note else (),
    )


def _check(s: Statistic, alpha: float) -> Check:
    """Say whether agreement is shown to suffice."""
    name = "coder_agreement"
    if s.value is None:
        sv = "Krippendorffs alfa är inte definierad: kodarna har bara använt ett värde."
        en = "Krippendorff's alpha is not defined: the coders used one value only."
        return Check(name, None, sv, en, None, TENTATIVE)
    if s.conf_int is None:
        sv = f"Krippendorffs alfa är {number(s.value, 'sv')}; något intervall kan inte anges."
        en = f"Krippendorff's alpha is {number(s.value, 'en')}; no interval can be given."
        return Check(name, None, sv, en, s.value, TENTATIVE)
    low, high = s.conf_int
    passed = low >= TENTATIVE
    not_sv, not_en = ("", "") if passed else ("inte ", "not ")
    sv = (
        f"Krippendorffs alfa är {number(s.value, 'sv')} ({level(1 - alpha, 'sv')}-intervall "
        f"{interval(low, high, 'sv')}; {s.n_municipalities} kommuner): att kodarna når gränsen "
        f"{number(TENTATIVE, 'sv', 3)} är {not_sv}visat."
    )
    en = (
        f"Krippendorff's alpha is {number(s.value, 'en')} ({level(1 - alpha, 'en')} interval "
        f"{interval(low, high, 'en')}; {s.n_municipalities} municipalities): that the coders reach "
        f"the limit {number(TENTATIVE, 'en', 3)} is {not_en}shown."
    )
    return Check(name, passed, sv, en, low, TENTATIVE)
