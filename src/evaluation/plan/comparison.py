"""Against whom a plan compares: the group, who is left out by rule, and how it is matched."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import (
    Field,
    SerializerFunctionWrapHandler,
    StrictBool,
    StrictInt,
    field_validator,
    model_serializer,
    model_validator,
)

from evaluation.plan.parts import Part

__all__ = ["MEASURED", "Comparison", "Matching"]

MEASURED = ("level", "trend", "size")
"""What the package itself knows of every municipality before anyone was treated."""
_NEAREST_ONLY = ("exact", "matches", "caliper", "replacement")


class Matching(Part):
    """How the comparison group is made alike the treated; the estimate becomes the headline.

    Parameters
    ----------
    method : {"mahalanobis", "entropy"}
        Each treated municipality's nearest ones, or weights on all.
    covariates : tuple of str
        What they are alike on: ``level`` and ``trend`` of the outcome before anyone was
        treated, ``size``, and columns of numbers in the file of groups.
    exact : tuple of str
        ``county`` and columns of text in the file of groups: a match shares them.
    matches : int
        Nearest municipalities for each treated one.
    caliper : float, optional
        The largest Mahalanobis distance of a match.
    replacement : bool
        Whether a municipality may match several treated ones.
    """

    method: Literal["mahalanobis", "entropy"]
    covariates: tuple[str, ...] = Field(default=MEASURED, min_length=1)
    exact: tuple[str, ...] = ()
    matches: StrictInt = Field(default=5, ge=1, le=100)
    caliper: float | None = Field(default=None, gt=0, strict=True)
    replacement: StrictBool = True

    @model_validator(mode="after")
    def _only_what_has_an_effect(self) -> Matching:
        if self.method == "entropy":
            for key in _NEAREST_ONLY:
                if getattr(self, key) != type(self).model_fields[key].default:
                    raise ValueError(f"{key} goes with method: mahalanobis only")
        if "county" in self.covariates:
            raise ValueError("'county' is no number; it goes into exact")
        if wrong := [n for n in self.exact if n in MEASURED]:
            raise ValueError(
                f"{wrong[0]!r} is a number that hardly ever is equal; it goes into covariates"
            )
        names = (*self.covariates, *self.exact)
        for i, name in enumerate(names):
            if name in names[:i]:
                raise ValueError(f"{name!r} stands twice in covariates and exact")
        return self

    @property
    def own_columns(self) -> tuple[str, ...]:
        """Columns of the file of groups that it uses."""
        return tuple(n for n in (*self.covariates, *self.exact) if n not in (*MEASURED, "county"))


class Comparison(Part):
    """Against whom.

    Parameters
    ----------
    donors_per_treated : int
        Municipalities nearest in size that each treated one is permuted with.
    group : {"not_known_active", "never_treated", "not_yet_treated"}
        ``not_known_active``: no document names it as active, not on weak evidence either, unless
        ``treatment.uncertain`` is ``control``. ``never_treated``: all that are not treated.
        ``not_yet_treated``: as the first, and the treated before their own start.
    beyond : int
        Leaves out whoever is at most so many borders from a treated municipality.
    big_cities, income_from_norway : bool
        Whether Stockholm, Malmö and Göteborg, or Strömstad, Eda and Årjäng, may be compared with.
    without : tuple of str
        Codes left out besides.
    groups : str, optional
        A table with the column ``code`` and columns to match on or to divide by: group of
        municipalities, labour market region, Kolada's similar municipalities. Relative to the
        plan.
    subgroups : tuple of str
        Columns of text in the file of groups: the effect is given by each, matched on or not.
    matching : Matching, optional
        Makes the matched or weighted estimate the headline.
    """

    donors_per_treated: StrictInt = Field(default=30, ge=1, le=285)
    group: Literal["not_known_active", "never_treated", "not_yet_treated"] = "not_known_active"
    beyond: StrictInt = Field(default=0, ge=0, le=5)
    big_cities: StrictBool = True
    income_from_norway: StrictBool = True
    without: tuple[str, ...] = ()
    groups: str | None = None
    subgroups: tuple[str, ...] = ()
    matching: Matching | None = None

    @field_validator("without", "subgroups")
    @classmethod
    def _each_once(cls, codes: tuple[str, ...]) -> tuple[str, ...]:
        for i, code in enumerate(codes):
            if code in codes[:i]:
                raise ValueError(f"{code!r} stands twice")
        return codes

    @model_validator(mode="after")
    def _keys_that_go_together(self) -> Comparison:
        used = self.matching.own_columns if self.matching else ()
        if self.groups is not None and not (used or self.subgroups):
            raise ValueError(
                "groups is given, but matching uses no column of it in covariates or exact, and "
                "subgroups names none"
            )
        if self.subgroups and self.groups is None:
            raise ValueError(f"subgroups names {self.subgroups[0]!r}; groups: FILE is missing")
        if used and self.groups is None:
            raise ValueError(
                f"matching names {used[0]!r}; known without groups: FILE are "
                f"{', '.join(MEASURED)} in covariates and county in exact"
            )
        if self.matching and self.group == "not_yet_treated":
            raise ValueError("matching is with those never treated; choose another group")
        return self

    @property
    def restricts(self) -> bool:
        """Whether a rule leaves municipalities out of the group that the coding gives."""
        return bool(self.beyond or self.without) or not (
            self.big_cities and self.income_from_norway
        )

    @model_serializer(mode="wrap")
    def _without_defaults(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave out what is as it always was: the hash of a plan that says nothing new stays."""
        found: dict[str, Any] = write(self)
        default = {k: f.default for k, f in type(self).model_fields.items()}
        return {
            k: v
            for k, v in found.items()
            if k == "donors_per_treated" or getattr(self, k) != default[k]
        }
