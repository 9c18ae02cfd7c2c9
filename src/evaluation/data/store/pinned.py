"""The snapshot that a plan reads: the one it pins, or the newest of its name."""

from __future__ import annotations

from evaluation.data.store.snapshot import Snapshot
from evaluation.data.store.snapshots import SnapshotStore
from evaluation.errors import InputError
from evaluation.plan import KoladaData

__all__ = ["resolve"]


def resolve(plan_data: KoladaData, plan_name: str, store: SnapshotStore) -> Snapshot:
    """Find the snapshot that a plan reads.

    Parameters
    ----------
    plan_data : KoladaData
        The plan's ``data``.
    plan_name : str
        The plan's name, which its fetches bear.
    store : SnapshotStore
        Where to look.

    Returns
    -------
    Snapshot
        The pinned one, else the newest that was fetched for the plan's name.

    Raises
    ------
    InputError
        If nothing was fetched for the plan, the store lacks what is pinned, or the
        snapshot lacks an indicator that the plan lists.
    """
    if plan_data.snapshot is not None:
        try:
            found = store.get(plan_data.snapshot)
        except InputError as error:
            raise error.placed(field="data.snapshot") from None
    else:
        newest = store.latest(plan_name)
        if newest is None:
            raise InputError(
                f"nothing was fetched for the plan {plan_name} into {store.root}; run "
                f"«evaluation data fetch» on the plan, or use the simulated plan "
                "day_one_simulated",
                field="data",
            )
        found = newest
    lacking = [i for i in plan_data.indicators if i not in found.provenance.indicators]
    if lacking:
        raise InputError(
            f"the snapshot {found.id[:12]} of {found.name} has no {lacking[0]}; it has "
            f"{', '.join(found.provenance.indicators)}: fetch the plan again, or take the "
            "indicator out",
            field="data.indicators",
        )
    return found
