import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";

const root = new URL("../../../", import.meta.url);
const ports = new URL("src/core/ports/", root);

/** `Port.operation` of every interface in the ports' files. */
function operations(): readonly string[] {
  return readdirSync(ports).flatMap((file) => {
    const text = readFileSync(new URL(file, ports), "utf8");
    return [...text.matchAll(/^export interface (\w+)[^{]*\{\n([\s\S]*?)^\}/gm)].flatMap(([, port, body = ""]) =>
      [...body.matchAll(/^ {2}(\w+)\(/gm)].map(([, operation]) => `${port}.${operation}`),
    );
  });
}

test("docs/parity.md answers for every operation of every port, and for no other", () => {
  const listed = [...readFileSync(new URL("docs/parity.md", root), "utf8").matchAll(/^\| `(\w+\.\w+)` \|/gm)].map(
    ([, name]) => name,
  );

  expect(listed.length).toBeGreaterThan(30);
  expect([...listed].sort()).toEqual([...operations()].sort());
});
