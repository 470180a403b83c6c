import type { Item, Table, Value } from "../core/ports/table.ts";
import type { DatasetInput, Run } from "../core/tracking/ports.ts";
import { runDatasetKey, runDatasetPieceKey } from "./facts/keys.ts";

/** Text of one item: three bytes a character are the most UTF-8 takes, and an item holds 400 KB. */
const PIECE_CHARS = 110_000;

/** A run's input dataset: one item, with schema and profile cut into further ones where they are long. */
export function datasetItems(workspace: string, runId: string, index: number, input: DatasetInput): Item[] {
  const { schema, profile, ...brief } = input.dataset;
  const words = { ...(schema === undefined ? {} : { schema }), ...(profile === undefined ? {} : { profile }) };
  const tags = input.tags.map((tag) => ({ ...tag }));
  const head = { ...runDatasetKey(workspace, runId, index), type: "RUN-DATASET", v: 1, run: runId, index, tags };
  const text = JSON.stringify(words);
  if (text.length + JSON.stringify(input.tags).length <= PIECE_CHARS)
    return [{ ...head, dataset: { ...brief, ...words } }];
  const pieces = text.match(new RegExp(`[^]{1,${PIECE_CHARS}}(?![\\udc00-\\udfff])`, "g")) ?? [];
  return [
    { ...head, dataset: { ...brief }, pieces: pieces.length },
    ...pieces.map(
      (piece, at): Item => ({
        ...runDatasetPieceKey(workspace, runId, index, at),
        type: "RUN-DATASET-PIECE",
        v: 1,
        text: piece,
      }),
    ),
  ];
}

/** Input datasets of runs, by run, in the order they were logged. */
export async function readDatasets(
  table: Table,
  workspace: string,
  runs: readonly Pick<Run, "runId" | "datasets">[],
): Promise<ReadonlyMap<string, readonly DatasetInput[]>> {
  const keys = runs.flatMap((run) => run.datasets.map((_, index) => runDatasetKey(workspace, run.runId, index)));
  const found = new Map<string, DatasetInput[]>();
  if (keys.length === 0) return found;
  const heads = [...(await table.batchGet(keys))].sort((a, b) => Number(a.index) - Number(b.index));
  const words = await readPieces(table, workspace, heads);
  for (const head of heads) {
    const list = found.get(String(head.run)) ?? [];
    const dataset = { ...(head.dataset as { [key: string]: Value }), ...words.get(`${head.pk} ${head.sk}`) };
    list.push({ dataset, tags: head.tags } as unknown as DatasetInput);
    found.set(String(head.run), list);
  }
  return found;
}

async function readPieces(
  table: Table,
  workspace: string,
  heads: readonly Item[],
): Promise<ReadonlyMap<string, object>> {
  const words = new Map<string, object>();
  for (const head of heads) {
    if (typeof head.pieces !== "number") continue;
    const keys = Array.from({ length: head.pieces }, (_, at) =>
      runDatasetPieceKey(workspace, String(head.run), Number(head.index), at),
    );
    const pieces = [...(await table.batchGet(keys))].sort((a, b) => (a.sk < b.sk ? -1 : 1));
    words.set(`${head.pk} ${head.sk}`, JSON.parse(pieces.map((piece) => String(piece.text)).join("")) as object);
  }
  return words;
}
