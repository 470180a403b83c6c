"""Reads an MLTable with pandas. The description comes as data: its YAML was read before."""

import glob
import os

READERS = {"read_delimited", "read_json_lines", "read_parquet"}


def read_table(folder, description):
    """The rows as a DataFrame, and the bytes of the files they came from."""
    try:
        import pandas
    except ImportError:
        raise SystemExit("error: an input of type `mltable` needs `pandas` in the job's environment") from None
    steps = [as_step(step) for step in description.get("transformations") or []]
    name, options = next((step for step in steps if step[0] in READERS), ("read_delimited", {}))
    files = [file for entry in description.get("paths") or [] for file in files_of(folder, entry)]
    if not files:
        raise SystemExit("error: the MLTable names no files that are there")
    frames = [read_file(pandas, file, name, options, pattern_of(steps)) for file in files]
    table = pandas.concat(frames, ignore_index=True)
    for step, value in steps:
        table = transform(pandas, table, step, value)
    return table, sum(os.path.getsize(file) for file in files)


def as_step(step):
    if isinstance(step, str):
        return step, {}
    ((name, value),) = step.items()
    return name, value if value is not None else {}


def files_of(folder, entry):
    if isinstance(entry, str):
        entry = {"file": entry}
    ((form, place),) = [(form, entry[form]) for form in ("file", "folder", "pattern") if form in entry][:1]
    path = os.path.join(folder, place.replace("file://", "", 1))
    if form == "pattern":
        return sorted(file for file in glob.glob(path, recursive=True) if os.path.isfile(file))
    if os.path.isdir(path):
        return sorted(os.path.join(top, name) for top, _, names in os.walk(path) for name in names)
    if not os.path.isfile(path):
        raise SystemExit(f"error: the MLTable names `{place}`, which is not there")
    return [path]


def read_file(pandas, path, reader, options, pattern):
    if reader == "read_parquet":
        frame = pandas.read_parquet(path)
    elif reader == "read_json_lines":
        frame = pandas.read_json(path, lines=True, encoding=encoding_of(options))
    else:
        header = options.get("header", "all_files_same_headers")
        frame = pandas.read_csv(
            path,
            sep=options.get("delimiter", ","),
            header=None if str(header) == "no_header" else 0,
            encoding=encoding_of(options),
            skip_blank_lines=options.get("empty_as_string", True) is not None,
        )
        if str(header) == "no_header":
            frame.columns = [f"Column{n + 1}" for n in range(len(frame.columns))]
    if options.get("include_path_column"):
        frame.insert(0, "Path", path)
    for column, value in partition_values(path, pattern).items():
        frame[column] = value
    return frame


def encoding_of(options):
    return {"utf8": "utf-8", "iso88591": "latin-1", "latin1": "latin-1", "ascii": "ascii", "utf16": "utf-16"}.get(
        str(options.get("encoding", "utf8")), "utf-8"
    )


def pattern_of(steps):
    for name, value in steps:
        if name == "extract_columns_from_partition_format":
            return value.get("partition_format") if isinstance(value, dict) else value
    return None


def partition_values(path, pattern):
    """`/{store}/{brand}.csv`: the last parts of a file's path as columns."""
    if not pattern:
        return {}
    wanted = pattern.strip("/").split("/")
    given = path.replace(os.sep, "/").split("/")[-len(wanted) :]
    values = {}
    for want, got in zip(wanted, given):
        if want.startswith("{"):
            name, _, rest = want[1:].partition("}")
            values[name] = got[: len(got) - len(rest)] if rest and got.endswith(rest) else os.path.splitext(got)[0] if rest == ".*" else got
    return values


def transform(pandas, table, step, value):
    if step in READERS or step == "extract_columns_from_partition_format":
        return table
    if step in ("keep_columns", "drop_columns"):
        columns = value if isinstance(value, list) else [value]
        return table[columns] if step == "keep_columns" else table.drop(columns=columns)
    if step == "take":
        return table.head(count_of(value))
    if step == "skip":
        return table.iloc[count_of(value) :].reset_index(drop=True)
    if step == "take_random_sample":
        return table.sample(frac=float(value["probability"]), random_state=value.get("seed"))
    if step == "convert_column_types":
        return convert(pandas, table, value)
    raise SystemExit(f"error: the MLTable's transformation `{step}` is not known here; leave it to the script")


def count_of(value):
    return int(value.get("count", 0)) if isinstance(value, dict) else int(value)


TYPES = {"int": "int64", "float": "float64", "string": "string", "boolean": "boolean", "stream_info": "string"}


def convert(pandas, table, entries):
    for entry in entries if isinstance(entries, list) else [entries]:
        columns = entry["columns"] if isinstance(entry["columns"], list) else [entry["columns"]]
        kind = entry["column_type"]
        if isinstance(kind, dict):
            ((kind, _),) = kind.items()
        for column in columns:
            if kind == "datetime":
                table[column] = pandas.to_datetime(table[column])
            elif kind in TYPES:
                table[column] = table[column].astype(TYPES[kind])
            else:
                raise SystemExit(f"error: the MLTable's column type `{kind}` is not known here")
    return table
