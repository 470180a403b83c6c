import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { check } from "./check.ts";

/**
 * `npm test`: the checks, then every vitest suite that needs no Docker and no AWS account. Ends with `N passed, N failed[, N skipped]`.
 * Arguments are vitest's (`npm test -- runner`); with any, the checks are left out.
 */
const root = dirname(dirname(fileURLToPath(import.meta.url)));
const args = process.argv.slice(2);
const count = { passed: 0, failed: 0, skipped: 0 };

if (args.length === 0) {
  const checks = await check();
  count.passed += checks.passed;
  count.failed += checks.failed;
}

const folder = mkdtempSync(join(tmpdir(), "trainyard-test-"));
const report = join(folder, "vitest.json");
const code = await new Promise<number>((resolve) => {
  const child = spawn(
    process.execPath,
    [
      join(root, "node_modules/vitest/vitest.mjs"),
      "run",
      "--reporter=default",
      "--reporter=json",
      `--outputFile.json=${report}`,
      ...args,
    ],
    { cwd: root, stdio: ["ignore", "inherit", "inherit"] },
  );
  child.on("error", () => resolve(127));
  child.on("close", (exit) => resolve(exit ?? 1));
});

try {
  const result = JSON.parse(readFileSync(report, "utf8")) as {
    numPassedTests: number;
    numFailedTests: number;
    numPendingTests: number;
    numFailedTestSuites: number;
    testResults: { status: string; assertionResults: unknown[] }[];
  };
  count.passed += result.numPassedTests;
  // A file that could not be loaded has no tests to count, and is a failure all the same.
  const broken = result.testResults.filter(
    (file) => file.status === "failed" && file.assertionResults.length === 0,
  ).length;
  count.failed += result.numFailedTests + broken;
  count.skipped += result.numPendingTests;
  if (code !== 0 && count.failed === 0) count.failed = 1;
} catch (error) {
  console.error(`vitest left no report: ${(error as Error).message}`);
  count.failed += 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}

console.log(`${count.passed} passed, ${count.failed} failed${count.skipped > 0 ? `, ${count.skipped} skipped` : ""}`);
process.exitCode = count.failed === 0 && count.passed > 0 ? 0 : 1;
