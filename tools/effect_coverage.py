"""Coverage of the headline, the horizons, doses and subgroups on twins (docs/questions/effect.md).

Half of the active begin within a year, so that they have a partly exposed one. In every other
twin the effect fades: it halves yearly after one year. One row per twin goes to the file, so that
every rate can be counted again; a file that is there is carried on.
Run: python tools/effect_coverage.py FILE [FIRST_SEED [STUDIES]]
     python tools/effect_coverage.py FILE FIRST_SEED STUDIES --large
         # only twins in which two of the class of 200,000 and over become active
     python tools/effect_coverage.py --count FILE...
"""

import csv
import sys
from pathlib import Path

import numpy as np
import pandas as pd

from evaluation.data.embedded import municipalities
from evaluation.data.sources import open_sources
from evaluation.data.twin.activity import make_activity
from evaluation.data.twin.country import make_country
from evaluation.design.carried import carried
from evaluation.plan import plan_from_dict
from evaluation.questions.coding import resolve_design
from evaluation.questions.horizons import analyse_duration, analyse_exposure, analyse_subgroups
from evaluation.questions.horizons.subgroups import size_class
from evaluation.questions.inference import DesignInference, Settings

INDICATOR, SEED, STUDIES, DRAWS, DONORS = "N00973", 60_000, 500, 999, 8
SIZES = ("0-15000", "15000-50000", "50000-200000", "200000-")
PARTS = (
    "rule",
    "permutation",
    "short",
    "middle",
    "long",
    "difference",
    "partial",
    "full",
    "full_minus_partial",
    *(f"size_{s}" for s in SIZES),
)
COLUMNS = (
    "seed",
    "fade",
    "n_treated",
    "n_units",
    "n_partial",
    "verdict",
    "elsewhere",
    *(f"{p}_{k}" for p in PARTS for k in ("n", "estimate", "low", "high", "truth")),
)


def plan(seed, fade):
    """Return the plan of one twin."""
    data = {"source": "simulated", "seed": seed, "persons": False, "mid_year": 0.5}
    return plan_from_dict(
        {
            "name": "coverage",
            "title": {"sv": "täckning", "en": "coverage"},
            "data": data | ({"fade": 1} if fade else {}),
            "outcomes": [INDICATOR],
            "treatment": {
                "coding": "simulated",
                "exposure": "leave_out_partial",
                "unfit": "leave_out",
            },
            "comparison": {"donors_per_treated": DONORS},
            "estimation": {"estimand": "cohort", "draws": DRAWS, "seed": seed},
        },
        file="coverage.yaml",
    )


def seeds(first, studies, large):
    """Yield the seeds of the twins; of ``large``, those with two active of the largest class.

    Who becomes active is drawn before anything that happens to anybody.
    """
    size = municipalities()["population_2017"]
    seed, found = first, 0
    while found < studies:
        settings = plan(seed, seed % 2 == 1).data
        country = make_country(seed, *settings.years)
        whole = make_activity(settings, country).first_whole_year()
        people = size[np.array(country.codes)[whole > 0]]
        if not large or (people.map(size_class) == SIZES[-1]).sum() > 1:
            found += 1
            yield seed
        seed += 1


def study(seed):
    """Return estimates, intervals and truths of one twin."""
    fade = seed % 2 == 1
    asked = plan(seed, fade)
    sources = open_sources(asked)
    design, _ = resolve_design(asked, sources, None)
    read = sources.outcome(0)
    fits = carried(asked, 0, design, read.panel, read.indicator.lag_years).design
    donors = min(DONORS, len(fits.controls) // len(fits.treated))
    settings = Settings("cohort", 0.05, DRAWS, seed, donors)
    inference = DesignInference.of(read.panel, fits, settings)
    truth = sources.twin.truth
    codes = fits.treated_codes
    cohort = fits.cohort()
    whole = truth.since(INDICATOR, codes=codes)
    found = {
        "rule": (inference.rule(cohort).result, whole),
        "permutation": (inference.permute(cohort).result, whole),
    }
    duration = analyse_duration(inference)
    horizon = truth.by_horizon(INDICATOR, codes=codes)
    found |= {h.key: (h.estimate, horizon[h.key]) for h in duration.horizons if h.estimate}
    if duration.difference:
        found["difference"] = (duration.difference, horizon["difference"])
    exposure = analyse_exposure(inference)
    if exposure:
        dose = truth.by_dose(INDICATOR, codes=codes)
        found["partial"] = (exposure.partial, dose["partial"])
        found["full"] = (exposure.full, dose["full"])
        found["full_minus_partial"] = (exposure.difference, dose["difference"])
    for division in analyse_subgroups(inference):
        if division.by == "size":
            for g in division.groups:
                found[f"size_{g.label}"] = (
                    g.estimate,
                    truth.since(INDICATOR, codes=list(g.codes)),
                )
    row = {
        "seed": seed,
        "fade": int(fade),
        "n_treated": len(codes),
        "n_units": len(inference.panel.units),
        "n_partial": len(exposure.codes) if exposure else 0,
        "verdict": duration.verdict,
        "elsewhere": truth.elsewhere(INDICATOR),
    }
    for name, (e, real) in found.items():
        low, high = e.conf_int
        numbers = (e.n_treated_units, e.estimate, low, high, real)
        row |= dict(
            zip(
                (f"{name}_{k}" for k in ("n", "estimate", "low", "high", "truth")),
                numbers,
                strict=True,
            )
        )
    return row


def count(files):
    """Print coverage and bias, all twins and by whether the effect fades."""
    rows = pd.concat([pd.read_csv(f) for f in files], ignore_index=True)
    print(
        f"{len(rows)} twins, treated {rows['n_treated'].mean():.1f}, of them with a partly "
        f"exposed year {rows['n_partial'].mean():.1f}, units {rows['n_units'].mean():.1f}"
    )
    for title, some in (
        ("all", rows),
        ("lasting", rows[rows["fade"] == 0]),
        ("fading", rows[rows["fade"] == 1]),
    ):
        print(f"{title}: {len(some)} twins")
        for part in PARTS:
            r = some[some[f"{part}_estimate"].notna()]
            if r.empty:
                continue
            truth, error = r[f"{part}_truth"], r[f"{part}_estimate"] - r[f"{part}_truth"]
            known = np.isfinite(r[f"{part}_low"]) & np.isfinite(r[f"{part}_high"])
            inside = truth.between(r[f"{part}_low"], r[f"{part}_high"])
            bounded = 100 * inside[known].mean()
            print(
                f"  {part:<20} twins {len(r)}  treated {r[f'{part}_n'].mean():.1f}  truth "
                f"{truth.mean():+.2f}  bias {error.mean():+.2f} ± "
                f"{error.std() / len(r) ** 0.5:.2f}  sd {error.std():.2f}  covered "
                f"{100 * inside.mean():.1f} % ({known.sum()} with bounds, of them {bounded:.1f} %)"
            )
        print("  verdicts", some["verdict"].value_counts().to_dict())


def main(arguments):
    """Run the studies that the file lacks, or count those already run."""
    if not arguments or arguments[0] in ("-h", "--help"):
        print(__doc__)
        return
    if arguments[0] == "--count":
        count(arguments[1:])
        return
    file = Path(arguments[0])
    large = "--large" in arguments
    arguments = [a for a in arguments if a != "--large"]
    first = int(arguments[1]) if len(arguments) > 1 else SEED
    studies = int(arguments[2]) if len(arguments) > 2 else STUDIES
    done = set(pd.read_csv(file)["seed"]) if file.exists() else set()
    with file.open("a", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, COLUMNS)
        if not done:
            writer.writeheader()
        for seed in seeds(first, studies, large):
            if seed not in done:
                writer.writerow(study(seed))
                stream.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
