import { describe, expect, it, onTestFinished, vi } from "vitest";
import type { Client } from "../../../src/client/client.ts";
import { followLog } from "../../../src/client/follow-log.ts";
import { AppError } from "../../../src/contract/errors.ts";
import type { LogPage } from "../../../src/contract/runner.ts";

/** A client whose log route answers these, in order, and remembers what it was asked. */
function clientOf(...answers: (Partial<LogPage> | Error)[]): { client: Client; offsets: unknown[] } {
  const offsets: unknown[] = [];
  const call = async (_route: unknown, input: { query?: { offset?: number } }) => {
    offsets.push(input.query?.offset);
    const next = answers.shift();
    if (next === undefined) throw new Error("asked once too often");
    if (next instanceof Error) throw next;
    return { name: "log", offset: 0, text: "", complete: false, ...next };
  };
  return { client: { call, full: call, raw: call } as unknown as Client, offsets };
}

describe("followLog", () => {
  it("hands over each part once, from where the last one ended, until the run is final", async () => {
    const { client, offsets } = clientOf(
      { text: "", next_offset: 0, status: "Queued" },
      { text: "one\n", next_offset: 4, status: "Running" },
      { text: "zwei ü", next_offset: 11, status: "Running" },
      { text: "", next_offset: 11, status: "Completed", complete: true },
    );
    const parts: string[] = [];
    const statuses: string[] = [];

    const end = await followLog(client, "w", "j", {
      onText: (part) => void parts.push(part),
      onStatus: (status) => void statuses.push(status),
    });

    expect(parts.join("")).toBe("one\nzwei ü");
    expect(offsets).toEqual([0, 0, 4, 11]);
    expect(statuses).toEqual(["Queued", "Running", "Completed"]);
    expect(end).toEqual({ status: "Completed", offset: 11 });
  });

  it("asks a home that does not wait once a second", async () => {
    vi.useFakeTimers();
    onTestFinished(() => {
      vi.useRealTimers();
    });
    const silent = Array.from({ length: 5 }, () => ({ text: "", next_offset: 0 }));
    const { client, offsets } = clientOf(...silent, { text: "a", next_offset: 1, complete: true });

    const following = followLog(client, "w", "j", { onText: () => undefined });
    await vi.advanceTimersByTimeAsync(2_500);
    expect(offsets).toHaveLength(3);
    await vi.advanceTimersByTimeAsync(2_500);

    expect(await following).toMatchObject({ offset: 1 });
  });

  it("goes on after the home was away", async () => {
    const away = new AppError("Unavailable", "nothing listens");
    const { client, offsets } = clientOf({ text: "a", next_offset: 1 }, away, away, {
      text: "b",
      next_offset: 2,
      complete: true,
    });
    const parts: string[] = [];

    await followLog(client, "w", "j", { onText: (part) => void parts.push(part) });

    expect(parts.join("")).toBe("ab");
    expect(offsets).toEqual([0, 1, 1, 1]);
  });

  it("gives up when the home stays away, and at once when the job is not there", async () => {
    const away = clientOf(new AppError("Unavailable", "nothing listens"));
    await expect(followLog(away.client, "w", "j", { onText: () => undefined, patienceMs: -1 })).rejects.toMatchObject({
      code: "Unavailable",
    });

    const absent = clientOf(new AppError("NotFound", "no such job"));
    await expect(followLog(absent.client, "w", "j", { onText: () => undefined })).rejects.toMatchObject({
      code: "NotFound",
    });
  });

  it("stops with the signal's reason", async () => {
    const abort = new AbortController();
    const { client } = clientOf({ text: "a", next_offset: 1 }, { text: "b", next_offset: 2 });

    const following = followLog(client, "w", "j", {
      signal: abort.signal,
      onText: () => abort.abort(new Error("stop")),
    });

    await expect(following).rejects.toThrow("stop");
  });
});
