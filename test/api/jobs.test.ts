import { describe, expect, test } from "vitest";
import type { CommandJobSpec } from "../../src/contract/jobs.ts";
import { jobs as routes } from "../../src/contract/routes/jobs.ts";
import { openActivityStore } from "../../src/store/activities.ts";
import { openJobFrame } from "../helpers/job-frame.ts";
import { expectCode, until } from "../helpers/ports.ts";

const params = { workspace: "default" };
const at = (name: string) => ({ workspace: "default", name });
const spec = (more: Partial<CommandJobSpec> = {}): CommandJobSpec => ({
  type: "command",
  command: "echo hello",
  environment: "python-3",
  ...more,
});

describe("a submitted job", () => {
  test("is queued under a name of the server's, in the experiment it names, with its run's tags", async () => {
    const { client } = await openJobFrame();

    const job = await client.call(routes.create, {
      params,
      body: {
        spec: spec({ display_name: "my job", experiment_name: "trials", tags: { a: "b" }, description: "why" }),
        git: { commit: "c0ffee", branch: "main", remote: "https://example.com/r.git", dirty: true, diff: "+line" },
        warnings: ["said by the client"],
      },
    });
    const shown = await client.call(routes.get, { params: at(job.name) });

    expect(job.name).toMatch(/^[0-9a-f]{32}$/);
    expect(shown).toMatchObject({
      display_name: "my job",
      experiment_name: "trials",
      tags: { a: "b" },
      description: "why",
      git: { commit: "c0ffee", dirty: true, diff: "+line" },
      created_by: "user:owner",
    });
    expect(shown.warnings).toContain("said by the client");
  });

  test("is the same job when the same request comes again, and another request is refused", async () => {
    const { client, machine } = await openJobFrame();
    const put = (command: string) => client.full(routes.put, { params: at("one"), body: { spec: spec({ command }) } });

    const first = await put("true");
    const again = await put("true");

    expect([first.status, again.status]).toEqual([201, 200]);
    expect(again.value.created_at).toBe(first.value.created_at);
    await expectCode(put("false"), "AlreadyExists");
    await until(() => machine.launched.length > 0, "the launch");
    expect(machine.launched.map((request) => request.attemptId)).toEqual(["one.1"]);
  });

  test("is one job when many submit it at once", async () => {
    const { client, machine } = await openJobFrame();
    const put = () => client.full(routes.put, { params: at("one"), body: { spec: spec() } });

    const answers = await Promise.all([put(), put(), put(), put()]);

    expect(answers.filter((answer) => answer.status === 201)).toHaveLength(1);
    await until(() => machine.launched.length > 0, "the launch");
    expect(machine.launched).toHaveLength(1);
  });

  test("names outputs' places, filling in what the server knows", async () => {
    const { client } = await openJobFrame();

    const job = await client.call(routes.put, {
      params: at("out"),
      body: {
        spec: spec({
          command: "echo > ${{outputs.a}}/x; echo > ${{outputs.b}}; echo ${{outputs.c}}",
          outputs: {
            a: {},
            b: { type: "uri_file" },
            c: { path: "azureml://datastores/${{default_datastore}}/paths/mine/${{name}}/", mode: "upload" },
          },
        }),
      },
    });

    const base = "azureml://datastores/workspaceblobstore/paths";
    expect(job.outputs).toMatchObject({
      a: { type: "uri_folder", path: `${base}/azureml/out/a/`, mode: "mount" },
      b: { type: "uri_file", path: `${base}/azureml/out/b` },
      c: { mode: "upload" },
    });
    expect(job.outputs.c?.path.replace(/\/$/, "")).toBe(`${base}/mine/out`);
  });

  test("is listed and counted under its parent", async () => {
    const { client } = await openJobFrame();
    await client.call(routes.put, { params: at("parent"), body: { spec: spec() } });
    await client.call(routes.put, { params: at("child"), body: { spec: spec({ parent_job_name: "parent" }) } });

    const { items } = await client.call(routes.list, { params, query: { parent_job_name: "parent" } });

    expect(items.map((job) => job.name)).toEqual(["child"]);
    expect((await client.call(routes.get, { params: at("parent") })).children).toBe(1);
  });

  test("keeps literals as they were written", async () => {
    const { client } = await openJobFrame();

    const job = await client.call(routes.create, {
      params,
      body: {
        spec: spec({
          command: "echo ${{inputs.lr}} $[[--n ${{inputs.n}}]]",
          inputs: { lr: { type: "number", value: "1e-3" }, n: { type: "integer" } },
        }),
      },
    });

    expect(job.inputs).toEqual({ lr: { type: "number", value: "1e-3" }, n: { type: "integer" } });
  });

  test("leaves an activity for each thing done to it", async () => {
    const { client, ground } = await openJobFrame();
    await client.call(routes.put, { params: at("seen"), body: { spec: spec() } });
    await client.call(routes.cancel, { params: at("seen"), body: {} });

    const { items } = await openActivityStore(ground).list({
      workspace: "default",
      filter: { resource: "job", name: "seen" },
      limit: 10,
      newestMs: ground.clock.now(),
      oldestMs: 0,
    });
    expect(items.map(({ action, actor }) => [action, actor])).toEqual([
      ["cancel", "user:owner"],
      ["create", "user:owner"],
    ]);
  });
});

describe("a job is refused", () => {
  const refused: readonly [string, Partial<CommandJobSpec>, string, RegExp][] = [
    ["an input that is not declared", { command: "echo ${{inputs.lr}}" }, "InvalidSpec", /inputs\.lr/],
    [
      "a misspelt input",
      { command: "echo ${{inputs.rat}}", inputs: { rate: { type: "number", value: "1" } } },
      "InvalidSpec",
      /did you mean/,
    ],
    [
      "an optional input without a value outside its group",
      { command: "echo ${{inputs.n}}", inputs: { n: { type: "integer" } } },
      "InvalidSpec",
      /no value/,
    ],
    ["an output that is not declared", { command: "echo ${{outputs.o}}" }, "InvalidSpec", /outputs\.o/],
    ["an expression that is not closed", { command: "echo ${{inputs.x" }, "InvalidSpec", /not closed/],
    ["an expression in a variable", { environment_variables: { A: "${{inputs.q}}" } }, "InvalidSpec", /variables\.A/],
    ["an unknown environment", { environment: "azureml:no-such-thing@latest" }, "NotFound", /no-such-thing/],
    [
      "data that is not there",
      { inputs: { d: { type: "uri_file", path: "azureml:nothing:1" } } },
      "NotFound",
      /inputs\.d/,
    ],
    ["a ray cluster", { distribution: { type: "ray" } }, "NotSupported", /ray/],
    ["a parent that is not there", { parent_job_name: "nobody" }, "NotFound", /parent_job_name/],
    ["code that is no snapshot", { code: "git+https://example.com/r.git" }, "NotSupported", /snapshot/],
  ];

  test.each(refused)("for %s", async (_why, more, code, words) => {
    const { client } = await openJobFrame();

    const error = await client.call(routes.create, { params, body: { spec: spec(more) } }).catch((e: unknown) => e);

    expect(error).toMatchObject({ code });
    expect(`${(error as Error).message} ${JSON.stringify((error as { details: unknown }).details)}`).toMatch(words);
    expect((await client.call(routes.list, { params })).items).toEqual([]);
  });

  test("with everything that is wrong said at once", async () => {
    const { client } = await openJobFrame();
    const body = { spec: spec({ command: "${{inputs.a}} ${{outputs.b}}", environment: "no-such-environment" }) };

    const answer = await client.call(routes.validate, { params, body });

    expect(answer.valid).toBe(false);
    expect(answer.errors.map((error) => error.field).sort()).toEqual(["command", "command", "environment"]);
    await expectCode(client.call(routes.create, { params, body }), "InvalidSpec");
  });
});

describe("what this home can't honour", () => {
  const asked = spec({
    compute: "azureml:cpu-cluster",
    resources: { instance_count: 4, instance_type: "Standard_DS3_v2", shm_size: "2g" },
    identity: { type: "managed" },
    services: { jupyter: { type: "jupyter_lab" } },
    queue_settings: { job_tier: "spot" },
  });

  test("is named in warnings, and the job runs on this machine", async () => {
    const { client } = await openJobFrame();

    const job = await client.call(routes.create, { params, body: { spec: asked } });

    expect(job).toMatchObject({ compute: "local", requested_compute: "azureml:cpu-cluster" });
    const words = job.warnings.join("\n");
    for (const field of [
      "cpu-cluster",
      "instance_count",
      "instance_type",
      "shm_size",
      "identity",
      "services.jupyter",
      "job_tier",
    ]) {
      expect(words).toContain(field);
    }
  });

  test("does not count nodes whose processes run here", async () => {
    const { client } = await openJobFrame();
    const resources = { instance_count: 3 };
    const distribution = { type: "pytorch" as const, process_count_per_instance: 2 };

    const single = await client.call(routes.validate, { params, body: { spec: spec({ resources }) } });
    const spread = await client.call(routes.validate, { params, body: { spec: spec({ resources, distribution }) } });

    expect(single.warnings).toEqual(["`resources.instance_count` has no effect here: the job runs on one machine"]);
    expect(spread.warnings).toEqual([
      "`resources.instance_count`: the processes of all 3 nodes run on this one machine",
    ]);
  });

  test("is an error when the caller is strict", async () => {
    const { client } = await openJobFrame();

    await expectCode(client.call(routes.create, { params, body: { spec: asked, strict: true } }), "InvalidSpec");
    expect((await client.call(routes.validate, { params, body: { spec: asked, strict: true } })).valid).toBe(false);
  });
});

describe("the list", () => {
  test("is newest first, filtered, and paged without gaps", async () => {
    const { client } = await openJobFrame();
    for (let i = 0; i < 7; i++) {
      const more = { experiment_name: i % 2 === 0 ? "even" : "odd", tags: { n: String(i) } };
      await client.call(routes.put, { params: at(`job${i}`), body: { spec: spec(more) } });
    }
    const list = (query: object) => client.call(routes.list, { params, query });
    const names = async (query: object) => (await list(query)).items.map((job) => job.name);
    const paged: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await list({ limit: 3, ...(cursor === undefined ? {} : { cursor }) });
      paged.push(...page.items.map((job) => job.name));
      cursor = page.next_cursor;
    } while (cursor !== undefined);

    expect(paged).toEqual(["job6", "job5", "job4", "job3", "job2", "job1", "job0"]);
    expect(await names({ experiment_name: "odd" })).toEqual(["job5", "job3", "job1"]);
    expect(await names({ tag: "n=4" })).toEqual(["job4"]);
    expect(await names({ tag: "n" })).toHaveLength(7);
    expect(await names({ tag: "m" })).toEqual([]);
    expect(await names({ created_by: "user:owner", compute: "local" })).toHaveLength(7);
    expect(await names({ status: "Completed" })).toEqual([]);
    await expectCode(list({ cursor: "nonsense" }), "InvalidCursor");
  });
});

describe("changes", () => {
  test("tags, display name and description; a null removes a tag", async () => {
    const { client } = await openJobFrame();
    await client.call(routes.put, { params: at("one"), body: { spec: spec({ tags: { a: "1", b: "2" } }) } });

    const changed = await client.call(routes.update, {
      params: at("one"),
      body: { display_name: "new", description: "words", tags: { a: null, c: "3" } },
    });

    expect(changed).toMatchObject({ display_name: "new", description: "words", tags: { b: "2", c: "3" } });
    await expectCode(
      client.call(routes.update, { params: at("one"), body: { tags: { "mlflow.user": "x" } } }),
      "InvalidArgument",
    );
  });

  test("only what was read, where If-Match says so", async () => {
    const { client } = await openJobFrame();
    await client.call(routes.put, { params: at("one"), body: { spec: spec() } });
    const etag = async () => {
      const path = "/api/v1/workspaces/default/jobs/one";
      return String((await client.raw(path)).headers.get("etag"));
    };
    const patch = (match: string, body: object) =>
      client.raw("/api/v1/workspaces/default/jobs/one", {
        method: "PATCH",
        headers: { "content-type": "application/json", "if-match": match },
        body: new TextEncoder().encode(JSON.stringify(body)),
      });
    const cancelled = await client.call(routes.cancel, { params: at("one"), body: {} });
    const first = await etag();
    await patch(first, { tags: { a: "1" } });

    expect(cancelled.name).toBe("one");
    expect(await etag()).not.toBe(first);
    await expectCode(patch(first, { display_name: "late" }), "PreconditionFailed");
  });

  test("archive hides what is over, and only that", async () => {
    const { client } = await openJobFrame();
    await client.call(routes.put, { params: at("one"), body: { spec: spec() } });
    await client.call(routes.put, { params: at("two"), body: { spec: spec() } });
    const update = (name: string, archived: boolean) =>
      client.call(routes.update, { params: at(name), body: { archived } });
    await expectCode(update("one", true), "Conflict");
    const { items } = await client.call(routes.list, { params });
    const waiting = items.find((job) => job.status_reason?.includes("ahead") === true)?.name ?? "two";
    await client.call(routes.cancel, { params: at(waiting), body: {} });

    await update(waiting, true);
    const shown = async (archived?: "true" | "all") =>
      (await client.call(routes.list, { params, query: archived === undefined ? {} : { archived } })).items.length;

    expect([await shown(), await shown("true"), await shown("all")]).toEqual([1, 1, 2]);
    await update(waiting, false);
    expect(await shown()).toBe(2);
  });
});

test("jobs of a workspace that is not there are not found", async () => {
  const { client } = await openJobFrame();

  await expectCode(client.call(routes.list, { params: { workspace: "nowhere" } }), "NotFound");
  await expectCode(
    client.call(routes.create, { params: { workspace: "nowhere" }, body: { spec: spec() } }),
    "NotFound",
  );
  await expectCode(client.call(routes.get, { params: at("nothing") }), "NotFound");
});
