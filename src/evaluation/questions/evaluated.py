"""Words and checks of a plan whose treatment is one model of the documents."""

from __future__ import annotations

from dataclasses import dataclass

from evaluation.design.evaluated import EvaluatedModel
from evaluation.design.treatment import Design
from evaluation.language import listed
from evaluation.results import Check

__all__ = ["Who", "same_place_check", "who"]

NAMED = 4
"""Other models that a check names; all are in the results."""


@dataclass(frozen=True)
class Who:
    """Whom a sentence is about, in Swedish and in English.

    Parameters
    ----------
    treated, compared : tuple of str
        The treated and the comparison group.
    chosen : tuple of str
        Whom the placebo studies are made with.
    """

    treated: tuple[str, str]
    compared: tuple[str, str]
    chosen: tuple[str, str]


def who(design: Design) -> Who:
    """Say who is treated and compared: one treated unit by its name, several by their number.

    Parameters
    ----------
    design : Design
        Who is treated and compared.

    Examples
    --------
    >>> from evaluation.design.treatment import design_from_plan
    >>> from evaluation.plan import load_plan
    >>> who(design_from_plan(load_plan("nyar"))).treated[1], who(
    ...     design_from_plan(load_plan("settlement"))
    ... ).treated[1]
    ('Åre', 'the 4 municipalities')
    """
    n = len(design.treated)
    several = (f"de {n} kommunerna", f"the {n} municipalities")
    treated = (design.treated[0].name,) * 2 if n == 1 else several
    if design.model is not None and design.model.counties:
        return Who(
            treated,
            ("län där dokumenten inte beskriver modellen", "counties for which the documents do "
             "not describe the model"),
            ("län", "counties"),
        )  # fmt: skip
    return Who(
        treated,
        ("kommuner som inte är kända som aktiva", "municipalities not known to be active"),
        ("kommuner av liknande storlek", "municipalities of similar size"),
    )


def same_place_check(model: EvaluatedModel) -> Check:
    """Ask whether the documents describe anything else in the same place.

    Parameters
    ----------
    model : EvaluatedModel
        The treatment.

    Returns
    -------
    Check
        Fails where another model or project is described in the treated municipalities, or in
        all or part of their county: a change cannot be told to be this model's.

    Examples
    --------
    >>> from evaluation.design.treatment import design_from_plan
    >>> from evaluation.plan import load_plan
    >>> check = same_place_check(design_from_plan(load_plan("nyar")).model)
    >>> check.passed, check.statistic
    (False, 4.0)
    """
    n = len(model.same_place)
    if not n:
        return Check(
            "same_place",
            True,
            "Dokumenten beskriver ingen annan modell på samma plats.",
            "The documents describe no other model in the same place.",
            0.0,
            0.0,
        )
    names = [name for name, _ in model.same_place[:NAMED]]
    rest = n - len(names)
    sv = listed([*names, f"{rest} till"] if rest else names, "sv")
    en = listed([*names, f"{rest} more"] if rest else names, "en")
    return Check(
        "same_place",
        False,
        f"Dokumenten beskriver också {n} andra på samma plats: {sv}. Det som skattas är "
        "förändringen där, och vems verk den är går inte att säga.",
        f"The documents also describe {n} other(s) in the same place: {en}. What is estimated is "
        "the change there; whose doing it is cannot be told.",
        float(n),
        0.0,
    )
