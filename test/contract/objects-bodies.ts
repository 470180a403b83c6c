import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { expectCode } from "../helpers/ports.ts";
import { listAll, type ObjectsSuite, pieces, textOf, utf8 } from "./describe-objects.ts";

const MEGABYTE = 1024 * 1024;

/** What goes in comes out, whole or not at all. */
export function describeObjectBodies({ objects, base }: ObjectsSuite): void {
  describe("bodies", () => {
    test("an absent object is undefined to get and head", async () => {
      const key = `${base()}/a`;

      expect(await objects().get(key)).toBeUndefined();
      expect(await objects().head(key)).toBeUndefined();
    });

    test("a put answers what head and get say", async () => {
      const key = `${base()}/a`;

      const { stored, info } = await objects().put(key, utf8("hello"));
      const found = await objects().get(key);

      expect(stored).toBe(true);
      expect(info).toMatchObject({ key, sizeBytes: 5 });
      expect(Math.abs(info.modifiedMs - Date.now())).toBeLessThan(600_000);
      expect(await objects().head(key)).toEqual(info);
      expect(found).toMatchObject(info);
      expect(await new Response(found?.body).text()).toBe("hello");
    });

    test("keeps an empty object", async () => {
      const key = `${base()}/a`;

      await objects().put(key, new Uint8Array());

      expect((await objects().head(key))?.sizeBytes).toBe(0);
      expect(await textOf(objects(), key)).toBe("");
    });

    test("keeps a long stream byte by byte", async () => {
      const key = `${base()}/a`;
      const expected = createHash("sha256");
      for (let at = 0; at < 24; at += 1) {
        expected.update(new Uint8Array(300_001).fill(at));
      }

      const { info } = await objects().put(key, pieces(24, 300_001));
      const actual = createHash("sha256");
      for await (const chunk of (await objects().get(key))?.body ?? []) {
        actual.update(chunk);
      }

      expect(info.sizeBytes).toBe(24 * 300_001);
      expect(actual.digest("hex")).toBe(expected.digest("hex"));
    });

    test("replaces an object, with another etag each time", async () => {
      const key = `${base()}/a`;
      const etags = new Set<string>();

      for (const text of ["one", "two", "thr", "fou", "fiv"]) {
        etags.add((await objects().put(key, utf8(text))).info.etag);
      }

      expect(etags.size).toBe(5);
      expect(await textOf(objects(), key)).toBe("fiv");
    });

    test("a reader that has begun goes on with the object it found", async () => {
      const key = `${base()}/a`;
      await objects().put(key, pieces(8, MEGABYTE));

      const found = await objects().get(key);
      await objects().put(key, utf8("new"));
      const bytes = new Uint8Array(await new Response(found?.body).arrayBuffer());

      expect(bytes.byteLength).toBe(8 * MEGABYTE);
      expect([bytes[0], bytes.at(-1)]).toEqual([0, 7]);
      expect(await textOf(objects(), key)).toBe("new");
    });

    test("a body may be left unread", async () => {
      const key = `${base()}/a`;
      await objects().put(key, pieces(8, MEGABYTE));

      const found = await objects().get(key);
      await found?.body.cancel();

      expect((await objects().head(key))?.sizeBytes).toBe(8 * MEGABYTE);
    });

    test("a stream that breaks off leaves nothing behind", async () => {
      const folder = base();

      await expect(objects().put(`${folder}/a`, pieces(8, 100_000, 3))).rejects.toThrow("the sender went away");

      expect(await objects().head(`${folder}/a`)).toBeUndefined();
      expect(await listAll(objects(), { prefix: folder })).toMatchObject({ keys: [], prefixes: [] });
    });

    test("a stream that breaks off leaves the old object", async () => {
      const key = `${base()}/a`;
      const { info } = await objects().put(key, utf8("old"));

      await expect(objects().put(key, pieces(8, 100_000, 3))).rejects.toThrow("the sender went away");

      expect(await objects().head(key)).toEqual(info);
      expect(await textOf(objects(), key)).toBe("old");
    });

    test("of concurrent puts one stands, whole", async () => {
      const key = `${base()}/a`;

      await Promise.all(Array.from({ length: 8 }, (_, who) => objects().put(key, new Uint8Array(200_000).fill(who))));
      const bytes = new Uint8Array(await new Response((await objects().get(key))?.body).arrayBuffer());

      expect(bytes.byteLength).toBe(200_000);
      expect(new Set(bytes).size).toBe(1);
    });
  });

  describe("ifAbsent", () => {
    test("stores once and then leaves the object as it is", async () => {
      const key = `${base()}/a`;

      const first = await objects().put(key, utf8("first"), { ifAbsent: true });
      const second = await objects().put(key, utf8("second"), { ifAbsent: true });
      const third = await objects().put(key, pieces(3, 10), { ifAbsent: true });

      expect(first.stored).toBe(true);
      expect(second).toEqual({ stored: false, info: first.info });
      expect(third).toEqual({ stored: false, info: first.info });
      expect(await textOf(objects(), key)).toBe("first");
    });

    test("of many at once, one stores and all see it", async () => {
      const key = `${base()}/a`;

      const results = await Promise.all(
        Array.from({ length: 16 }, (_, who) => objects().put(key, utf8(`by ${who}`), { ifAbsent: true })),
      );

      expect(results.filter((result) => result.stored)).toHaveLength(1);
      expect(await textOf(objects(), key)).toBe(`by ${results.findIndex((result) => result.stored)}`);
      expect(new Set(results.map((result) => result.info.etag)).size).toBe(1);
    });
  });

  describe("ranges", () => {
    test("bounds are inclusive, and the end may lie beyond", async () => {
      const key = `${base()}/a`;
      await objects().put(key, utf8("0123456789"));

      expect(await textOf(objects(), key, { start: 0, end: 0 })).toBe("0");
      expect(await textOf(objects(), key, { start: 2, end: 4 })).toBe("234");
      expect(await textOf(objects(), key, { start: 7 })).toBe("789");
      expect(await textOf(objects(), key, { start: 9, end: 100 })).toBe("9");
      expect((await objects().get(key, { start: 2, end: 4 }))?.sizeBytes).toBe(10);
    });

    test("of a large object only the bytes asked for come", async () => {
      const key = `${base()}/a`;
      await objects().put(key, pieces(4, MEGABYTE));

      const bytes = new Uint8Array(
        await new Response((await objects().get(key, { start: MEGABYTE - 1, end: 3 * MEGABYTE }))?.body).arrayBuffer(),
      );

      expect(bytes.byteLength).toBe(2 * MEGABYTE + 2);
      expect([bytes[0], bytes[1], bytes.at(-2), bytes.at(-1)]).toEqual([0, 1, 2, 3]);
    });

    test.each([{ start: 10 }, { start: 11, end: 12 }, { start: 5, end: 4 }, { start: -1 }, { start: 0.5 }])(
      "refuses %j of ten bytes",
      async (range) => {
        const key = `${base()}/a`;
        await objects().put(key, utf8("0123456789"));

        await expectCode(() => objects().get(key, range), "InvalidRange");
      },
    );

    test("no byte of an empty object can be asked for, nor of an absent one", async () => {
      const key = `${base()}/a`;
      await objects().put(key, new Uint8Array());

      await expectCode(() => objects().get(key, { start: 0 }), "InvalidRange");
      expect(await objects().get(`${key}-absent`, { start: 0 })).toBeUndefined();
    });
  });

  describe("copy and compose", () => {
    test("a copy is an object of its own", async () => {
      const folder = base();
      await objects().put(`${folder}/from`, utf8("text"));

      const info = await objects().copy(`${folder}/from`, `${folder}/deep/to`);
      await objects().copy(`${folder}/from`, `${folder}/deep/to`);
      await objects().put(`${folder}/from`, utf8("changed"));

      expect(info).toMatchObject({ key: `${folder}/deep/to`, sizeBytes: 4 });
      expect(await textOf(objects(), `${folder}/deep/to`)).toBe("text");
      await objects().delete([`${folder}/from`]);
      expect(await textOf(objects(), `${folder}/deep/to`)).toBe("text");
    });

    test("a copy onto itself changes nothing, and one of nothing is refused", async () => {
      const key = `${base()}/a`;
      await objects().put(key, utf8("text"));

      await objects().copy(key, key);

      expect(await textOf(objects(), key)).toBe("text");
      await expectCode(() => objects().copy(`${key}-absent`, key), "NotFound");
    });

    test("compose joins parts in order and removes them", async () => {
      const folder = base();
      const parts = [`${folder}/parts/2`, `${folder}/parts/1`, `${folder}/parts/3`];
      await objects().put(parts[0] ?? "", pieces(2, MEGABYTE));
      await objects().put(parts[1] ?? "", utf8("middle"));
      await objects().put(parts[2] ?? "", new Uint8Array());

      const info = await objects().compose(parts, `${folder}/whole`);
      const bytes = Buffer.from(await new Response((await objects().get(`${folder}/whole`))?.body).arrayBuffer());

      expect(info).toMatchObject({ key: `${folder}/whole`, sizeBytes: 2 * MEGABYTE + 6 });
      expect(bytes.subarray(-6).toString()).toBe("middle");
      expect((await listAll(objects(), { prefix: `${folder}/` })).keys).toEqual([`${folder}/whole`]);
    });

    test("compose of one part, and onto one of its parts", async () => {
      const folder = base();
      await objects().put(`${folder}/a`, utf8("a"));
      await objects().compose([`${folder}/a`], `${folder}/b`);
      await objects().put(`${folder}/c`, utf8("c"));

      await objects().compose([`${folder}/b`, `${folder}/c`], `${folder}/b`);

      expect(await textOf(objects(), `${folder}/b`)).toBe("ac");
      expect((await listAll(objects(), { prefix: `${folder}/` })).keys).toEqual([`${folder}/b`]);
    });

    test("compose with a part missing changes nothing", async () => {
      const folder = base();
      await objects().put(`${folder}/a`, utf8("a"));

      await expectCode(() => objects().compose([`${folder}/a`, `${folder}/absent`], `${folder}/whole`), "NotFound");

      expect((await listAll(objects(), { prefix: `${folder}/` })).keys).toEqual([`${folder}/a`]);
    });
  });
}
