"""What pyarrow and duckdb read of an export: {table: rows}, doubles as their exact texts; and the counts duckdb makes."""

import glob
import json
import os
import sys

import duckdb
import pyarrow.parquet as parquet

folder = sys.argv[1]
tables, counts = {}, {}
for path in sorted(glob.glob(os.path.join(folder, "*.parquet"))):
    name = os.path.basename(path)[: -len(".parquet")]
    rows = parquet.read_table(path).to_pylist()
    tables[name] = [{k: repr(v) if isinstance(v, float) else v for k, v in row.items()} for row in rows]
    counts[name] = duckdb.sql(f"select count(*) from read_parquet('{path}')").fetchall()[0][0]
nan = duckdb.sql(f"select count(*) from read_parquet('{folder}/metrics.parquet') where isnan(value)").fetchall()[0][0]
print(json.dumps({"tables": tables, "counts": counts, "nan": nan}))
