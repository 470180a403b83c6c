import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type CliOptions, yard } from "../helpers/cli.ts";
import { makeAsk } from "../helpers/gc-frame.ts";
import { makeTempDir, unique } from "../helpers/ports.ts";
import { startServer, type TestServer } from "../helpers/server.ts";

const temp = makeTempDir();
let server: TestServer;
const { ask, post, put } = makeAsk(() => ({ url: server.url(), token: server.token() }));

beforeAll(async () => {
  server = await startServer();
});
afterAll(async () => {
  await server?.dispose();
  temp.remove();
});

const run = (argv: readonly string[], more: Partial<CliOptions> = {}) =>
  yard(argv, {
    cwd: temp.path,
    ...more,
    env: { TRAINYARD_URL: server.url(), TRAINYARD_TOKEN: server.token(), ...more.env },
  });

async function json(argv: readonly string[]) {
  const result = await run([...argv, "-o", "json"]);
  expect(result, result.err).toMatchObject({ code: 0 });
  return JSON.parse(result.out);
}

async function deletedRun(): Promise<string> {
  const { experiment_id } = await post("experiments/create", { name: unique("experiment") });
  const { run: made } = await post("runs/create", { experiment_id });
  const { run_id } = made.info;
  await put(`/api/2.0/mlflow-artifacts/artifacts/${experiment_id}/${run_id}/artifacts/a.txt`, "12345");
  await post("runs/delete", { run_id });
  return run_id;
}

describe("yard gc", () => {
  test("tells what would go, takes it, lists the receipt, and brings it back", async () => {
    const id = await deletedRun();

    const would = await json(["gc", "--dry-run", "--run-ids", id]);
    expect(would).toMatchObject({ state: "dry-run", totals: { run: { things: 1, objects: 1, bytes: 5 } } });
    expect((await ask("GET", `runs/get?run_id=${id}`)).status).toBe(200);

    const receipt = await json(["gc", "--run-ids", id, "--grace", "2d12h"]);
    expect(receipt).toMatchObject({ state: "trash", objects: 1, bytes: 5, asked: { grace_sec: 216_000 } });
    expect(Date.parse(receipt.frees_at) - Date.parse(receipt.at)).toBeGreaterThanOrEqual(216_000_000);
    expect((await ask("GET", `runs/get?run_id=${id}`)).status).toBe(404);
    expect((await json(["gc", "list"]))[0]).toEqual(receipt);
    expect(await json(["gc", "show", receipt.id])).toEqual(receipt);
    expect(await json(["gc", "items", receipt.id])).toEqual([
      { kind: "run", id, state: "trash", objects: 1, bytes: 5 },
    ]);
    expect(await json(["gc", "continue", receipt.id])).toEqual(receipt);

    expect(await json(["gc", "restore", receipt.id])).toMatchObject({ state: "restored" });
    expect((await ask("GET", `runs/get?run_id=${id}`)).status).toBe(200);
  });

  test("shows a person the receipt and what to do next", async () => {
    const id = await deletedRun();

    const result = await run(["gc", "--yes", "--run-ids", id], { terminal: 120 });

    expect(result.code).toBe(0);
    expect(result.out).toMatch(/Things +1 runs/);
    expect(result.out).toMatch(/Objects +1, 5 B/);
    expect(result.out).toMatch(
      /Next +its bytes go at .*; `yard gc restore [\d-]+[0-9a-f]{8}` brings it back until then/,
    );
  });

  test.each([
    [["gc", "--older-than", "soon"], "--older-than `soon` is no length of time"],
    [["gc", "--run-ids", "f".repeat(32)], "not found"],
    [["gc", "restore"], "Expected argument for receipt"],
    [["gc", "show", "none"], "there is no receipt `none`"],
  ])("%j is refused in words", async (argv, words) => {
    const result = await run(argv);

    expect(result.code).toBeGreaterThan(0);
    expect(result.err).toContain(words);
  });

  test("a run that is not deleted is refused, and nothing happens", async () => {
    const { run: made } = await post("runs/create", { experiment_id: "0" });
    const { run_id } = made.info;

    const result = await run(["gc", "--run-ids", run_id]);

    expect(result).toMatchObject({ code: 2, err: expect.stringContaining("not in `deleted` lifecycle stage") });
    expect((await ask("GET", `runs/get?run_id=${run_id}`)).status).toBe(200);
  });

  test("help names the verbs, and what a run of it takes", async () => {
    expect((await run(["gc", "--help"])).out).toContain("restore");
    expect((await run(["gc", "run", "--help"])).out).toContain("--older-than");
  });
});
