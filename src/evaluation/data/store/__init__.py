"""The snapshot store: what was fetched, kept so that the numbers can be repeated."""

from evaluation.data.store.exchange import export, read_export
from evaluation.data.store.partial import Partial
from evaluation.data.store.pinned import resolve
from evaluation.data.store.provenance import Provenance
from evaluation.data.store.revisions import Revisions, diff
from evaluation.data.store.snapshot import Snapshot
from evaluation.data.store.snapshots import SnapshotStore

__all__ = [
    "Partial",
    "Provenance",
    "Revisions",
    "Snapshot",
    "SnapshotStore",
    "diff",
    "export",
    "read_export",
    "resolve",
]
