"""Which treated municipalities an outcome can carry."""

from __future__ import annotations

import copy
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from evaluation.data.panel import Panel
from evaluation.design.carried import carried
from evaluation.design.treatment import design_from_plan
from evaluation.errors import InputError
from evaluation.plan import load_plan, plan_from_dict

PLAN = yaml.safe_load((Path(__file__).parents[1] / "plans/settlement.yaml").read_text("utf-8"))
FIRST = {"2321": 2012, "1233": 2018, "1264": 2017, "1287": 2013}


def plan(**treatment):
    content = copy.deepcopy(PLAN)
    content["treatment"] |= treatment
    return plan_from_dict(content)


def panel(first: int, last: int, without: tuple[str, ...] = ()) -> Panel:
    design = design_from_plan(load_plan("settlement"))
    codes = [c for c in (*design.treated_codes, *design.controls) if c not in without]
    years = range(first, last + 1)
    return Panel("y", pd.DataFrame(np.ones((len(codes), len(years))), index=codes, columns=years))


def test_every_treated_municipality_is_carried_where_the_years_allow_it():
    p = plan()
    found = carried(p, 0, design_from_plan(p), panel(2010, 2020))
    assert {t.code: t.first_year for t in found.design.treated} == FIRST
    assert found.treated == ()
    assert found.controls == ()


def test_a_lag_moves_first_years_and_their_neighbours():
    p = plan()
    found = carried(p, 0, design_from_plan(p), panel(2010, 2022), lag=2)
    assert {t.code: t.first_year for t in found.design.treated} == {
        c: y + 2 for c, y in FIRST.items()
    }
    are = next(t for t in found.design.treated if t.code == "2321")
    assert are.neighbours == (2013, 2015)


def test_the_unfit_are_left_out_by_name_and_join_no_group():
    p = plan(unfit="leave_out")
    found = carried(p, 0, design_from_plan(p), panel(2015, 2025, ("1264",)), lag=2)
    assert [(u.code, u.reason, u.first_year) for u in found.treated] == [
        ("2321", "outside", 2014),
        ("1264", "no_values", 2019),
        ("1287", "no_pre_year", 2015),
    ]
    assert found.design.treated_codes == ["1233"]
    assert not {"2321", "1264", "1287"} & set(found.design.controls)


def test_controls_without_values_are_named():
    p = plan()
    found = carried(p, 0, design_from_plan(p), panel(2010, 2020, ("0114", "0115")))
    assert found.controls == ("0114", "0115")
    assert len(found.design.controls) == 277


def test_a_plan_that_refuses_the_unfit_names_the_key():
    p = plan()
    with pytest.raises(InputError) as error:
        carried(p, 0, design_from_plan(p), panel(2010, 2017))
    assert str(error.value) == (
        "field treatment.adoption[2].model: Vellinge's first treated year 2018 lies outside y, "
        "2010–2017; treatment.unfit: leave_out leaves it out of this outcome, by name"
    )


def test_an_outcome_that_carries_nobody_is_refused_with_every_reason():
    p = plan(unfit="leave_out")
    with pytest.raises(InputError) as error:
        carried(p, 0, design_from_plan(p), panel(2019, 2025))
    assert str(error.value) == (
        "field outcomes[1]: y can carry no treated municipality (Åre: outside; Vellinge: outside; "
        "Skurup: outside; Trelleborg: outside)"
    )


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"coding": "simulated", "adoption": []}, "exactly where data.source is simulated"),
        ({"coding": "simulated"}, "adoption must not be given"),
        ({"unfit": "drop"}, "unfit"),
    ],
)
def test_the_plan_refuses_what_contradicts_itself(change, words):
    with pytest.raises(InputError, match=words):
        plan(**change)


def test_documents_need_an_adoption_list():
    content = copy.deepcopy(PLAN)
    del content["treatment"]["adoption"]
    with pytest.raises(InputError, match="adoption is missing"):
        plan_from_dict(content)
