"""The snapshot store: what was fetched, kept so that the numbers can be repeated."""

from evaluation.data.store.partial import Partial
from evaluation.data.store.provenance import Provenance
from evaluation.data.store.snapshots import Snapshot, SnapshotStore

__all__ = ["Partial", "Provenance", "Snapshot", "SnapshotStore"]
