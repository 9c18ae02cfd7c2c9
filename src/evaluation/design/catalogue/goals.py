"""What a model's goal asks for, and which outcome of the registry measures that.

The words are those of the catalogue's own coding (English, of this project), so a short list
reads them; a goal too general for any of them («fastest way for the individual») leaves it to the
components.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

__all__ = ["DOMAINS", "Domain", "Goals", "concerns_a_group", "read_goals"]


@dataclass(frozen=True)
class Domain:
    """One kind of goal.

    Parameters
    ----------
    name, sv, en : str
        Key, and the name in running text.
    words : str
        Regular expression of the words that ask for it.
    direct : tuple of str
        Keys of the registry that measure it, best first.
    indirect : tuple of str
        Keys that move with it among all inhabitants, which is less than measuring it.
    """

    name: str
    sv: str
    en: str
    words: str
    direct: tuple[str, ...] = ()
    indirect: tuple[str, ...] = ()


_DOMAINS = (
    Domain(
        "work",
        "arbete eller studier",
        "work or studies",
        r"\bwork\b|labour|\bemploy(?!ee)|hires|establish|introduction|\bstudies\b|study/work"
        r"|broadened|recruitment",
        ("N00973", "N00971"),
    ),
    Domain(
        "self_support",
        "självförsörjning",
        "self-support",
        r"self-suffic",
        ("U31001",),
        ("low_economic_standard",),
    ),
    Domain("costs", "kommunens kostnader", "the municipality's costs", r"economy", ("U31001",)),
    Domain(
        "settlement",
        "att bo kvar",
        "staying",
        r"settle\b|\bstay",
        ("retention_3_years",),
        ("foreign_background",),
    ),
    Domain("reception", "mottagande", "reception", r"newcomers/yr|distribution", ("N01986",)),
    Domain("language", "svenska", "Swedish", r"swedish|language|\bsfi\b", ("N18409",)),
    Domain("skills", "validering av kunskaper", "validation of skills", r"validation|competence"),
    Domain("health", "hälsa", "health", r"health|mental"),
    Domain("school", "skolresultat", "school results", r"pupils|study results"),
    Domain(
        "participation",
        "delaktighet",
        "participation",
        r"participation|empower|associations|meeting place|civil society|\bsport|volunteer|friend"
        r"|guides|nature|forest|leisure|film|children|preschool|forum|courses|grants",
    ),
    Domain("attitudes", "attityder", "attitudes", r"attitudes|gender|diversity|role\b|leadership"),
    Domain(
        "organisation",
        "organisation och samverkan",
        "organisation and cooperation",
        r"cooperation|structures|action plans|system\b|sustainable model|agreement|network"
        r"|coordination|strategist|priority areas|politicians|relocation|success factor"
        r"|public transport|staff|housing",
    ),
)
DOMAINS: Mapping[str, Domain] = MappingProxyType({d.name: d for d in _DOMAINS})
"""Kinds of goals; those without an outcome are goals that nothing in the registry measures."""

_GROUP = re.compile(
    r"youth|young|pupil|child|famil|\bwomen\b|unaccompanied|employees|students|not in work"
    r"|mental|politicians|vocational education staff"
)


@dataclass(frozen=True)
class Goals:
    """What a model's goals ask for.

    Parameters
    ----------
    domains : tuple of Domain
        In the order of ``DOMAINS``.
    read_from : {"goals", "components", ""}
        Where no goal is stated the components are read instead; empty where neither says.
    """

    domains: tuple[Domain, ...]
    read_from: str

    @property
    def outcomes(self) -> tuple[tuple[str, bool], ...]:
        """Keys of the registry, and whether each measures the goal directly, direct ones first."""
        direct = [(k, True) for d in self.domains for k in d.direct]
        return tuple(dict.fromkeys(direct + [(k, False) for d in self.domains for k in d.indirect]))


def read_goals(goals: Sequence[str], components: Sequence[str]) -> Goals:
    """Read what a model's goals ask for.

    Parameters
    ----------
    goals, components : sequence of str
        As in the catalogue.

    Returns
    -------
    Goals
        The kinds of goals whose words occur.

    Examples
    --------
    >>> read_goals(["fastest way to self-sufficiency"], []).outcomes
    (('U31001', True), ('low_economic_standard', False))
    >>> read_goals([], ["swedish_for_employees"]).read_from
    'components'
    """
    for name, texts in (("goals", goals), ("components", components)):
        text = "; ".join(texts).replace("_", " ").lower()
        found = tuple(d for d in _DOMAINS if re.search(d.words, text))
        if found:
            return Goals(found, name)
    return Goals((), "")


def concerns_a_group(*texts: str) -> bool:
    """Say whether a model is for a group among the newly arrived, or for others, not for all.

    Examples
    --------
    >>> concerns_a_group("youth_to_25"), concerns_a_group("early_mapping")
    (True, False)
    """
    return bool(_GROUP.search("; ".join(texts).replace("_", " ").lower()))
