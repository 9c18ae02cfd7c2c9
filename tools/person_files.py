"""Person files of any size for the benchmark and the tests of engines: SIMULATED data.

Not the twin, which keeps every person in memory: rows are drawn by DuckDB in pieces, without
effects and without meaning, but with the contract's columns and consistent with each other.
"""

from __future__ import annotations

import sys
from pathlib import Path

import duckdb

from evaluation.data.places import codes

LAST = 12 * 2025 + 11
FIRST = 12 * 2008

_SQL = """
COPY (
WITH u AS (
  SELECT i AS person,
    hash(i * 8 + {seed}) AS a, hash(i * 8 + 1 + {seed}) AS b, hash(i * 8 + 2 + {seed}) AS c
  FROM range({low}, {high}) r(i)
), v AS (
  SELECT person,
    -- squared, so that places differ in size
    ((a % 10000) * ((a // 10000) % 10000) / 1e8 * 290)::INT AS place,
    {first} + (a // 100000000 % 216)::INT AS came,
    (a // 100000000000 % 2)::INT AS sex,
    (b % 80)::INT AS age,
    ceil(pow((b // 100 % 10000) / 10000.0, 2) * 400)::INT AS stay,
    (b // 1000000 % 100)::INT AS kind_u,
    ((b // 100000000 % 10000) * (b // 1000000000000 % 10000) / 1e8 * 290)::INT AS target,
    (c % 100)::INT AS s0, (c // 100 % 100)::INT AS s1, (c // 10000 % 100)::INT AS s2,
    (c // 1000000 % 100)::INT AS s3, (c // 100000000 % 36)::INT + 1 AS months,
    3000 + (c // 10000000000 % 3000)::INT AS kronor
  FROM u
), w AS (
  SELECT *, came + stay AS out, came + 24 AS fin,
    CASE WHEN kind_u < 30 THEN 1 WHEN kind_u < 65 THEN 2 WHEN kind_u < 92 THEN 3
         WHEN kind_u < 99 THEN 4 ELSE 5 END AS kind,
    CASE WHEN target = place THEN (target + 1) % 290 ELSE target END AS goal
  FROM v
), x AS (
  SELECT *, out <= {last} AND stay > 0 AS moved_, kind >= 4 AS abroad,
    age BETWEEN 20 AND 64 AS adult,
    age BETWEEN 20 AND 64 AND fin <= {last}
      AND NOT (kind >= 4 AND stay > 0 AND out <= (fin // 12) * 12 + 11) AS gone_through,
    stay > 0 AND out <= (fin // 12) * 12 + 11 AND out <= {last} AS away
  FROM w
)
SELECT person, codes[place + 1] AS received_code, {came} AS received,
  CASE WHEN person % 1000 = 7 AND {faulty} THEN 'X' WHEN sex = 0 THEN 'K' ELSE 'M' END AS sex,
  age::SMALLINT AS age, CASE WHEN adult THEN {came} END AS programme_start,
  CASE WHEN gone_through THEN {fin} END AS programme_end,
  CASE WHEN gone_through THEN CASE WHEN away THEN codes[goal + 1] ELSE codes[place + 1] END END
    AS residence_code,
  CASE WHEN gone_through THEN {s0} END AS status_90_days,
  CASE WHEN gone_through AND fin + 12 <= {last} THEN {s1} END AS status_1_year,
  CASE WHEN gone_through AND fin + 24 <= {last} THEN {s2} END AS status_2_years,
  CASE WHEN gone_through AND fin + 36 <= {last} THEN {s3} END AS status_3_years,
  CASE WHEN moved_ THEN {out} END AS moved,
  CASE WHEN moved_ THEN ['within county', 'metropolitan', 'elsewhere', 'abroad', 'death'][kind] END
    AS move,
  CASE WHEN moved_ AND NOT abroad THEN codes[goal + 1] END AS destination_code,
  CASE WHEN gone_through AND s0 >= 60 AND fin < {last} THEN {begin} END AS assisted_from,
  CASE WHEN gone_through THEN CASE WHEN s0 >= 60 AND fin < {last}
    THEN least(months, {last} - fin) ELSE 0 END END::BIGINT AS assisted_months,
  CASE WHEN gone_through AND s0 >= 60 AND fin < {last} THEN kronor::DOUBLE END AS assisted_kronor,
  'SIMULATED / SIMULERADE DATA' AS data
FROM x, (SELECT {codes} AS codes)
) TO '{path}' (FORMAT parquet, ROW_GROUP_SIZE 500000)
"""


def _month(name: str) -> str:
    return f"make_date(({name} // 12)::INT, ({name} % 12 + 1)::INT, 1)::TIMESTAMP"


def _status(name: str) -> str:
    return f"CASE WHEN {name} < 25 THEN 'work' WHEN {name} < 40 THEN 'studies' ELSE 'neither' END"


def write_persons(
    folder: Path, rows: int, *, seed: int = 1, faulty: bool = True, piece: int = 5_000_000
) -> Path:
    """Write ``rows`` persons as Parquet files of five million rows each; one in 1,000 is faulty."""
    folder.mkdir(parents=True, exist_ok=True)
    connection = duckdb.connect()
    connection.execute("SET memory_limit = '1500MB'; SET preserve_insertion_order = true")
    for i, low in enumerate(range(0, rows, piece)):
        path = folder / f"persons-{i:03d}.parquet"
        if path.exists():
            continue
        connection.execute(
            _SQL.format(
                low=low,
                high=min(low + piece, rows),
                seed=seed,
                first=FIRST,
                last=LAST,
                faulty=str(faulty).lower(),
                codes=sorted(codes()),
                path=path,
                came=_month("came"),
                fin=_month("fin"),
                out=_month("out"),
                begin=_month("(fin + 1)"),
                **{s: _status(s) for s in ("s0", "s1", "s2", "s3")},
            )
        )
    return folder


if __name__ == "__main__":
    write_persons(Path(sys.argv[1]), int(float(sys.argv[2])))
