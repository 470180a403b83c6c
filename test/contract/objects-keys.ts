import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { expectCode } from "../helpers/ports.ts";
import { listAll, type ObjectsSuite, textOf, utf8 } from "./describe-objects.ts";

const REFUSED = [
  "",
  "/",
  "/etc/passwd",
  "//x",
  "..",
  ".",
  "../x",
  "x/..",
  "x/../y",
  "x/./y",
  "x//y",
  "x/",
  "a\\b",
  "..\\x",
  "C:\\x",
  "\\\\host\\share",
  "x\u0000",
  "\u0000",
  "x/\u0000/y",
  "x\ud800",
  "x".repeat(1025),
  "ü".repeat(513),
];

/** Names that look dangerous or odd and are data. */
const PLAIN = [
  "%2e%2e/x",
  "%2e%2e%2fx",
  "%2F",
  "%",
  "%25",
  "%00",
  "%tmp",
  "%tmp/x",
  "a%file",
  "a%more/x",
  "...",
  "..x",
  "x..",
  ".hidden",
  ".git/config",
  "~",
  "~root/x",
  "C:/x",
  "CON",
  "nul.txt",
  "a b",
  " lead",
  "trail ",
  "tab\tnew\nline",
  "-rf",
  "$(touch x)",
  "`x`",
  "*?[a]{b,c}",
  "a:b;c|d<e>f\"g'h",
  "grüße/世界/🚂.txt",
  "e\u0301",
  "\u00e9",
  "\u202egpj.exe",
  "a&b=c#d?e+f",
  "__proto__",
  "constructor",
  `${"s".repeat(255)}`,
  `${"s".repeat(256)}`,
  `${"ü".repeat(300)}/x`,
  `${"🚂".repeat(120)}/x/${"%".repeat(255)}`,
];

/** Which names are refused, and that all others stay apart. */
export function describeObjectKeys({ objects, base }: ObjectsSuite): void {
  describe("keys", () => {
    test.each(REFUSED.map((key) => [JSON.stringify(key.slice(0, 40)), key]))(
      "refuses %s in every operation",
      async (_, key) => {
        const good = `${base()}/good`;
        await objects().put(good, utf8("good"));

        await expectCode(async () => objects().put(key, utf8("x")), "InvalidPath");
        await expectCode(async () => objects().put(key, utf8("x"), { ifAbsent: true }), "InvalidPath");
        await expectCode(async () => objects().get(key), "InvalidPath");
        await expectCode(async () => objects().head(key), "InvalidPath");
        await expectCode(async () => objects().delete([good, key]), "InvalidPath");
        await expectCode(async () => objects().copy(good, key), "InvalidPath");
        await expectCode(async () => objects().copy(key, good), "InvalidPath");
        await expectCode(async () => objects().compose([good], key), "InvalidPath");
        await expectCode(async () => objects().compose([key], good), "InvalidPath");
        await expectCode(async () => objects().localPath(key), "InvalidPath");
        expect(await textOf(objects(), good)).toBe("good");
      },
    );

    test.each(["/x", "x//", "../", "x/../y", "./x", "a\\", "x\u0000", "x".repeat(1025)])(
      "refuses to list %j",
      async (prefix) => {
        await expectCode(async () => objects().list({ prefix }), "InvalidPath");
      },
    );

    test("odd names are names: each is kept, found and listed as it is", async () => {
      const folder = base();
      const keys = PLAIN.map((name) => `${folder}/${name}`);

      await Promise.all(keys.map((key) => objects().put(key, utf8(key))));

      for (const key of keys) {
        expect(await textOf(objects(), key)).toBe(key);
      }
      const listed = (await listAll(objects(), { prefix: `${folder}/` })).keys;
      expect(listed).toEqual([...keys].sort((left, right) => Buffer.compare(Buffer.from(left), Buffer.from(right))));
      await objects().delete(keys);
      expect((await listAll(objects(), { prefix: `${folder}/` })).keys).toEqual([]);
    });

    test("keys of the greatest length", async () => {
      const folder = base();
      for (const key of [
        `${folder}/${"x".repeat(1024 - folder.length - 1)}`,
        `${folder}${"/x".repeat((1024 - folder.length) >> 1)}`,
      ]) {
        await objects().put(key, utf8("deep"));
        expect(await textOf(objects(), key)).toBe("deep");
      }
    });

    test.each([
      ["the file", ["a", "a/b", "a/b/c"]],
      ["the folder", ["a/b/c", "a/b", "a"]],
      ["the middle", ["a/b", "a/b/c", "a"]],
    ])("a key may be the folder of others, %s first", async (_, order) => {
      const folder = base();
      const all = ["a", "a/b", "a/b/c"].map((name) => `${folder}/${name}`);

      for (const name of order) {
        await objects().put(`${folder}/${name}`, utf8(name), { ifAbsent: true });
      }

      for (const name of order) {
        expect(await textOf(objects(), `${folder}/${name}`)).toBe(name);
        expect((await objects().put(`${folder}/${name}`, utf8("other"), { ifAbsent: true })).stored).toBe(false);
      }
      expect((await listAll(objects(), { prefix: folder })).keys).toEqual(all);
      await objects().put(`${folder}/a`, utf8("again"));
      expect(await textOf(objects(), `${folder}/a`)).toBe("again");
      await objects().delete([`${folder}/a/b/c`, `${folder}/a/b`]);
      expect(await textOf(objects(), `${folder}/a`)).toBe("again");
      await objects().put(`${folder}/a`, utf8("last"));
      expect((await listAll(objects(), { prefix: folder })).keys).toEqual([`${folder}/a`]);
      await objects().delete([`${folder}/a`]);
      expect(await objects().head(`${folder}/a`)).toBeUndefined();
    });

    test("deleting is fine with absent keys, and leaves neighbours", async () => {
      const folder = base();
      await objects().put(`${folder}/a/b`, utf8("b"));
      await objects().put(`${folder}/a/c`, utf8("c"));

      await objects().delete([`${folder}/a/b`, `${folder}/a`, `${folder}/absent/x`]);
      await objects().delete([]);

      expect((await listAll(objects(), { prefix: folder })).keys).toEqual([`${folder}/a/c`]);
    });

    test("a local path, where there is one, holds the bytes", async () => {
      const key = `${base()}/a`;
      await objects().put(key, utf8("bytes"));

      const path = objects().localPath(key);

      if (path !== undefined) {
        expect(readFileSync(path, "utf8")).toBe("bytes");
      }
      expect(objects().localPath(`${key}-absent`)).toBeUndefined();
    });

    test("a signed address, where there is one, is a URL with an end", async () => {
      const signed = await objects().sign("put", `${base()}/a`, 60);

      if (signed !== undefined) {
        expect(new URL(signed.url).protocol).toMatch(/^https?:$/);
        expect(signed.expiresMs).toBeGreaterThan(Date.now());
      }
    });
  });
}
