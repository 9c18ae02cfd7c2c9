"""Which option goes with which method of ``evaluation estimate``."""

from __future__ import annotations

from collections.abc import Mapping

from evaluation.errors import InputError

__all__ = ["INFERENCES", "METHODS", "check_options"]

# what each method takes beside the panel and the cohorts
METHODS: Mapping[str, frozenset[str]] = {
    "cs": frozenset(
        {"control", "covariates", "weights", "cluster", "anticipation", "est_method", "base",
         "aggregate", "multiplier", "unbalanced"}
    ),
    "sunab": frozenset({"covariates", "weights", "cluster", "anticipation", "aggregate",
                        "multiplier", "unbalanced"}),
    "imputation": frozenset({"covariates", "weights", "cluster", "anticipation", "aggregate",
                             "multiplier", "unbalanced"}),
    "twostage": frozenset({"covariates", "weights", "cluster", "anticipation", "aggregate",
                           "multiplier", "unbalanced"}),
    "etwfe": frozenset({"covariates", "weights", "cluster", "anticipation", "aggregate",
                        "multiplier", "unbalanced"}),
    "stacked": frozenset({"control", "weights", "cluster", "window", "unbalanced"}),
    "twfe": frozenset({"covariates", "weights", "cluster", "unbalanced"}),
    "sdid": frozenset({"variance", "draws"}),
}  # fmt: skip


INFERENCES = (
    "auto", "analytic", "multiplier", "wild", "permutation", "conley-taber", "ferman-pinto", "cr2",
    "own-history", "integrated-t",
)  # fmt: skip
MULTIPLIERS = {"multiplier": ("rademacher", "mammen"), "wild": ("rademacher", "webb")}
# without a name it depends on the number of units whether sizes are needed
SIZED = (None, "auto", "permutation", "ferman-pinto", "integrated-t")


def check_options(
    method: str,
    inference: str | None,
    aggregate: str,
    asked: Mapping[str, bool],
    *,
    size: str | None,
    classes: int | None,
    donors: int | None,
    multiplier: str | None,
) -> None:
    """Refuse what the method or the inference would leave unused.

    Parameters
    ----------
    method, inference, aggregate, size, classes, donors, multiplier
        As in :func:`evaluation.questions.own_data.estimate_file`.
    asked : mapping of str to bool
        Which other options were given.

    Raises
    ------
    InputError
        If an option does not go with the method or the inference.
    """
    if method not in METHODS:
        raise InputError(f"{method!r} is none of {', '.join(METHODS)}", field="--method")
    able = METHODS[method]
    for option, given in asked.items():
        if given and option not in able:
            have = ", ".join(m for m, o in METHODS.items() if option in o)
            name = f"--{option.replace('_', '-')}"
            raise InputError(f"{method} does not take {name}; it is for {have}", field="--method")
    own = {"simple", "dynamic"} if method == "stacked" else {"simple"}
    if aggregate not in own and "aggregate" not in able:
        raise InputError(
            f"{method} gives one number of its own and no {aggregate} aggregate", field="--method"
        )
    if inference is not None and inference not in INFERENCES:
        raise InputError(f"{inference!r} is none of {', '.join(INFERENCES)}", field="--inference")
    if inference == "multiplier" and "multiplier" not in able:
        have = ", ".join(m for m, o in METHODS.items() if "multiplier" in o)
        raise InputError(f"multiplier is there for {have}, not for {method}", field="--inference")
    if inference == "wild" and method != "twfe":
        raise InputError("wild is there for method twfe", field="--inference")
    if multiplier is not None and multiplier not in MULTIPLIERS.get(inference or "", ()):
        have = "; ".join(f"{' or '.join(m)} with {i}" for i, m in MULTIPLIERS.items())
        raise InputError(f"{multiplier} is not used here; {have}", field="--multiplier")
    if size is not None and inference not in SIZED:
        have = ", ".join(i for i in SIZED if i)
        raise InputError(f"is not used by {inference}; it is by {have}", field="--size")
    if classes is not None and (size is None or inference != "permutation"):
        raise InputError("goes with --inference permutation and --size", field="--classes")
    if donors is not None and (size is None or inference != "permutation"):
        raise InputError("goes with --inference permutation and --size", field="--donors")
    if donors is not None and classes is not None:
        raise InputError("classes take the place of donors; give one of them", field="--donors")
    if inference != "permutation":
        return
    if method != "cs":
        raise InputError("permutation is there for method cs", field="--inference")
    if asked["control"]:
        raise InputError("permutation needs --control never", field="--control")
    if aggregate not in {"simple", "cohort"}:
        raise InputError(
            f"permutation takes simple or cohort, not {aggregate}", field="--aggregate"
        )
    for option in ("covariates", "weights", "cluster", "anticipation", "est_method", "base",
                   "unbalanced"):  # fmt: skip
        if asked[option]:
            name = f"--{option.replace('_', '-')}"
            raise InputError(f"permutation takes no {name}", field=name)
