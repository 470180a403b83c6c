import { afterAll, beforeAll, describe } from "vitest";
import type { ObjectInfo, Objects } from "../../src/core/ports/objects.ts";
import { type Fixture, unique } from "../helpers/ports.ts";
import { describeObjectBodies } from "./objects-bodies.ts";
import { describeObjectKeys } from "./objects-keys.ts";
import { describeObjectListing } from "./objects-listing.ts";

export interface ObjectsSuite {
  readonly objects: () => Objects;
  /** A folder of keys no other test uses, without the last slash. */
  readonly base: () => string;
}

/** The conformance suite of the Objects port. `make` runs once; tests keep apart by prefix. */
export function describeObjects(name: string, make: () => Promise<Fixture<Objects>>): void {
  describe(`Objects: ${name}`, () => {
    let fixture: Fixture<Objects> | undefined;
    beforeAll(async () => {
      fixture = await make();
    });
    afterAll(async () => {
      await fixture?.cleanup();
    });
    const objects = (): Objects => {
      if (fixture === undefined) {
        throw new Error("the fixture is not made yet");
      }
      return fixture.port;
    };
    const suite: ObjectsSuite = { objects, base: () => unique("base") };
    describeObjectBodies(suite);
    describeObjectKeys(suite);
    describeObjectListing(suite);
  });
}

export const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

/** The object's bytes as text; undefined if it is absent. */
export async function textOf(
  objects: Objects,
  key: string,
  range?: { readonly start: number; readonly end?: number },
): Promise<string | undefined> {
  const found = await objects.get(key, range);
  return found === undefined ? undefined : new Response(found.body).text();
}

/** Everything a listing gives, page by page. */
export async function listAll(
  objects: Objects,
  query: Parameters<Objects["list"]>[0],
): Promise<{
  readonly keys: readonly string[];
  readonly prefixes: readonly string[];
  readonly infos: readonly ObjectInfo[];
  readonly pages: number;
}> {
  const infos: ObjectInfo[] = [];
  const prefixes: string[] = [];
  let cursor: string | undefined;
  let pages = 0;
  do {
    const page: Awaited<ReturnType<Objects["list"]>> = await objects.list(
      cursor === undefined ? query : { ...query, cursor },
    );
    infos.push(...page.objects);
    prefixes.push(...page.prefixes);
    cursor = page.cursor;
    pages += 1;
    if (pages > 10_000) {
      throw new Error("the listing does not end");
    }
  } while (cursor !== undefined);
  return { keys: infos.map((info) => info.key), prefixes, infos, pages };
}

/** A body that comes in `count` pieces of `pieceBytes`, each filled with its number. */
export function pieces(
  count: number,
  pieceBytes: number,
  failAfter = Number.POSITIVE_INFINITY,
): ReadableStream<Uint8Array> {
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      if (at >= failAfter) {
        controller.error(new Error("the sender went away"));
      } else if (at === count) {
        controller.close();
      } else {
        controller.enqueue(new Uint8Array(pieceBytes).fill(at));
        at += 1;
      }
    },
  });
}
