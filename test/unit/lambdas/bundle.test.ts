import { execFile } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { withSourceLines } from "../../../lambdas/home/source-lines.ts";
import { buildFunction } from "../../../lib/constructs/build-function.ts";
import { makeTempDir } from "../../helpers/ports.ts";
import { startBytes } from "../../helpers/start-bytes.ts";

const temp = makeTempDir();
beforeAll(() => void buildFunction("api.ts", temp.path), 60_000);
afterAll(() => temp.remove());

test("the API's function reads less than 600 KB when it starts, and loads no fetch for that", async () => {
  // Both are 30 to 40 ms of CPU at each cold start; `npm run bench -- lambda` measures them.
  expect(startBytes(temp.path)).toBeLessThan(600 * 1024);
  for (const name of readdirSync(temp.path).filter((file) => file.endsWith(".mjs"))) {
    expect(readFileSync(join(temp.path, name), "utf8")).not.toMatch(/from\s*"(?:node:)?http"/);
  }
});

test("a fault in a bundled function is told by the line of its source", async () => {
  // Its settings are missing.
  const program = `await import("${pathToFileURL(join(temp.path, "index.mjs"))}").catch(({ stack }) => console.log(stack))`;
  const args = ["--input-type=module", "-e", program];
  const { stdout } = await promisify(execFile)(process.execPath, args, { env: {} });

  expect(stdout).toContain("index.mjs:");
  expect(withSourceLines(stdout)).toMatch(/lambdas\/home\/settings\.ts:\d+:\d+/);
  expect(withSourceLines(stdout)).not.toContain("index.mjs:");
});

test("what has no map stays as it is", () => {
  const stack = `Error: x\n    at f (${import.meta.url}:1:2)\n    at node:internal/process:5:6`;

  expect(withSourceLines(stack)).toBe(stack);
  expect(withSourceLines(undefined)).toBeUndefined();
});
