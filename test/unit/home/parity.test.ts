import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";

const root = new URL("../../../", import.meta.url);
const ports = new URL("src/core/ports/", root);
const page = readFileSync(new URL("docs/parity.md", root), "utf8");

/** `Port.operation` of every interface in the ports' files. */
function operations(): readonly string[] {
  return readdirSync(ports).flatMap((file) => {
    const text = readFileSync(new URL(file, ports), "utf8");
    return [...text.matchAll(/^export interface (\w+)[^{]*\{\n([\s\S]*?)^\}/gm)].flatMap(([, port, body = ""]) =>
      [...body.matchAll(/^ {2}(\w+)\??\(/gm)].map(([, operation]) => `${port}.${operation}`),
    );
  });
}

test("docs/parity.md answers for every operation of every port, and for no other", () => {
  const listed = [...page.matchAll(/^\| `(\w+\.\w+)` \|/gm)].map(([, name]) => name);

  expect(listed.length).toBeGreaterThan(30);
  expect([...listed].sort()).toEqual([...operations()].sort());
});

test("every port names its suite, which runs over both homes, or why it has none", () => {
  const rows = [...page.matchAll(/^\| `(\w+)` \| (.+) \|$/gm)].map(([, port = "", told = ""]) => ({ port, told }));
  const tests = readdirSync(new URL("test/", root), { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".test.ts"))
    .map((path) => ({ home: path.startsWith("aws/") ? "aws" : "laptop", path: new URL(`test/${path}`, root) }));
  const homesOf = (suite: string) =>
    new Set(tests.filter(({ path }) => readFileSync(path, "utf8").includes(suite)).map(({ home }) => home));

  expect(rows.map(({ port }) => port).sort()).toEqual(
    [...new Set(operations().map((name) => name.split(".")[0]))].sort(),
  );
  for (const { port, told } of rows) {
    const [suite] = /describe-[a-z]+\.ts/.exec(told) ?? [];
    if (suite === undefined) expect(told, port).toMatch(/one adapter|no AWS adapter|no adapter/);
    else expect([...homesOf(`/${suite}"`)].sort(), suite).toEqual(["aws", "laptop"]);
  }
});
