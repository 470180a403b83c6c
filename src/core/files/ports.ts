import type { ByteRange, ObjectBody, SignedUrl } from "../ports/objects.ts";

/** One file found under a URI. */
export interface FoundFile {
  /** Relative to the URI; the base name when the URI is a file. */
  readonly path: string;
  readonly sizeBytes: number;
  readonly sha256?: string;
  /** Changes with the content. Absent where only reading would tell. */
  readonly mark?: string;
  readonly executable?: boolean;
  /** Canonical URI of this file, readable by `open`. */
  readonly uri: string;
  /** Where the bytes are on this machine, if they are. */
  readonly localPath?: string;
  /** Short-lived absolute address, where the place gives one (S3, public HTTP). */
  readonly signed?: { readonly url: string; readonly headers: Readonly<Record<string, string>> };
}

export interface Listing {
  /** The canonical URI that was listed: references, labels and long forms resolved. */
  readonly uri: string;
  readonly isFile: boolean;
  readonly files: readonly FoundFile[];
  readonly links: readonly { readonly path: string; readonly target: string }[];
  readonly folders: readonly string[];
  readonly localPath?: string;
  readonly cursor?: string;
}

/**
 * Every URI and reference of the surface, read and written one way: `azureml:NAME:VERSION` (data, model), `azureml://datastores/D/paths/P`,
 * `azureml://jobs/J/outputs/O/paths/P`, `azureml://trees/<sha256>/P`, `runs:/ID/P`, `models:/…`, `mlflow-artifacts:/…`, `http(s)://`, `wasbs://`, `s3://`, `file:` (laptop).
 * A path that leaves its root throws InvalidPath; an unknown reference NotFound; a place that can't be reached DatastoreUnreachable.
 */
export interface Files {
  /** Canonical form without touching the files: labels become versions, references become URIs. */
  resolve(
    workspace: string,
    uri: string,
    kind?: "data" | "model" | "file",
  ): Promise<{ readonly uri: string; readonly asset?: string; readonly type?: string }>;
  list(workspace: string, uri: string, page?: { readonly limit?: number; readonly cursor?: string }): Promise<Listing>;
  open(workspace: string, uri: string, range?: ByteRange): Promise<ObjectBody | undefined>;
  /** Makes or replaces one file. NotSupported for places that are read-only. */
  write(workspace: string, uri: string, body: ReadableStream<Uint8Array> | Uint8Array): Promise<void>;
  /** Where a client may PUT one file itself; undefined where `write` must carry it. NotSupported for places that are read-only. */
  planWrite(workspace: string, uri: string): Promise<SignedUrl | undefined>;
}
