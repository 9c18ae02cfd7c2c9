"""The design of a simulated plan: who the twin's coding calls active, and since when."""

from __future__ import annotations

from evaluation.data import embedded
from evaluation.data.twin import Twin
from evaluation.design.exposure import Span, exposed_years
from evaluation.design.stance import StanceCounts
from evaluation.design.treatment import Design, TreatedUnit
from evaluation.plan import Plan

__all__ = ["design_from_twin"]


def design_from_twin(plan: Plan, twin: Twin) -> Design:
    """Resolve a simulated plan against the twin's own coding.

    Real names never stand beside made-up figures: a municipality is called «SIM» and its code.

    Parameters
    ----------
    plan : Plan
        For the exposure rule.
    twin : Twin
        Whose ``stance`` says who is coded as active, and since when.

    Returns
    -------
    Design
        Treated units in the order of their codes; everybody else is compared.

    Raises
    ------
    InputError
        If the coding calls no municipality active.
    """
    population = embedded.municipalities()["population_2017"]
    coded = twin.stance[twin.stance["coded_active"]].sort_values("code")
    if coded.empty:
        raise plan.fault(("data",), "the simulated coding calls no municipality active")
    treated = []
    for _, row in coded.iterrows():
        code = str(row["code"])
        start = (int(row["coded_year"]), int(row["coded_month"]))
        month = 12 * start[0] + start[1] - 1
        exposed = exposed_years(Span(month, month), None, plan.treatment.exposure)
        year = exposed.first
        treated.append(
            TreatedUnit(
                code=code,
                name=f"SIM {code}",
                population=int(population[code]),
                stance="active_day_one",
                strength="explicit",
                document="",
                line="",
                model="",
                stated_start=f"{start[0]}-{start[1]:02d}",
                start_document="",
                start_line="",
                first_year=year,
                assumed=False,
                because_sv="",
                because_en="",
                neighbours=(year, year),
                partial=exposed.partial,
            )
        )
    active = tuple(t.code for t in treated)
    others = tuple(c for c in population.index if c not in set(active))
    return Design(tuple(treated), others, (), StanceCounts(active, (), others, 0))
