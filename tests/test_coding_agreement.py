"""Agreement of coders: by hand, against krippendorff and statsmodels, and with a known truth."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from statsmodels.stats import inter_rater

from evaluation.data.places import codes
from evaluation.design.coding.agreement import TENTATIVE, agreement
from evaluation.design.coding.measures import krippendorff_alpha, value_counts
from evaluation.design.coding.periods import month_text
from evaluation.design.coding.resampling import ordinal_alpha
from evaluation.design.coding.sheet import coding_sheet, sheet_from_documents
from evaluation.design.coding.units import coded_units
from evaluation.design.coding.vocabulary import ADJUDICATED, ORDERED_STANCES
from evaluation.errors import InputError

REFERENCE = json.loads(
    (Path(__file__).parent / "reference" / "krippendorff.json").read_text(encoding="utf-8")
)["cases"]
CODES = sorted(codes())
WAITS, NEEDED, DURING, DAY_ONE, ASYLUM = ORDERED_STANCES


def ratings(name):
    """Return the ratings of a reference case, coders by units, from 0."""
    rows = REFERENCE[name]["ratings"]
    return np.array([[np.nan if v is None else v - 1 for v in r] for r in rows])


def made(matrix, **cells):
    """Make a sheet of a matrix of places, coders by units; NaN is unclear."""
    rows = []
    for coder, values in zip("ABCDEFG", matrix, strict=False):
        for code, v in zip(CODES, values, strict=False):
            stance = "unclear" if np.isnan(v) else ORDERED_STANCES[int(v)]
            rows.append({"code": code, "coder": coder, "stance": stance, "evidence": "strong",
                         "source": "s"} | cells)  # fmt: skip
    return coding_sheet(rows)


def one(result, name, coders=None):
    found = [s for s in result.statistics if s.name == name and coders in (None, s.coders)]
    assert len(found) == 1
    return found[0]


# values


@pytest.mark.parametrize("name", REFERENCE)
def test_alpha_equals_krippendorffs(name):
    found = agreement(made(ratings(name)), draws=99)
    assert found.krippendorff.estimate == pytest.approx(REFERENCE[name]["ordinal"], abs=1e-12)
    counts = value_counts(ratings(name).T, 5)
    direct = ordinal_alpha(counts, list(range(len(counts))), draws=0)
    assert direct.value == pytest.approx(REFERENCE[name]["ordinal"], abs=1e-12)


def test_alpha_by_hand():
    # units 00, 11, 22, 01: margins 3, 3, 2, middle ranks 1.5, 4.5, 7; squared distances
    # 9, 30.25, 6.25: 1 − 7·2·9 / (2·(9·9 + 6·30.25 + 6·6.25)) = 1 − 126/600
    found = agreement(made(np.array([[0, 1, 2, 0], [0, 1, 2, 1.0]])), draws=99)
    assert found.krippendorff.estimate == pytest.approx(0.79, abs=1e-12)


def test_kappas_by_hand():
    # Cohen's table 20, 5, 10, 15: observed 0.7, by chance 0.5
    a = np.repeat([0, 0, 1, 1], [20, 5, 10, 15])
    b = np.repeat([0, 1, 0, 1], [20, 5, 10, 15])
    found = agreement(made(np.array([a, b]) * 1.0), draws=99)
    assert one(found, "raw_agreement").value == pytest.approx(0.7, abs=1e-12)
    assert one(found, "cohen_kappa").value == pytest.approx(0.4, abs=1e-12)
    # Fleiss pools the margins: by chance 0.55² + 0.45² = 0.505
    assert one(found, "fleiss_kappa").value == pytest.approx((0.7 - 0.505) / 0.495, abs=1e-12)


@pytest.mark.parametrize("name", REFERENCE)
def test_kappas_equal_statsmodels(name):
    matrix = ratings(name)
    found = agreement(made(matrix), draws=99)
    whole = matrix[:, ~np.isnan(matrix).any(axis=0)]
    if whole.size:
        table = value_counts(whole.T, 5)
        wanted = inter_rater.fleiss_kappa(table)
        assert one(found, "fleiss_kappa").value == pytest.approx(wanted, abs=1e-12)
    for i in range(len(matrix)):
        for j in range(i + 1, len(matrix)):
            both = ~np.isnan(matrix[[i, j]]).any(axis=0)
            table = np.zeros((5, 5))
            np.add.at(table, tuple(matrix[[i, j]][:, both].astype(int)), 1)
            pair = ("ABCDEFG"[i], "ABCDEFG"[j])
            plain = inter_rater.cohens_kappa(table, return_results=False)
            squared = inter_rater.cohens_kappa(table, wt="quadratic", return_results=False)
            assert one(found, "cohen_kappa", pair).value == pytest.approx(plain, abs=1e-12)
            assert one(found, "cohen_kappa_quadratic", pair).value == pytest.approx(
                squared, abs=1e-12
            )
            assert one(found, "cohen_kappa", pair).n_units == both.sum()


def test_raw_agreement_counts_pairs():
    # unit 1: three pairs agree; unit 2: one of three; unit 3: one pair, which does not
    matrix = np.array([[0, 0, 0], [0, 0, 4], [0, 1, np.nan]])
    found = one(agreement(made(matrix), draws=99), "raw_agreement")
    assert found.value == pytest.approx(4 / 7, abs=1e-12)


def test_far_disagreements_weigh_more():
    near = np.array([[0, 1, 2, 3, 4, 0], [0, 1, 2, 3, 4, 1.0]])
    far = np.array([[0, 1, 2, 3, 4, 0], [0, 1, 2, 3, 4, 4.0]])
    a, b = (agreement(made(m), draws=99) for m in (near, far))
    assert one(a, "cohen_kappa").value == pytest.approx(one(b, "cohen_kappa").value, abs=0.03)
    assert a.krippendorff.estimate > b.krippendorff.estimate + 0.2
    assert one(a, "cohen_kappa_quadratic").value > one(b, "cohen_kappa_quadratic").value + 0.2


def test_unclear_is_missing_not_a_value():
    full = np.array([[0, 1, 2, 3, 0], [0, 1, 2, 3, 1.0]])
    more = np.column_stack([full, [np.nan, 4], [np.nan, np.nan]])
    a, b = (agreement(made(m), draws=199) for m in (full, more))
    assert [s.value for s in a.statistics] == [s.value for s in b.statistics]
    assert [s.conf_int for s in a.statistics] == [s.conf_int for s in b.statistics]
    assert (b.n_unclear, b.n_units, b.n_pairable) == (3, 7, 5)
    assert "unclear is a missing value" in b.notes[0]
    assert b.disagreements["kind"].tolist() == ["stance", "unclear"]


# intervals


def test_the_same_seed_gives_the_same_interval():
    sheet = made(ratings("two_coders"))
    a, b, c = (agreement(sheet, draws=2500, seed=s) for s in (4, 4, 5))
    assert a.to_dict() == b.to_dict()
    assert a.krippendorff.conf_int != c.krippendorff.conf_int
    assert a.krippendorff.conf_int == pytest.approx(c.krippendorff.conf_int, abs=0.03)


def test_the_interval_is_that_of_resampled_municipalities():
    """The same as drawing rows one by one and computing alpha anew each time."""
    matrix = ratings("two_coders_missing")
    units = matrix[:, (~np.isnan(matrix)).sum(axis=0) > 1]
    rng = np.random.default_rng(np.random.SeedSequence(3))
    n = units.shape[1]
    drawn = []
    for weights in rng.multinomial(n, np.full(n, 1 / n), size=300):
        taken = units[:, np.repeat(np.arange(n), weights)]
        everyone = np.ones((1, n))
        drawn.append(krippendorff_alpha(value_counts(taken.T, 5), np.arange(n), everyone)[0])
    wanted = np.quantile(drawn, [0.025, 0.975])
    found = agreement(made(matrix), draws=300, seed=3).krippendorff
    assert found.conf_int == pytest.approx(tuple(wanted), abs=1e-12)


def test_units_of_one_municipality_are_drawn_together():
    """Ten copies of a municipality's disagreement in time make nobody surer."""
    matrix = ratings("two_coders")[:, :20]
    counts = value_counts(matrix.T, 5)
    once = ordinal_alpha(counts, list(range(20)), draws=999)
    copied = ordinal_alpha(np.repeat(counts, 10, axis=0), np.repeat(np.arange(20), 10), draws=999)
    apart = ordinal_alpha(np.repeat(counts, 10, axis=0), list(range(200)), draws=999)
    width = [s.conf_int[1] - s.conf_int[0] for s in (once, copied, apart)]
    assert width[1] == pytest.approx(width[0], rel=0.1)
    assert width[2] < width[0] / 2


def test_the_interval_covers_a_known_truth():
    """120 municipalities, two coders who err in 30 %: within what 300 draws can tell of 95 %."""
    rng = np.random.default_rng(11)
    share = np.array([0.25, 0.15, 0.3, 0.2, 0.1])

    def coded(truth):
        step = np.clip(truth + rng.choice([-1, 1], len(truth)), 0, 4)
        far = rng.choice(5, len(truth), p=share)
        wrong = np.where(rng.random(len(truth)) < 0.3, far, step)
        return np.where(rng.random(len(truth)) < 0.3, wrong, truth)

    def study(n):
        truth = rng.choice(5, n, p=share)
        return value_counts(np.column_stack([coded(truth), coded(truth)]).astype(float), 5)

    many = study(400_000)
    truth = ordinal_alpha(many, np.arange(len(many)), draws=0).value
    hits = 0
    for seed in range(300):
        low, high = ordinal_alpha(study(120), np.arange(120), draws=399, seed=seed).conf_int
        hits += low <= truth <= high
    assert 0.91 <= hits / 300 <= 0.985


def test_no_interval_where_no_disagreement_was_seen():
    found = agreement(made(np.array([[0, 1, 2.0], [0, 1, 2.0]])), draws=99)
    assert found.krippendorff.estimate == 1
    assert found.krippendorff.conf_int == (-np.inf, np.inf)
    assert all(s.conf_int is None for s in found.statistics)
    assert "no disagreement was seen" in found.statistics[0].note
    assert found.check.passed is None
    assert "1,00" in found.check.text_sv
    assert "0 units bear different stances" in found.notes[-1]


def test_not_defined_where_only_one_value_was_used():
    found = agreement(made(np.array([[2, 2, 2.0], [2, 2, 2.0]])), draws=99)
    assert found.krippendorff is None
    assert one(found, "raw_agreement").value == 1
    for name in ("krippendorff_alpha_ordinal", "fleiss_kappa", "cohen_kappa"):
        assert one(found, name).value is None
        assert "only one value was used" in one(found, name).note
    assert found.check.passed is None
    assert "inte definierad" in found.check.text_sv
    json.dumps(found.to_dict(), allow_nan=False)


def test_no_interval_where_many_draws_have_no_variation():
    found = agreement(made(np.array([[2, 2, 1.0], [2, 2, 2.0]])), draws=999)
    assert found.krippendorff.conf_int == (-np.inf, np.inf)
    assert "of the draws have no variation" in found.statistics[0].note


@pytest.mark.parametrize(("wrong", "passed"), [(4, True), (40, False)])
def test_the_check_asks_for_the_lower_bound(wrong, passed):
    truth = np.tile(np.arange(5.0), 24)
    other = truth.copy()
    other[:wrong] = (other[:wrong] + 1) % 5
    found = agreement(made(np.array([truth, other])), draws=499)
    low = found.krippendorff.conf_int[0]
    assert (low >= TENTATIVE) is passed
    assert found.check.passed is passed
    assert found.check.statistic == low
    assert ("not shown" in found.check.text_en) is not passed
    assert f"{low:.2f}".replace(".", ",") in found.check.text_sv


# periods


def periods(*rows):
    keys = ("coder", "stance", "began", "ended")
    base = {"code": "2321", "evidence": "strong", "source": "s"}
    other = [base | {"code": "1287", "coder": c, "stance": NEEDED} for c in "AB"]
    return coding_sheet([*(base | dict(zip(keys, r, strict=True)) for r in rows), *other])


def test_time_is_cut_where_a_coding_changes():
    sheet = periods(
        ("A", DAY_ONE, "2011-H2", ""), ("B", DURING, "2012", "2015"), ("B", DAY_ONE, "2016", "")
    )
    units = [u for u in coded_units(sheet.rows, sheet.coders) if u.code == "2321"]
    told = [(month_text(u.first), month_text(u.last), tuple(u.stances.values())) for u in units]
    assert told == [
        ("2011-07", "2011-12", (DAY_ONE,)),
        ("2012-01", "2015-12", (DAY_ONE, DURING)),
        ("2016-01", "", (DAY_ONE, DAY_ONE)),
    ]
    found = agreement(sheet, draws=99)
    assert (found.n_units, found.n_pairable, found.n_disagreeing) == (4, 3, 1)
    assert one(found, "raw_agreement").value == pytest.approx(2 / 3)
    assert one(found, "raw_agreement").n_municipalities == 2
    table = found.disagreements
    assert table[["kind", "began", "ended"]].values.tolist() == [
        ["stance", "2012-01", "2015-12"], ["dates", "2011-07", "2011-12"],
    ]  # fmt: skip
    assert table.loc[0, "steps"] == 1
    assert table.loc[1, ["stance A", "stance B"]].tolist() == [DAY_ONE, ""]


def test_a_change_of_components_makes_no_new_unit():
    sheet = periods(
        ("A", DAY_ONE, "2011", "2013"), ("A", DAY_ONE, "2014", ""), ("B", DAY_ONE, "2011", "")
    )
    assert agreement(sheet, draws=99).n_units == 2


def test_a_gap_and_a_single_month_are_units_of_their_own():
    sheet = periods(
        ("A", DAY_ONE, "2011", "2012"), ("A", DAY_ONE, "2015-03", "2015-03"),
        ("B", DAY_ONE, "2011", "2012"), ("B", DURING, "2015-03", "2015-03"),
    )  # fmt: skip
    units = [u for u in coded_units(sheet.rows, sheet.coders) if u.code == "2321"]
    told = [(month_text(u.first), month_text(u.last)) for u in units]
    assert told == [("2011-01", "2012-12"), ("2015-03", "2015-03")]
    alone = coding_sheet(sheet.tidy().query("coder == 'A'"))
    assert len(coded_units(alone.rows, ["A"])) == 3


def test_what_is_to_settle_farthest_first():
    matrix = np.array([[0, 1, 2, 3, 4], [4, 2, 2, np.nan, 4.0]])
    table = agreement(made(matrix), draws=99).disagreements
    assert table["kind"].tolist() == ["stance", "stance", "unclear"]
    assert table["steps"].tolist()[:2] == [4, 1]
    assert table["code"].tolist() == [CODES[0], CODES[1], CODES[3]]


def test_a_municipality_of_one_coder_is_counted_and_no_disagreement():
    rows = made(np.array([[0, 1, 2], [0, 1, 1.0]])).tidy().drop(columns="municipality")
    alone = rows.iloc[[0]].assign(code="2321")
    sheet = coding_sheet([*rows.to_dict("records"), *alone.to_dict("records")])
    found = agreement(sheet, draws=99)
    assert (found.n_municipalities, found.n_single) == (4, 1)
    assert "2321" not in set(found.disagreements["code"])


# what is refused


def test_one_coder_is_refused():
    with pytest.raises(InputError, match="agreement needs two coders; there is only 'documents'"):
        agreement(sheet_from_documents())


def test_a_coder_with_one_row_is_refused():
    rows = made(np.array([[0, 1.0], [0, 1.0]])).tidy().drop(columns="municipality")
    with pytest.raises(InputError, match="coder 'B' has one row only"):
        agreement(coding_sheet(rows.iloc[:3]))


def test_nothing_in_common_is_refused():
    matrix = np.array([[0, 1, np.nan, np.nan], [np.nan, np.nan, 1, 2]])
    with pytest.raises(InputError, match="coders A, B have not given a stance other than unclear"):
        agreement(made(matrix))


def test_an_unknown_coder_is_refused():
    with pytest.raises(InputError, match="there is no coder 'Z'; there are A, B"):
        agreement(made(np.array([[0, 1.0], [0, 1.0]])), coders=["A", "Z"])


@pytest.mark.parametrize(
    ("option", "says"), [({"draws": -1}, "below 0"), ({"alpha": 2}, "between")]
)
def test_an_impossible_option_is_refused(option, says):
    with pytest.raises(InputError, match=says):
        agreement(made(np.array([[0, 1.0], [0, 2.0]])), **option)


def test_without_draws_there_is_no_interval():
    found = agreement(made(np.array([[0, 1.0], [0, 2.0]])), draws=0)
    assert all(s.conf_int is None for s in found.statistics)
    assert found.check.passed is None


def test_decisions_are_no_coder():
    rows = made(np.array([[0, 1, 2], [0, 1, 1.0]])).tidy().drop(columns="municipality")
    decision = rows.iloc[-1].to_dict() | {
        "coder": ADJUDICATED, "decided_by": "A", "decided_on": "2026-11-23", "reason": "r",
    }  # fmt: skip
    with_it = coding_sheet([*rows.to_dict("records"), decision])
    assert with_it.coders == ("A", "B")
    a, b = agreement(coding_sheet(rows), draws=99), agreement(with_it, draws=99)
    assert a.statistics == b.statistics


# the result


def test_the_result_tells_how_it_was_made():
    found = agreement(made(ratings("five_coders_missing")), draws=99, seed=8, alpha=0.1)
    e = found.krippendorff
    assert (e.seed, e.alpha, e.data_hash) == (8, 0.1, found.data_hash)
    assert "99 draws" in e.inference
    given = (~np.isnan(ratings("five_coders_missing"))).sum(axis=0)
    assert e.n_obs == given[given > 1].sum()  # a value without another is no use
    assert len(found.tidy()) == 3 + 2 * 10
    assert found.tidy()["value"].tolist()[0] == e.estimate
    assert "krippendorff_alpha_ordinal" in found._repr_html_()
    content = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert content["statistics"][0]["value"] == e.estimate
    with pytest.raises(dataclasses.FrozenInstanceError):
        found.draws = 1
