import type { ByteRange, ObjectBody, SignedUrl } from "../../core/ports/objects.ts";
import type { ApiRequest } from "../raw-route.ts";

/** Endings, and whole names without one, of what is shown as plain text. */
const TEXTS = new Set(
  "txt log err cfg conf cnf cf ini properties prop hocon toml yaml yml xml json js py py3 csv tsv md rst ipynb MLmodel mlproject".split(
    " ",
  ),
);
const TYPES: Readonly<Record<string, string>> = {
  css: "text/css",
  gif: "image/gif",
  htm: "text/html",
  html: "text/html",
  jpeg: "image/jpeg",
  jpg: "image/jpeg",
  pdf: "application/pdf",
  png: "image/png",
  svg: "image/svg+xml",
  tar: "application/x-tar",
  webp: "image/webp",
  zip: "application/zip",
};

/** As MLflow tells types; how a file is packed (`.gz`) is not one. */
function typeOf(name: string): string {
  const ending = /\.([^.]+)$/.exec(name)?.[1] ?? name;
  if (TEXTS.has(ending)) return "text/plain";
  const unpacked = name.toLowerCase().replace(/\.(gz|bz2|xz|br)$/, "");
  return TYPES[/\.([^.]+)$/.exec(unpacked)?.[1] ?? ""] ?? "application/octet-stream";
}

/** A name of other than ASCII, or with quotes, goes as RFC 5987 has it, with a plain one beside it. */
function attachment(name: string): string {
  const ascii =
    name
      .normalize("NFKD")
      .replace(/[^\x20-\x7e]/g, "")
      .replace(/["\\]/g, "_") || "download";
  const plain = /^[\w!#$%&'*+.^`|~-]+$/.test(ascii) ? ascii : `"${ascii}"`;
  if (ascii === name) return `attachment; filename=${plain}`;
  const encoded = encodeURIComponent(name).replace(
    /['()*]/g,
    (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `attachment; filename=${plain}; filename*=UTF-8''${encoded}`;
}

/** What a home that has signed addresses carries itself; in base64 more would be over what a function may answer. */
const CARRIED_BYTES = 4_000_000;

/**
 * A stored file as a download: never shown in place, never sniffed, whatever a writer put into it. Ranges of one part.
 * `sign` answers where a client may fetch a long one itself; clients follow, and leave their token behind at another host.
 */
export async function fileResponse(
  request: ApiRequest,
  path: string,
  open: (range?: ByteRange) => Promise<ObjectBody>,
  sign: () => Promise<SignedUrl | undefined> = async () => undefined,
): Promise<Response> {
  const signed = (length: number) => (length > CARRIED_BYTES ? sign() : undefined);
  const whole = async (found: ObjectBody) =>
    (await redirect(found, await signed(found.sizeBytes))) ?? send(found, headers);
  const name = path.split("/").at(-1) ?? "";
  const headers: Record<string, string> = {
    "content-type": typeOf(name),
    "content-disposition": attachment(name),
    "content-security-policy": "sandbox; default-src 'none'",
    "accept-ranges": "bytes",
    "cache-control": "no-store",
  };
  const asked = request.headers.get("range");
  if (asked === null) return whole(await open());
  const suffix = /^bytes=-(\d+)$/.exec(asked);
  const plain = /^bytes=(\d+)-(\d*)$/.exec(asked);
  // Other units and lists of ranges may be ignored by whoever serves.
  if (suffix === null && plain === null) return whole(await open());
  const range =
    suffix === null ? plainRange(plain?.[1] ?? "0", plain?.[2] ?? "") : await suffixRange(Number(suffix[1]), open);
  if (range === undefined) return whole(await open());
  const found = await open(range);
  const start = range.start;
  const end = Math.min(range.end ?? found.sizeBytes - 1, found.sizeBytes - 1);
  const away = await redirect(found, await signed(end - start + 1));
  if (away !== undefined) return away;
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

async function redirect(found: ObjectBody, to: SignedUrl | undefined): Promise<Response | undefined> {
  if (to === undefined || Object.keys(to.headers).length > 0) return undefined;
  await found.body.cancel();
  return new Response(null, { status: 307, headers: { location: to.url, "cache-control": "no-store" } });
}

function send(found: ObjectBody, headers: Record<string, string>): Response {
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
  // None of a file's last bytes are past its end, as any range that is not in it (RFC 9110, 14.1.2).
  if (length === 0) return { start: found.sizeBytes };
  return length >= found.sizeBytes ? undefined : { start: found.sizeBytes - length };
}

function quoted(etag: string): string {
  return etag.startsWith('"') ? etag : `"${etag}"`;
}
