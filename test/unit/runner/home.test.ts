import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { AppError, type ErrorCode } from "../../../src/contract/errors.ts";
import { openHome } from "../../../src/runner/home.ts";

function open(patienceMs: number) {
  const folder = mkdtempSync(join(tmpdir(), "trainyard-home-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const over = new AbortController();
  const request = {
    apiUrl: "http://127.0.0.1:9",
    token: "t",
    workspace: "default",
    runId: "r",
    attemptId: "r.1",
    folder,
    cacheDir: folder,
    sameHost: true,
  };
  return { over, folder, home: openHome(request, over, patienceMs) };
}

/** Fails as told, then answers. */
function failing(...codes: ErrorCode[]) {
  const asked = { count: 0 };
  const call = async () => {
    const code = codes[asked.count++];
    if (code !== undefined) throw new AppError(code, "told to fail");
    return "answer";
  };
  return { call, asked };
}

describe("until", () => {
  it("waits for a home that is away for as long as it takes", async () => {
    const { home } = open(0);

    expect(await home.until(failing("Unavailable", "Unavailable", "Unavailable").call)).toBe("answer");
  });

  it("gives a failing home another chance, and passes the failure on when it stays", async () => {
    const patient = open(60_000).home;
    const hurried = open(0).home;
    const { call, asked } = failing("DatastoreUnreachable", "DatastoreUnreachable", "DatastoreUnreachable");

    expect(await patient.until(failing("DatastoreUnreachable").call)).toBe("answer");
    await expect(hurried.until(call)).rejects.toMatchObject({ code: "DatastoreUnreachable" });
    expect(asked.count).toBeLessThanOrEqual(2);
  });

  it("does not repeat what will not change", async () => {
    const { home } = open(60_000);
    const { call, asked } = failing("NotFound");

    await expect(home.until(call)).rejects.toMatchObject({ code: "NotFound" });
    expect(asked.count).toBe(1);
  });

  it("ends the attempt when its folder has been taken away", async () => {
    const { home, over, folder } = open(60_000);
    rmSync(folder, { recursive: true });

    await expect(home.until(failing("Unavailable").call)).rejects.toThrow(/folder of this attempt is gone/);
    expect(over.signal.aborted).toBe(true);
  });
});
