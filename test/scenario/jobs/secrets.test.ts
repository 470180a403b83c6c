import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { makeClient } from "../../../src/client/client.ts";
import { activities, secrets, workspaces } from "../../../src/contract/routes/index.ts";
import { jobs } from "../../../src/contract/routes/jobs.ts";
import { runner } from "../../../src/contract/routes/runner.ts";
import { yard } from "../../helpers/cli.ts";
import { expectCode } from "../../helpers/ports.ts";
import { commandJob, readWholeLog, runJob, startServer, submit, type TestServer } from "../../helpers/server.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.dispose());

const workspace = "default";
const VALUE = "correct horse\nbattery staple";

const cli = (argv: readonly string[], stdin = "") =>
  yard(argv, {
    cwd: join(server.dir, ".."),
    env: { TRAINYARD_URL: server.url(), TRAINYARD_TOKEN: server.token(), PATH: process.env.PATH ?? "" },
    stdin,
  });

async function outputOf(job: string, path: string): Promise<string> {
  const uri = `azureml://datastores/workspaceblobstore/paths/azureml/${job}/out/${path}`;
  const found = await server.client.raw(`/api/v1/workspaces/default/content?uri=${encodeURIComponent(uri)}`);
  return new Response(found.body).text();
}

test("a job has the secrets that it names; its log, its record and everybody else have not", async () => {
  const set = await cli(["secret", "set", "--name", "db-password", "--description", "of the tests"], `${VALUE}\n`);
  const variables = { DB: "postgres://me:${{secrets.db-password}}@host", PLAIN: "p" };
  const command = 'echo "$DB"; printf "%s" "$DB" > ${{outputs.out}}/db; echo "$DB" >&2; exit 3';
  const job = await runJob(server, command, { environment_variables: variables, outputs: { out: {} } });

  const log = await readWholeLog(server, job.name);
  const shown = await server.client.call(jobs.get, { params: { workspace, name: job.name } });
  const listed = await cli(["secret", "list", "-o", "json"]);
  const told = await server.client.call(activities.list, { params: { workspace }, query: { resource: "secret" } });

  expect([set.code, set.out.includes("battery")]).toEqual([0, false]);
  expect(job.status).toBe("Failed");
  // A shell may write it line by line.
  expect(log).toMatch(/^postgres:\/\/me:\*\*\*(?:\n\*\*\*)?@host$/m);
  expect(shown.spec).toMatchObject({ environment_variables: variables });
  for (const text of [log, JSON.stringify(shown), listed.out, JSON.stringify(told)])
    expect(text).not.toMatch(/correct horse|battery staple/);
  expect(JSON.parse(listed.out)).toMatchObject([{ name: "db-password", description: "of the tests" }]);
  expect(await outputOf(job.name, "db")).toBe(`postgres://me:${VALUE}@host`);
});

test("a run's token reads no secret of another run, nor any by its name", async () => {
  await server.client.call(secrets.put, { params: { workspace, name: "mine" }, body: { value: "only mine" } });
  const job = await runJob(server, "echo $TRAINYARD_TOKEN > ${{outputs.out}}/token", { outputs: { out: {} } });
  const token = (await outputOf(job.name, "token")).trim();
  const other = await submit(server, commandJob("sleep 60", { environment_variables: { X: "${{secrets.mine}}" } }));
  const asRun = makeClient({ url: server.url(), token, retry: { attempts: 1 } });

  await expectCode(() => asRun.call(runner.assignment, { params: { workspace, run: other.name } }), "Forbidden");
  await expectCode(() => asRun.call(secrets.list, { params: { workspace }, query: {} }), "Forbidden");
  await server.client.call(jobs.cancel, { params: { workspace, name: other.name }, body: {} });
});

test("a secret that is not there is said when the job is submitted, and when it is gone before the job starts", async () => {
  const named = { environment_variables: { X: "${{secrets.nobodys}}" } };
  await expectCode(() => submit(server, commandJob("true", named)), "NotFound");
  const inCommand = () => submit(server, commandJob("echo ${{secrets.mine}}", {}));
  await expect(inCommand()).rejects.toMatchObject({
    code: "InvalidSpec",
    details: { hint: expect.stringContaining("environment_variables") },
  });

  await server.client.call(secrets.put, { params: { workspace, name: "brief" }, body: { value: "soon gone" } });
  const deleted = await cli(["secret", "delete", "--name", "brief", "--yes"]);
  const again = await cli(["secret", "delete", "--name", "brief", "--yes"]);
  expect([deleted.code, again.code]).toEqual([0, 4]);
});

test("a file of a job may name them, and a workspace takes its own along", async () => {
  const file = join(server.dir, "..", "job.yml");
  const yaml = "command: echo\nenvironment: azureml:python-3@latest\nenvironment_variables:\n  X: ${{secrets.any}}\n";
  writeFileSync(file, yaml);
  const params = { workspace: "brief" };
  await server.client.call(workspaces.put, { params, body: {} });
  await server.client.call(secrets.put, { params: { ...params, name: "s" }, body: { value: "of another" } });

  const valid = await cli(["validate", file]);
  await server.client.call(workspaces.delete, { params, query: {} });
  await server.client.call(workspaces.put, { params, body: {} });

  expect({ code: valid.code, said: valid.out + valid.err }).toMatchObject({
    code: 0,
    said: expect.not.stringContaining("secrets"),
  });
  expect((await server.client.call(secrets.list, { params, query: {} })).items).toEqual([]);
});
