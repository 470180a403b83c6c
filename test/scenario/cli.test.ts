import { type ChildProcess, spawn } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type CliOptions, type CliResult, yard } from "../helpers/cli.ts";
import { makeTempDir, until } from "../helpers/ports.ts";
import { startServer, type TestServer } from "../helpers/server.ts";

/** The whole command line against a laptop home in a process of its own. */
const MAIN = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));
const temporary = makeTempDir();
let server: TestServer;

beforeAll(async () => {
  server = await startServer();
});

afterAll(async () => {
  await server?.dispose();
  temporary.remove();
});

function project(files: Readonly<Record<string, string>> = {}): string {
  const folder = mkdtempSync(join(temporary.path, "project-"));
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(join(folder, path, ".."), { recursive: true });
    writeFileSync(join(folder, path), content);
  }
  return folder;
}

function run(cwd: string, argv: readonly string[], more: Partial<CliOptions> = {}): Promise<CliResult> {
  return yard(argv, {
    cwd,
    ...more,
    env: { TRAINYARD_URL: server.url(), TRAINYARD_TOKEN: server.token(), ...more.env },
  });
}

/** What a command answers, as data; fails when the command does. */
async function answer<T>(cwd: string, argv: readonly string[]): Promise<T> {
  const result = await run(cwd, [...argv, "-o", "json"]);
  expect(result, argv.join(" ")).toMatchObject({ code: 0 });
  return JSON.parse(result.out) as T;
}

/** The program in a process of its own. */
function start(
  cwd: string,
  argv: readonly string[],
): { child: ChildProcess; out: () => string; err: () => string; ended: Promise<number | null> } {
  const child = spawn(process.execPath, [MAIN, ...argv], {
    cwd,
    env: { ...process.env, HOME: cwd, TRAINYARD_URL: server.url(), TRAINYARD_TOKEN: server.token() },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let out = "";
  let err = "";
  child.stdout?.setEncoding("utf8").on("data", (part: string) => {
    out += part;
  });
  child.stderr?.setEncoding("utf8").on("data", (part: string) => {
    err += part;
  });
  return { child, out: () => out, err: () => err, ended: new Promise((resolve) => child.once("close", resolve)) };
}

const job = (command: string, more = "") =>
  `command: ${JSON.stringify(command)}\nenvironment: azureml:python-3@latest\ncompute: local\n${more}`;

it("looks over a home that is well, and has nothing to say against it", async () => {
  const argv = ["doctor", "--smoke", "-o", "json"];
  const { code, out, err } = await run(project(), argv, { env: { PATH: process.env.PATH ?? "" } });

  const findings = JSON.parse(out) as { part: string; verdict: string }[];
  expect({ code, err, bad: findings.filter(({ verdict }) => verdict === "bad") }).toEqual({
    code: 0,
    err: "",
    bad: [],
  });
  const parts = ["home", "clock", "sign-in", "records", "objects", "job", "log"];
  expect(findings.filter(({ part }) => parts.includes(part))).toEqual(
    parts.map((part) => expect.objectContaining({ part, verdict: "ok" })),
  );
});

describe("a job", () => {
  it("takes its code along, streams its log, and leaves artifacts and outputs to download", async () => {
    const folder = project({
      "job.yml": job(
        "python main.py ${{inputs.word}} ${{outputs.made}} && ./tool.sh",
        "code: src\ninputs:\n  word: hello\noutputs:\n  made: {type: uri_folder}\n",
      ),
      "src/main.py":
        "import sys, pathlib\nprint(sys.argv[1])\npathlib.Path(sys.argv[2], 'made.txt').write_text('made')\npathlib.Path('outputs/kept.txt').write_text('kept')\n",
      "src/tool.sh": "#!/bin/sh\necho tool\n",
      "src/.amlignore": "*.tmp\n",
      "src/left.tmp": "left out",
    });
    chmodSync(join(folder, "src/tool.sh"), 0o755);

    const streamed = await run(folder, [
      "job",
      "create",
      "-f",
      "job.yml",
      "--stream",
      "--set",
      "inputs.word=goodbye",
      "tags.team=a",
    ]);
    const [summary] = await answer<{ name: string; status: string; experiment_name: string; tags: object }[]>(folder, [
      "job",
      "list",
      "-r",
      "1",
    ]);
    const name = summary?.name ?? "";
    await run(folder, ["job", "download", "-n", name, "--all", "-p", "got"]);

    expect(streamed).toMatchObject({ code: 0 });
    expect(streamed.out).toContain("goodbye\ntool\n");
    expect(streamed.err).toContain("completed");
    expect(summary).toMatchObject({
      status: "Completed",
      tags: { team: "a" },
      experiment_name: folder.split("/").at(-1),
    });
    expect(readFileSync(join(folder, "got/named-outputs/made/made.txt"), "utf8")).toBe("made");
    expect(readFileSync(join(folder, "got/artifacts/outputs/kept.txt"), "utf8")).toBe("kept");
    expect(existsSync(join(folder, "got/artifacts/outputs/left.tmp"))).toBe(false);
  });

  it("that failed early gives what it left, and says which outputs it did not write", async () => {
    const folder = project({
      "job.yml": job(
        "echo made > ${{outputs.first}}/made.txt; exit 3 # ${{outputs.second}}",
        "outputs:\n  first: {type: uri_folder}\n  second: {type: uri_file}\n",
      ),
    });
    await run(folder, ["job", "create", "-f", "job.yml", "-n", "half-done", "--stream"]);

    const all = await run(folder, ["job", "download", "-n", "half-done", "--all"]);
    const one = await run(folder, ["job", "download", "-n", "half-done", "--output-name", "second"]);

    expect(all).toMatchObject({ code: 0 });
    expect(all.err).toContain("second: nothing is there");
    expect(readFileSync(join(folder, "named-outputs/first/made.txt"), "utf8")).toBe("made\n");
    expect(one).toMatchObject({ code: 4 });
  });

  it("that fails makes create --stream and stream exit with 1, and a query answer on stdout alone", async () => {
    const folder = project({ "job.yml": job("echo before; exit 3") });

    const created = await run(folder, [
      "job",
      "create",
      "-f",
      "job.yml",
      "--stream",
      "--query",
      "[status,exit_code]",
      "-o",
      "tsv",
    ]);
    const [{ name } = { name: "" }] = await answer<{ name: string }[]>(folder, ["job", "list", "-r", "1"]);
    const streamed = await run(folder, ["job", "stream", "-n", name]);

    expect(created).toMatchObject({ code: 1, out: "Failed\n3\n" });
    expect(created.err).toContain("before\n");
    expect(streamed).toMatchObject({ code: 1, out: "before\n" });
    expect(streamed.err).toContain("exit code 3");
  });

  it("keeps the name it is given, and is the same job when it is submitted again", async () => {
    const folder = project({ "job.yml": job("true") });
    const create = ["job", "create", "-f", "job.yml", "--name", "named-job"];

    const first = await answer<{ name: string; created_at: string }>(folder, create);
    const second = await answer<{ name: string; created_at: string }>(folder, create);

    expect(first.name).toBe("named-job");
    expect(second.created_at).toBe(first.created_at);
  });

  it("can be cancelled, changed, archived and restored", async () => {
    const folder = project({ "job.yml": job("sleep 600") });
    const { name } = await answer<{ name: string }>(folder, ["job", "create", "-f", "job.yml"]);
    const names = async (...argv: string[]) =>
      (await answer<{ name: string }[]>(folder, ["job", "list", ...argv])).map((it) => it.name);

    expect(await answer(folder, ["job", "cancel", "-n", name, "--reason", "enough"])).toMatchObject({
      status: "Canceled",
    });
    expect(
      await answer(folder, ["job", "update", "-n", name, "--set", "display_name=New name", "tags.a=b"]),
    ).toMatchObject({ display_name: "New name", tags: { a: "b" } });
    await answer(folder, ["job", "archive", "-n", name]);
    expect(await names()).not.toContain(name);
    expect(await names("--archived-only")).toContain(name);
    await answer(folder, ["job", "restore", "-n", name]);
    expect(await names("--status", "Canceled", "--tag", "a=b")).toContain(name);
  });

  it("can be listed before it is uploaded, and nothing is", async () => {
    const folder = project({
      "job.yml": job("true", "code: .\n"),
      "big.bin": "x".repeat(1000),
      ".gitignore": "*.log\n",
      "a.log": "",
    });

    const { uploads } = await answer<{
      uploads: { what: string; file_count: number; files: { path: string; size_bytes: number }[] }[];
    }>(folder, ["job", "create", "-f", "job.yml", "--dry-run"]);
    const shown = await run(folder, ["job", "create", "-f", "job.yml", "--dry-run"], { terminal: 80 });

    expect(uploads).toMatchObject([{ what: "code", file_count: 3 }]);
    expect(uploads[0]?.files[0]).toEqual({ path: "big.bin", size_bytes: 1000 });
    expect(shown.out).toContain("1.0 kB  big.bin");
  });

  it("is refused with file, line and field, before anything is sent", async () => {
    const folder = project({
      "job.yml": "command: echo ${{inputs.wrod}}\nenvironment: azureml:python-3@latest\ninputs:\n  word: x\n",
    });

    const created = await run(folder, ["job", "create", "-f", "job.yml"]);

    expect(created).toMatchObject({ code: 2, out: "" });
    expect(created.err).toMatch(/job\.yml:1:\d+/);
    expect(created.err).toContain("wrod");
  });

  it("is checked against the workspace by validate, which submits and uploads nothing", async () => {
    const folder = project({
      "good.yml": job("true", "code: .\n"),
      "bad.yml": job("true").replace("python-3@latest", "no-such-env@latest"),
    });
    const before = (await answer<unknown[]>(folder, ["job", "list"])).length;

    const good = await run(folder, ["job", "validate", "-f", "good.yml", "-o", "json"]);
    const bad = await run(folder, ["job", "validate", "-f", "bad.yml", "-o", "json"]);

    expect(good.code).toBe(0);
    expect(JSON.parse(good.out)).toMatchObject({ valid: true, checked_against: "default" });
    expect(bad.code).not.toBe(0);
    expect(bad.out + bad.err).toContain("no-such-env");
    expect((await answer<unknown[]>(folder, ["job", "list"])).length).toBe(before);
  });
});

describe("data and models", () => {
  it("travel from a folder to a version, and back", async () => {
    const folder = project({
      "d/a.csv": "1,2\n",
      "d/sub/b.csv": "3\n",
      "job.yml": job("cat ${{inputs.d}}/sub/b.csv", "inputs:\n  d: {type: uri_folder, path: azureml:numbers@latest}\n"),
    });

    const first = await answer<{ version: string; file_count: number }>(folder, [
      "data",
      "create",
      "-n",
      "numbers",
      "--path",
      "d",
      "--type",
      "uri_folder",
    ]);
    writeFileSync(join(folder, "d/sub/b.csv"), "4\n");
    const second = await answer<{ version: string }>(folder, [
      "data",
      "create",
      "-n",
      "numbers",
      "--path",
      "d",
      "--type",
      "uri_folder",
      "--tags",
      "a=b",
    ]);
    await answer(folder, ["data", "download", "-n", "numbers", "-v", "1", "-p", "got"]);
    const streamed = await run(folder, ["job", "create", "-f", "job.yml", "--stream"]);

    expect([first.version, first.file_count, second.version]).toEqual(["1", 2, "2"]);
    expect(readFileSync(join(folder, "got/numbers/sub/b.csv"), "utf8")).toBe("3\n");
    expect(streamed.out).toContain("4\n");
    expect((await run(folder, ["data", "list", "-n", "numbers", "--query", "[].version", "-o", "tsv"])).out).toBe(
      "2\n1\n",
    );
  });

  it("registers a component with the code it names", async () => {
    const folder = project({
      "parts/train.yml":
        "name: train\nversion: 2\ncommand: python t.py\ncode: ./src\nenvironment: azureml:python-3@latest\n",
      "parts/src/t.py": "print(1)",
    });

    const made = await answer<{ version: string; spec: { code: string } }>(folder, [
      "component",
      "create",
      "-f",
      "parts/train.yml",
    ]);

    expect(made.version).toBe("2");
    expect(made.spec.code).toMatch(/^azureml:\/\/trees\/[0-9a-f]{64}$/);
  });

  it("have labels, words and archives", async () => {
    const folder = project({ "m/weights.bin": "w" });
    await answer(folder, ["model", "create", "-n", "net", "--path", "m"]);

    expect(await answer(folder, ["model", "label", "-n", "net", "-v", "1", "-l", "champion"])).toMatchObject({
      labels: expect.arrayContaining(["champion"]),
    });
    expect(await answer(folder, ["model", "show", "-n", "net", "-l", "champion"])).toMatchObject({ version: "1" });
    expect(
      await answer(folder, ["model", "update", "-n", "net", "-v", "1", "--set", "tags.a=b", "description=A net"]),
    ).toMatchObject({ tags: { a: "b" }, description: "A net" });
    await answer(folder, ["model", "archive", "-n", "net", "-v", "1"]);
    expect(await answer<unknown[]>(folder, ["model", "list", "-n", "net"])).toEqual([]);
    await answer(folder, ["model", "restore", "-n", "net"]);
    await answer(folder, ["model", "download", "-n", "net", "-v", "1"]);
    expect(statSync(join(folder, "net/m/weights.bin")).size).toBe(1);
    expect((await run(folder, ["model", "delete", "-n", "net", "-v", "1", "-y"])).code).toBe(0);
    expect((await run(folder, ["model", "show", "-n", "net"])).code).toBe(4);
  });

  it("are refused from Azure's registries, which are not here", async () => {
    expect((await run(project(), ["model", "list", "--registry-name", "azureml"])).code).toBe(2);
  });
});

describe("places", () => {
  it("are made from files and flags, listed, changed and forgotten", async () => {
    const folder = project({
      "store.yml": "name: shelf\ntype: local\npath: ./files\n",
      "files/a.txt": "a",
      "env.yml": "name: tools\nimage: python\nconda_file: conda.yml\n",
      "conda.yml": "dependencies:\n  - pip:\n    - rich\n",
    });

    await answer(folder, ["datastore", "create", "-f", "store.yml"]);
    expect(await answer(folder, ["datastore", "browse", "-n", "shelf"])).toMatchObject([
      { path: "a.txt", is_folder: false },
    ]);
    expect(await answer(folder, ["datastore", "update", "-n", "shelf", "--description", "A shelf"])).toMatchObject({
      description: "A shelf",
      type: "local",
    });
    expect((await run(folder, ["datastore", "delete", "-n", "shelf", "-y"])).code).toBe(0);
    expect(await answer(folder, ["environment", "create", "-f", "env.yml"])).toMatchObject({
      name: "tools",
      version: "1",
      resolved: { requirements: ["rich"] },
    });
    expect(await answer(folder, ["compute", "update", "-n", "local", "--slots", "3"])).toMatchObject({ slots: 3 });
    expect((await run(folder, ["compute", "create", "-n", "c", "--type", "amlcompute"])).code).toBe(2);
    expect(await answer(folder, ["workspace", "create", "-n", "team", "--description", "Ours"])).toMatchObject({
      name: "team",
    });
    expect(await answer<unknown[]>(folder, ["job", "list", "-w", "team"])).toEqual([]);
    expect((await run(folder, ["workspace", "delete", "-n", "team", "-y"])).code).toBe(0);
    const azure = "/subscriptions/s/resourceGroups/g/providers/Microsoft.KeyVault/vaults/v";
    writeFileSync(join(folder, "ours.yml"), `name: ours\nkey_vault: ${azure}\nstorage_account: arn:aws:s3:::ours\n`);
    const own = await run(folder, ["workspace", "create", "-f", "ours.yml"]);
    expect({ code: own.code, err: own.err }).toMatchObject({
      code: 2,
      err: expect.stringMatching(/`key_vault` names a resource of Azure.*`storage` is the AWS home's/s),
    });
    expect(await answer<{ name: string }[]>(folder, ["activity", "list", "--resource", "datastore"])).toEqual(
      expect.arrayContaining([expect.objectContaining({ name: "shelf", action: "delete" })]),
    );
  });
});

describe("the program", () => {
  it("leaves the job running when Ctrl-C ends a stream, and says how to go on", async () => {
    const folder = project({ "job.yml": job("echo started; sleep 600") });
    const program = start(folder, ["job", "create", "-f", "job.yml", "--stream"]);
    await until(() => program.out().includes("started"), "the job's first line");

    program.child.kill("SIGINT");
    const code = await program.ended;
    const name = /yard job stream --name (\S+?)`/.exec(program.err())?.[1] ?? "";
    const { status } = await answer<{ status: string }>(folder, ["job", "show", "-n", name]);
    await answer(folder, ["job", "cancel", "-n", name]);

    expect(code).toBe(130);
    expect(status).toBe("Running");
  });

  it("ends quietly when its reader leaves", async () => {
    const folder = project({ "job.yml": job("echo started; sleep 600") });
    const { name } = await answer<{ name: string }>(folder, ["job", "create", "-f", "job.yml"]);
    const program = start(folder, ["job", "stream", "-n", name]);
    program.child.stdout?.destroy();
    await answer(folder, ["job", "cancel", "-n", name]);

    expect(await program.ended).not.toBeNull();
    expect(program.err()).not.toMatch(/EPIPE|fault of yard/);
  });

  it("`up` serves until SIGTERM, with one line when it is ready, and refuses a second server on its folder", async () => {
    const folder = project();
    const first = start(folder, ["up", "--port", "0", "--data-dir", "home"]);
    await until(() => /^trainyard is ready at http:\/\/127\.0\.0\.1:\d+/m.test(first.out()), "the ready line");

    const second = start(folder, ["up", "--port", "0", "--data-dir", "home"]);
    const refused = await second.ended;
    first.child.kill("SIGTERM");
    const code = await first.ended;

    expect(refused).toBe(5);
    expect(second.err()).toMatch(/^error: /);
    expect(code).toBe(0);
    expect(first.out().trim().split("\n")).toHaveLength(1);
    expect(existsSync(join(folder, "home/server.json"))).toBe(false);
  });

  it.skipIf(process.platform !== "linux")("`up` keeps to itself what its own process is tuned with", async () => {
    const folder = project({ "job.yml": job("echo tuned=$MALLOC_ARENA_MAX,$TRAINYARD_SERVER_ENV,") });
    const home = start(folder, ["up", "--port", "0", "--data-dir", "home"]);
    await until(() => home.out().includes("ready at"), "the ready line");
    const { url, token } = JSON.parse(readFileSync(join(folder, "home/server.json"), "utf8"));

    const env = { TRAINYARD_URL: url, TRAINYARD_TOKEN: token };
    const ran = await run(folder, ["job", "create", "-f", "job.yml", "--stream"], { env });
    const tuned = readFileSync(`/proc/${home.child.pid}/environ`, "utf8");
    home.child.kill("SIGTERM");

    expect(await home.ended).toBe(0);
    expect(ran).toMatchObject({ code: 0, out: expect.stringContaining("tuned=,,") });
    expect(tuned).toContain("MALLOC_ARENA_MAX=2");
  });
});

describe("who may do what", () => {
  it("makes a token that signs another in, and revokes it", async () => {
    const cwd = project();
    await answer(cwd, ["role", "create", "--name", "auditor", "--rights", "*/read"]);
    await answer(cwd, ["member", "create", "--name", "ada@example.org", "--role", "auditor"]);
    const made = await answer<{ id: string; token: string }>(cwd, [
      ...["token", "create", "--name", "for Ada", "--person", "ada@example.org", "--role", "auditor", "--days", "7"],
    ]);
    const asAda = { env: { TRAINYARD_TOKEN: made.token } };

    const who = await run(cwd, ["whoami", "-o", "json"], asAda);
    const list = await run(cwd, ["member", "list", "--query", "[].[name, role]", "-o", "json"], asAda);
    const refused = await run(cwd, ["member", "delete", "--name", "ada@example.org"], asAda);
    const inUse = await run(cwd, ["role", "delete", "--name", "auditor"]);
    const revoked = await run(cwd, ["token", "delete", "--id", made.id]);
    const after = await run(cwd, ["whoami"], asAda);

    expect(JSON.parse(who.out)).toMatchObject({ name: "user:ada@example.org", kind: "user" });
    expect(JSON.parse(list.out)).toEqual([["ada@example.org", "auditor"]]);
    expect([refused.code === 0, inUse.code === 0, revoked.code]).toEqual([false, false, 0]);
    expect(inUse.err).toContain("role `auditor` is `ada@example.org`'s");
    expect(after.code).not.toBe(0);
    expect(after.err).toContain("revoked");
  });
});
