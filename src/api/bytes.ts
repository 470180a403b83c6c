import { AppError } from "../contract/errors.ts";
import type { ByteRange, ObjectBody } from "../core/ports/objects.ts";
import type { ApiRequest } from "./raw-route.ts";

const BYTES = "application/octet-stream";

/**
 * One file as an answer, with `Range` honoured (one range; several are answered with the whole, as the standard allows).
 * Always a download of bytes: what a job wrote must not run as a page of this origin.
 */
export async function sendFile(
  request: ApiRequest,
  open: (range?: ByteRange) => Promise<ObjectBody | undefined>,
  what: string,
): Promise<Response> {
  const range = await rangeOf(request.headers.get("range"), open);
  const file = await open(range);
  if (file === undefined) throw new AppError("NotFound", `there is no file \`${what}\``);
  const headers = new Headers({
    "content-type": BYTES,
    "content-disposition": "attachment",
    "accept-ranges": "bytes",
    "cache-control": "no-store",
  });
  const etag = file.etag.replaceAll('"', "");
  if (/^[\x21-\x7e]+$/.test(etag)) headers.set("etag", `"${etag}"`);
  if (file.modifiedMs > 0) headers.set("last-modified", new Date(file.modifiedMs).toUTCString());
  if (file.sizeBytes < 0) return new Response(file.body, { headers });
  if (range === undefined) {
    headers.set("content-length", String(file.sizeBytes));
    return new Response(file.body, { headers });
  }
  const end = Math.min(range.end ?? file.sizeBytes - 1, file.sizeBytes - 1);
  headers.set("content-range", `bytes ${range.start}-${end}/${file.sizeBytes}`);
  headers.set("content-length", String(end - range.start + 1));
  return new Response(file.body, { status: 206, headers });
}

/** The last N bytes need the size first. Headers that are no single byte range are ignored. */
async function rangeOf(
  header: string | null,
  open: () => Promise<ObjectBody | undefined>,
): Promise<ByteRange | undefined> {
  const match = /^bytes=(\d{0,15})-(\d{0,15})$/i.exec(header?.trim() ?? "");
  if (match === null) return undefined;
  const [, first = "", last = ""] = match;
  if (first !== "") {
    const start = Number(first);
    if (last === "") return { start };
    return Number(last) < start ? undefined : { start, end: Number(last) };
  }
  if (last === "") return undefined;
  const whole = await open();
  if (whole === undefined || whole.sizeBytes < 0) return undefined;
  await whole.body.cancel();
  if (Number(last) === 0 || whole.sizeBytes === 0) {
    throw new AppError("InvalidRange", `\`Range: ${header}\` names no byte`, { sizeBytes: whole.sizeBytes });
  }
  return { start: Math.max(0, whole.sizeBytes - Number(last)) };
}
