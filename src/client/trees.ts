import { AppError, isAppError } from "../contract/errors.ts";
import { PACK_LIMIT_BYTES, treeText } from "../contract/tree-text.ts";
import type { Tree, TreeEntry } from "../contract/trees.ts";
import type { Client } from "./client.ts";
import { eachOf } from "./each-of.ts";
import { trees } from "./routes.ts";

type FileEntry = Extract<TreeEntry, { kind: "file" }>;

/** A folder as it will be stored. `read` and `stream` give the bytes that were hashed, or throw. */
export interface TreeSource {
  /** `treeIdOf(entries)`, where the caller knows it. */
  readonly id?: string;
  readonly entries: readonly TreeEntry[];
  read(path: string): Promise<Uint8Array>;
  /** For files above the pack limit; default: `read`. */
  stream?(path: string): ReadableStream<Uint8Array>;
}

export interface TreeProgress {
  readonly sentFiles: number;
  readonly sentBytes: number;
  readonly totalFiles: number;
  readonly totalBytes: number;
}

export interface UploadTreeOptions {
  readonly onProgress?: ((progress: TreeProgress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Requests at once; default 8. */
  readonly concurrency?: number;
}

export interface UploadedTree {
  readonly tree: Tree;
  /** What travelled; zero when the home had it all. */
  readonly sentFiles: number;
  readonly sentBytes: number;
}

/** Up to here the tree itself is cheap enough to send on the chance that all of it is stored. */
const SMALL_TREE = 500;
const ASK_LIMIT = 10_000;

/** The id a tree will have: SHA-256 of its text, hex. */
export async function treeIdOf(entries: readonly TreeEntry[]): Promise<string> {
  const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(treeText(entries)));
  return hex(new Uint8Array(hash));
}

/**
 * Stores a tree, sending only blobs the home lacks. A tree it knows, or whose blobs it has, takes one request.
 */
export async function uploadTree(
  client: Client,
  workspace: string,
  source: TreeSource,
  options: UploadTreeOptions = {},
): Promise<UploadedTree> {
  const id = source.id ?? (await treeIdOf(source.entries));
  const files = new Map<string, FileEntry>();
  for (const entry of source.entries) if (entry.kind === "file") files.set(entry.sha256, entry);
  const put = () =>
    client.call(trees.put, {
      params: { workspace, id },
      body: { entries: [...source.entries] },
      signal: options.signal,
    });

  const first =
    source.entries.length <= SMALL_TREE ? await tryPut(put) : await look(client, workspace, id, files, options);
  if (!Array.isArray(first)) return { tree: first, sentFiles: 0, sentBytes: 0 };

  const sent = { sentFiles: 0, sentBytes: 0 };
  let missing = first;
  for (let round = 0; round < 50; round++) {
    const wanted = missing.map((hash) => {
      const file = files.get(hash);
      if (file === undefined)
        throw new AppError("Internal", `the home asks for blob \`${hash}\`, which is not in the tree`);
      return file;
    });
    await sendBlobs(client, workspace, source, wanted, sent, options);
    const answer = await tryPut(put);
    if (!Array.isArray(answer)) return { tree: answer, ...sent };
    missing = answer;
  }
  throw new AppError("Conflict", `tree \`${id}\` could not be stored: the home keeps losing its blobs`);
}

/** The tree, or the hashes of blobs that must be sent first. */
async function tryPut(put: () => Promise<Tree>): Promise<Tree | string[]> {
  try {
    return await put();
  } catch (error) {
    if (isAppError(error) && error.code === "Conflict" && Array.isArray(error.details.missing)) {
      return error.details.missing.map(String);
    }
    throw error;
  }
}

async function look(
  client: Client,
  workspace: string,
  id: string,
  files: ReadonlyMap<string, FileEntry>,
  options: UploadTreeOptions,
): Promise<Tree | string[]> {
  try {
    return await client.call(trees.get, { params: { workspace, id }, signal: options.signal });
  } catch (error) {
    if (!isAppError(error) || error.code !== "NotFound") throw error;
  }
  const hashes = [...files.keys()];
  const missing: string[] = [];
  for (let at = 0; at < hashes.length; at += ASK_LIMIT) {
    const answer = await client.call(trees.missing, {
      params: { workspace },
      body: { hashes: hashes.slice(at, at + ASK_LIMIT) },
      signal: options.signal,
    });
    missing.push(...answer.missing);
  }
  return missing;
}

const HEADER_BYTES = 36;

async function sendBlobs(
  client: Client,
  workspace: string,
  source: TreeSource,
  wanted: readonly FileEntry[],
  sent: { sentFiles: number; sentBytes: number },
  options: UploadTreeOptions,
): Promise<void> {
  const totalFiles = sent.sentFiles + wanted.length;
  const totalBytes = sent.sentBytes + wanted.reduce((sum, file) => sum + file.size_bytes, 0);
  const batches = packed(wanted);
  await eachOf(batches, options.concurrency ?? 8, async (batch) => {
    options.signal?.throwIfAborted();
    const [only] = batch;
    if (batch.length === 1 && only !== undefined) {
      await sendBlob(client, workspace, source, only, options.signal);
    } else {
      const body = await pack(source, batch);
      await client.call(trees.pack, { params: { workspace }, body, signal: options.signal });
    }
    sent.sentFiles += batch.length;
    sent.sentBytes += batch.reduce((sum, file) => sum + file.size_bytes, 0);
    options.onProgress?.({ ...sent, totalFiles, totalBytes });
  });
}

/** A blob that fits no pack, or stands alone: a large one goes where the home says, which may be past the API. */
async function sendBlob(
  client: Client,
  workspace: string,
  source: TreeSource,
  file: FileEntry,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { sha256: id, size_bytes, path } = file;
  const params = { workspace, id };
  if (!isLarge(file)) {
    await client.call(trees.putBlob, { params, body: await source.read(path), signal });
    return;
  }
  const stream = source.stream?.bind(source);
  const body = stream === undefined ? await source.read(path) : () => stream(path);
  const place = await client.call(trees.upload, { params, body: { size_bytes }, signal });
  const headers = {
    "content-type": "application/octet-stream",
    "content-length": String(size_bytes),
    ...place.headers,
  };
  await client.raw(place.url, { method: "PUT", headers, body, signal });
}

/** Fits no pack. */
function isLarge({ size_bytes }: FileEntry): boolean {
  return size_bytes + HEADER_BYTES > PACK_LIMIT_BYTES;
}

/** Groups that fit one pack each; what is too large stands alone. */
function packed(files: readonly FileEntry[]): FileEntry[][] {
  const batches: FileEntry[][] = [];
  let open: FileEntry[] = [];
  let size = 0;
  for (const file of files) {
    if (isLarge(file)) {
      batches.push([file]);
      continue;
    }
    const needed = file.size_bytes + HEADER_BYTES;
    if (size + needed > PACK_LIMIT_BYTES) {
      batches.push(open);
      open = [];
      size = 0;
    }
    open.push(file);
    size += needed;
  }
  if (open.length > 0) batches.push(open);
  return batches;
}

async function pack(source: TreeSource, files: readonly FileEntry[]): Promise<Uint8Array> {
  const bytes = new Uint8Array(files.reduce((sum, file) => sum + file.size_bytes + HEADER_BYTES, 0));
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const file of files) {
    const content = await source.read(file.path);
    if (content.byteLength !== file.size_bytes) {
      throw new AppError("Conflict", `\`${file.path}\` changed while it was being read`, { hint: "submit again" });
    }
    for (let i = 0; i < 32; i++) bytes[at + i] = Number.parseInt(file.sha256.slice(i * 2, i * 2 + 2), 16);
    view.setUint32(at + 32, content.byteLength);
    bytes.set(content, at + HEADER_BYTES);
    at += HEADER_BYTES + content.byteLength;
  }
  return bytes;
}

function hex(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += byte.toString(16).padStart(2, "0");
  return text;
}
