"""What the printed digits of tests, models and the effect give away: too little for any count."""

import itertools
import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import chi2_contingency

from evaluation.data.disclosure import Rules
from evaluation.errors import InputError
from evaluation.estimation.rounded import LOG_RATIO, POINTS, decimals, rounded_estimate
from evaluation.estimation.survival.group_tests import gray, logrank
from evaluation.estimation.survival.life_table import life_table
from evaluation.estimation.survival.persons import count_spells
from evaluation.estimation.survival.released import release_life_table
from evaluation.estimation.survival.released_tests import (
    released_gray,
    released_logrank,
)
from evaluation.questions.retention.answer import retention
from evaluation.questions.retention.reading import read_retention
from evaluation.questions.retention.shown import FEWEST_COMPARED
from evaluation.results import Estimate

WIDTH = Rules().k - 1


def written(folder, rows, starts=None):
    """Write persons from (code, received, moved or None, sex), and who is active."""
    table = pd.DataFrame(rows, columns=["received_code", "received", "moved", "sex"])
    table["move"] = np.where(table["moved"].isna(), None, "elsewhere")
    table.to_csv(folder / "persons.csv", index=False)
    if starts is not None:
        pd.DataFrame(starts.items(), columns=["code", "start"]).to_csv(
            folder / "stance.csv", index=False
        )
    return folder / "persons.csv"


# the months behind a step

STEP, LEFT, OF = 3, {"K": 5, "M": 6}, {"K": 20, "M": 25}


def spread(months):
    """Return persons of whom so many left in each month of the step, by sex."""
    rows = []
    for sex, counts in months.items():
        gone = [m for m, n in enumerate(counts, 1) for _ in range(n)]
        for i in range(OF[sex]):
            moved = f"2014-{3 + gone[i]:02d}-01" if i < len(gone) else None
            rows.append(("2321" if i % 2 else "0180", "2014-03-01", moved, sex))
    return rows


def spreads():
    """Return every way to spread those who left of each sex over the months of the step."""
    every = itertools.product(range(max(LEFT.values()) + 1), repeat=STEP)
    ways = {s: [m for m in every_ if sum(m) == n] for (s, n), every_ in
            zip(LEFT.items(), itertools.tee(every), strict=True)}  # fmt: skip
    return [dict(zip(ways, w, strict=True)) for w in itertools.product(*ways.values())]


def by_month(months):
    """Return the life table by month of one way."""
    n = sum(OF.values())
    sex = np.repeat(list(OF), list(OF.values()))
    end, kind = np.full(n, STEP), np.full(n, -1)
    at = 0
    for s, counts in months.items():
        gone = np.repeat(np.arange(1, STEP + 1), counts)
        end[at : at + len(gone)], kind[at : at + len(gone)] = gone, 0
        at += OF[s]
    return count_spells(pd.DataFrame({"sex": sex}), np.zeros(n), end, kind, kinds=["elsewhere"])


def test_a_test_by_month_would_give_the_months_away_and_one_by_step_does_not():
    ways = spreads()
    assert len(ways) == 21 * 28
    tables = [by_month(w) for w in ways]
    fine = np.array([logrank(t, "sex").statistic for t in tables])
    alone = [i for i, s in enumerate(fine) if np.sum(np.abs(fine - s) < 1e-9) == 1]
    # printed in full by month, the statistic has one solution for most ways
    assert len(alone) > len(ways) / 2
    some = np.random.default_rng(np.random.SeedSequence(5)).choice(alone, 8, replace=False)
    lives = [release_life_table(tables[i], "sex", horizon=STEP, width=STEP) for i in some]
    assert all(life.whole for life in lives)
    assert len({released_logrank(life).statistic for life in lives}) == 1
    assert len({released_gray(life, "elsewhere").statistic for life in lives}) == 1


def test_all_that_is_printed_is_the_same_whatever_the_months(tmp_path):
    ways = spreads()
    some = np.random.default_rng(np.random.SeedSequence(6)).choice(len(ways), 4, replace=False)
    said = set()
    for i in [0, *some, len(ways) - 1]:
        data = read_retention(written(tmp_path, spread(ways[i])), until="2017-12")
        found = retention(data, by="sex", horizon=STEP, step=STEP)
        assert len(found.tests) == 2
        assert not found.models
        assert "no models: 2 municipalities; they need 12" in found.notes
        said.add(json.dumps(found.to_dict()) + repr(found.tests) + found.summary())
    assert len(said) == 1
    # over all ways each month takes more values than a hidden count must
    for month in range(STEP):
        assert max(w["K"][month] for w in ways) - min(w["K"][month] for w in ways) > WIDTH


def test_tests_in_steps_of_a_month_are_those_of_the_life_table():
    frame = pd.DataFrame(
        {
            "sex": ["K"] * 3 + ["M"] * 3,
            "month": [1, 2, 3] * 2,
            "at_risk": [100, 120, 96, 90, 70, 54],
            "moved": [10, 14, 6, 12, 9, 8],
            "abroad": [5, 10, 7, 8, 7, 6],
            "censored": [0, 0, 83, 0, 0, 40],
            "entered": [100, 35, 0, 90, 0, 0],
        }
    )
    table = life_table(frame, kinds=["moved", "abroad"])
    life = release_life_table(table, "sex", horizon=3, width=1)
    mine, theirs = released_logrank(life), logrank(table, "sex")
    assert (mine.statistic, mine.df, mine.observed) == (
        pytest.approx(theirs.statistic, rel=1e-12), theirs.df, theirs.observed
    )  # fmt: skip
    assert mine.by == ("sex",)
    assert mine.data_hash == life.hash != theirs.data_hash
    both = released_gray(life, "abroad"), gray(table, "sex", "abroad")
    assert both[0].statistic == pytest.approx(both[1].statistic, rel=1e-12)
    # in one step of three months, by hand: the 83 and 40 lost were seen for two thirds of it
    life = release_life_table(table, "sex", horizon=3, width=3)
    women, men = 135 - 83 / 3, 90 - 40 / 3
    share, all_ = women / (women + men), women + men
    variance = 102 * share * (1 - share) * (all_ - 102) / (all_ - 1)
    found = released_logrank(life)
    assert found.statistic == pytest.approx((52 - 102 * share) ** 2 / variance)
    assert (found.observed, found.n_persons) == ((52, 50), 225)
    assert found.method == "log-rank, actuarial in steps of 3 months"
    with pytest.raises(InputError, match="field kind: 'left' is none of moved, abroad"):
        released_gray(life, "left")


def test_censoring_unlike_within_a_step_makes_no_difference_of_its_own():
    # both leave at 1 % a month; of one group 250 are lost each month, of the other nobody
    frames = []
    for sex, lost in (("K", 250), ("M", 0)):
        rows, there = [], 10_000
        for month in range(1, 14):
            moved = round(there * 0.01)
            gone = lost if month < 13 else there - moved
            rows.append((sex, month, there, moved, gone, there if month == 1 else 0))
            there -= moved + gone
        columns = ["sex", "month", "at_risk", "moved", "censored", "entered"]
        frames.append(pd.DataFrame(rows, columns=columns))
    table = life_table(pd.concat(frames), kinds=["moved"])
    life = release_life_table(table, "sex", horizon=12, width=12)
    assert released_logrank(life).p_value > 0.5
    # with all at risk for the whole step the same numbers make a difference that is not there
    lost, left = life.counts("at_risk").ravel(), life.counts("left").ravel()
    naive = chi2_contingency(np.array([left, lost - left]), correction=False)
    assert naive.pvalue < 1e-3


def test_no_test_of_hidden_numbers():
    table = by_month({"K": (3, 1, 1), "M": (2, 2, 2)})
    life = release_life_table(table, "sex", horizon=STEP, width=1)
    assert not life.whole
    with pytest.raises(InputError, match="numbers of the released life table are hidden"):
        released_logrank(life)


# the cohorts behind the effect

SIZE = [13, 11, 17, 19, 7, 9]
GONE = [3, 1, 5, 6, 2, 4]


def effects():
    """Return the difference of differences for every table of leavers, shape by cohort."""
    one, two, three = (
        100.0 * (np.arange(a + 1)[:, None] / a - np.arange(b + 1)[None, :] / b)
        for a, b in zip(SIZE[::2], SIZE[1::2], strict=True)
    )
    rest = (two[:, :, None, None] + three[None, None]) / 2
    return one[:, :, None, None, None, None] - rest[None, None]


def test_one_decimal_leaves_the_effect_thousands_of_solutions():
    every = effects()
    truth = every[tuple(GONE)]
    # in full it has one: the cohorts are coprime
    assert np.sum(np.abs(every - truth) < 1e-9) == 1
    fits = np.argwhere(np.round(every, POINTS) + 0.0 == decimals(truth, POINTS))
    assert len(fits) > 1000
    assert ((fits.max(axis=0) - fits.min(axis=0)) >= WIDTH).all()


def cohorts(sizes, gone):
    """Return persons of cohorts 2012 and 2013 by municipality, of whom some leave in a year."""
    rows = []
    for code, n in sizes.items():
        for year, size, left in zip((2012, 2013), n, gone[code], strict=True):
            for i in range(size):
                month = i % 10 + 1
                moved = f"{year + 1}-{month:02d}-01" if i < left else None
                rows.append((code, f"{year}-{month:02d}-01", moved, "KM"[i % 2]))
    return rows


def test_no_effect_is_shown_of_few_municipalities(tmp_path):
    codes = ("2321", "0180", "1480")
    sizes = (
        dict(zip(codes, itertools.batched(SIZE, 2), strict=True))
        if hasattr(itertools, "batched")
        else {c: tuple(SIZE[2 * i : 2 * i + 2]) for i, c in enumerate(codes)}
    )
    gone = {c: tuple(GONE[2 * i : 2 * i + 2]) for i, c in enumerate(codes)}
    path = written(tmp_path, cohorts(sizes, gone), {"2321": 2013})
    data = read_retention(path, stance=tmp_path / "stance.csv", until="2017-12")
    found = retention(data, by=["stance"], draws=19)
    assert found.effect is None
    assert any(n.startswith("no effect: 3 municipalities have cohorts") for n in found.notes)
    assert list(found.finding.estimates) != ["retention_pp"]


CODES = [f"01{i}" for i in ("14", "15", "17", "20", "23", "25", "26", "27", "28", "36", "38", "39")]


@pytest.fixture(scope="module")
def smallest():
    rng = np.random.default_rng(np.random.SeedSequence(8))
    sizes = {c: (int(n),) * 2 for c, n in zip(CODES, rng.integers(14, 25, 12), strict=True)}
    gone = {c: tuple(int(x) for x in rng.integers(4, 9, 2)) for c in CODES}
    return sizes, gone


def asked(folder, sizes, gone):
    path = written(folder, cohorts(sizes, gone), {CODES[0]: 2013, CODES[1]: 2013})
    data = read_retention(path, stance=folder / "stance.csv", until="2017-12", pseudonymised=True)
    return retention(data, step=12, draws=99).effect


def test_each_cohort_of_the_fewest_municipalities_can_be_another(smallest, tmp_path):
    sizes, gone = smallest
    assert len(sizes) == FEWEST_COMPARED
    shown = asked(tmp_path, sizes, gone)
    for c in (CODES[0], CODES[1], CODES[2], CODES[-1]):
        # as many more of both cohorts leave: what is said of the share is the same
        other = asked(tmp_path, sizes, gone | {c: tuple(n + WIDTH for n in gone[c])})
        for name in ("share", "permutation"):
            mine, theirs = (getattr(e, name).to_dict() for e in (shown, other))
            assert mine | {"data_hash": ""} == theirs | {"data_hash": ""}
        assert shown.checks == other.checks


def numbers(tree):
    """Yield every number that is no count, with its name."""
    if isinstance(tree, dict):
        for k, v in tree.items():
            yield from ((k, n) for _, n in numbers(v)) if not isinstance(v, dict) else numbers(v)
    elif isinstance(tree, list):
        for v in tree:
            yield from numbers(v)
    elif isinstance(tree, float):
        yield "", tree


def test_the_effect_has_few_digits_wherever_it_stands(smallest, tmp_path):
    sizes, gone = smallest
    path = written(tmp_path, cohorts(sizes, gone), {CODES[0]: 2013, CODES[1]: 2013})
    data = read_retention(path, stance=tmp_path / "stance.csv", until="2017-12")
    found = retention(data, step=12, draws=99)
    content = found.to_dict()
    seen = [*numbers(content["effect"]), *numbers(content["finding"])]
    assert len(seen) > 30
    for name, n in seen:
        assert n == float(f"{n:.3f}") or n == float(f"{n:.2g}"), (name, n)
    share = content["effect"]["share"]
    assert share["estimate"] == round(share["estimate"], 1)
    assert found.effect.ratio == tuple(
        round(float(np.exp(v)), 2)
        for v in (found.effect.hazard.estimate, *found.effect.hazard.conf_int)
    )


@pytest.mark.parametrize(
    ("ends", "p", "shown", "shown_p"),
    [
        ((-0.304, -0.0041), 0.0496, (-0.3, -0.01), 0.05),
        ((-0.304, 0.0041), 0.0504, (-0.3, 0.01), 0.051),
        ((0.0001, np.inf), 0.0121, (0.01, np.inf), 0.012),
        ((-np.inf, 0.0), 0.9, (-np.inf, 0.0), 0.9),
    ],
)
def test_rounding_does_not_change_what_a_test_finds(ends, p, shown, shown_p):
    e = Estimate("att", -0.1, ends, "cloglog", "permutation", "log ratio", 9, 9, 2, 9, p_value=p)
    out = rounded_estimate(e, LOG_RATIO, data_hash="")
    assert (out.conf_int, out.p_value) == (shown, shown_p)
    assert (shown[0] <= 0 <= shown[1]) == (shown_p > e.alpha) == (p > e.alpha)
    level = rounded_estimate(replace(e, alpha=0.0124, p_value=0.01239), LOG_RATIO, data_hash="")
    assert level.p_value == 0.012
    over = rounded_estimate(replace(e, alpha=0.0126, p_value=0.01255), LOG_RATIO, data_hash="")
    assert over.p_value == 0.012


# what is refused, and not repeated


ROW = ("0114", "2012-01-01", "2013-01-01", "K", "elsewhere")


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("received", "2012-01-01 secret"),
        ("moved", "secret"),
        ("move", "secret"),
        ("sex", "kvinna secret"),
        ("received_code", "secret"),
        ("observed_until", "secret"),
    ],
)
def test_no_message_repeats_a_person_s_cell(tmp_path, column, value):
    columns = ["received_code", "received", "moved", "sex", "move"]
    table = pd.DataFrame([ROW] * 20, columns=columns).assign(observed_until="2017-12-01")
    table.loc[4, column] = value
    table.to_csv(tmp_path / "p.csv", index=False)
    with pytest.raises(InputError) as error:
        read_retention(tmp_path / "p.csv", until="2017-12")
    assert f"row 6, field {column}: " in str(error.value)
    assert "secret" not in str(error.value)


@pytest.mark.parametrize(
    ("column", "value", "says"),
    [
        ("personnummer", "1", "is named like a personal identity number"),
        ("key", "19121212-1212", "holds what looks like personal identity numbers"),
    ],
)
def test_identity_numbers_are_refused_as_elsewhere(tmp_path, column, value, says):
    columns = ["received_code", "received", "moved", "sex", "move"]
    table = pd.DataFrame([ROW] * 20, columns=columns).assign(**{column: "7"})
    table.loc[7, column] = value
    table.to_csv(tmp_path / "p.csv", index=False)
    with pytest.raises(InputError, match=says) as error:
        read_retention(tmp_path / "p.csv", until="2017-12")
    assert value not in str(error.value) or value == "1"
    data = read_retention(tmp_path / "p.csv", until="2017-12", pseudonymised=True)
    assert data.table.numbers[:, -1].sum() == 20
