import type { ByteRange, ObjectBody } from "../../core/ports/objects.ts";
import type { ApiRequest } from "../raw-route.ts";

const TYPES: Readonly<Record<string, string>> = {
  csv: "text/csv",
  css: "text/css",
  gif: "image/gif",
  htm: "text/html",
  html: "text/html",
  jpeg: "image/jpeg",
  jpg: "image/jpeg",
  js: "text/javascript",
  json: "application/json",
  log: "text/plain",
  md: "text/markdown",
  mlmodel: "text/plain",
  mlproject: "text/plain",
  parquet: "application/octet-stream",
  pdf: "application/pdf",
  png: "image/png",
  py: "text/x-python",
  svg: "image/svg+xml",
  txt: "text/plain",
  webp: "image/webp",
  xml: "application/xml",
  yaml: "text/plain",
  yml: "text/plain",
  zip: "application/zip",
};

/** A stored file as a download: never shown in place, never sniffed, whatever a writer put into it. Ranges of one part. */
export async function fileResponse(
  request: ApiRequest,
  path: string,
  open: (range?: ByteRange) => Promise<ObjectBody>,
): Promise<Response> {
  const name = path.split("/").at(-1) ?? "";
  const headers: Record<string, string> = {
    "content-type":
      TYPES[/\.([^.]+)$/.exec(name)?.[1]?.toLowerCase() ?? name.toLowerCase()] ?? "application/octet-stream",
    "content-disposition": `attachment; filename="${name.replace(/[^\x20-\x7e]|["\\]/g, "_")}"; filename*=UTF-8''${encodeURIComponent(name)}`,
    "content-security-policy": "sandbox; default-src 'none'",
    "accept-ranges": "bytes",
    "cache-control": "no-store",
  };
  const asked = request.headers.get("range");
  if (asked === null) return whole(await open(), headers);
  const suffix = /^bytes=-(\d+)$/.exec(asked);
  const plain = /^bytes=(\d+)-(\d*)$/.exec(asked);
  // Other units and lists of ranges may be ignored by whoever serves.
  if (suffix === null && plain === null) return whole(await open(), headers);
  const range =
    suffix === null ? plainRange(plain?.[1] ?? "0", plain?.[2] ?? "") : await suffixRange(Number(suffix[1]), open);
  if (range === undefined) return whole(await open(), headers);
  const found = await open(range);
  const start = range.start;
  const end = Math.min(range.end ?? found.sizeBytes - 1, found.sizeBytes - 1);
  return new Response(found.body, {
    status: 206,
    headers: {
      ...headers,
      etag: quoted(found.etag),
      "content-range": `bytes ${start}-${end}/${found.sizeBytes}`,
      "content-length": String(end - start + 1),
    },
  });
}

function whole(found: ObjectBody, headers: Record<string, string>): Response {
  return new Response(found.body, {
    headers: { ...headers, etag: quoted(found.etag), "content-length": String(found.sizeBytes) },
  });
}

function plainRange(start: string, end: string): ByteRange | undefined {
  const range = end === "" ? { start: Number(start) } : { start: Number(start), end: Number(end) };
  return range.end !== undefined && range.end < range.start ? undefined : range;
}

async function suffixRange(length: number, open: () => Promise<ObjectBody>): Promise<ByteRange | undefined> {
  const found = await open();
  await found.body.cancel();
  return length >= found.sizeBytes || length === 0 ? undefined : { start: found.sizeBytes - length };
}

function quoted(etag: string): string {
  return etag.startsWith('"') ? etag : `"${etag}"`;
}
