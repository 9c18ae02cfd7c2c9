"""Where a plan's outcomes are read: the package, the plan's own files, a snapshot, the twin."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from evaluation.data.observations import SIMULATED, Sex
from evaluation.data.panel import Panel, embedded_panel
from evaluation.data.reading import Reading, read_outcome_file
from evaluation.data.registry import INDICATORS, REGISTRY, Break, Indicator
from evaluation.errors import InputError
from evaluation.plan import KoladaData, OutcomeFile, Plan, RegistryOutcome, SimulatedData

if TYPE_CHECKING:
    from evaluation.data.store import Snapshot, SnapshotStore
    from evaluation.data.twin import Twin

__all__ = ["Origin", "Outcome", "Sources", "open_sources"]

_SEX = {"K": ("kvinnor", "women"), "M": ("män", "men")}
SIMULATED_NOTICE = (
    "SIMULERADE DATA: landet är påhittat och dess sanning känd. Kommunkoderna är verkliga, "
    "siffrorna är det inte och säger inget om någon kommun.",
    "SIMULATED DATA: the country is made up and its truth known. The municipality codes are real, "
    "the figures are not and say nothing about any municipality.",
)


@dataclass(frozen=True)
class Origin:
    """What the registry's outcomes were read from.

    Parameters
    ----------
    kind : {"kolada", "simulated"}
        Which source.
    id : str
        Content hash of the snapshot or of the twin.
    citation_sv, citation_en : str
        How to cite it.
    notice_sv, notice_en : str
        What every file made from it must say; empty for real data.
    details : dict
        When it was retrieved, or the twin's settings.
    """

    kind: str
    id: str
    citation_sv: str
    citation_en: str
    notice_sv: str = ""
    notice_en: str = ""
    details: dict[str, Any] = field(default_factory=dict)

    @property
    def simulated(self) -> bool:
        """Whether it is the twin."""
        return self.kind == "simulated"

    def to_dict(self) -> dict[str, Any]:
        """Return plain types for JSON."""
        return asdict(self)


@dataclass(frozen=True)
class Outcome:
    """One outcome of a plan, read.

    Parameters
    ----------
    panel : Panel
        Balanced: municipalities with a gap are in its ``dropped``.
    indicator : Indicator
        What it is; its id names the report's tables and figures.
    entry : str
        Key of the registry, or the own outcome's id.
    sex : {"T", "K", "M"}
        Whom it is about.
    reading : Reading or None
        How the plan's own file was read, and what of it could not be used.
    """

    panel: Panel
    indicator: Indicator
    entry: str
    sex: Sex = "T"
    reading: Reading | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Sources:
    """The sources of a plan.

    Parameters
    ----------
    plan : Plan
        The plan.
    origin : Origin or None
        What the registry's outcomes are read from; None where the package's own data do.
    observations : pandas.DataFrame or None
        The tidy observations of the origin.
    twin : Twin or None
        The simulated twin.
    files : mapping of str to pathlib.Path
        Where the plan's own files lie, by outcome, if not where the plan says.
    snapshot : Snapshot or None
        What the observations are, where they were fetched.
    """

    plan: Plan
    origin: Origin | None = None
    observations: pd.DataFrame | None = field(default=None, repr=False)
    twin: Twin | None = field(default=None, repr=False)
    files: Mapping[str, Path] = field(default_factory=dict)
    snapshot: Snapshot | None = field(default=None, repr=False)

    def outcome(self, i: int) -> Outcome:
        """Read the plan's outcome at place i.

        Raises
        ------
        InputError
            If there is no such outcome, its source is not at hand, or the data are faulty.
        """
        entry = self.plan.outcomes[i]
        if isinstance(entry, OutcomeFile):
            return self._own(i, entry)
        name, sex = (
            (entry.indicator, entry.sex) if isinstance(entry, RegistryOutcome) else (entry, "T")
        )
        here: tuple[str | int, ...] = ("outcomes", i)
        if isinstance(entry, RegistryOutcome):
            here = (*here, "indicator")
        if name not in REGISTRY:
            raise self.plan.fault(here, f"there is no outcome {name!r}; known are {_known()}")
        indicator = REGISTRY[name]
        if sex not in indicator.sexes:
            raise self.plan.fault(
                (*here[:2], "sex"), f"{name} is not divided by sex; it has {indicator.sexes[0]}"
            )
        if indicator.embedded:
            if isinstance(self.plan.data, SimulatedData):
                raise self.plan.fault(
                    here, f"{name} is real; an outcome of a simulated plan must be simulated too"
                )
            return Outcome(embedded_panel(name), indicator, name)
        if self.observations is None:
            raise self.plan.fault(
                here,
                f"{name} does not ship with the package; give the plan data: {{source: kolada}} "
                "and fetch it, or {source: simulated}",
            )
        return self._observed(here, indicator, sex)

    def _observed(self, here: tuple[str | int, ...], indicator: Indicator, sex: Sex) -> Outcome:
        from evaluation.data.tidy_panel import build_panel

        assert self.observations is not None
        assert self.origin is not None
        table = self.observations
        try:
            weight = "registry" if indicator.weight else None
            # a snapshot may hold more years than the plan asks for
            within = self.plan.data.years if self.plan.data else None
            panel = build_panel(table, indicator.id, sex, weight=weight, within=within)
        except InputError as error:
            raise self.plan.fault(here, error.problem) from None
        named = _named(indicator, sex, self.origin)
        if indicator.scale == "flag":
            panel, named = _in_per_cent(panel, named)
        return Outcome(panel, named, indicator.id, sex)

    def _own(self, i: int, entry: OutcomeFile) -> Outcome:
        if entry.id in REGISTRY or entry.id == "case":
            raise self.plan.fault(("outcomes", i, "id"), f"{entry.id!r} is taken; choose another")
        if isinstance(self.plan.data, SimulatedData):
            raise self.plan.fault(
                ("outcomes", i, "file"),
                "is a file; an outcome of a simulated plan must be simulated too",
            )
        path = self.files.get(entry.id, self.plan.folder / entry.file)
        reading = read_outcome_file(entry, path)
        if reading.simulated:
            raise self.plan.fault(
                ("outcomes", i, "file"),
                f"says {SIMULATED}, and the report would name real municipalities beside it; "
                "give the plan data: {source: simulated} instead",
            )
        panel = reading.panel(entry.id, entry.sex)
        if reading.weights is not None:
            panel = replace(panel, weights=_weights(reading, panel, entry.sex))
        return Outcome(panel, _own_indicator(entry), entry.id, entry.sex or "T", reading)


def _in_per_cent(panel: Panel, indicator: Indicator) -> tuple[Panel, Indicator]:
    """Take yes and no, 1 and 0, as per cent of yes, so that a change is in percentage points."""
    bounds = panel.bounds and replace(
        panel.bounds, low=100 * panel.bounds.low, high=100 * panel.bounds.high
    )
    return replace(panel, values=100 * panel.values, bounds=bounds), replace(
        indicator,
        unit_sv="procent ja",
        unit_en="per cent yes",
        change_sv="procentenheter",
        change_en="percentage points",
        lowest=None if indicator.lowest is None else 100 * indicator.lowest,
        highest=None if indicator.highest is None else 100 * indicator.highest,
    )


def _weights(reading: Reading, panel: Panel, sex: Sex | None) -> pd.DataFrame:
    """Lay a file's weights out like the panel's values."""
    assert reading.weights is not None
    rows = reading.weights
    if sex is not None:
        rows = rows[rows["sex"] == sex]
    return rows.pivot(index="code", columns="year", values="weight").reindex(
        index=panel.values.index, columns=panel.values.columns
    )


def _known() -> str:
    """List the outcomes: those that ship, and those that a source is needed for."""
    further = [k for k, i in REGISTRY.items() if not i.embedded]
    return f"{', '.join(INDICATORS)} and, with data from Kolada or simulated, {', '.join(further)}"


def _named(indicator: Indicator, sex: Sex, origin: Origin) -> Indicator:
    """Return the indicator for one sex, with the origin's words in its source."""
    # the line stands in reports of both languages
    source = f"{SIMULATED}, {origin.id[:12]}" if origin.simulated else indicator.source
    if sex == "T":
        return replace(indicator, source=source)
    sv, en = _SEX[sex]
    return replace(
        indicator,
        id=f"{indicator.id}_{sex}",
        label_sv=f"{indicator.label_sv} ({sv})",
        definite_sv=f"{indicator.definite_sv} ({sv})",
        label_en=f"{indicator.label_en} ({en})",
        source=source,
    )


def _own_indicator(entry: OutcomeFile) -> Indicator:
    unit_sv, unit_en = entry.unit.sv, entry.unit.en
    return Indicator(
        id=entry.id,
        label_sv=entry.label.sv,
        definite_sv=entry.definite_sv or entry.label.sv,
        # in running text the article is before it already
        label_en=entry.label.en.removeprefix("the "),
        unit_sv=unit_sv,
        unit_en=unit_en,
        change_sv="procentenheter" if unit_sv.startswith("procent") else unit_sv,
        change_en="percentage points" if unit_en.startswith("per cent") else unit_en,
        source=entry.source,
        decimals=2,
        limit_sv=f"Utfallet {entry.label.sv} kommer ur planens egen fil.",
        limit_en=f"The outcome {entry.label.en} comes from the plan's own file.",
        breaks=_own_breaks(entry),
    )


def _own_breaks(entry: OutcomeFile) -> tuple[Break, ...]:
    if entry.break_year is None:
        return ()
    return (
        Break(
            entry.break_year,
            f"Planen anger en ny definition från och med {entry.break_year}.",
            f"The plan states a new definition from {entry.break_year} on.",
        ),
    )


def _snapshot(plan: Plan, data: KoladaData, store: SnapshotStore) -> Snapshot:
    """Find the plan's snapshot, which must be Kolada's figures and not made up."""
    from evaluation.data.kolada.contract import SOURCE
    from evaluation.data.store.pinned import resolve

    try:
        snapshot = resolve(data, plan.name, store)
    except InputError as error:
        if error.file:
            raise
        raise plan.fault((error.field or "data").split("."), error.problem) from None
    record = snapshot.provenance
    if record.simulated or record.source != SOURCE:
        whom = SIMULATED if record.simulated else f"of {record.source}"
        raise plan.fault(
            ("data",),
            f"the snapshot {snapshot.id[:12]} of {snapshot.name} is {whom}, and the plan says "
            f"source: kolada; fetch the plan, or pin a snapshot of {SOURCE}",
        )
    return snapshot


def _check_asked(plan: Plan, data: KoladaData, snapshot: Snapshot) -> None:
    """Refuse a snapshot that was fetched for fewer years than the plan now names."""
    asked = snapshot.provenance.request.get("years")
    if not isinstance(asked, Mapping):
        return
    for outcome in plan.outcomes:
        key = outcome if isinstance(outcome, str) else getattr(outcome, "indicator", "")
        kolada = REGISTRY[key].kolada if key in REGISTRY else None
        lacking = sorted(set(range(data.years[0], data.years[1] + 1)) - set(asked.get(kolada, ())))
        if kolada in asked and lacking:
            raise plan.fault(
                ("data", "years"),
                f"the snapshot {snapshot.id[:12]} was fetched without {kolada} for {lacking[0]}"
                f"{f'–{lacking[-1]}' if len(lacking) > 1 else ''}; fetch the plan again",
            )


def open_sources(
    plan: Plan,
    *,
    store: SnapshotStore | None = None,
    files: Mapping[str, Path] | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> Sources:
    """Open what a plan's outcomes are read from.

    Parameters
    ----------
    plan : Plan
        Its ``data`` says which: nothing for what ships, ``kolada`` for a snapshot,
        ``simulated`` for the twin, which is made anew from its seed.
    store : SnapshotStore, optional
        Where the snapshots lie; by default ``EVALUATION_STORE`` or ``snapshots``.
    files : mapping of str to pathlib.Path, optional
        Where the plan's own files lie, by outcome, if not where the plan says.
    progress : callable
        Called with the name of each step as it begins.

    Returns
    -------
    Sources
        Ready to be read.

    Raises
    ------
    InputError
        If the plan's snapshot is not in the store, or damaged.

    Examples
    --------
    >>> from evaluation.plan import load_plan
    >>> open_sources(load_plan("settlement")).outcome(0).panel.values.shape
    (290, 16)
    """
    if isinstance(plan.data, KoladaData):
        from evaluation.data.store import SnapshotStore

        progress("snapshot")
        snapshot = _snapshot(plan, plan.data, store or SnapshotStore())
        record = snapshot.provenance
        _check_asked(plan, plan.data, snapshot)
        origin = Origin(
            "kolada",
            snapshot.id,
            record.citation_sv,
            record.citation_en,
            details={
                "retrieved": record.retrieved.isoformat(),
                "rows": record.rows,
                "licence_sv": record.licence_sv,
                "licence_en": record.licence_en,
                "notes": list(record.notes),
            },
        )
        return Sources(plan, origin, snapshot.observations(), None, files or {}, snapshot)
    if isinstance(plan.data, SimulatedData):
        from evaluation.data.twin import simulate

        progress("twin")
        twin = simulate(plan.data.model_copy(update={"persons": False}))
        coded, active = twin.stance["coded_active"], twin.stance["active"]
        origin = Origin(
            "simulated",
            twin.hash,
            f"{SIMULATED}, frö {plan.data.seed}",
            f"{SIMULATED}, seed {plan.data.seed}",
            *SIMULATED_NOTICE,
            details={
                "n_missed": int((active & ~coded).sum()),
                "n_false": int((coded & ~active).sum()),
            },
        )
        return Sources(plan, origin, twin.observations, twin, files or {})
    return Sources(plan, files=files or {})
