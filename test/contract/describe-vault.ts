import { describe, expect, onTestFinished, test } from "vitest";
import type { Vault } from "../../src/core/ports/vault.ts";
import { expectCode, unique } from "../helpers/ports.ts";

/** One vault that can be opened again, as after a restart. */
export interface VaultFixture {
  open(): Promise<Vault>;
  cleanup(): Promise<void>;
}

/** The conformance suite of the Vault port; `make` runs for each test. */
export function describeVault(name: string, make: () => Promise<VaultFixture>): void {
  describe(`Vault: ${name}`, () => {
    async function prepare(): Promise<VaultFixture> {
      const fixture = await make();
      onTestFinished(() => fixture.cleanup());
      return fixture;
    }

    test("keeps, replaces and forgets", async () => {
      const vault = await (await prepare()).open();
      const secret = `${unique("value")} Grüße 🚂 \u0000 \n`;

      expect(await vault.get("datastores/default/a")).toBeUndefined();
      await vault.put("datastores/default/a", "first");
      await vault.put("datastores/default/a", secret);
      await vault.put("empty", "");
      expect(await vault.get("datastores/default/a")).toBe(secret);
      expect(await vault.get("empty")).toBe("");
      await vault.delete("datastores/default/a");
      await vault.delete("datastores/default/a");

      expect(await vault.get("datastores/default/a")).toBeUndefined();
    });

    test("names are data: odd ones stay apart", async () => {
      const vault = await (await prepare()).open();
      const names = ["a", "A", "a/b", "../a", "a\\b", "/a", "a\u0000", "ä", "🚂", "x".repeat(500)];

      for (const name of names) {
        await vault.put(name, `of ${name}`);
      }

      for (const name of names) {
        expect(await vault.get(name)).toBe(`of ${name}`);
      }
      expect([...(await vault.list(""))].sort()).toEqual([...names].sort());
    });

    test("lists names under a prefix, in order, without values", async () => {
      const vault = await (await prepare()).open();
      for (const name of ["d/b", "d/a", "dx", "e/a"]) {
        await vault.put(name, "secret");
      }
      expect(await vault.list("d/")).toEqual(["d/a", "d/b"]);

      await vault.delete("d/a");
      await vault.put("d/c", "secret");

      expect(await vault.list("d/")).toEqual(["d/b", "d/c"]);
      expect(await vault.list("nothing")).toEqual([]);
    });

    test("keeps all of it over a restart", async () => {
      const fixture = await prepare();
      const first = await fixture.open();
      await first.put("a/1", "one");
      await first.put("a/2", "two");
      await first.delete("a/1");

      const second = await fixture.open();

      expect(await second.get("a/2")).toBe("two");
      expect(await second.list("a/")).toEqual(["a/2"]);
    });

    test("takes 64 KB, and no more", async () => {
      const vault = await (await prepare()).open();
      await vault.put("a", "x".repeat(65_536));

      await expectCode(() => vault.put("a", "x".repeat(65_537)), "TooLarge");
      await expectCode(() => vault.put("a", "ü".repeat(32_769)), "TooLarge");
      await expectCode(() => vault.put("", "x"), "InvalidArgument");

      expect((await vault.get("a"))?.length).toBe(65_536);
    });

    test("of concurrent puts one stands, whole", async () => {
      const vault = await (await prepare()).open();

      await Promise.all(Array.from({ length: 10 }, (_, who) => vault.put("a", `${who}`.repeat(1000))));

      expect(await vault.get("a")).toMatch(/^(\d)\1{999}$/);
    });
  });
}
