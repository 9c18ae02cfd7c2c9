"""How often the cost model's intervals cover the truth on twins (docs/questions/costs.md).

Per twin the effects are estimated as a plan would, by permutation and by the rule, and p, r, g,
spells, amounts and work from the comparison municipalities' own records. The truth is the cost
model at the twin's realised effects and at its true parameters. One row per twin and inference
goes to the file.
Run: python tools/cost_coverage.py FILE [FIRST_SEED [STUDIES]]
     python tools/cost_coverage.py --pilot      # the two parameters that no setting states
     python tools/cost_coverage.py --really     # the model against what is really paid less
     python tools/cost_coverage.py --sample FILE STUDIES   # break-even, records from 40 places
     python tools/cost_coverage.py --count FILE...
"""

import csv
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import norm
from scipy.stats import t as student

from evaluation.data.registry import REGISTRY
from evaluation.data.tidy_panel import build_panel
from evaluation.data.twin import simulate
from evaluation.data.twin.activity import make_activity
from evaluation.data.twin.country import make_country
from evaluation.data.twin.people import make_people
from evaluation.data.twin.world import make_setting, make_world
from evaluation.design.comparison import matched_sets
from evaluation.estimation.did.aggregation import aggregate
from evaluation.estimation.did.callaway_santanna import callaway_santanna
from evaluation.estimation.few_treated.auto import auto_inference
from evaluation.estimation.few_treated.contrasts import contrasts
from evaluation.estimation.few_treated.permutation import matched_assignments, permutation_test
from evaluation.plan import SimulatedData
from evaluation.questions.costs import (
    UncertainEffect,
    cost_analysis,
    costs_from_dict,
    effect_from_estimate,
)

WORK, STAY, SEED, STUDIES, DRAWS, DONORS = "N00973", "retention_3_years", 70_000, 500, 999, 8
LAST_EXIT, PROGRAMME = 2021, 2
ASKED = ("assistance_saved", "tax", "net_municipality", "break_even", "cost_break_even")
# needing assistance, kronor a month and share at work are settings of the twin (docs/data/twin.md);
# months on assistance and the share still there in the year of leaving are means over 100
# other twins (--pilot)
TRUE = {
    "needing_assistance": 0.775,
    "norm": 4500 * np.exp(0.25**2 / 2),
    "work_share": 0.70,
    "months_in_all": 25.796,
    "staying": 0.71395,
}


def country(seed):
    """Return a twin's settings: the default but for lower amounts, which the model has not."""
    return SimulatedData(seed=seed, persons=False, effect_cost=0.0)


class Lives:
    """Everybody's life with and without activity, and where and when they leave the programme."""

    def __init__(self, settings):
        first, last = settings.years
        self.country = make_country(settings.seed, first, last)
        activity = make_activity(settings, self.country)
        self.people = people = make_people(settings.seed, self.country)
        setting = make_setting(self.country, people)
        self.exposure = activity.exposure(people.place, people.month, spillover=0, fade=None)
        still = np.zeros(setting.level.shape)
        self.without = make_world(setting, settings, np.zeros(len(self.exposure)), still)
        self.active = make_world(setting, settings, self.exposure, still)
        self.whole = activity.first_whole_year()
        self.exit = people.end // 12


def mean_of_all(values, place, size):
    r"""Return what a mean over some municipalities says of the mean over all, and its error.

    The others' mean is predicted (Royall, 1970, Biometrika 57). With W the others' share of all
    persons, v and w the persons' shares by municipality among the others and among those seen,
    τ² the variance between municipalities and σ² that within, over m persons, the error is

    .. math:: W^2 \tau^2 \left(\sum v^2 + \sum w^2\right) + \sigma^2 / m

    so that where nearly all are seen, how much they differ hardly matters. As for 1.96.
    """
    m = np.bincount(place, minlength=len(size))
    own, squares = (np.bincount(place, v, len(size)) for v in (values, values**2))
    seen = m > 0
    m, own, squares = m[seen], own[seen], squares[seen]
    y, w, g, mean = own / m, m / m.sum(), len(m), own.sum() / m.sum()
    within = (squares - m * y**2).sum() / (m.sum() - g)
    spread = (w * (y - mean) ** 2).sum() - within * (g - 1) / m.sum()
    between = max(0.0, spread / (1 - (w**2).sum()))
    others = np.where(seen, 0, size)
    v = others / others.sum()
    missed = (others.sum() / size.sum()) ** 2 * between * ((v**2).sum() + (w**2).sum())
    error = np.sqrt(missed + within / m.sum())
    return float(mean), float(error * student.ppf(0.975, g - 1) / norm.ppf(0.975))


def from_comparison(x, sample=None):
    """Return the parameters that the comparison's records tell, with standard errors.

    All of the comparison, or a sample of so many municipalities; what is asked of is the country.
    """
    w = x.active
    compared = x.whole == 0
    if sample is not None:
        drawn = np.random.default_rng(x.country.received.sum()).permutation(
            np.flatnonzero(compared)
        )
        compared = np.isin(np.arange(len(compared)), drawn[:sample])
    window = (x.exit >= 2014) & (x.exit <= LAST_EXIT)
    here = w.residence == x.people.place
    # of everybody; those who moved in from an active municipality are no comparison
    left = window & (w.residence >= 0)
    neither = left & ~w.success[0]
    assisted = neither & (w.assisted > 0)

    def mean(values, who, place=w.residence):
        size = np.bincount(place[who], minlength=len(compared))
        seen = who & compared[place] & (x.exposure == 0)
        return mean_of_all(values[seen].astype(float), place[seen], size)

    return {
        "in_work_or_studies": mean(w.success[0], left),
        "needing_assistance": mean(w.assisted > 0, neither),
        "months_in_all": mean(w.assisted, assisted),
        "norm": mean(w.amount, assisted),
        "work_share": mean(w.work[0], left & w.success[0]),
        "staying": mean(here, window & x.people.adult, x.people.place),
    }


def parameter_file(found, received):
    """Return a parameter file: means and standard errors found, the rest stated."""

    def entry(value, unit, spread=None):
        kind = {} if spread is None else {"distribution": spread}
        return {
            "value": value,
            "unit": unit,
            "year": 2019,
            "status": "found",
            "source": "twin",
        } | kind

    def share(name):
        mean, sd = found[name]
        return entry(mean, "share", {"kind": "beta", "sd": sd} if sd else None)

    months, sd = found["months_in_all"]
    amount, amount_sd = found["norm"]
    month = "kronor per household and month"
    parameters = {
        "received": entry(received, "adults per year"),
        "leaving": entry({PROGRAMME: 1.0}, "share"),
        "in_work_or_studies": share("in_work_or_studies"),
        "needing_assistance": share("needing_assistance"),
        "staying": share("staying"),
        "adults_per_household": entry(1.0, "adults per household"),
        "exit_rate": entry(
            12 / months,
            "share per year",
            {"kind": "beta", "sd": 12 / months**2 * sd} if sd else None,
        ),
        "months": entry(12.0, "months per year"),
        "norm": entry(amount, month, {"kind": "normal", "sd": amount_sd} if amount_sd else None),
        "rent": entry(0.0, month),
        "other_income": entry(0.0, month),
        "households_at_start": entry(0.0, "households"),
        "discount_rate": entry(0.03, "share per year"),
        "fade": entry(0.0, "share per year"),
        "programme_cost": entry(4000.0, "kronor per adult received"),
        "earnings": entry(200_000.0, "kronor per worker and year"),
        "basic_deduction": entry(20_000.0, "kronor per worker and year"),
        "work_share": share("work_share"),
        "moving_out": entry(0.10, "share per year"),
        "municipal_tax": entry(0.20, "share"),
    }
    stated = {"estimate": 0, "conf_int": [0, 0], "status": "assumed", "source": "twin"}
    return costs_from_dict(
        {
            "name": "twin",
            "title": {"sv": "tvilling", "en": "twin"},
            "years": [2014, 2030],
            "prices": {"year": 2019, "index": {2019: 1.0}, "status": "found", "source": "constant"},
            "parameters": parameters,
            "effect": {"first_cohort": 2012, "on_work_or_studies": stated},
            "analysis": {"draws": 10_000, "seed": 1},
        }
    )


def estimates(twin, indicator, seed):
    """Return the estimates by inference, and the truth on the same municipalities."""
    panel = build_panel(
        twin.observations, indicator, "T", weight="registry", within=twin.settings.years
    )
    start, lag = twin.truth.first_year, REGISTRY[indicator].lag_years
    cohort = pd.Series({u: start[u] + lag if u in start else 0 for u in panel.units})
    treated = [u for u, g in cohort.items() if g]
    controls = [u for u, g in cohort.items() if not g]
    size = panel.weights.mean(axis=1)
    sets = matched_sets(treated, controls, size, min(DONORS, len(controls) // len(treated)))
    main = contrasts(panel, cohort)
    picks = matched_assignments(main, sets, DRAWS, seed)
    like = aggregate(callaway_santanna(panel, cohort), "cohort")
    permuted = permutation_test(main, picks, seed=seed, like=like, mechanism="matched").result
    rule = auto_inference(panel, cohort, size=size, estimand="cohort").result
    return {"permutation": permuted, "rule": rule}, twin.truth.att(indicator, codes=treated)


def exactly(value):
    """Return an effect without uncertainty, in percentage points."""
    share = value / 100
    return UncertainEffect(share, share, share, 0.05, "truth", "twin", "twin", True)


def answers(result, account):
    """Return each answer with its bounds."""
    rows = account.set_index(["account", "line"])
    tax = rows.loc[("municipality", "municipal_tax")]
    e, even = result.estimates, result.break_even
    return {
        "assistance_saved": (e["assistance_saved"].estimate, *e["assistance_saved"].conf_int),
        "tax": (tax["discounted"], tax["discounted_low"], tax["discounted_high"]),
        "net_municipality": (e["net_municipality"].estimate, *e["net_municipality"].conf_int),
        "break_even": (even.effect, *even.effect_bounds),
        "cost_break_even": (even.cost_per_person, *even.cost_bounds),
    }


def study(seed):
    """Return a row per inference for one twin."""
    settings = country(seed)
    twin, x = simulate(settings), Lives(settings)
    exposed = (x.exposure > 0) & x.people.adult & (x.exit <= LAST_EXIT)
    years, many = np.unique(x.people.year[exposed], return_counts=True)
    received = dict.fromkeys(range(2012, 2031), 0.0) | {
        int(y): float(n) for y, n in zip(years, many, strict=True)
    }
    work, work_truth = estimates(twin, WORK, seed)
    stay, stay_truth = estimates(twin, STAY, seed + 1)
    found = from_comparison(x)
    true = found | {k: (v, 0.0) for k, v in TRUE.items()}
    truth = cost_analysis(
        parameter_file(true, received),
        exactly(work_truth),
        on_staying=exactly(stay_truth),
        draws=100,
    )
    right = answers(truth, truth.accounts)
    shared = {
        "seed": seed,
        "exposed": int(exposed.sum()),
        **{f"found_{k}": v[0] for k, v in found.items()},
        **{f"sd_{k}": v[1] for k, v in found.items()},
        "effect_truth": work_truth,
        "staying_truth": stay_truth,
    }
    plan = parameter_file(found, received)
    rows = []
    for how in ("permutation", "rule"):
        result = cost_analysis(
            plan, effect_from_estimate(work[how]), on_staying=effect_from_estimate(stay[how]),
            seed=seed,
        )  # fmt: skip
        row = shared | {"inference": how}
        row |= {"effect": work[how].estimate, "staying": stay[how].estimate}
        row |= {"effect_low": work[how].conf_int[0], "effect_high": work[how].conf_int[1]}
        row |= {"staying_low": stay[how].conf_int[0], "staying_high": stay[how].conf_int[1]}
        for name, (value, low, high) in answers(result, result.accounts).items():
            row |= {name: value, f"{name}_low": low, f"{name}_high": high}
            row[f"{name}_truth"] = right[name][0]
        rows.append(row)
    return rows


def really(twins=30, seed=60_000):
    """Print what the model counts of the assistance that those who stay really need less."""
    real, steps = [], []
    for i in range(twins):
        x = Lives(country(seed + i))
        truth = simulate(country(seed + i)).truth.att(WORK) / 100
        exposed = (x.exposure > 0) & x.people.adult & (x.exit <= LAST_EXIT)
        here = exposed & (x.without.residence == x.people.place)
        w, a = x.without, x.active
        real.append(float((w.assisted * w.amount - a.assisted * a.amount)[here].sum()))
        # as the model has it: each more in work or studies spares a mean spell
        spell = TRUE["needing_assistance"] * TRUE["months_in_all"] * TRUE["norm"]
        own = a.success[0][here].mean() - w.success[0][here].mean()
        stay = exposed.sum() * TRUE["staying"]
        steps.append([stay * truth * spell, here.sum() * truth * spell, here.sum() * own * spell])
    parts = np.array(steps).sum(axis=0) / sum(real)
    names = ("the model", "with their own share staying", "with their own effect besides")
    for name, part in zip(names, parts, strict=True):
        print(f"{name}: {100 * part:.0f} % of what is really paid less")


def sampled(file, studies, sample=40, seed=80_000):
    """Write how the break-even effect fares with records from a sample of municipalities.

    The effects are taken as known, as they do not enter it (that on staying: 4 points).
    """
    known = {"effect": exactly(4.2), "on_staying": exactly(4.0), "draws": 10_000}
    received = dict.fromkeys(range(2012, 2031), 100.0)
    true = {k: (v, 0.0) for k, v in TRUE.items()} | {"in_work_or_studies": (0.356, 0.0)}
    truth = cost_analysis(parameter_file(true, received), **known).break_even.effect
    rows = []
    for i in range(studies):
        found = from_comparison(Lives(country(seed + i)), sample)
        even = cost_analysis(parameter_file(found, received), seed=i, **known).break_even
        low, high = even.effect_bounds
        rows.append({"truth": truth, "found": even.effect, "low": low, "high": high})
        rows[-1] |= {f"found_{k}": v[0] for k, v in found.items()}
        rows[-1] |= {f"sd_{k}": v[1] for k, v in found.items()}
        pd.DataFrame(rows).to_csv(file, index=False)
    r = pd.DataFrame(rows)
    inside = (r["low"] <= r["truth"]) & (r["truth"] <= r["high"])
    print(f"break-even effect: {truth:.4g}, covered {100 * inside.mean():.1f} % of {len(r)}")
    for name, (value, _) in true.items():
        z = (r[f"found_{name}"] - value) / r[f"sd_{name}"]
        print(f"  {name}: covered {100 * (z.abs() <= 1.96).mean():.1f} %")


def count(files):
    """Print bias and coverage by inference."""
    every = pd.concat([pd.read_csv(f) for f in files], ignore_index=True)
    for how, rows in every.groupby("inference"):
        print(f"{how}: {len(rows)} twins, {rows['exposed'].mean():.0f} exposed adults each")
        for name in ("effect", "staying", *ASKED):
            truth, low = rows[f"{name}_truth"], rows[f"{name}_low"].fillna(-np.inf)
            error = (rows[name] - truth).dropna()
            inside = truth.between(low, rows[f"{name}_high"].fillna(np.inf)) & truth.notna()
            share, n = inside.mean(), len(rows)
            print(
                f"  {name}: truth {truth.mean():.4g}, bias {error.mean():+.3g} ± "
                f"{error.std() / len(error) ** 0.5:.2g}, covered {100 * share:.1f} % ± "
                f"{100 * (share * (1 - share) / n) ** 0.5:.1f}"
            )
    one = every[every["inference"] == "rule"]
    for name, true in TRUE.items():
        value, sd = one[f"found_{name}"], one[f"sd_{name}"]
        inside = ((value - true).abs() <= 1.96 * sd).mean()
        print(
            f"  {name}: true {true:.5g}, found {value.mean():.5g}, covered {100 * inside:.1f} %, "
            f"sd {value.std():.3g}, said {sd.mean():.3g}"
        )


def pilot(twins=100, seed=60_000):
    """Print the mean of what no setting of the twin states."""
    rows = [from_comparison(Lives(country(seed + i))) for i in range(twins)]
    for name in rows[0]:
        v = np.array([r[name][0] for r in rows])
        print(f"{name}: {v.mean():.5f} ± {v.std() / twins**0.5:.5f}")


def main(arguments):
    """Run the studies, or count those already run."""
    if not arguments or arguments[0] in ("-h", "--help"):
        print(__doc__)
        return None
    if arguments[0] == "--count":
        return count(arguments[1:])
    if arguments[0] in ("--pilot", "--really"):
        return {"--pilot": pilot, "--really": really}[arguments[0]]()
    if arguments[0] == "--sample":
        return sampled(arguments[1], int(arguments[2]))
    first = int(arguments[1]) if len(arguments) > 1 else SEED
    studies = int(arguments[2]) if len(arguments) > 2 else STUDIES
    with Path(arguments[0]).open("a", newline="", encoding="utf-8") as out:
        for i in range(studies):
            rows = study(first + i)
            writer = csv.DictWriter(out, rows[0])
            if out.tell() == 0:
                writer.writeheader()
            writer.writerows(rows)
            out.flush()
    return None


if __name__ == "__main__":
    main(sys.argv[1:])
