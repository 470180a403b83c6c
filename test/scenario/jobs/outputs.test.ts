import { createHash } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { data, models } from "../../../src/contract/routes/assets.ts";
import { files } from "../../../src/contract/routes/files.ts";
import { treeText } from "../../../src/contract/tree-text.ts";
import { expectCode } from "../../helpers/ports.ts";
import {
  commandJob,
  isOver,
  readWholeLog,
  runJob,
  startServer,
  submit,
  type TestServer,
  waitFor,
} from "../../helpers/server.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.dispose());

/** The id of a tree of these files. */
const treeOf = (texts: Readonly<Record<string, string>>) => {
  const entries = Object.entries(texts).map(
    ([path, text]) => ({ kind: "file", path, sha256: sha256(text), size_bytes: text.length }) as const,
  );
  return sha256(treeText(entries));
};
const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");
const version = (name: string, at: string) => ({ workspace: "default", name, version: at });
const list = async (uri: string) =>
  (await server.client.call(files.list, { params: { workspace: "default" }, query: { uri } })).items.map(
    (file) => file.path,
  );

test("named outputs become assets of the job that succeeded, once each, and feed the next job", async () => {
  const outputs = { out: { name: "made" }, model: { type: "custom_model" as const, name: "brain" } };
  const command = "echo 42 > ${{outputs.out}}/answer; mkdir -p ${{outputs.model}}; echo m > ${{outputs.model}}/weights";
  const first = await runJob(server, command, { outputs });
  const second = await runJob(server, command, { outputs });
  const reader = await runJob(server, "cat ${{inputs.d}}/answer", {
    inputs: { d: { type: "uri_folder", path: "azureml:made@latest" } },
  });

  expect(first).toMatchObject({
    status: "Completed",
    warnings: [],
    outputs: { out: { asset: "azureml:made:1" }, model: { asset: "azureml:brain:1" } },
  });
  expect(second.outputs.out?.asset).toBe("azureml:made:2");
  expect(await server.client.call(data.get, { params: version("made", "1") })).toMatchObject({
    created_by: `run:${first.name}`,
  });
  expect(await server.client.call(models.get, { params: version("brain", "1") })).toMatchObject({
    type: "custom_model",
  });
  expect(await readWholeLog(server, reader.name)).toContain("42\n");
});

test("a job knows what its outputs hold: the same files have the same digest, wherever they lie", async () => {
  const outputs = { out: {}, file: { type: "uri_file" }, none: {}, away: { mode: "direct" } } as const;
  const command = (text: string) =>
    `mkdir ${"$"}{{outputs.out}}/deep; echo ${text} > ${"$"}{{outputs.out}}/deep/a; : > ${"$"}{{outputs.out}}/empty; echo 42 > ${"$"}{{outputs.file}}`;
  const [first, second, other] = [
    await runJob(server, command("one"), { outputs }),
    await runJob(server, `sleep 0; ${command("one")}`, { outputs }),
    await runJob(server, command("two"), { outputs }),
  ];

  expect(first.outputs.out).toMatchObject({ files: 2, bytes: 4, digest: treeOf({ "deep/a": "one\n", empty: "" }) });
  expect(first.outputs.file).toMatchObject({ files: 1, bytes: 3, digest: treeOf({ file: "42\n" }) });
  expect(first.outputs.none).toMatchObject({ files: 0, bytes: 0, digest: treeOf({}) });
  expect(first.outputs.away).not.toHaveProperty("digest");
  expect(second.outputs.out?.digest).toBe(first.outputs.out?.digest);
  expect(other.outputs.out?.digest).not.toBe(first.outputs.out?.digest);
});

test("a literal output is what the command wrote to its file", async () => {
  const outputs = {
    good: { type: "boolean" },
    score: { type: "number" },
    count: { type: "integer" },
    word: { type: "string" },
  } as const;
  const write = (good: string) =>
    `echo ${good} > ${"$"}{{outputs.good}}; printf 0.50 > ${"$"}{{outputs.score}}; echo 7 > ${"$"}{{outputs.count}}; printf 'a b\n\n' > ${"$"}{{outputs.word}}`;
  const job = await runJob(server, write("true"), { outputs });
  const bad = await runJob(server, write("maybe"), { outputs });

  const values = Object.fromEntries(Object.entries(job.outputs).map(([name, { value }]) => [name, value]));
  expect(values).toEqual({ good: "True", score: "0.50", count: "7", word: "a b\n" });
  expect(bad.status).toBe("Failed");
  expect(bad.status_reason).toContain("output `good` is a boolean, and the command wrote `maybe`");
});

test("a job that failed registers nothing", async () => {
  const job = await runJob(server, "echo half > ${{outputs.out}}/x; exit 1", { outputs: { out: { name: "broken" } } });

  expect(job.status).toBe("Failed");
  expect(job.outputs.out?.asset).toBeUndefined();
  await expectCode(server.client.call(data.get, { params: version("broken", "1") }), "NotFound");
});

test("what was written to ./outputs, and the log, are artifacts of the run", async () => {
  const job = await runJob(server, "mkdir -p outputs/deep; echo a > outputs/a; echo b > outputs/deep/b; echo said");

  const found = await list(`azureml://jobs/${job.name}/outputs/artifacts/paths/`);
  expect(found).toEqual(expect.arrayContaining(["outputs/a", "outputs/deep/b", "user_logs/std_log.txt"]));
});

test("an output that can't be registered leaves the job completed, with the reason", async () => {
  const once = { out: { name: "pinned", version: "7" } };
  await runJob(server, "echo 1 > ${{outputs.out}}/x", { outputs: once });
  const { name } = await submit(server, commandJob("echo 2 > ${{outputs.out}}/x", { outputs: once }));
  const job = await waitFor(server, name, isOver);

  expect(job.status).toBe("Completed");
  expect(job.warnings.join()).toContain("could not be registered as `pinned`");
});
