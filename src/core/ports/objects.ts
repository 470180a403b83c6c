/** What is known of one object without reading it. */
export interface ObjectInfo {
  readonly key: string;
  readonly sizeBytes: number;
  /** Opaque; changes with the content. */
  readonly etag: string;
  readonly modifiedMs: number;
}

export interface ObjectBody extends ObjectInfo {
  /** The bytes asked for; `sizeBytes` is the whole object's size. */
  readonly body: ReadableStream<Uint8Array>;
}

export interface ByteRange {
  readonly start: number;
  /** Inclusive; absent: to the end. */
  readonly end?: number;
}

/** How long a signed address is good. */
export const SIGNED_SEC = 900;

/** A place a client may PUT to or GET from directly, for a short time. */
export interface SignedUrl {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly expiresMs: number;
}

/**
 * Bytes under keys such as `ws/default/blobs/ab/abcd…`. A key is 1..1024 UTF-8 bytes of `/`-separated non-empty segments, none of them `.` or `..`,
 * no NUL, no backslash; anything else throws AppError("InvalidPath"). A put is atomic and durable when it returns: readers see the old or the new object, never a part.
 */
export interface Objects {
  /** `ifAbsent`: leaves an existing object as it is and answers `{ stored: false }`. */
  put(
    key: string,
    body: Uint8Array | ReadableStream<Uint8Array>,
    options?: { readonly ifAbsent?: boolean },
  ): Promise<{ readonly stored: boolean; readonly info: ObjectInfo }>;
  /** Undefined when absent. A range past the end throws AppError("InvalidRange"). */
  get(key: string, range?: ByteRange): Promise<ObjectBody | undefined>;
  head(key: string): Promise<ObjectInfo | undefined>;
  /** Keys in bytewise order. With `delimiter: "/"`, deeper keys fold into `prefixes` (each ends in `/`). Limit 1000 a page, keys and prefixes together. A foreign cursor throws AppError("InvalidCursor"). */
  list(query: {
    readonly prefix: string;
    readonly delimiter?: "/";
    readonly cursor?: string;
    readonly limit?: number;
  }): Promise<{
    readonly objects: readonly ObjectInfo[];
    readonly prefixes: readonly string[];
    readonly cursor?: string;
  }>;
  /** Absent keys are fine. */
  delete(keys: readonly string[]): Promise<void>;
  /** An absent source throws AppError("NotFound"). */
  copy(from: string, to: string): Promise<ObjectInfo>;
  /** Joins `parts` (in order) into one object at `key`, then removes the parts. An absent part throws AppError("NotFound") and changes nothing. */
  compose(parts: readonly string[], key: string): Promise<ObjectInfo>;
  /**
   * Where a client may send or fetch the bytes itself; undefined where this home has no such place (then the API carries them).
   * With `sha256` (hex) a put takes only bytes of that hash; its headers must be sent along.
   */
  sign(
    operation: "get" | "put",
    key: string,
    expiresSec: number,
    options?: { readonly sha256?: string },
  ): Promise<SignedUrl | undefined>;
  /** The file that holds this object on this machine, where there is one. Read-only for the caller. */
  localPath(key: string): string | undefined;
}
