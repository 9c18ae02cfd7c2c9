"""Where the registry's outcomes of a plan are read: Kolada, or the simulated twin."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, StrictBool, StrictInt, Tag, model_validator

from evaluation.plan.parts import DIGITS, TAGS, Part

__all__ = ["Data", "KoladaData", "SimulatedData", "SimulatedEffect"]


class KoladaData(Part):
    """Indicators from Kolada, read from a snapshot.

    ``snapshot`` pins one by its content hash, whole or its first twelve digits or more;
    without it the newest snapshot that was fetched for the plan's name is read.
    ``indicators`` are fetched beside those that the outcomes need.
    """

    source: Literal["kolada"]
    years: tuple[StrictInt, StrictInt]
    indicators: tuple[str, ...] = ()
    snapshot: str | None = Field(default=None, pattern=DIGITS)

    @model_validator(mode="after")
    def _years_ascend(self) -> KoladaData:
        if not 1990 <= self.years[0] < self.years[1] <= 2100:
            raise ValueError("years must be [first, last] between 1990 and 2100")
        return self


class SimulatedEffect(Part):
    """Percentage points on work or studies after 90 days, for those exposed from day one."""

    women: float = Field(default=6.0, ge=-30, le=30, strict=True)
    men: float = Field(default=4.0, ge=-30, le=30, strict=True)


class SimulatedData(Part):
    """The simulated twin: a made-up country with a known truth.

    Only the effects are on by default; each of the other switches is zero.

    Parameters
    ----------
    seed : int
        Everything is drawn from it.
    years : tuple of int
        First and last year of the indicators.
    active : int
        How many municipalities become active.
    adoption : tuple of int
        Earliest and latest year of the start, which falls on 1 January.
    effect : SimulatedEffect
        On work or studies, by sex, in percentage points.
    effect_retention : float
        On the share still living there after three years, in percentage points.
    effect_cost : float
        By how many per cent the monthly assistance is lower, beside what follows from work.
    activity_cost : float
        Kronor that being active costs per person received.
    persons : bool
        Whether the person records are kept.
    selection : float
        By how much the log odds of becoming active rise with a standard deviation of the
        municipality's level and of its log size.
    pre_trend : float
        Percentage points a year by which the active drift upwards whatever they do.
    spillover : float
        Share of the effect that reaches others in the same county.
    miscoded : float
        Share of the active that the coding misses.
    falsely_active : float
        Municipalities that are coded active and are not, as a share of the active.
    mid_year : float
        Share of the active that start in another month than January.
    fade : int, optional
        Whole years after which each further year halves the effect on those received.
    """

    source: Literal["simulated"] = "simulated"
    seed: StrictInt = Field(ge=0)
    years: tuple[StrictInt, StrictInt] = (2008, 2025)
    active: StrictInt = Field(default=24, ge=1, le=145)
    adoption: tuple[StrictInt, StrictInt] = (2012, 2017)
    effect: SimulatedEffect = SimulatedEffect()
    effect_retention: float = Field(default=4.0, ge=-20, le=20, strict=True)
    effect_cost: float = Field(default=10.0, ge=-50, le=50, strict=True)
    activity_cost: float = Field(default=0.0, ge=0, le=200_000, strict=True)
    persons: StrictBool = True
    selection: float = Field(default=0.0, ge=0, le=5, strict=True)
    pre_trend: float = Field(default=0.0, ge=-2, le=2, strict=True)
    spillover: float = Field(default=0.0, ge=0, le=1, strict=True)
    miscoded: float = Field(default=0.0, ge=0, le=0.9, strict=True)
    falsely_active: float = Field(default=0.0, ge=0, le=1, strict=True)
    mid_year: float = Field(default=0.0, ge=0, le=1, strict=True)
    fade: StrictInt | None = Field(default=None, ge=1, le=30)

    @model_validator(mode="after")
    def _years_carry_the_adoption(self) -> SimulatedData:
        first, last = self.years
        early, late = self.adoption
        if not 2000 <= first < last <= 2040:
            raise ValueError("years must be [first, last] between 2000 and 2040")
        # five years of leavers before the first that can show, one of those received after
        if not first + 3 <= early <= late <= last - 4:
            raise ValueError(
                f"adoption must be [earliest, latest] between {first + 3} and {last - 4} "
                f"with years [{first}, {last}]"
            )
        return self


def _data_tag(value: Any) -> str:
    kind = value.get("source") if isinstance(value, dict) else getattr(value, "source", None)
    return TAGS[4] if kind == "simulated" else TAGS[3]


Data = Annotated[
    Annotated[KoladaData, Tag(TAGS[3])] | Annotated[SimulatedData, Tag(TAGS[4])],
    Discriminator(_data_tag),
]
