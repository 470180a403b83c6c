import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { asyncBufferFromFile, type FileMetaData, parquetMetadataAsync, parquetReadObjects } from "hyparquet";
import { type ColumnSource, fileWriter, ParquetWriter, type SchemaElement } from "hyparquet-writer";
import { type ColumnType, type Row, TABLES, type TableName } from "./tables.ts";

const GROUP_ROWS = 50_000;
const GROUP_CHARS = 16_000_000;

/**
 * Times and steps differ from row to row, mostly a little; values differ altogether. Doubles have no statistics: some readers take bounds, which
 * leave NaN out, to mean that there is none.
 */
const WAYS: Readonly<Record<ColumnType, Partial<ColumnSource>>> = {
  text: { offsetIndex: false },
  "text?": { offsetIndex: false },
  int: { offsetIndex: false, encoding: "DELTA_BINARY_PACKED" },
  "int?": { offsetIndex: false },
  double: { offsetIndex: false, encoding: "PLAIN", codec: "UNCOMPRESSED", statistics: false },
};

/** A Parquet file under construction; rows leave memory with each row group. */
export interface TableFile<N extends TableName> {
  readonly rows: number;
  add(row: Row<N>): void;
  close(): Promise<void>;
}

export function createTable<N extends TableName>(path: string, name: N): TableFile<N> {
  const columns = Object.entries<ColumnType>(TABLES[name]);
  const writer = new ParquetWriter({ writer: fileWriter(path), schema: schemaOf(columns), createdBy: "trainyard" });
  const names = columns.map(([column]) => column);
  const whole = columns.map(([, type]) => type.startsWith("int"));
  let data: unknown[][] = columns.map(() => []);
  let rows = 0;
  let held = 0;
  let chars = 0;

  function flush(): void {
    if (held === 0) return;
    // Not awaited: this writer's file is written at once.
    void writer.write({
      columnData: columns.map(([column, type], i) => ({ name: column, data: data[i], ...WAYS[type] }) as ColumnSource),
      rowGroupSize: GROUP_ROWS,
    });
    data = columns.map(() => []);
    held = 0;
    chars = 0;
  }

  return {
    get rows() {
      return rows;
    },
    add(row) {
      for (let i = 0; i < columns.length; i++) {
        const value = (row as Readonly<Record<string, string | number | undefined>>)[names[i] ?? ""];
        data[i]?.push(value === undefined ? null : whole[i] ? BigInt(value) : value);
        if (typeof value === "string") chars += value.length;
      }
      rows++;
      held++;
      if (held >= GROUP_ROWS || chars >= GROUP_CHARS) flush();
    },
    async close() {
      flush();
      await writer.finish();
    },
  };
}

function schemaOf(columns: readonly (readonly [string, ColumnType])[]): SchemaElement[] {
  return [
    { name: "schema", num_children: columns.length },
    ...columns.map(([name, type]): SchemaElement => {
      const repetition_type = type.endsWith("?") ? "OPTIONAL" : "REQUIRED";
      if (type.startsWith("int")) return { name, type: "INT64", repetition_type };
      if (type === "double") return { name, type: "DOUBLE", repetition_type };
      return { name, type: "BYTE_ARRAY", converted_type: "UTF8", logical_type: { type: "STRING" }, repetition_type };
    }),
  ];
}

/** Makes one file of several of the same table: their row groups are copied as they are, and found at their new places. */
export async function joinTables(parts: readonly string[], path: string, name: TableName): Promise<number> {
  const file = fileWriter(path);
  const writer = new ParquetWriter({
    writer: file,
    schema: schemaOf(Object.entries<ColumnType>(TABLES[name])),
    createdBy: "trainyard",
  });
  for (const part of parts) {
    const { size } = await stat(part);
    const metadata = await metadataOf(part);
    const shift = file.offset - MAGIC;
    const end = size - TAIL - metadata.metadata_length - 1;
    if (end >= MAGIC) {
      for await (const chunk of createReadStream(part, { start: MAGIC, end })) file.appendBytes(chunk as Uint8Array);
    }
    for (const group of metadata.row_groups) writer.row_groups.push(shifted(group, shift));
    writer.num_rows += metadata.num_rows;
  }
  await writer.finish();
  return Number(writer.num_rows);
}

/** `PAR1`; and at the end the length of the metadata and `PAR1` again. */
const MAGIC = 4;
const TAIL = 8;

type Group = FileMetaData["row_groups"][number];

function shifted(group: Group, by: number): Group {
  const move = <T extends number | bigint | undefined>(offset: T) =>
    (offset === undefined ? undefined : BigInt(offset) + BigInt(by)) as T;
  return {
    ...group,
    columns: group.columns.map((column) => ({
      ...column,
      file_offset: move(column.file_offset),
      ...(column.meta_data === undefined
        ? {}
        : {
            meta_data: {
              ...column.meta_data,
              data_page_offset: move(column.meta_data.data_page_offset),
              dictionary_page_offset: move(column.meta_data.dictionary_page_offset),
            },
          }),
    })),
  } as Group;
}

export async function metadataOf(path: string): Promise<FileMetaData> {
  return parquetMetadataAsync(await asyncBufferFromFile(path));
}

/** Rows `from` (inclusive) to `to` (exclusive) of a table's file. */
export async function rowsOf<N extends TableName>(
  path: string,
  name: N,
  range: { readonly from?: number; readonly to?: number; readonly columns?: readonly (keyof Row<N> & string)[] } = {},
): Promise<Row<N>[]> {
  const file = await asyncBufferFromFile(path);
  const rows = await parquetReadObjects({
    file,
    ...(range.from === undefined ? {} : { rowStart: range.from }),
    ...(range.to === undefined ? {} : { rowEnd: range.to }),
    columns: [...(range.columns ?? Object.keys(TABLES[name]))],
  });
  return rows.map(plain) as Row<N>[];
}

function plain(row: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(row).map(([key, value]) => [
      key,
      typeof value === "bigint" ? Number(value) : value === null ? undefined : value,
    ]),
  );
}
