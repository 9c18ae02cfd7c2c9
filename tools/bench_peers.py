"""What the benchmark runs in the peers' environment (``make peers``): statspai and pyfixest."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
from bench_data import ADOPTION, FIRST_YEAR, YEARS, demeaned, event_moments, long_table

Run = Callable[[], float]
Case = Callable[[int], Run]
DRAWS = 9999
AFTER = list(range(FIRST_YEAR + YEARS - ADOPTION[0]))


def _at_zero(table: pd.DataFrame) -> float:
    return float(table.set_index("relative_time")["att"][0])


def _statspai(fit: Callable[[Any, pd.DataFrame], float]) -> Case:
    def prepare(units: int) -> Run:
        import statspai

        table = long_table(units)
        # its imputation and two-stage take a missing year for never treated
        table["first"] = table["cohort"].where(table["cohort"] > 0).astype(float)
        return lambda: fit(statspai, table)

    return prepare


def _cs(sp: Any, table: pd.DataFrame) -> float:
    fit = sp.callaway_santanna(
        table, y="value", g="cohort", t="time", i="unit", estimator="reg", base_period="varying"
    )
    return _at_zero(fit.model_info["event_study"])


def _sunab(sp: Any, table: pd.DataFrame) -> float:
    fit = sp.sun_abraham(table, y="value", g="cohort", t="time", i="unit")
    return _at_zero(fit.model_info["event_study"])


def _imputation(sp: Any, table: pd.DataFrame) -> float:
    fit = sp.did_imputation(
        table, y="value", group="unit", time="time", first_treat="first", horizon=AFTER
    )
    return _at_zero(fit.model_info["event_study"])


def _twostage(sp: Any, table: pd.DataFrame) -> float:
    fit = sp.gardner_did(
        table,
        y="value",
        group="unit",
        time="time",
        first_treat="first",
        event_study=True,
        horizon=AFTER,
    )
    return float(fit.model_info["event_study"]["coef"]["D_k+0"])


def _wild(sp: Any, table: pd.DataFrame) -> float:
    y, x, unit = demeaned(table)
    names = [f"x{k}" for k in range(x.shape[1])]
    data = pd.DataFrame(x, columns=names).assign(y=y, unit=unit)
    found = sp.wild_cluster_bootstrap(data, "y", names, "unit", test_var="x0", n_boot=DRAWS, seed=1)
    return float(found["p_boot"])


def _honest(units: int) -> Run:
    import statspai as sp

    times, beta, sigma = event_moments(units)

    def run() -> float:
        found = sp.honest_did_from_moments(
            beta,
            sigma,
            event_times=times,
            m_grid=[0.5, 1.0, 1.5, 2.0],
            method="relative_magnitude",
        )
        return float(found["ci_lower"].iloc[1])

    return run


def _saturated(units: int) -> Run:
    import pyfixest

    table = long_table(units)

    def run() -> float:
        fit = pyfixest.event_study(
            table, "value", "unit", "time", "cohort", estimator="saturated"
        ).aggregate()
        return float(fit.loc[fit.index.astype(float) == 0, "Estimate"].iloc[0])

    return run


def _did2s(units: int) -> Run:
    import pyfixest

    table = long_table(units)
    table["age"] = (table["time"] - table["cohort"]).where(table["treated"] > 0, -1).astype(int)

    def run() -> float:
        fit = pyfixest.did2s(
            table,
            "value",
            first_stage="~ 0 | unit + time",
            second_stage="~ i(age, ref=-1)",
            treatment="treated",
            cluster="unit",
        )
        return float(fit.coef()["age::0"])

    return run


CASES: dict[str, Case] = {
    "statspai wild": _statspai(_wild),
    "statspai cs": _statspai(_cs),
    "statspai sunab": _statspai(_sunab),
    "statspai imputation": _statspai(_imputation),
    "statspai twostage": _statspai(_twostage),
    "statspai honest": _honest,
    "pyfixest sunab": _saturated,
    "pyfixest twostage": _did2s,
}
