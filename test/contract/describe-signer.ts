import { describe, expect, test } from "vitest";
import type { Signer } from "../../src/core/ports/signer.ts";

/** One home's signer, which can be opened again as by another process. */
export interface SignerFixture {
  open(): Signer;
  cleanup(): Promise<void>;
}

/** The conformance suite of the Signer port; `make` answers another home's each time. */
export function describeSigner(name: string, make: () => Promise<SignerFixture>): void {
  describe(`Signer: ${name}`, () => {
    test("tokens come back as signed, also by a signer opened later", async () => {
      const home = await make();
      const claims = { sub: "run/ü🚂", exp: 12.5, scopes: ["a", { b: null }] };

      const token = await home.open().sign(claims);

      expect(token).toMatch(/^[A-Za-z0-9_.-]+$/);
      expect(await home.open().verify(token)).toEqual(claims);
      await home.cleanup();
    });

    test("any other text is nobody's token, and another home's neither", async () => {
      const home = await make();
      const other = await make();
      const signer = home.open();
      const token = await signer.sign({ sub: "a" });
      const [payload = "", mark = ""] = token.split(".");
      const forged = Buffer.from('{"sub":"b"}').toString("base64url");

      for (const text of [
        "",
        ".",
        "..",
        payload,
        `${payload}.`,
        `.${mark}`,
        `${forged}.${mark}`,
        `${payload}.${mark}x`,
        ` ${token}`,
        `${token}\n`,
        `${payload}=.${mark}`,
        "x".repeat(100_000),
      ]) {
        expect(await signer.verify(text)).toBeUndefined();
      }
      for (let at = 0; at < token.length; at += 1) {
        const changed = token[at] === "A" ? "B" : "A";
        expect(await signer.verify(token.slice(0, at) + changed + token.slice(at + 1))).toBeUndefined();
      }
      expect(await other.open().verify(token)).toBeUndefined();
      await home.cleanup();
      await other.cleanup();
    });
  });
}
