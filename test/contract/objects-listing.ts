import { describe, expect, test } from "vitest";
import { expectCode } from "../helpers/ports.ts";
import { listAll, type ObjectsSuite, utf8 } from "./describe-objects.ts";

/** Siblings around `/` (0x2f) show whether folders are placed as their keys are. */
const TREE = ["a", "a!b", "a-b", "a/b", "a/b/c", "a/c", "a0", "ab/x", "b/1", "b/2/3/4", "z\uff5e", "z\u{1F682}", "Ä"];

export function describeObjectListing({ objects, base }: ObjectsSuite): void {
  const sorted = (keys: readonly string[]): string[] =>
    [...keys].sort((left, right) => Buffer.compare(Buffer.from(left), Buffer.from(right)));

  async function plant(names: readonly string[]): Promise<string> {
    const folder = base();
    await Promise.all(names.map((name) => objects().put(`${folder}/${name}`, utf8(name))));
    return folder;
  }

  describe("listing", () => {
    test("gives keys in bytewise order, with what head says of each", async () => {
      const folder = await plant(TREE);

      const { keys, infos } = await listAll(objects(), { prefix: `${folder}/` });

      expect(keys).toEqual(sorted(TREE).map((name) => `${folder}/${name}`));
      for (const info of infos) {
        expect(await objects().head(info.key)).toEqual(info);
      }
    });

    test("a prefix may end anywhere in a name", async () => {
      const folder = await plant(TREE);
      const under = async (prefix: string): Promise<string[]> =>
        (await listAll(objects(), { prefix: `${folder}/${prefix}` })).keys.map((key) => key.slice(folder.length + 1));

      expect(await under("a/")).toEqual(["a/b", "a/b/c", "a/c"]);
      expect(await under("a/b")).toEqual(["a/b", "a/b/c"]);
      expect(await under("b/2/3")).toEqual(["b/2/3/4"]);
      expect(await under("z")).toEqual(["z\uff5e", "z\u{1F682}"]);
      expect(await under("nothing/here/")).toEqual([]);
      expect(await under("a/b/c/d/")).toEqual([]);
    });

    test("a delimiter folds deeper keys", async () => {
      const folder = await plant(TREE);
      const folded = async (prefix: string): Promise<unknown> => {
        const { keys, prefixes } = await listAll(objects(), { prefix: `${folder}/${prefix}`, delimiter: "/" });
        return {
          keys: keys.map((key) => key.slice(folder.length + 1)),
          prefixes: prefixes.map((key) => key.slice(folder.length + 1)),
        };
      };

      expect(await folded("")).toEqual({
        keys: sorted(TREE.filter((name) => !name.includes("/"))),
        prefixes: ["a/", "ab/", "b/"],
      });
      expect(await folded("a")).toEqual({ keys: ["a", "a!b", "a-b", "a0"], prefixes: ["a/", "ab/"] });
      expect(await folded("a/")).toEqual({ keys: ["a/b", "a/c"], prefixes: ["a/b/"] });
      expect(await folded("b/2/")).toEqual({ keys: [], prefixes: ["b/2/3/"] });
    });

    test("a folder whose last object is gone is no prefix", async () => {
      const folder = await plant(["x/y/z", "k"]);

      await objects().delete([`${folder}/x/y/z`]);

      expect(await objects().list({ prefix: `${folder}/`, delimiter: "/" })).toMatchObject({
        objects: [{ key: `${folder}/k` }],
        prefixes: [],
      });
    });

    test.each([1, 2, 3, 5, 12, 13, 14])("pages of %i give each key and prefix once", async (limit) => {
      const folder = await plant(TREE);

      const plain = await listAll(objects(), { prefix: `${folder}/`, limit });
      const folded = await listAll(objects(), { prefix: `${folder}/`, delimiter: "/", limit });

      expect(plain.keys).toEqual(sorted(TREE).map((name) => `${folder}/${name}`));
      expect(plain.pages).toBeGreaterThanOrEqual(Math.ceil(TREE.length / limit));
      expect(folded.keys).toEqual(
        sorted(TREE.filter((name) => !name.includes("/"))).map((name) => `${folder}/${name}`),
      );
      expect(folded.prefixes).toEqual(["a/", "ab/", "b/"].map((name) => `${folder}/${name}`));
    });

    test("a page holds 1000 keys at most, and the rest follows", async () => {
      const names = Array.from({ length: 1010 }, (_, at) => `d${at % 7}/k${at}`);
      const folder = await plant(names);

      const first = await objects().list({ prefix: `${folder}/` });
      const all = await listAll(objects(), { prefix: `${folder}/` });

      expect(first.objects.length).toBeLessThanOrEqual(1000);
      expect(first.cursor).toBeDefined();
      expect(all.keys).toEqual(sorted(names.map((name) => `${folder}/${name}`)));
    });

    test("paging goes on when the last key has been deleted", async () => {
      const folder = await plant(["a", "b", "c/d", "e"]);
      const first = await objects().list({ prefix: `${folder}/`, limit: 2 });

      await objects().delete([`${folder}/b`]);
      const rest = await objects().list({ prefix: `${folder}/`, limit: 2, cursor: first.cursor ?? "" });

      expect(rest.objects.map((info) => info.key)).toEqual([`${folder}/c/d`, `${folder}/e`]);
    });

    test("refuses a cursor of another listing, junk, and limits out of bounds", async () => {
      const folder = await plant(["a", "b", "c"]);
      const { cursor = "" } = await objects().list({ prefix: `${folder}/`, limit: 1 });

      await expectCode(() => objects().list({ prefix: folder, cursor }), "InvalidCursor");
      await expectCode(() => objects().list({ prefix: `${folder}/`, delimiter: "/", cursor }), "InvalidCursor");
      await expectCode(() => objects().list({ prefix: `${folder}/`, cursor: "junk" }), "InvalidCursor");
      for (const limit of [0, 1001, 1.5]) {
        await expectCode(() => objects().list({ prefix: folder, limit }), "InvalidArgument");
      }
    });
  });
}
