import type { FileEntry } from "../contract/files.ts";
import type { Client } from "./client.ts";
import { eachOf } from "./each-of.ts";
import { itemsOf } from "./pages.ts";
import { files } from "./routes.ts";
import type { WireRequest } from "./transport.ts";

/** Everything under a URI, page by page. */
export interface Listing {
  /** References resolved. */
  readonly uri: string;
  /** The URI names one file. */
  readonly isFile: boolean;
  /** The folder (or file) itself on this machine, where it is one. */
  readonly localPath: string | undefined;
  readonly links: readonly { readonly path: string; readonly target: string }[];
  readonly folders: readonly string[];
  readonly files: AsyncIterable<FileEntry>;
}

/** Lists what is under a URI; `files` fetches further pages as it is read. */
export async function listFiles(
  client: Client,
  workspace: string,
  uri: string,
  options: { readonly signal?: AbortSignal | undefined } = {},
): Promise<Listing> {
  const page = (cursor: string | undefined) =>
    client.call(files.list, {
      params: { workspace },
      query: { uri, limit: 1000, ...(cursor === undefined ? {} : { cursor }) },
      signal: options.signal,
    });
  const first = await page(undefined);
  return {
    uri: first.uri,
    isFile: first.is_file,
    localPath: first.local_path,
    links: first.links ?? [],
    folders: first.folders ?? [],
    files: itemsOf((cursor) => (cursor === undefined ? Promise.resolve(first) : page(cursor))),
  };
}

/** The bytes of one listed file. */
export async function openFile(
  client: Client,
  entry: FileEntry,
  signal?: AbortSignal,
): Promise<ReadableStream<Uint8Array>> {
  const response = await client.raw(entry.url, { headers: entry.headers ?? {}, signal });
  return response.body ?? new ReadableStream({ start: (controller) => controller.close() });
}

/** One file to be stored under a URI. `open` may be called again after a lost connection. */
export interface UploadFile {
  readonly path: string;
  readonly sizeBytes: number;
  readonly open: () => ReadableStream<Uint8Array>;
}

export interface UploadFilesOptions {
  readonly signal?: AbortSignal | undefined;
  /** Default 8. */
  readonly concurrency?: number;
  readonly onFile?: (file: UploadFile) => void;
}

/** Stores files under a URI (run artifacts, a job's outputs, a datastore path), straight to where the home says. */
export async function uploadFiles(
  client: Client,
  workspace: string,
  uri: string,
  toSend: readonly UploadFile[],
  options: UploadFilesOptions = {},
): Promise<void> {
  for (let at = 0; at < toSend.length; at += 1000) {
    const batch = toSend.slice(at, at + 1000);
    const plan = await client.call(files.uploads, {
      params: { workspace },
      body: { uri, files: batch.map((file) => ({ path: file.path, size_bytes: file.sizeBytes })) },
      signal: options.signal,
    });
    const places = new Map(plan.files.map((place) => [place.path, place]));
    await eachOf(batch, options.concurrency ?? 8, async (file) => {
      const place = places.get(file.path);
      if (place === undefined) throw new Error(`the home gave no place for \`${file.path}\``);
      const body: WireRequest["body"] = file.sizeBytes === 0 ? new Uint8Array(0) : file.open;
      await client.raw(place.url, {
        method: "PUT",
        headers: { "content-length": String(file.sizeBytes), ...place.headers },
        body,
        signal: options.signal,
      });
      options.onFile?.(file);
    });
  }
}
