import type { ApiRequest } from "../raw-route.ts";

/** Whether the home can send this JSON, in UTF-8, to who asks. */
export type Carries = (bytes: Uint8Array, headers: ApiRequest["headers"]) => boolean;

type Bytes = Uint8Array<ArrayBuffer>;

/** A page as JSON; where the home can't carry it, one of fewer items, whose token leads on from there. One item is answered in any case. */
export async function carriedPage(
  limit: number | undefined,
  read: (limit: number | undefined) => Promise<{ readonly items: readonly Bytes[]; readonly next: string | undefined }>,
  json: (items: readonly Bytes[], next: string | undefined) => Bytes,
  carries: (bytes: Bytes) => boolean,
): Promise<Bytes> {
  for (let asked = limit; ; ) {
    const { items, next } = await read(asked);
    const bytes = json(items, next);
    if (items.length <= 1 || carries(bytes)) return bytes;
    asked = fitting(items.length, (count) => carries(json(items.slice(0, count), next)));
  }
}

/** Fewer than `all`: halved until it fits, then half as many again if these do. */
function fitting(all: number, fits: (count: number) => boolean): number {
  let count = Math.floor(all / 2);
  while (count > 1 && !fits(count)) count = Math.floor(count / 2);
  const more = Math.floor(count * 1.5);
  return more > count && more < all && fits(more) ? more : count;
}
