r"""The effect by kind of municipality, each against the rest.

With the treated split into groups G, the effect of a group is the mean of its municipalities'
effects over their treated years, and its difference is that less the mean of all other treated.
The difference is tested by permutation with the constant effect of all treated taken out first,
and adjusted over the groups of a division (Romano & Wolf 2005).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from evaluation.design.counties import place_name
from evaluation.questions.horizons.parts import Part, adjusted, build, means, treated_years
from evaluation.questions.inference import DesignInference
from evaluation.results import Estimate

__all__ = ["FEW", "SIZES", "Subgroup", "Subgroups", "analyse_subgroups", "size_class"]

SIZES: Final = (15_000, 50_000, 200_000)
"""Inhabitants from which a class of size begins. The figures are those of SKR's grouping (2023),
which counts 15,000 and 200,000 in the largest locality; here all inhabitants are counted."""

OWN: Final = ("size", "county", "stance")
"""Divisions that need no file."""

FEW: Final = 2
"""So many municipalities or fewer show their own events as much as an effect."""


@dataclass(frozen=True)
class Subgroup:
    """One group of treated municipalities.

    Parameters
    ----------
    label : str
        Class of size, county, stance, or as the file of groups names it.
    codes : tuple of str
        Its treated municipalities.
    n_years : int
        Their treated municipality-years.
    estimate : Estimate
        Over all its treated years, every municipality weighing the same.
    p_adjusted : float
        Adjusted over the groups.
    difference : Estimate
        Less the other treated.
    difference_p_adjusted : float
        Adjusted over the groups.
    """

    label: str
    codes: tuple[str, ...]
    n_years: int
    estimate: Estimate
    p_adjusted: float
    difference: Estimate
    difference_p_adjusted: float

    def to_dict(self) -> dict[str, Any]:
        """Return plain types for JSON."""
        return {
            "label": self.label,
            "codes": list(self.codes),
            "n_years": self.n_years,
            "estimate": self.estimate.to_dict(),
            "p_adjusted": self.p_adjusted,
            "difference": self.difference.to_dict(),
            "difference_p_adjusted": self.difference_p_adjusted,
        }


@dataclass(frozen=True)
class Subgroups:
    """One division of the treated municipalities.

    Parameters
    ----------
    by : str
        ``size``, ``county``, ``stance``, or a column of the plan's file of groups.
    groups : tuple of Subgroup
        Two or more; empty where all treated are alike, ``only`` names what they are then.
    only : str
        The one group, if there is no other.
    """

    by: str
    groups: tuple[Subgroup, ...]
    only: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return plain types for JSON."""
        return {"by": self.by, "groups": [g.to_dict() for g in self.groups], "only": self.only}


def size_class(inhabitants: int) -> str:
    """Return the class of size as ``from-to``, the end left out.

    Examples
    --------
    >>> size_class(14_999), size_class(15_000), size_class(250_000)
    ('0-15000', '15000-50000', '200000-')
    """
    edges = ("0", *map(str, SIZES), "")
    k = sum(inhabitants >= s for s in SIZES)
    return f"{edges[k]}-{edges[k + 1]}"


def divisions(inference: DesignInference) -> dict[str, dict[str, str]]:
    """Return by division what each treated municipality belongs to."""
    treated = inference.design.treated
    out: dict[str, dict[str, str]] = {}
    # a county has no county, and SKR's classes are of municipalities
    if all(len(t.code) == 4 for t in treated):
        out["size"] = {t.code: size_class(t.population) for t in treated}
        # a made-up figure stands beside no real name
        out["county"] = {
            t.code: place_name(t.code[:2])
            if t.document or t.start_document
            else f"SIM {t.code[:2]}"
            for t in treated
        }
    if all(t.stance for t in treated):
        out["stance"] = {t.code: t.stance for t in treated}
    s = inference.settings
    tables = [] if s.divisions is None else [s.divisions]
    if s.weighting is not None and s.weighting.extra is not None:
        extra = s.weighting.extra
        tables.append(extra[[n for n in s.weighting.exact if n in extra.columns]])
    for table in tables:
        for name in map(str, table.columns):
            # a column of the file may bear the name of a division made here
            key = f"{name} (groups)" if name in OWN else name
            members = dict(zip(table.index, table[name], strict=True))
            out[key] = {t.code: "|".join(sorted(members[t.code])) for t in treated}
    return out


def analyse_subgroups(inference: DesignInference) -> tuple[Subgroups, ...]:
    """Estimate the effect by every division that the design knows.

    Parameters
    ----------
    inference : DesignInference
        Panel, design, sets and assignments.

    Returns
    -------
    tuple of Subgroups
        By class of size (inhabitants on 31 December 2017) and county where the units are
        municipalities, by stance where it is coded, by the columns of the file of groups that
        the plan's ``subgroups`` or its matching names. Empty for one treated municipality.
    """
    if len(inference.design.treated) < 2:
        return ()
    return tuple(_division(inference, by, of) for by, of in divisions(inference).items())


def _division(inference: DesignInference, by: str, of: Mapping[str, str]) -> Subgroups:
    labels = sorted(set(of.values()), key=lambda x: (_order(x), x))
    if len(labels) == 1:
        return Subgroups(by, (), labels[0])
    years = treated_years(inference)
    rows = means(inference, years)
    constant = build(inference, rows, "cohort", n_years=0).result.estimate
    own: dict[str, Part] = {}
    less: dict[str, Part] = {}
    for label in labels:
        codes = [c for c in of if of[c] == label]
        n_years = sum(int(years[c].sum()) for c in codes)
        notes = ("one municipality: its own events cannot be told from an effect",)
        own[label] = build(
            inference,
            {c: rows[c] for c in codes},
            "cohort",
            n_years=n_years,
            notes=notes if len(codes) == 1 else (),
        )
        # every municipality weighs 1/n in a part, so that the shares go into the rows
        n, k = len(of), len(codes)
        less[label] = build(
            inference,
            {c: rows[c] * (n / k if c in codes else -n / (n - k)) for c in of},
            "cohort, group minus the other treated",
            # apart by one unit, the mean of all treated as it was
            moving={c: years[c] * (1 - k / n if c in codes else -k / n) for c in of},
            n_years=n_years,
            remove=constant,
            notes=("the constant effect is estimated and taken out before assigning",),
        )
    p, p_less = adjusted(own), adjusted(less)
    return Subgroups(
        by,
        tuple(
            Subgroup(
                label,
                own[label].codes,
                own[label].n_years,
                own[label].result,
                p[label],
                less[label].result,
                p_less[label],
            )
            for label in labels
        ),
    )


def _order(label: str) -> int:
    """Return where a class of size stands; other labels stand by their letters."""
    first = label.partition("-")[0]
    return int(first) if first.isdigit() else 0
