import { request as httpRequest, type IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import { Readable } from "node:stream";
import { AppError } from "../../contract/errors.ts";
import { baseName } from "../../core/files/paths.ts";
import type { Place, PlaceFile } from "../../core/files/place.ts";
import type { ByteRange } from "../../core/ports/objects.ts";
import { invalidRange, rangeHeader, rangeOf, slice } from "./shared.ts";
import { checkHost, guardedLookup } from "./web-guard.ts";

const REDIRECTS_LIMIT = 5;
const SILENCE_LIMIT_MS = 60_000;

export interface HttpOptions {
  /** Address that the place's paths are below; path `""` is the address itself. */
  readonly base: string;
  /** `Authorization` for the base's own origin. */
  readonly authorization?: string;
  /** Loopback and private networks may be reached. */
  readonly allowPrivate: boolean;
}

/** A web server as a place: each path is one file; folders can't be listed. Read-only. */
export function makeHttpPlace(options: HttpOptions): Place {
  const urlOf = (path: string): URL => {
    const url = new URL(options.base);
    if (path !== "") {
      const below = path.split("/").map(encodeURIComponent).join("/");
      url.pathname = url.pathname.endsWith("/") ? url.pathname + below : `${url.pathname}/${below}`;
    }
    return url;
  };

  return {
    async list(path) {
      const url = urlOf(path);
      const seen = await lookAt(url, options);
      if (seen === undefined) return undefined;
      const file: PlaceFile = {
        path: nameOf(url),
        ...seen,
        // What needs our credentials, or only this machine may reach, goes through the API.
        ...(options.authorization === undefined && !options.allowPrivate
          ? { signed: { url: url.href, headers: {} } }
          : {}),
      };
      return { isFile: true, files: [file], links: [], folders: [] };
    },
    async open(path, range) {
      const url = urlOf(path);
      const response = await fetchFollowing(url, options, range);
      if (response === undefined) return undefined;
      const { sizeBytes, etag, modifiedMs } = factsOf(response);
      const body = Readable.toWeb(response) as ReadableStream<Uint8Array>;
      const info = { key: path, sizeBytes, etag, modifiedMs };
      if (range === undefined || response.statusCode === 206) return { ...info, body };
      const { start, end } =
        sizeBytes < 0
          ? { start: range.start, end: (range.end ?? Number.MAX_SAFE_INTEGER - 1) + 1 }
          : rangeOf(range, sizeBytes, path);
      return { ...info, body: body.pipeThrough(slice(start, end)) };
    },
    async browse(path) {
      throw new AppError("NotSupported", `a web server's folder can't be listed: \`${urlOf(path).href}\``);
    },
  };
}

/** Size in bytes, by download where the server does not tell, and what changes with the content; undefined where there is nothing. */
async function lookAt(url: URL, options: HttpOptions): Promise<Pick<PlaceFile, "sizeBytes" | "mark"> | undefined> {
  const response = await fetchFollowing(url, options, undefined);
  if (response === undefined) return undefined;
  const { etag } = response.headers;
  const mark = etag === undefined ? {} : { mark: etag };
  const { sizeBytes } = factsOf(response);
  if (sizeBytes >= 0) {
    response.destroy();
    return { sizeBytes, ...mark };
  }
  let counted = 0;
  for await (const chunk of response) counted += (chunk as Uint8Array).byteLength;
  return { sizeBytes: counted, ...mark };
}

function factsOf(response: IncomingMessage): { sizeBytes: number; etag: string; modifiedMs: number } {
  const { headers } = response;
  const total =
    /\/(\d+)$/.exec(headers["content-range"] ?? "")?.[1] ??
    (response.statusCode === 206 ? undefined : headers["content-length"]);
  const modifiedMs = Date.parse(headers["last-modified"] ?? "");
  return {
    sizeBytes: total === undefined ? -1 : Number(total),
    etag: headers.etag ?? `${total ?? ""}-${headers["last-modified"] ?? ""}`,
    modifiedMs: Number.isNaN(modifiedMs) ? 0 : modifiedMs,
  };
}

/** A GET with its redirects; undefined for 404 and 410. */
async function fetchFollowing(
  url: URL,
  options: HttpOptions,
  range: ByteRange | undefined,
): Promise<IncomingMessage | undefined> {
  const origin = url.origin;
  let at = url;
  for (let hop = 0; hop <= REDIRECTS_LIMIT; hop++) {
    const authorization = at.origin === origin ? options.authorization : undefined;
    const response = await get(at, options.allowPrivate, {
      "accept-encoding": "identity",
      "user-agent": "trainyard",
      ...(authorization === undefined ? {} : { authorization }),
      ...(range === undefined ? {} : { range: rangeHeader(range) }),
    });
    const status = response.statusCode ?? 0;
    if (status === 200 || status === 206) return response;
    response.destroy();
    if (status === 404 || status === 410) return undefined;
    if (status === 416 && range !== undefined) throw invalidRange(range, url.href);
    const { location } = response.headers;
    if (![301, 302, 303, 307, 308].includes(status) || location === undefined) {
      throw unreachable(url, `it answered with status ${status}`);
    }
    if (!URL.canParse(location, at.href)) throw unreachable(url, "it redirects to something that is no address");
    at = new URL(location, at.href);
    if (at.protocol !== "https:" && at.protocol !== "http:")
      throw unreachable(url, `it redirects to \`${at.protocol}\``);
  }
  throw unreachable(url, "it redirects too often");
}

function get(url: URL, allowPrivate: boolean, headers: Record<string, string>): Promise<IncomingMessage> {
  checkHost(url, allowPrivate);
  return new Promise((resolve, reject) => {
    const send = url.protocol === "https:" ? httpsRequest : httpRequest;
    const request = send(url, { headers, lookup: guardedLookup(allowPrivate), agent: false });
    request.setTimeout(SILENCE_LIMIT_MS, () => request.destroy(new Error("it said nothing for a minute")));
    request.on("error", (error) => reject(error instanceof AppError ? error : unreachable(url, error.message, error)));
    request.on("response", resolve);
    request.end();
  });
}

function unreachable(url: URL, why: string, cause?: unknown): AppError {
  const shown = new URL(url.href);
  // Signatures of shared links stand in the query.
  shown.search = "";
  shown.username = "";
  shown.password = "";
  return new AppError("DatastoreUnreachable", `\`${shown.href}\` can't be read: ${why}`, {}, { cause });
}

function nameOf(url: URL): string {
  const name = baseName(url.pathname);
  try {
    const decoded = decodeURIComponent(name);
    return decoded === "" || decoded.includes("/") || decoded.includes("\0") || decoded === ".." || decoded === "."
      ? "file"
      : decoded;
  } catch {
    return name;
  }
}
