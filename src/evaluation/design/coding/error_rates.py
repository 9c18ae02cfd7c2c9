r"""How often the coding is wrong, as far as the coders' disagreement tells.

A municipality that two coders call active although it is not shows no disagreement. What bounds
such errors is that they are no more than those that only one of two makes, as long as a coder is
wrong in at most so many of the cases in which another is: a third of them, unless stated otherwise.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from scipy.stats import beta

from evaluation.design.coding.sheet import CodingSheet
from evaluation.design.coding.vocabulary import ADJUDICATED, EVIDENCE
from evaluation.design.stance import ACTIVE
from evaluation.errors import InputError

__all__ = [
    "MISS",
    "SHARED",
    "CoderCalls",
    "MiscodingRates",
    "called_active",
    "coder_calls",
    "miscoding_rates",
]

MISS = 0.1
"""Part of α that is spent on the rates' own uncertainty (as Romano, Shaikh & Wolf 2014 do for
the first of two steps)."""
SHARED = 1 / 3
"""Largest probability that a coder is wrong where another is, unless stated otherwise."""


@dataclass(frozen=True)
class MiscodingRates:
    """From where to where the shares of miscoded municipalities may lie.

    Parameters
    ----------
    false_active : tuple of float
        m: share of those coded as active that are not.
    hidden_active : tuple of float
        s: share of the comparison group that is active.
    miss : float
        Probability that the ranges do not hold both shares; 0 where they are stated.
    source : str
        Where the ranges come from.

    Raises
    ------
    InputError
        If a range is not [low, high] between 0 and 1, or ``miss`` not from 0 to below 1.

    Examples
    --------
    >>> MiscodingRates((0.0, 0.1), (0.0, 0.3)).factor
    (0.6, 1.0)
    """

    false_active: tuple[float, float]
    hidden_active: tuple[float, float]
    miss: float = 0.0
    source: str = "stated"

    def __post_init__(self) -> None:
        for name in ("false_active", "hidden_active"):
            low, high = getattr(self, name)
            if not 0 <= low <= high <= 1:
                problem = f"must be [low, high] between 0 and 1, found [{low:g}, {high:g}]"
                raise InputError(problem, field=name)
        if not 0 <= self.miss < 1:
            raise InputError(f"must lie from 0 to below 1, found {self.miss:g}", field="miss")

    @property
    def factor(self) -> tuple[float, float]:
        """What is left of the effect, at least and at most.

        A hidden active municipality takes away its whole share of the effect if it began with
        those treated, and nothing if it had begun before: 1 − m − s at least, 1 − m at most.
        """
        least = 1 - self.false_active[1] - self.hidden_active[1]
        return max(0.0, round(least, 12)), 1 - self.false_active[0]

    def to_dict(self) -> dict[str, Any]:
        """Return plain types for JSON."""
        return {
            "false_active": list(self.false_active),
            "hidden_active": list(self.hidden_active),
            "factor": list(self.factor),
            "miss": self.miss,
            "source": self.source,
        }


@dataclass(frozen=True)
class CoderCalls:
    """How two or more coders divide the municipalities that they both coded.

    Parameters
    ----------
    both_active, both_not : int
        All call it active; none does.
    split_active, split_not, split_open : int
        They differ, and the decision says active, says not, or there is none.
    single : int
        Municipalities that one coder only has coded; they tell nothing of errors.
    """

    both_active: int
    both_not: int
    split_active: int
    split_not: int
    split_open: int
    single: int

    @property
    def n_split(self) -> int:
        """How many they differ on."""
        return self.split_active + self.split_not + self.split_open

    @property
    def open_share(self) -> float | None:
        """Share of the disagreements without a decision; None where there is none at all."""
        return self.split_open / self.n_split if self.n_split else None

    def to_dict(self) -> dict[str, Any]:
        """Return plain types for JSON."""
        return vars(self) | {"n_split": self.n_split, "open_share": self.open_share}


def called_active(sheet: CodingSheet, evidence: Collection[str]) -> dict[str, dict[str, bool]]:
    """Return by code and coder whether the coder ever calls the municipality active.

    Parameters
    ----------
    sheet : CodingSheet
        Codings and decisions; the latter are the coder ``adjudicated``.
    evidence : collection of str
        Strengths that suffice.
    """
    rows = sheet.rows
    active = rows["stance"].isin(ACTIVE) & rows["evidence"].isin(list(evidence))
    calls: dict[str, dict[str, bool]] = {}
    for code, coder, yes in zip(rows["code"], rows["coder"], active, strict=True):
        said = calls.setdefault(str(code), {})
        said[str(coder)] = said.get(str(coder), False) or bool(yes)
    return calls


def coder_calls(sheet: CodingSheet, *, evidence: Collection[str] = EVIDENCE[1:]) -> CoderCalls:
    """Count how the coders divide the municipalities: active by this evidence, or not known to be.

    Parameters
    ----------
    sheet : CodingSheet
        Codings and decisions.
    evidence : collection of str
        Strengths that suffice to call a municipality active.

    Returns
    -------
    CoderCalls
        Over municipalities; periods do not count.

    Examples
    --------
    >>> from evaluation.design.coding.sheet import coding_sheet
    >>> base = {"evidence": "strong", "source": "s"}
    >>> rows = [base | {"code": c, "coder": who, "stance": s} for c, who, s in (
    ...     ("2321", "A", "active_day_one"), ("2321", "B", "active_from_asylum"),
    ...     ("1287", "A", "active_day_one"), ("1287", "B", "unclear"))]
    >>> calls = coder_calls(coding_sheet(rows))
    >>> calls.both_active, calls.split_open
    (1, 1)
    """
    count = dict.fromkeys(vars(CoderCalls(0, 0, 0, 0, 0, 0)), 0)
    for said in called_active(sheet, evidence).values():
        by_coder = [yes for coder, yes in said.items() if coder != ADJUDICATED]
        if len(by_coder) < 2:
            count["single"] += 1
        elif all(by_coder):
            count["both_active"] += 1
        elif not any(by_coder):
            count["both_not"] += 1
        elif ADJUDICATED not in said:
            count["split_open"] += 1
        else:
            count["split_active" if said[ADJUDICATED] else "split_not"] += 1
    return CoderCalls(**count)


def miscoding_rates(
    calls: CoderCalls, *, alpha: float = 0.05, shared: float = SHARED
) -> MiscodingRates:
    r"""Bound the shares of miscoded municipalities by what the coders disagree on.

    Let w municipalities be split and not settled as active, and a called active by all. Where a
    coder is wrong with probability κ at most in the cases in which another is, those that all call
    active wrongly are expected to be at most w κ / (2 (1 − κ)). With q the probability of a split
    among a + w, and :math:`\bar q` its upper limit (Clopper & Pearson 1934),

    .. math:: m \le \frac{\kappa}{2 (1 - \kappa)} \, \frac{\bar q}{1 - \bar q} ,

    and likewise for s, with those split and not settled as not active, and those called active by
    nobody. Each limit fails with probability at most α/20, so both hold but for ``miss`` = α/10.

    Parameters
    ----------
    calls : CoderCalls
        From :func:`coder_calls`.
    alpha : float
        One minus the level of the bound that the rates are meant for.
    shared : float
        κ, from 0 to below 1: 0 says that no two coders are ever wrong together.

    Returns
    -------
    MiscodingRates
        From 0 to these limits, at most 1. A limit of 1 says that the coders do not bound the
        share: too few municipalities were coded twice.

    Notes
    -----
    A decision is taken to be right. With independent errors κ is the larger of the two coders'
    error rates: both miss :math:`b_1 b_2` of the active, one :math:`b_1 (1 - b_2) + b_2 (1 - b_1)`.
    Errors that come from the same misleading text raise κ.

    References
    ----------
    Clopper, C. & Pearson, E. (1934). The use of confidence or fiducial limits illustrated in the
    case of the binomial. Biometrika 26(4).

    Examples
    --------
    >>> rates = miscoding_rates(CoderCalls(40, 200, 0, 0, 4, 0))
    >>> [round(v, 3) for v in (*rates.false_active, *rates.hidden_active)]
    [0.0, 0.095, 0.0, 0.017]
    """
    if not 0 < alpha < 1:
        raise InputError(f"{alpha:g} does not lie between 0 and 1", field="alpha")
    if not 0 <= shared < 1:
        raise InputError(f"must lie from 0 to below 1, found {shared:g}", field="shared")
    together = shared / (2 * (1 - shared))
    miss = alpha * MISS
    wrong = calls.split_not + calls.split_open
    missed = calls.split_active + calls.split_open
    return MiscodingRates(
        (0.0, _most(wrong, calls.both_active, miss / 2, together)),
        (0.0, _most(missed, calls.both_not, miss / 2, together)),
        miss,
        "the coders' disagreement",
    )


def _most(split: int, agreed: int, miss: float, together: float) -> float:
    """Return the upper limit of the share of the agreed that are wrong."""
    if agreed == 0:
        return 1.0
    q = float(beta.ppf(1 - miss, split + 1, agreed))
    return min(1.0, together * q / (1 - q))
