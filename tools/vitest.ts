import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export interface Count {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** Runs vitest, showing its report, and counts. A file that could not be loaded counts as a failure, and so does a run that left no report. */
export async function runVitest(args: readonly string[], env: NodeJS.ProcessEnv = process.env): Promise<Count> {
  const folder = mkdtempSync(join(tmpdir(), "trainyard-test-"));
  const report = join(folder, "vitest.json");
  const program = join(root, "node_modules/vitest/vitest.mjs");
  try {
    const code = await new Promise<number>((resolve) => {
      const child = spawn(
        process.execPath,
        [program, "run", "--reporter=default", "--reporter=json", `--outputFile.json=${report}`, ...args],
        { cwd: root, stdio: ["ignore", "inherit", "inherit"], env },
      );
      child.on("error", () => resolve(127));
      child.on("close", (exit) => resolve(exit ?? 1));
    });
    return count(readFileSync(report, "utf8"), code);
  } catch (error) {
    console.error(`vitest left no report: ${(error as Error).message}`);
    return { passed: 0, failed: 1, skipped: 0 };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function count(report: string, code: number): Count {
  const result = JSON.parse(report) as {
    numPassedTests: number;
    numFailedTests: number;
    numPendingTests: number;
    testResults: { status: string; assertionResults: unknown[] }[];
  };
  const broken = result.testResults.filter(
    (file) => file.status === "failed" && file.assertionResults.length === 0,
  ).length;
  const failed = result.numFailedTests + broken;
  return {
    passed: result.numPassedTests,
    failed: code !== 0 && failed === 0 ? 1 : failed,
    skipped: result.numPendingTests,
  };
}
