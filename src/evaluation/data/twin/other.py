"""The indicators that are about all inhabitants: costs, employment, population."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np

from evaluation.data import embedded
from evaluation.data.registry import REGISTRY
from evaluation.data.twin.aggregates import Counts, Table
from evaluation.data.twin.country import Country, autoregressive
from evaluation.data.twin.streams import stream

__all__ = ["Background", "make_background", "of_inhabitants"]

# All made up, but for the level of N00700, which is the nation's, and U31001's order of
# magnitude: 11.2 billion kronor in 2018 (SKR), some 1,100 kronor per inhabitant.
_OTHER_ASSISTANCE: Final = 800.0
_RECEPTION_COST: Final = 40_000.0
_STATE_PAYS: Final = 0.9
_STOCK: Final = 0.02
_WORKING_AGE: Final = 0.6
_FROM_UNEMPLOYMENT: Final = 0.5


@dataclass(frozen=True)
class Background:
    """What no activity changes, shape (n, T) unless said otherwise.

    Parameters
    ----------
    share_women : numpy.ndarray
        Women among the inhabitants.
    foreign_born : numpy.ndarray
        Shape (2, n, T): per cent born abroad, by sex.
    refugees : numpy.ndarray
        Refugees and their kin aged 20–64 per sex.
    refugees_employed, foreign_employed, native_employed, unemployed : numpy.ndarray
        Shape (2, n, T): per cent.
    assistance : numpy.ndarray
        Kronor per inhabitant of social assistance to other households.
    reception : numpy.ndarray
        Kronor per person received, over two years.
    state : numpy.ndarray
        Share of the reception cost that the state pays.
    measured : numpy.ndarray
        Factor between cost and paid assistance.
    answers : dict
        Yes or no by id of the survey question.
    """

    share_women: np.ndarray = field(repr=False)
    foreign_born: np.ndarray = field(repr=False)
    refugees: np.ndarray = field(repr=False)
    refugees_employed: np.ndarray = field(repr=False)
    foreign_employed: np.ndarray = field(repr=False)
    native_employed: np.ndarray = field(repr=False)
    unemployed: np.ndarray = field(repr=False)
    assistance: np.ndarray = field(repr=False)
    reception: np.ndarray = field(repr=False)
    state: np.ndarray = field(repr=False)
    measured: np.ndarray = field(repr=False)
    answers: dict[str, np.ndarray] = field(repr=False)


def _refugee_level(years: np.ndarray) -> np.ndarray:
    """Take the nation's N00700 where there is one, its ends beyond."""
    table = embedded.load("refugee_employment").set_index("code").drop(columns="name")
    known = table.astype(float).loc["0000"].dropna()
    return np.asarray(np.interp(years, known.index.astype(int), known.to_numpy()))


def make_background(seed: int, country: Country, counts: Counts) -> Background:
    """Draw what no activity changes.

    Parameters
    ----------
    seed : int
        The twin's seed.
    country : Country
        Municipalities, sizes and local levels.
    counts : Counts
        Of the world without activity: the refugees who have settled.

    Returns
    -------
    Background
        Levels by municipality and year.
    """
    n, T = country.population.shape
    gap: np.ndarray = np.array([-1.0, 1.0])[:, None, None]

    def path(part: str, lasting: float, yearly: float) -> np.ndarray:
        rng = stream(seed, part)
        return np.asarray(
            lasting * rng.standard_normal((n, 1)) + autoregressive(rng, n, T, yearly, 0.7)
        )

    def by_sex(part: str, level: np.ndarray, half: float, spread: float) -> np.ndarray:
        """Put women below and men above a level, by a gap that differs between places."""
        return np.asarray(level + gap * (half + path(f"gap {part}", spread, spread / 3)))

    trend = country.years - 2015
    abroad: np.ndarray = 14 * np.exp(path("foreign born", 0.4, 0.02)) + 0.3 * trend
    local = country.permanent[:, None]
    refugees = 0.5 * _STOCK * _WORKING_AGE * country.population + counts.leavers.mean(
        axis=0
    ).cumsum(axis=1)
    return Background(
        share_women=0.497 + path("women", 0.004, 0.0005),
        foreign_born=np.clip(by_sex("N02926", abroad, 0.3, 0.3), 1, 60),
        refugees=refugees,
        refugees_employed=by_sex(
            "N00700", _refugee_level(country.years) + local + path("N00700", 3, 1.5), 5, 1.5
        ),
        foreign_employed=by_sex(
            "N02268", 65 + 0.3 * trend + 0.5 * local + path("N02268", 3, 1), 4, 1
        ),
        native_employed=by_sex(
            "N02269", 84 + 0.2 * trend + 0.2 * local + path("N02269", 2, 0.5), 1, 0.5
        ),
        unemployed=np.clip(
            by_sex("N03937", 6 - 0.15 * local + path("N03937", 1, 0.5), 0.3, 0.3), 0.3, 40
        ),
        assistance=_OTHER_ASSISTANCE * np.exp(path("N31001", 0.4, 0.08)),
        reception=_RECEPTION_COST * np.exp(path("N40007", 0.2, 0.1)),
        state=np.clip(_STATE_PAYS + path("N40010", 0.03, 0.02), 0, 1),
        measured=np.exp(path("U31001", 0.0, 0.02)),
        answers={id_: path(id_, 1, 0.4) > 0 for id_ in ("U40829", "U30464", "U30465")},
    )


def of_inhabitants(
    country: Country, base: Background, counts: Counts, without: Counts, activity: np.ndarray
) -> Table:
    r"""Return the indicators about all inhabitants in one world.

    The extra workers of this world, against the one without activity, raise the shares in
    employment; half of them leave unemployment. With A the assistance to those who left
    the programme, P inhabitants and :math:`N31001` the assistance to others:

    .. math::
        U31001 = f\,N31001 + A/P,\quad N40007 = (R + A)/P,\quad N40010 = N40007 - sR/P

    so that N31001 shows no effect by construction.

    Parameters
    ----------
    country : Country
        Inhabitants.
    base : Background
        What no activity changes.
    counts, without : Counts
        Of this world, and of the one without activity.
    activity : numpy.ndarray
        Shape (n, T): kronor that being active costs in this world.

    Returns
    -------
    dict
        By indicator and sex, values of shape (n, T).
    """
    out: Table = {}
    inhabitants = np.stack([base.share_women, 1 - base.share_women]) * country.population
    inhabitants = np.rint(inhabitants)
    extra = counts.employed - without.employed
    abroad = base.foreign_born / 100 * inhabitants
    levels = {
        "N00700": (base.refugees_employed, extra, np.stack([base.refugees, base.refugees])),
        "N02268": (base.foreign_employed, extra, _WORKING_AGE * abroad),
        "N02269": (base.native_employed, 0 * extra, _WORKING_AGE * (inhabitants - abroad)),
        "N03937": (base.unemployed, -_FROM_UNEMPLOYMENT * extra, _WORKING_AGE * inhabitants),
        "N02926": (base.foreign_born, 0 * extra, inhabitants),
    }
    for id_, (level, more, whole) in levels.items():
        number = level / 100 * whole + more
        per_sex = 100 * number / whole
        together = 100 * number.sum(axis=0) / whole.sum(axis=0)
        for sex, value in (("K", per_sex[0]), ("M", per_sex[1]), ("T", together)):
            out[id_, sex] = np.clip(value, 0, 100)
    for sex, value in (("K", inhabitants[0]), ("M", inhabitants[1]), ("T", inhabitants.sum(0))):
        out["N01951", sex] = value
    people = inhabitants.sum(axis=0)
    received = counts.received.sum(axis=0)
    before = np.concatenate([received[:, :1], received[:, :-1]], axis=1)
    reception = base.reception * (received + before) / 2 / people
    assisted = counts.paid / people
    cost = reception + assisted + activity / people
    out["N31001", "T"] = base.assistance
    out["U31001", "T"] = base.measured * base.assistance + assisted
    out["N40007", "T"] = cost
    out["N40010", "T"] = cost - base.state * reception
    out["social_assistance_refugees_included", "T"] = out["N31001", "T"] + out["N40010", "T"]
    for id_, yes in base.answers.items():
        asked = REGISTRY[id_].years[1] if REGISTRY[id_].ended else None
        shown = country.years <= (asked or country.years[-1])
        out[id_, "T"] = np.where(shown, yes.astype(float), np.nan)
    return out
