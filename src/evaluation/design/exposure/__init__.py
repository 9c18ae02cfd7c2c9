"""From a start and an end to who is exposed: dates, first treated years, the calendar."""

from evaluation.design.exposure.calendar import (
    ExposureCalendar,
    exposure_calendar,
    reception_cohorts,
)
from evaluation.design.exposure.components import (
    ComponentDose,
    DatedComponent,
    component_dose,
    dated_components,
)
from evaluation.design.exposure.dates import (
    RULES,
    ExposedYears,
    Rule,
    Span,
    exposed_years,
    first_treated_year,
    parse_end,
    parse_start,
    read_span,
)

__all__ = [
    "RULES",
    "ComponentDose",
    "DatedComponent",
    "ExposedYears",
    "ExposureCalendar",
    "Rule",
    "Span",
    "component_dose",
    "dated_components",
    "exposed_years",
    "exposure_calendar",
    "first_treated_year",
    "parse_end",
    "parse_start",
    "read_span",
    "reception_cohorts",
]
