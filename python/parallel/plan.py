"""Cuts a parallel job's input into mini-batches."""

import os

UNITS = {"kb": 1024, "mb": 1024**2, "gb": 1024**3}


def plan_batches(settings):
    """Mini-batches in order: `{"index", "items": [paths] | DataFrame, "partition": {key: value}}`."""
    given = settings["input"]
    if "table" in given:
        return plan_table(settings, given)
    if settings.get("partition_keys"):
        raise SystemExit("error: `partition_keys` need an input of type `mltable`")
    size = settings.get("mini_batch_size") or "1"
    if not size.strip().isdigit() or int(size) < 1:
        raise SystemExit(f"error: `mini_batch_size: {size}` of files is a count of files, 1 or more")
    files = files_of(given["path"])
    if not files:
        raise SystemExit(f"error: input `{given['name']}` has no files")
    count = int(size)
    return [batch(n, files[at : at + count]) for n, at in enumerate(range(0, len(files), count))]


def batch(index, items, partition=None):
    return {"index": index, "items": items, "partition": partition or {}}


def files_of(path):
    if os.path.isfile(path):
        return [path]
    found = []
    for folder, folders, names in os.walk(path, followlinks=True):
        folders.sort()
        found.extend(os.path.join(folder, name) for name in names)
    return sorted(found)


def plan_table(settings, given):
    from tables import read_table

    table, size_bytes = read_table(given["path"], given["table"])
    keys = settings.get("partition_keys") or []
    missing = [key for key in keys if key not in table.columns]
    if missing:
        raise SystemExit(f"error: partition key `{missing[0]}` is no column of input `{given['name']}` ({', '.join(map(str, table.columns))})")
    if keys:
        groups = table.groupby(keys, sort=True, dropna=False)
        return [
            batch(n, rows.reset_index(drop=True), dict(zip(keys, values if isinstance(values, tuple) else (values,))))
            for n, (values, rows) in enumerate(groups)
        ]
    if len(table) == 0:
        raise SystemExit(f"error: input `{given['name']}` has no rows")
    count = rows_in(settings.get("mini_batch_size") or "1mb", size_bytes / len(table))
    return [batch(n, table.iloc[at : at + count].reset_index(drop=True)) for n, at in enumerate(range(0, len(table), count))]


def rows_in(size, row_bytes):
    """How many rows make a mini-batch of a size such as `10kb`; a bare number counts bytes."""
    text = size.strip().lower()
    unit = next((unit for unit in UNITS if text.endswith(unit)), "")
    number = text[: len(text) - len(unit)].strip()
    try:
        wanted = float(number) * UNITS.get(unit, 1)
    except ValueError:
        raise SystemExit(f"error: `mini_batch_size: {size}` of a table is a size such as `10kb` or `1mb`") from None
    return max(1, int(wanted / max(row_bytes, 1)))
