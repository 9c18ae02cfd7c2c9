"""What a plan's outcomes are read from: only the plan's years, only what it says it is."""

from pathlib import Path

import pandas as pd
import pytest
import yaml

from evaluation.data.places import codes
from evaluation.data.sources import open_sources
from evaluation.data.store import SnapshotStore
from evaluation.errors import InputError
from evaluation.plan import plan_from_dict

PLANS = Path(__file__).parents[1] / "plans"
YEARS = range(2008, 2021)


def content(name="day_one", **changed):
    return yaml.safe_load((PLANS / f"{name}.yaml").read_text("utf-8")) | changed


def kolada(years, outcomes, **more):
    return plan_from_dict(
        content(data={"source": "kolada", "years": years, **more}, outcomes=outcomes), file="p.yaml"
    )


def put(store, **changed):
    """Keep made-up figures of every municipality: persons received, remaining, assistance."""
    places = sorted(codes())
    cells = [
        (indicator, code, year, "T", level + n % 7 + year % 3, "observed")
        for indicator, level in (("N01986", 50.0), ("N00732", 30.0), ("U31001", 900.0))
        for n, code in enumerate(places)
        for year in YEARS
    ]
    cells += [
        ("N01951", code, year, "T", 10_000.0, "observed") for code in places for year in YEARS
    ]
    frame = pd.DataFrame(cells, columns=["indicator", "code", "year", "sex", "value", "state"])
    said = {"name": "day_one", "source": "Kolada", "request": {"kpi": ["U31001"]}}
    said |= dict.fromkeys(("licence_sv", "licence_en", "citation_sv", "citation_en"), "Kolada")
    return store.put(frame, **said | changed)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    store = SnapshotStore(tmp_path_factory.mktemp("store"))
    put(store)
    return store


@pytest.mark.parametrize(
    ("outcome", "years", "right"),
    [
        ("U31001", [2013, 2018], list(range(2013, 2019))),
        # the persons received three years earlier lie before the plan's first year
        ("retention_3_years", [2013, 2018], list(range(2013, 2019))),
        # the source begins later and ends earlier than the plan
        ("U31001", [2000, 2030], list(YEARS)),
        ("retention_3_years", [2008, 2020], list(range(2011, 2021))),
    ],
)
def test_a_snapshot_with_more_years_gives_the_plans_own(store, outcome, years, right):
    panel = open_sources(kolada(years, [outcome]), store=store).outcome(0).panel
    assert list(panel.years) == right
    assert list(panel.weights.columns) == right
    assert len(panel.units) == 290


def test_a_snapshot_without_a_value_in_the_plans_years_is_refused(store):
    with pytest.raises(InputError, match=r"p\.yaml.*outcomes.*no observed value in 2022–2025"):
        open_sources(kolada([2022, 2025], ["U31001"]), store=store).outcome(0)
