import { AppError, isAppError } from "../contract/errors.ts";
import type { LogRef, LogRest, LogStore } from "../core/jobs/log-ports.ts";
import { logChunkKey as objectKey } from "../core/jobs/object-keys.ts";
import type { ObjectBody, Objects } from "../core/ports/objects.ts";
import { ABSENT, type Clause, type Item, type Key, type Table, type Write } from "../core/ports/table.ts";
import { logChunkKey, logHeadKey } from "./facts/keys.ts";

/** Appends up to this size rest in the table until enough of them make one object. */
const INLINE_LIMIT_BYTES = 65_536;
const FOLD_AT_CHUNKS = 64;
const FOLD_AT_BYTES = 1_048_576;
/** Deletes of one transaction. */
const AT_ONCE = 90;
const TRIES = 20;

interface Head {
  readonly sizeBytes: number;
  /** Chunks that rest in the table, and their bytes. */
  readonly inlineCount: number;
  readonly inlineBytes: number;
  /** First of them. */
  readonly inlineFrom: number;
  /** The one object that holds a finished log. */
  readonly finalKey?: string;
}

interface Chunk {
  readonly offset: number;
  readonly sizeBytes: number;
  readonly bytes?: Uint8Array;
  readonly key?: string;
}

/**
 * Logs as chunks: small appends are items of the table (one write each), folded into objects as they add up; large ones are objects at once.
 * The head item knows the size, and is the condition of every append.
 */
export function openLogStore(deps: { readonly table: Table; readonly objects: Objects }): LogStore {
  const { table, objects } = deps;

  async function append(log: LogRef, offset: number, bytes: Uint8Array): Promise<number> {
    let head = offset === 0 ? undefined : await readHead(table, log);
    for (let i = 0; i < TRIES; i++) {
      const size = head?.sizeBytes ?? 0;
      if (offset > size) throw gap(log, offset, size);
      const fresh = bytes.subarray(size - offset);
      if (fresh.byteLength === 0) return size;
      if (head?.finalKey !== undefined) throw closed(log);
      const written = await writeChunk(log, head, size, fresh);
      if (written !== undefined) {
        if (written.inlineCount >= FOLD_AT_CHUNKS || written.inlineBytes >= FOLD_AT_BYTES) await fold(log, written);
        return written.sizeBytes;
      }
      head = await readHead(table, log);
    }
    throw new AppError(
      "Unavailable",
      `log \`${log.name}\` of run \`${log.run}\` could not be written: too many writers at once`,
    );
  }

  /** The head as written, or undefined when somebody was faster. */
  async function writeChunk(
    log: LogRef,
    head: Head | undefined,
    at: number,
    bytes: Uint8Array,
  ): Promise<Head | undefined> {
    const isInline = bytes.byteLength <= INLINE_LIMIT_BYTES;
    const sizeBytes = bytes.byteLength;
    const chunk: Chunk = isInline ? { offset: at, sizeBytes, bytes } : { offset: at, sizeBytes, key: keyOf(log, at) };
    if (chunk.key !== undefined) await objects.put(chunk.key, bytes);
    const before = head ?? { sizeBytes: 0, inlineCount: 0, inlineBytes: 0, inlineFrom: 0 };
    const after: Head = {
      sizeBytes: at + sizeBytes,
      inlineCount: before.inlineCount + (isInline ? 1 : 0),
      inlineBytes: before.inlineBytes + (isInline ? sizeBytes : 0),
      inlineFrom: isInline && before.inlineCount === 0 ? at : before.inlineFrom,
    };
    const result = await table.transact([
      { kind: "put", item: headItem(log, after), when: isHead(head) },
      { kind: "put", item: chunkItem(log, chunk) },
    ]);
    return result.ok ? after : undefined;
  }

  /** Joins the chunks that rest in the table into objects, a run of neighbours each. A crash leaves them as they were. */
  async function fold(log: LogRef, head: Head): Promise<void> {
    const chunks = await readChunks(table, log, head.inlineFrom, AT_ONCE);
    const last = chunks.at(-1);
    if (last === undefined) return;
    const writes: Write[] = [];
    let folded = 0;
    let foldedBytes = 0;
    for (const neighbours of runsOf(chunks)) {
      const [first] = neighbours;
      if (first === undefined) continue;
      const bytes = joined(neighbours.map((chunk) => chunk.bytes ?? new Uint8Array()));
      const key = keyOf(log, first.offset);
      await objects.put(key, bytes);
      writes.push({ kind: "put", item: chunkItem(log, { offset: first.offset, sizeBytes: bytes.byteLength, key }) });
      for (const { offset } of neighbours.slice(1)) writes.push({ kind: "delete", key: chunkKey(log, offset) });
      folded += neighbours.length;
      foldedBytes += bytes.byteLength;
    }
    const after: Head = {
      ...head,
      inlineCount: head.inlineCount - folded,
      inlineBytes: head.inlineBytes - foldedBytes,
      inlineFrom: last.offset + last.sizeBytes,
    };
    // A faster append keeps its head; the next one folds.
    await table.transact([{ kind: "put", item: headItem(log, after), when: isHead(head) }, ...writes]);
  }

  async function read(log: LogRef, offset: number, limitBytes: number) {
    for (let i = 0; i < TRIES; i++) {
      const head = await readHead(table, log);
      if (head === undefined || offset >= head.sizeBytes) {
        return { bytes: new Uint8Array(), sizeBytes: head?.sizeBytes ?? 0 };
      }
      const to = Math.min(head.sizeBytes, offset + limitBytes);
      const bytes =
        head.finalKey === undefined
          ? await readRange(deps, log, offset, to)
          : await bodyBytes(await objects.get(head.finalKey, { start: offset, end: to - 1 }));
      // Undefined: the log was finished or folded in between.
      if (bytes !== undefined) return { bytes, sizeBytes: head.sizeBytes };
    }
    throw new AppError("Unavailable", `log \`${log.name}\` of run \`${log.run}\` changed too fast to be read`);
  }

  async function finishOne(log: LogRef, key: string): Promise<void> {
    for (let i = 0; i < TRIES; i++) {
      const head = await readHead(table, log);
      if (head === undefined) return;
      if (head.finalKey === undefined) {
        const small = head.sizeBytes <= FOLD_AT_BYTES ? await readRange(deps, log, 0, head.sizeBytes) : undefined;
        await objects.put(key, small ?? allBytes(deps, log));
        const closedHead: Head = { ...head, finalKey: key };
        const result = await table.transact([{ kind: "put", item: headItem(log, closedHead), when: isHead(head) }]);
        if (!result.ok) continue;
      }
      await dropChunks(deps, log);
      return;
    }
    throw new AppError("Unavailable", `log \`${log.name}\` of run \`${log.run}\` could not be closed`);
  }

  /** Logs that nobody has heard of before become objects at once; the answer makes them known. */
  async function writeWhole(
    of: Omit<LogRef, "name">,
    logs: readonly LogRest[],
    keyFor: (name: string) => string,
  ): Promise<readonly Write[]> {
    await Promise.all(logs.map(({ name, bytes }) => objects.put(keyFor(name), bytes)));
    return logs.map(({ name, bytes }) => {
      const sizeBytes = bytes.byteLength;
      const head: Head = { sizeBytes, inlineCount: 0, inlineBytes: 0, inlineFrom: 0, finalKey: keyFor(name) };
      // Who tells it again tells the same.
      return { kind: "put", item: headItem({ ...of, name }, head) };
    });
  }

  return {
    append,
    read,
    async list(of) {
      const heads = await listHeads(table, of);
      return heads.map(({ name, head }) => ({ name, sizeBytes: head.sizeBytes }));
    },
    async finish(of, keyFor, rests = []) {
      const known = new Set((await listHeads(table, of)).map(({ name }) => name));
      const whole = rests.filter(({ name, offset }) => offset === 0 && !known.has(name));
      const others = rests.filter((rest) => !whole.includes(rest));
      const [closing] = await Promise.all([
        writeWhole(of, whole, keyFor),
        ...others.map(({ name, offset, bytes }) => append({ ...of, name }, offset, bytes).catch(lostIsLost)),
      ]);
      for (const name of known) await finishOne({ ...of, name }, keyFor(name));
      return closing;
    },
  };
}

const keyOf = (log: LogRef, offset: number): string => objectKey(log.workspace, log.run, log.attempt, log.name, offset);
const chunkKey = (log: LogRef, offset: number): Key =>
  logChunkKey(log.workspace, log.run, log.attempt, log.name, offset);

function isHead(head: Head | undefined): readonly Clause[] {
  if (head === undefined) return ABSENT;
  return [
    { attr: "sizeBytes", op: "eq", value: head.sizeBytes },
    { attr: "inlineCount", op: "eq", value: head.inlineCount },
    { attr: "finalKey", op: "absent" },
  ];
}

function headItem(log: LogRef, head: Head): Item {
  return { ...logHeadKey(log.workspace, log.run, log.attempt, log.name), type: "LOG", v: 1, ...head };
}

function chunkItem(log: LogRef, chunk: Chunk): Item {
  return { ...chunkKey(log, chunk.offset), type: "LOG-CHUNK", v: 1, ...chunk };
}

async function readHead(table: Table, log: LogRef): Promise<Head | undefined> {
  const item = await table.get(logHeadKey(log.workspace, log.run, log.attempt, log.name));
  return item as unknown as Head | undefined;
}

async function listHeads(table: Table, of: Omit<LogRef, "name">): Promise<{ name: string; head: Head }[]> {
  const { pk, sk: prefix } = logHeadKey(of.workspace, of.run, of.attempt, "");
  const page = await table.query({ pk, sk: { prefix } });
  return page.items.map((item) => ({ name: item.sk.slice(prefix.length), head: item as unknown as Head }));
}

/** Up to `limit` chunks from the one that starts at `from`. */
async function readChunks(table: Table, log: LogRef, from: number, limit: number): Promise<Chunk[]> {
  const key = chunkKey(log, from);
  const page = await table.query({ pk: key.pk, sk: { from: key.sk }, limit });
  return page.items.map((item) => item as unknown as Chunk);
}

/** Neighbours that rest in the table. */
function runsOf(chunks: readonly Chunk[]): Chunk[][] {
  const runs: Chunk[][] = [[]];
  for (const chunk of chunks) {
    if (chunk.bytes === undefined) runs.push([]);
    else runs.at(-1)?.push(chunk);
  }
  return runs.filter((run) => run.length > 0);
}

interface Places {
  readonly table: Table;
  readonly objects: Objects;
}

/** Bytes `from`..`to`; undefined when a chunk went away meanwhile. */
async function readRange(deps: Places, log: LogRef, from: number, to: number): Promise<Uint8Array | undefined> {
  const { table, objects } = deps;
  const pk = chunkKey(log, from).pk;
  const start = await table.query({ pk, sk: { to: chunkKey(log, from).sk }, reverse: true, limit: 1 });
  let position = (start.items[0] as unknown as Chunk | undefined)?.offset;
  const parts: Uint8Array[] = [];
  let at = from;
  while (position !== undefined && at < to) {
    const chunks = await readChunks(table, log, position, 100);
    position = undefined;
    for (const chunk of chunks) {
      if (chunk.offset > at) return undefined;
      const first = at - chunk.offset;
      const size = Math.min(chunk.sizeBytes, to - chunk.offset) - first;
      if (size <= 0) continue;
      const part =
        chunk.bytes?.subarray(first, first + size) ??
        (await bodyBytes(await objects.get(chunk.key ?? "", { start: first, end: first + size - 1 })));
      if (part === undefined || part.byteLength !== size) return undefined;
      parts.push(part);
      at += size;
      position = chunk.offset + chunk.sizeBytes;
      if (at >= to) break;
    }
  }
  return at < to ? undefined : joined(parts);
}

/** A whole log as a stream, one chunk in memory at a time. */
function allBytes(deps: Places, log: LogRef): ReadableStream<Uint8Array> {
  let at = 0;
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const [chunk] = await readChunks(deps.table, log, at, 1);
        if (chunk === undefined) {
          controller.close();
          return;
        }
        const bytes = chunk.bytes ?? (await bodyBytes(await deps.objects.get(chunk.key ?? "")));
        if (bytes === undefined) throw new AppError("Internal", `part \`${chunk.key}\` of a log is missing`);
        at += bytes.byteLength;
        controller.enqueue(bytes);
      },
    },
    { highWaterMark: 0 },
  );
}

async function dropChunks(deps: Places, log: LogRef): Promise<void> {
  for (;;) {
    const chunks = await readChunks(deps.table, log, 0, AT_ONCE);
    if (chunks.length === 0) return;
    const keys = chunks.flatMap(({ key }) => (key === undefined ? [] : [key]));
    if (keys.length > 0) await deps.objects.delete(keys);
    await deps.table.transact(chunks.map(({ offset }) => ({ kind: "delete", key: chunkKey(log, offset) })));
  }
}

async function bodyBytes(found: ObjectBody | undefined): Promise<Uint8Array | undefined> {
  return found === undefined ? undefined : new Uint8Array(await new Response(found.body).arrayBuffer());
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const [only] = parts;
  if (parts.length === 1 && only !== undefined) return only;
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.byteLength, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.byteLength;
  }
  return bytes;
}

/** An end that does not fit must not keep a job from ending. */
function lostIsLost(error: unknown): void {
  if (!isAppError(error) || error.code !== "Conflict") throw error;
}

function gap(log: LogRef, offset: number, end: number): AppError {
  return new AppError(
    "Conflict",
    `log \`${log.name}\` of run \`${log.run}\` ends at ${end}; bytes from ${offset} leave a gap`,
    {
      end,
      hint: `send from ${end} on`,
    },
  );
}

function closed(log: LogRef): AppError {
  return new AppError("Conflict", `log \`${log.name}\` of run \`${log.run}\` is closed: the run is over`);
}
