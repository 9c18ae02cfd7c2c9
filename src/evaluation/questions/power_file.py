"""Power on a file of one's own: what ``evaluation power`` prints."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from evaluation.data.files import balanced_panel, number_column, read_table
from evaluation.errors import InputError
from evaluation.estimation.robustness.refits import BACKEND, SCHEDULER
from evaluation.language import Lang
from evaluation.questions.power import Power, power
from evaluation.questions.power_curves import OVER, PowerCurve, power_curve

__all__ = ["OwnPower", "power_file"]

FORMATS = (".svg", ".png", ".pdf")
OPTIONS = {
    "treated": "--treated",
    "treated_units": "--treated-units",
    "cohort_year": "--cohort-year",
    "donors": "--donors",
    "effects": "--effects",
}


@dataclass(frozen=True)
class OwnPower:
    """What ``evaluation power`` prints.

    Parameters
    ----------
    result : Power
        The design asked for.
    curves : tuple of PowerCurve
        The curves asked for.
    """

    result: Power
    curves: tuple[PowerCurve, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return plain types for JSON."""
        out = self.result.to_dict()
        return {
            "smallest_detectable_effect": out.pop("detectable"),
            "power": out.pop("curve"),
            **out,
            "curves": [c.to_dict() for c in self.curves],
        }

    def summary(self) -> str:
        """Return the result as text for people."""
        parts = [self.result.summary()]
        for curve in self.curves:
            table = curve.tidy()[["value", "detectable", "noise"]]
            shown = table.to_string(index=False, float_format=lambda v: f"{v:.4g}")
            parts.append(f"smallest detectable effect by {curve.over}\n{shown}")
        return "\n\n".join(parts)

    def save_plot(self, path: Path, lang: Lang = "en") -> None:
        """Write a figure with the power of the design and the curves.

        Parameters
        ----------
        path : pathlib.Path
            File ending in .svg, .png or .pdf.
        lang : {"sv", "en"}
            Language of the labels.

        Raises
        ------
        InputError
            If the ending is another one, or the file cannot be written.
        """
        check_format(path)
        import matplotlib as mpl
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        rows = 1 + len(self.curves)
        figure = Figure(figsize=(5.6, 2.8 * rows), layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.subplots(rows, 1, squeeze=False)[:, 0]
        self.result.plot(axes[0], lang)
        for curve, ax in zip(self.curves, axes[1:], strict=True):
            curve.plot(ax, lang)
        # no date and a fixed salt: the same file every time
        dated = {".svg": {"Date": None}, ".pdf": {"CreationDate": None}}
        try:
            with mpl.rc_context({"svg.hashsalt": "integration-evaluation"}):
                figure.savefig(path, metadata=dated.get(path.suffix.lower()), dpi=160)
        except OSError as error:
            raise InputError(f"cannot be written: {error.strerror}", file=str(path)) from None


def check_format(path: Path) -> None:
    """Refuse a figure's file name with an ending that is none of a figure's.

    Raises
    ------
    InputError
        If the file does not end in .svg, .png or .pdf.
    """
    if path.suffix.lower() not in FORMATS:
        raise InputError(f"a figure ends in {', '.join(FORMATS)}", file=str(path), field="--plot")


def power_file(
    path: str | Path,
    *,
    unit: str,
    time: str,
    outcome: str,
    n_treated: int | None = None,
    treated_units: Sequence[str] | None = None,
    cohort_year: int | None = None,
    size: str | None = None,
    donors: int = 30,
    leavers: str | None = None,
    curves: Sequence[str] = (),
    effects: Sequence[float] | None = None,
    n_assignments: int = 9999,
    draws: int = 1000,
    target: float = 0.8,
    seed: int = 1,
    alpha: float = 0.05,
    workers: int = 1,
    progress: Callable[[str], None] = lambda _: None,
) -> OwnPower:
    """Find the smallest detectable effect on a CSV with one row per unit and year.

    Parameters
    ----------
    path : str or pathlib.Path
        The file.
    unit, time, outcome : str
        Columns.
    n_treated, treated_units, cohort_year, donors, effects, n_assignments, draws, target, seed, \
alpha, workers
        As in :func:`evaluation.questions.power.power`.
    size : str, optional
        Column of size, to find units like the treated ones; a unit's mean over the years.
    leavers : str, optional
        Column of people behind each value, for the curve over leavers.
    curves : sequence of {"treated", "years", "leavers"}
        Curves to add.
    progress : callable
        Called with the name of each step as it begins.

    Returns
    -------
    OwnPower
        The design's power and the curves.

    Raises
    ------
    InputError
        If the file or the combination of options is at fault.
    """
    unknown = [c for c in curves if c not in OVER]
    if unknown:
        raise InputError(f"{unknown[0]!r} is none of {', '.join(OVER)}", field="--curve")
    if "leavers" in curves and leavers is None:
        raise InputError("the curve over leavers needs --leavers COLUMN", field="--curve")
    progress("data")
    table = read_table(path)
    panel = balanced_panel(table, unit=unit, time=time, outcome=outcome)
    sizes = None
    if size is not None:
        numbers = number_column(table, size, positive=True)
        sizes = numbers.groupby(table[unit]).mean().rename(size)
    people: pd.DataFrame | None = None
    if leavers is not None:
        number_column(table, leavers, missing=True, positive=True)
        people = balanced_panel(table, unit=unit, time=time, outcome=leavers).values
    settings: dict[str, Any] = {
        "n_treated": n_treated,
        "treated_units": treated_units,
        "cohort_year": cohort_year,
        "size": sizes,
        "donors": donors,
        "effects": effects,
        "n_assignments": n_assignments,
        "draws": draws,
        "target": target,
        "seed": seed,
        "alpha": alpha,
        "workers": workers,
    }
    try:
        progress("power")
        result = power(panel, **settings)
        drawn = []
        for over in dict.fromkeys(curves):
            progress(over)
            drawn.append(power_curve(panel, over, leavers=people, **settings))  # type: ignore[arg-type]
    except InputError as error:
        if error.field in {BACKEND, SCHEDULER}:
            raise  # a fault of the environment, not of the file
        problem = error.problem
        if error.field == "donors_per_treated" and treated_units:
            most = (len(panel.units) - len(treated_units)) // len(treated_units)
            problem += f"; take --donors {most} or fewer, or leave out --treated-units"
        field = OPTIONS.get(error.field or "")
        raise InputError(problem, file=str(path), row=error.row, field=field) from None
    return OwnPower(result, tuple(drawn))
