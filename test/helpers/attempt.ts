import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import type { Assignment, RunnerReport } from "../../src/contract/runner.ts";
import { type FakeHome, type FakeListing, startFakeHome } from "./fake-home.ts";

export interface Attempt {
  readonly home: FakeHome;
  readonly folder: string;
  readonly child: ChildProcess;
  /** The final report, once the runner has ended. */
  readonly done: Promise<RunnerReport>;
  readonly exited: Promise<number | null>;
  json(name: "runner.json" | "final.json"): Record<string, unknown>;
}

const program = join(import.meta.dirname, "../../src/runner/main.ts");
/** Shared by all tests: an environment without requirements is built once, and needs no network. */
const cacheDir = join(tmpdir(), `trainyard-test-cache-${process.getuid?.() ?? 0}`);

export function tempFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "trainyard-runner-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Starts a real runner process against a home in memory. */
export async function startAttempt(
  command: string,
  options: {
    readonly assignment?: Partial<Assignment>;
    readonly listings?: Readonly<Record<string, FakeListing>>;
    readonly sameHost?: boolean;
    readonly cacheDir?: string;
    readonly env?: Readonly<Record<string, string>>;
    readonly home?: FakeHome;
    readonly serverFile?: string;
  } = {},
): Promise<Attempt> {
  const folder = tempFolder();
  const home =
    options.home ??
    (await startFakeHome({
      assignment: (url) => ({ ...baseAssignment(url), command, ...options.assignment }),
      ...(options.listings === undefined ? {} : { listings: options.listings }),
    }));
  const child = spawn(process.execPath, [program], {
    stdio: ["pipe", "ignore", "inherit"],
    detached: true,
    env: { ...process.env, ...options.env },
  });
  const exited = new Promise<number | null>((resolve) => child.once("exit", resolve));
  child.stdin?.end(
    `${JSON.stringify({
      apiUrl: home.url,
      token: "run-token",
      workspace: "default",
      runId: "r1",
      attemptId: "r1.1",
      folder,
      cacheDir: options.cacheDir ?? cacheDir,
      sameHost: options.sameHost ?? true,
      ...(options.serverFile === undefined ? {} : { serverFile: options.serverFile }),
    })}\n`,
  );
  onTestFinished(async () => {
    child.kill("SIGKILL");
    await home.stop();
  });
  return {
    home,
    folder,
    child,
    exited,
    done: exited.then(() => {
      const last = home.reports.at(-1);
      if (last === undefined) throw new Error("the runner reported nothing");
      return last;
    }),
    json: (name) => JSON.parse(readFileSync(join(folder, name), "utf8")) as Record<string, unknown>,
  };
}

export function baseAssignment(url: string): Assignment {
  return {
    run_id: "r1",
    workspace: "default",
    attempt: "r1.1",
    experiment_id: "0",
    experiment_name: "Default",
    tracking_uri: `${url}/w/default`,
    command: "true",
    environment: { kind: "python", requirements: [], label: "python-3" },
    environment_variables: {},
    inputs: {},
    outputs: {},
    instance_count: 1,
    grace_sec: 2,
    services: {},
    notes: [],
  };
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    // The dead whom nobody has waited for are still listed.
    return !/^\d+ \(.*\) Z/s.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}
