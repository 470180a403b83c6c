import type { ByteRange, ObjectBody, SignedUrl } from "../ports/objects.ts";

export interface PlaceFile {
  /** Relative to the path that was listed; the base name where that is a file. */
  readonly path: string;
  readonly sizeBytes: number;
  readonly sha256?: string;
  /** Changes with the content. Absent where only reading would tell. */
  readonly mark?: string;
  readonly executable?: boolean;
  readonly localPath?: string;
  readonly signed?: { readonly url: string; readonly headers: Readonly<Record<string, string>> };
}

export interface PlaceListing {
  readonly isFile: boolean;
  readonly files: readonly PlaceFile[];
  readonly links: readonly { readonly path: string; readonly target: string }[];
  readonly folders: readonly string[];
  /** The folder or file itself on this machine. */
  readonly localPath?: string;
  readonly cursor?: string;
}

export interface PageAsk {
  /** 1..1000. */
  readonly limit: number;
  readonly cursor?: string;
}

export interface BrowseEntry {
  /** Base name. */
  readonly path: string;
  readonly isFolder: boolean;
  readonly sizeBytes?: number;
  readonly modifiedMs?: number;
}

/**
 * One storage with paths in it: a datastore, a tree, the artifacts of a workspace, a web address. Paths are clean (`cleanPath`), `""` is the root.
 * A place that can't be reached throws DatastoreUnreachable; what it can't do, NotSupported.
 */
export interface Place {
  /** Files at and below `path` in path order; undefined where there is nothing. */
  list(path: string, page: PageAsk): Promise<PlaceListing | undefined>;
  /** Undefined where there is no such file. A range past the end throws InvalidRange. */
  open(path: string, range?: ByteRange): Promise<ObjectBody | undefined>;
  /** One level: folders and files by name. */
  browse(path: string, page: PageAsk): Promise<{ readonly entries: readonly BrowseEntry[]; readonly cursor?: string }>;
  /** Makes or replaces one file; readers see the old or the new one. Absent: read-only. */
  readonly write?: (path: string, body: ReadableStream<Uint8Array> | Uint8Array) => Promise<void>;
  /** Where a client may PUT a file itself; undefined where the API must carry it. */
  readonly signWrite?: (path: string) => Promise<SignedUrl | undefined>;
}

/** A datastore with what is needed to reach it. */
export interface DatastoreAccess {
  readonly workspace: string;
  readonly name: string;
  readonly type: string;
  readonly settings: Readonly<Record<string, unknown>>;
  readonly credentials: Readonly<Record<string, string>>;
}

/** Reaches what lies outside of the home. Nothing is opened before the first call of the place. */
export interface PlaceOpener {
  /** The root of a datastore of any type but `workspace`. NotSupported for what this home can't reach. */
  datastore(access: DatastoreAccess): Place;
  /** What an absolute address (`https:`, `wasbs:`, `abfss:`, `s3:`, `file:`) names; path `""` is the address itself. */
  address(uri: string): Place;
  /** What the URL map answers for an address, path `""` being the address itself; undefined if no prefix fits or nothing is on disk. */
  mapped(uri: string): Place | undefined;
}
