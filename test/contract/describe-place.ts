import { describe, expect, it, onTestFinished } from "vitest";
import type { Place } from "../../src/core/files/place.ts";
import { readAll } from "../../src/core/files/streams.ts";
import { expectCode, type Fixture } from "../helpers/ports.ts";

const ALL = { limit: 1000 };
const PATHS = ["a", "b/c.txt", "b/d/e", "b.txt", "b!", "ä/ö", "\uFFEE", "\u{1F600}"];
/** Bytes of UTF-8, as everywhere. */
const SORTED = ["a", "b!", "b.txt", "b/c.txt", "b/d/e", "ä/ö", "\uFFEE", "\u{1F600}"];

/** What every place does that can be written. `make` gives an empty one. */
export function describePlace(name: string, make: () => Promise<Fixture<Place>>): void {
  async function open(): Promise<Place> {
    const { port, cleanup } = await make();
    onTestFinished(cleanup);
    return port;
  }
  const write = (place: Place, path: string, text: string) =>
    place.write?.(path, new TextEncoder().encode(text)) ?? Promise.reject(new Error("read-only"));
  const read = async (place: Place, path: string, range?: { start: number; end?: number }) => {
    const file = await place.open(path, range);
    return file === undefined ? undefined : new TextDecoder().decode(await readAll(file.body));
  };
  const paths = async (place: Place, path: string) => (await place.list(path, ALL))?.files.map((file) => file.path);

  describe(`place: ${name}`, () => {
    it("lists files below a path in path order, with their sizes", async () => {
      const place = await open();
      for (const path of PATHS) await write(place, path, path);

      const whole = await place.list("", ALL);

      expect(whole).toMatchObject({ isFile: false, links: [], folders: [] });
      expect(whole?.files.map((file) => file.path)).toEqual(SORTED);
      expect(whole?.files.map((file) => file.sizeBytes)).toEqual(SORTED.map((path) => Buffer.byteLength(path)));
      expect(await paths(place, "b")).toEqual(["c.txt", "d/e"]);
      expect(await paths(place, "b/d")).toEqual(["e"]);
    });

    it("lists one file as itself", async () => {
      const place = await open();
      await write(place, "b/c.txt", "text");

      expect(await place.list("b/c.txt", ALL)).toMatchObject({
        isFile: true,
        files: [{ path: "c.txt", sizeBytes: 4 }],
      });
    });

    it("answers undefined for what is not there", async () => {
      const place = await open();
      await write(place, "b/c.txt", "text");

      expect(await place.list("b/c", ALL)).toBeUndefined();
      expect(await place.list("nothing/here", ALL)).toBeUndefined();
      expect(await place.open("b/c")).toBeUndefined();
      expect(await place.open("b")).toBeUndefined();
      expect(await place.open("b/c.txt/d")).toBeUndefined();
    });

    it("pages without losing or repeating a file", async () => {
      const place = await open();
      for (const path of PATHS) await write(place, path, "");
      const found: string[] = [];
      let cursor: string | undefined;
      do {
        const page = await place.list("", { limit: 3, ...(cursor === undefined ? {} : { cursor }) });
        expect(page?.files.length).toBeLessThanOrEqual(3);
        found.push(...(page?.files ?? []).map((file) => file.path));
        cursor = page?.cursor;
      } while (cursor !== undefined);

      expect(found).toEqual(SORTED);
    });

    it("shows one level at a time", async () => {
      const place = await open();
      for (const path of PATHS) await write(place, path, "xy");
      const level = async (path: string) =>
        (await place.browse(path, ALL)).entries.map((entry) => `${entry.path}${entry.isFolder ? "/" : ""}`).sort();

      expect(await level("")).toEqual(["a", "b!", "b.txt", "b/", "ä/", "\uFFEE", "\u{1F600}"].sort());
      expect(await level("b")).toEqual(["c.txt", "d/"]);
      expect(await level("nothing")).toEqual([]);
    });

    it("gives whole files and parts of them", async () => {
      const place = await open();
      await write(place, "f", "0123456789");

      expect(await read(place, "f")).toBe("0123456789");
      expect(await read(place, "f", { start: 2, end: 4 })).toBe("234");
      expect(await read(place, "f", { start: 7 })).toBe("789");
      expect(await read(place, "f", { start: 8, end: 99 })).toBe("89");
      expect((await place.open("f", { start: 1, end: 1 }))?.sizeBytes).toBe(10);
      await expectCode(() => place.open("f", { start: 10 }), "InvalidRange");
    });

    it("takes empty files and replaces what is there", async () => {
      const place = await open();

      await write(place, "f", "");
      const empty = await read(place, "f");
      await write(place, "f", "first, longer");
      await write(place, "f", "second");

      expect([empty, await read(place, "f")]).toEqual(["", "second"]);
      expect(await paths(place, "")).toEqual(["f"]);
    });

    it("takes a stream of many megabytes, whole", async () => {
      const place = await open();
      const chunk = new Uint8Array(1024 * 1024).map((_, i) => i % 251);
      const chunks = 20;
      let sent = 0;
      const stream = new ReadableStream<Uint8Array>({
        pull(controller) {
          if (sent === chunks) controller.close();
          else controller.enqueue(chunk.map((byte) => byte ^ sent));
          sent += 1;
        },
      });

      await place.write?.("large", stream);

      const file = await place.open("large");
      const bytes = file === undefined ? undefined : await readAll(file.body);
      expect(bytes?.byteLength).toBe(chunks * chunk.byteLength);
      for (let i = 0; i < chunks; i++) expect(bytes?.[i * chunk.byteLength + 7]).toBe(7 ^ i);
    });

    it("keeps nothing of a stream that breaks", async () => {
      const place = await open();
      await write(place, "f", "before");
      let sent = 0;
      const stream = new ReadableStream<Uint8Array>({
        pull(controller) {
          if (sent++ < 3) controller.enqueue(new Uint8Array(100_000));
          else controller.error(new Error("the client left"));
        },
      });

      await expect(place.write?.("f", stream)).rejects.toThrow();

      expect(await read(place, "f")).toBe("before");
      expect(await paths(place, "")).toEqual(["f"]);
    });
  });
}
