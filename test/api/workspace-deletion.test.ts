import { beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { treeText } from "../../src/contract/trees.ts";
import { signUserToken } from "../../src/core/auth/tokens.ts";
import type { Key, Table } from "../../src/core/ports/table.ts";
import { freeWorkspaces, retireWorkspace } from "../../src/core/workspaces/delete-workspace.ts";
import type { Ground } from "../../src/home/part.ts";
import { openStores } from "../../src/home/stores.ts";
import { sha256Of } from "../helpers/api.ts";
import { composeAsAws, handleAsAws } from "../helpers/aws-home.ts";
import { jobRecord, newJobRun } from "../helpers/job-record.ts";
import { openTestGround } from "../helpers/test-ground.ts";

const DAY_MS = 86_400_000;
const TEAM = "/api/v1/workspaces/team";

/** A table that knows every key it was ever given. */
function noting(table: Table): { readonly table: Table; readonly keys: Map<string, Key> } {
  const keys = new Map<string, Key>();
  return {
    keys,
    table: {
      ...table,
      get: (key) => table.get(key),
      batchGet: (all) => table.batchGet(all),
      query: (query) => table.query(query),
      transact(writes) {
        for (const write of writes) {
          const { pk, sk } = write.kind === "put" ? write.item : write.key;
          keys.set(`${pk} ${sk}`, { pk, sk });
        }
        return table.transact(writes);
      },
    },
  };
}

async function openDeletionHome() {
  const { ground: plain, pass, close } = await openTestGround();
  onTestFinished(close);
  const { table, keys } = noting(plain.table);
  const ground: Ground = { ...plain, table };
  const stores = openStores(ground);
  const handle = handleAsAws(ground);
  const token = await signUserToken(ground.signer, { name: "owner", roles: { "*": "owner" }, id: "o" });

  async function ask(method: string, path: string, body?: unknown) {
    const isBytes = body instanceof Uint8Array;
    const response = await handle(
      new Request(`http://home.test${path}`, {
        method,
        headers: { authorization: `Bearer ${token}`, "content-type": isBytes ? "x/y" : "application/json" },
        ...(body === undefined ? {} : { body: isBytes ? Buffer.from(body) : JSON.stringify(body) }),
      }),
    );
    // biome-ignore lint/suspicious/noExplicitAny: answers of many shapes
    return { status: response.status, json: (await response.json().catch(() => undefined)) as any };
  }
  return {
    ask,
    ground,
    stores,
    free: () => freeWorkspaces({ ...ground, ...stores }),
    pass,
    /** What stands of the workspace, but for its activities. */
    async left() {
      const all = [...keys.values()].filter(({ pk }) => pk.startsWith("W#team#") && !pk.startsWith("W#team#ACTIVITY#"));
      const items = await plain.table.batchGet(all);
      const { objects } = await ground.objects.list({ prefix: "ws/team/" });
      const secrets = await ground.vault.list("datastores/team/");
      return [...items.map(({ pk, sk }) => `${pk} / ${sk}`), ...objects.map(({ key }) => key), ...secrets];
    },
  };
}

describe("a workspace with things in it", () => {
  let home: Awaited<ReturnType<typeof openDeletionHome>>;

  const mlflow = async (path: string, body: object) => {
    const { status, json } = await home.ask("POST", `/w/team/api/2.0/mlflow/${path}`, body);
    if (status !== 200) throw new Error(`${path}: ${JSON.stringify(json)}`);
    return json;
  };
  const must = async (method: string, path: string, body: unknown) => {
    const { status, json } = await home.ask(method, `${TEAM}${path}`, body);
    if (status >= 300) throw new Error(`${path}: ${JSON.stringify(json)}`);
    return json;
  };

  beforeEach(async () => {
    home = await openDeletionHome();
    await must("PUT", "", {});
    const { experiment_id } = await mlflow("experiments/create", { name: "e" });
    for (let i = 0; i < 3; i++) {
      const run_id = (await mlflow("runs/create", { experiment_id, start_time: 1 })).run.info.run_id;
      const metrics = Array.from({ length: 999 }, (_, k) => ({ key: `m${k}`, value: k, timestamp: 1, step: k }));
      await mlflow("runs/log-batch", { run_id, metrics, tags: [{ key: "a", value: "x".repeat(5000) }] });
      const source = { name: "d", digest: "1", source_type: "local", source: "azureml:d:1" };
      await mlflow("runs/log-inputs", { run_id, datasets: [{ dataset: source, tags: [] }] });
      await mlflow("runs/update", { run_id, status: "FINISHED", end_time: 2 });
      const { model } = await mlflow("logged-models", { experiment_id, name: "m", source_run_id: run_id });
      if (i === 0) await mlflow("registered-models/create", { name: "reg" });
      await mlflow("model-versions/create", {
        name: "reg",
        source: `models:/${model.info.model_id}`,
        run_id,
        model_id: model.info.model_id,
      });
      if (i === 1) await mlflow("runs/delete", { run_id });
    }
    await mlflow("registered-models/alias", { name: "reg", alias: "best", version: "1" });
    await must("POST", "/gc", { older_than_sec: 0 });
    await must("POST", "/data/d/versions", {
      type: "uri_folder",
      path: "azureml://datastores/workspaceblobstore/paths/d/",
    });
    await must("PUT", "/components/c/versions/1", { type: "command", spec: {} });
    await must("PUT", "/roles/r", { rights: ["job/read"] });
    await must("PUT", "/members/zoe", { role: "r" });
    const credentials = { access_key_id: "AKIA", secret_access_key: "secretsecret" };
    await must("PUT", "/datastores/own", { type: "s3", bucket: "somewhere", credentials });
    await must("PUT", `/blobs/${sha256Of("x")}`, Buffer.from("x"));
    const entries = [{ kind: "file" as const, path: "a", sha256: sha256Of("x"), size_bytes: 1 }];
    await must("PUT", `/trees/${sha256Of(treeText(entries))}`, { entries });
    const deed = { actor: "user:owner", action: "create", summary: "a job" };
    await home.stores.jobs.create(jobRecord("team", "job", { status: "Queued" }), newJobRun("team", "job"), deed);
    const log = { workspace: "team", run: "job", attempt: "job.1", name: "user.log" };
    await home.stores.logs.append(log, 0, Buffer.from("hello"));
  });

  async function endJob(): Promise<void> {
    const job = await home.stores.jobs.get("team", "job");
    if (job === undefined) throw new Error("there is no job");
    await home.stores.jobs.save(job, { ...job, rev: job.rev + 1, status: "Completed" }, undefined);
  }

  it("is not deleted by mistake, nor while jobs are under way, and says what would go", async () => {
    const plain = await home.ask("DELETE", TEAM);
    const { json } = await home.ask("GET", `${TEAM}/contents`);
    const blocked = await home.ask("DELETE", `${TEAM}?contents=true`);

    expect([plain.json.code, blocked.json.code]).toEqual(["InUse", "InUse"]);
    expect(json).toEqual({
      items: [
        { what: "jobs", count: 1, is_more: false },
        { what: "runs", count: 4, is_more: false },
        { what: "experiments", count: 1, is_more: false },
        { what: "registered models", count: 1, is_more: false },
        { what: "data assets", count: 1, is_more: false },
        { what: "components", count: 1, is_more: false },
        { what: "datastores", count: 1, is_more: false },
        { what: "members", count: 1, is_more: false },
        { what: "receipts of gc", count: 1, is_more: false },
      ],
      blocked_by: ["jobs on `local` that are not over"],
    });
  });

  it("can't be reached once it is deleted, and is as it was when it is restored in time", async () => {
    await endJob();
    const runs = { experiment_ids: ["0", "1"] };
    const before = await mlflow("runs/search", runs);

    const deleted = await home.ask("DELETE", `${TEAM}?contents=true`);
    const inside = await home.ask("GET", `${TEAM}/jobs`);
    const tracking = await home.ask("POST", "/w/team/api/2.0/mlflow/runs/search", runs);
    const again = await home.ask("DELETE", `${TEAM}?contents=true`);
    const made = await home.ask("PUT", TEAM, {});
    const shown = await home.ask("GET", TEAM);
    home.pass(6 * DAY_MS);
    await home.free();
    const restored = await home.ask("POST", `${TEAM}/restore`);
    const twice = await home.ask("POST", `${TEAM}/restore`);

    expect(deleted.status).toBe(200);
    expect([inside.status, tracking.status, again.status, made.status, twice.status]).toEqual([
      404, 404, 409, 409, 409,
    ]);
    expect(Date.parse(shown.json.deletes_at) - Date.now()).toBeGreaterThan(6 * DAY_MS);
    expect([restored.status, restored.json.deletes_at]).toEqual([200, undefined]);
    expect(await mlflow("runs/search", runs)).toEqual(before);
  });

  it("leaves nothing but its activities once its time is over, however often freeing it is cut short", async () => {
    await endJob();
    await home.ask("DELETE", `${TEAM}?contents=true&grace_sec=300`);
    home.pass(301_000);

    // Each time a little further, until it is done.
    let rounds = 0;
    for (let room = 3; ; room += 3) {
      rounds += 1;
      if (await freeUpTo(room)) break;
    }

    expect(rounds).toBeGreaterThan(3);
    expect(await home.left()).toEqual([]);
    expect((await home.ask("GET", TEAM)).status).toBe(404);
    expect((await home.ask("PUT", TEAM, {})).status).toBe(200);
    expect((await mlflow("runs/search", { experiment_ids: ["0", "1"] })).runs ?? []).toEqual([]);
    const told = await home.ask("GET", `${TEAM}/activities?resource=workspace&action=delete`);
    expect(told.json.items.length).toBeGreaterThan(0);
  });

  it("takes no job once it is deleted, and is not freed while one that came before is under way", async () => {
    await endJob();
    const deed = { actor: "user:owner", action: "create", summary: "a job" };
    const submit = (name: string) =>
      home.stores.jobs.create(jobRecord("team", name, { status: "Queued" }), newJobRun("team", name), deed);
    // As if another process had asked what is in the way a moment ago.
    const { blockers } = home.stores.workspaces;
    const late = { ...home.stores.workspaces, blockers: async () => [] };
    await submit("late");
    const retired = { name: "team", actor: "user:owner", graceMs: 300_000 };
    await retireWorkspace({ ...home.ground, workspaces: late }, retired);
    home.pass(301_000);

    await home.free();
    const standing = (await home.ask("GET", TEAM)).status;

    expect(await blockers("team")).toEqual(["jobs on `local` that are not over"]);
    expect(standing).toBe(200);
    await expect(submit("too-late")).rejects.toThrow();
  });

  it("is freed by the rounds of the AWS home", async () => {
    await endJob();
    await home.ask("DELETE", `${TEAM}?contents=true&grace_sec=300`);
    const { consume } = composeAsAws(home.ground);
    const round = (id: string) => consume({ copyId: id, text: JSON.stringify({ topic: "jobs.round", id, body: {} }) });

    await round("early");
    const early = (await home.ask("GET", TEAM)).status;
    home.pass(301_000);
    await round("late");

    expect([early, (await home.ask("GET", TEAM)).status, await home.left()]).toEqual([200, 404, []]);
  });

  /** True when it came to its end within so many writes. */
  async function freeUpTo(room: number): Promise<boolean> {
    let left = room;
    const { ground } = home;
    const table: Table = {
      ...ground.table,
      transact(writes) {
        if (left === 0) throw new Error("cut short");
        left -= 1;
        return ground.table.transact(writes);
      },
    };
    try {
      await freeWorkspaces({ ...ground, ...openStores({ ...ground, table }) });
      return true;
    } catch (error) {
      if ((error as Error).message === "cut short") return false;
      throw error;
    }
  }
});
