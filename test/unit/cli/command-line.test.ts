import { mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { implement } from "../../../src/api/implement.ts";
import { NOUNS } from "../../../src/cli/nouns.ts";
import { AppError } from "../../../src/contract/errors.ts";
import { routes } from "../../../src/contract/index.ts";
import { yard } from "../../helpers/cli.ts";
import { FRAME_TOKEN, serveFrame } from "../../helpers/frame.ts";
import { makeTempDir } from "../../helpers/ports.ts";

function folder(): string {
  const dir = makeTempDir();
  onTestFinished(dir.remove);
  return dir.path;
}

const workspace = (name: string) => ({
  name,
  id: name,
  tags: {},
  mlflow_tracking_uri: `http://home/w/${name}`,
  default_datastore: "workspaceblobstore",
  created_at: "2026-01-01T00:00:00.000Z",
  created_by: "user:owner",
});

/** A home that only knows its workspaces, and the environment that leads to it. */
async function home() {
  const served = await serveFrame([
    implement(routes.workspaces.list, async ({ query }) => {
      const from = Number(query.cursor ?? 0);
      const names = ["w0", "w1", "w2", "w3", "w4"].slice(from, from + Math.min(2, query.limit ?? 2));
      const next = from + names.length;
      return { items: names.map(workspace), ...(next < 5 ? { next_cursor: String(next) } : {}) };
    }),
    implement(routes.workspaces.get, async ({ params }) => {
      if (params.workspace === "absent")
        throw new AppError("NotFound", "there is no workspace `absent`", { hint: "make it" });
      return workspace(params.workspace);
    }),
  ]);
  return { ...served, env: { TRAINYARD_URL: served.url, TRAINYARD_TOKEN: FRAME_TOKEN } };
}

describe("help", () => {
  it("lists every noun, and the verbs of each", async () => {
    const cwd = folder();
    const root = await yard(["--help"], { cwd });
    expect(root.code).toBe(0);
    for (const [name, entry] of Object.entries(NOUNS)) {
      expect(root.out).toContain(name);
      const noun = await entry.load();
      const help = await yard([name, "--help"], { cwd });
      expect(help).toMatchObject({ code: 0, err: "" });
      for (const verb of Object.keys(noun.verbs ?? {})) expect(help.out).toContain(verb);
    }
  });

  it("shows a verb's flags with their letters, and not those that only Azure has", async () => {
    const { out } = await yard(["job", "create", "--help"], { cwd: folder() });

    expect(out).toMatch(/-f\s+--file/);
    expect(out).toContain("--workspace-name");
    expect(out).not.toContain("--resource-group");
  });
});

describe("a wrong command line", () => {
  it.each([
    [["jbo", "list"], "did you mean `yard job`"],
    [["job", "lst"], "did you mean `list`"],
    [["job", "create"], "--file"],
    [["job", "list", "--nmae", "x"], "nmae"],
    [["job", "list", "--max-results", "many"], "whole number"],
    [["job", "list", "-o", "xml"], "xml"],
    [["job", "show", "-n"], "name"],
  ])("%j is refused with exit code 2", async (argv, said) => {
    const result = await yard(argv, { cwd: folder() });

    expect(result.code).toBe(2);
    expect(result.out).toBe("");
    expect(result.err).toMatch(/^error: /);
    expect(result.err).toContain(said);
  });

  it("is told as JSON where JSON is asked for", async () => {
    const { err } = await yard(["job", "create", "-o", "json"], { cwd: folder() });

    expect(JSON.parse(err)).toMatchObject({ error: { code: "InvalidArgument" } });
  });
});

describe("a flag", () => {
  it("may be shortened to what begins no other, as in Azure's tools", async () => {
    const { env } = await home();
    const cwd = folder();

    const short = await yard(["workspace", "show", "--na", "w7", "--out=tsv", "--qu", "name"], { cwd, env });
    const ambiguous = await yard(["job", "list", "--a", "x"], { cwd, env });

    expect(short).toMatchObject({ code: 0, out: "w7\n" });
    expect(ambiguous.code).toBe(2);
  });

  it("without its flag is asked about", async () => {
    const cwd = folder();

    const shown = await yard(["job", "show", "mine"], { cwd });
    const extra = await yard(["job", "show", "-n", "mine", "more"], { cwd });

    expect(shown).toMatchObject({ code: 2 });
    expect(shown.err).toContain("did you mean `--name mine`?");
    expect(extra.err).toContain("`yard job show --help` shows what it takes");
  });

  it("for an Azure registry is refused by every verb that has it", async () => {
    const cwd = folder();
    for (const argv of [
      ["model", "show", "-n", "m"],
      ["component", "create", "-f", "c.yml"],
      ["environment", "create", "-n", "e"],
      ["data", "list"],
    ]) {
      const result = await yard([...argv, "--registry-name", "azureml"], { cwd });
      expect(result, argv.join(" ")).toMatchObject({ code: 2 });
      expect(result.err).toContain("azureml");
    }
  });
});

describe("finding the home", () => {
  it("is an error that says how to start one, exit code 6, where there is none", async () => {
    const result = await yard(["workspace", "list"], { cwd: folder() });

    expect(result.code).toBe(6);
    expect(result.err).toContain("yard up");
  });

  it("goes by the environment first, then server.json here or above, then the user's config", async () => {
    const [first, second, third] = [await home(), await home(), await home()];
    const cwd = join(folder(), "a", "b");
    mkdirSync(cwd, { recursive: true });
    const at = (url: string) => ({ url, token: FRAME_TOKEN });
    const asked = () => [first, second, third].map(({ requests }) => requests.splice(0).length);

    await yard(["config", "set", `address=${third.url}`, `token=${FRAME_TOKEN}`], { cwd });
    expect((await yard(["workspace", "show"], { cwd })).code).toBe(0);
    expect(asked()).toEqual([0, 0, 1]);

    mkdirSync(join(cwd, "..", ".trainyard"));
    writeFileSync(join(cwd, "..", ".trainyard", "server.json"), JSON.stringify(at(second.url)));
    expect((await yard(["workspace", "show"], { cwd })).code).toBe(0);
    expect(asked()).toEqual([0, 1, 0]);

    expect((await yard(["workspace", "show"], { cwd, env: first.env })).code).toBe(0);
    expect(asked()).toEqual([1, 0, 0]);
  });

  it("tells where the address came from when nothing listens there", async () => {
    const cwd = folder();
    mkdirSync(join(cwd, ".trainyard"));
    writeFileSync(join(cwd, ".trainyard", "server.json"), JSON.stringify({ url: "http://127.0.0.1:9", token: "t" }));

    const result = await yard(["workspace", "list"], { cwd });

    expect(result.code).toBe(6);
    expect(result.err).toContain("server.json");
    expect(result.err).toContain("yard up");
  });

  it("refuses an address that is none", async () => {
    const result = await yard(["workspace", "list"], { cwd: folder(), env: { TRAINYARD_URL: "localhost:7878" } });

    expect(result).toMatchObject({ code: 2 });
    expect(result.err).toContain("TRAINYARD_URL");
  });
});

describe("the workspace", () => {
  it("is the flag's, else the environment's, else the config's, else `default`", async () => {
    const { env } = await home();
    const cwd = folder();
    const show = async (argv: readonly string[], more: Record<string, string> = {}) =>
      (
        await yard(["workspace", "show", "--query", "name", "-o", "tsv", ...argv], { cwd, env: { ...env, ...more } })
      ).out.trim();

    expect(await show([])).toBe("default");
    await yard(["config", "set", "workspace", "mine"], { cwd });
    expect(await show([])).toBe("mine");
    expect(await show([], { TRAINYARD_WORKSPACE: "team" })).toBe("team");
    expect(await show(["-w", "flagged"], { TRAINYARD_WORKSPACE: "team" })).toBe("flagged");
    expect(await show(["--workspace-name=flagged"])).toBe("flagged");
  });

  it("that cannot be one is refused before anything is asked", async () => {
    const { env, requests } = await home();

    const result = await yard(["workspace", "show", "-w", "../x"], { cwd: folder(), env });

    expect(result.code).toBe(2);
    expect(requests).toEqual([]);
  });
});

describe("an answer", () => {
  it("comes over all pages, or as many items as asked for", async () => {
    const { env } = await home();
    const cwd = folder();

    const all = await yard(["workspace", "list", "--query", "[].name", "-o", "tsv"], { cwd, env });
    const some = await yard(["workspace", "list", "--max-results", "3", "--query", "[].name", "-o", "tsv"], {
      cwd,
      env,
    });
    const shown = await yard(["workspace", "list", "-r", "3"], { cwd, env, terminal: 80 });

    expect(all.out).toBe("w0\nw1\nw2\nw3\nw4\n");
    expect(some.out).toBe("w0\nw1\nw2\n");
    expect(shown.err).toContain("only the first 3");
  });

  it("takes Azure's -g and --subscription without a word", async () => {
    const { env } = await home();

    const result = await yard(
      ["workspace", "show", "-g", "rg", "--subscription", "s", "--only-show-errors", "-o", "none"],
      { cwd: folder(), env },
    );

    expect(result).toEqual({ code: 0, out: "", err: "" });
  });

  it("of an error is its code's exit code, message and hint", async () => {
    const { env } = await home();

    const result = await yard(["workspace", "show", "-n", "absent"], { cwd: folder(), env });

    expect(result).toMatchObject({ code: 4, out: "", err: "error: there is no workspace `absent`\nhint: make it\n" });
  });
});

describe("yard config", () => {
  it("keeps settings in a file that only its owner can read, and never lists the token", async () => {
    const cwd = folder();
    await yard(["config", "set", "workspace=team", "token=abcdefghijkl", "address=http://127.0.0.1:7878/"], { cwd });

    const listed = await yard(["config", "list", "-o", "json"], { cwd });
    const file = join(cwd, ".config/trainyard/config.json");

    expect(JSON.parse(listed.out)).toMatchObject([
      { key: "workspace", value: "team" },
      { key: "address", value: "http://127.0.0.1:7878" },
      { key: "token", value: "abcd…" },
    ]);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(JSON.parse(readFileSync(file, "utf8"))).toHaveProperty("token", "abcdefghijkl");
    expect((await yard(["config", "get", "workspace"], { cwd })).out).toBe("team\n");
    await yard(["config", "unset", "workspace"], { cwd });
    expect((await yard(["config", "get", "workspace"], { cwd })).code).toBe(4);
  });

  it.each([[["set", "colour=red"]], [["set", "workspace"]], [["set", "address=ftp://x"]], [["get", "colour"]]])(
    "%j is refused",
    async (argv) => {
      expect((await yard(["config", ...argv], { cwd: folder() })).code).toBe(2);
    },
  );

  it("prints what MLflow needs, for the shell that asks", async () => {
    const { env, url } = await home();
    const cwd = folder();

    const sh = await yard(["config", "mlflow", "-w", "team"], { cwd, env });
    const fish = await yard(["config", "mlflow", "--shell", "fish"], { cwd, env });

    expect(sh.out).toBe(`export MLFLOW_TRACKING_URI='${url}/w/team'\nexport MLFLOW_TRACKING_TOKEN='${FRAME_TOKEN}'\n`);
    expect(fish.out).toContain(`set -gx MLFLOW_TRACKING_URI '${url}/w/default'`);
  });
});

describe("yard validate", () => {
  it("reports on each file, and exits 1 when one is invalid", async () => {
    const cwd = folder();
    writeFileSync(join(cwd, "good.yml"), "command: echo ${{inputs.x}}\nenvironment: azureml:e:1\ninputs:\n  x: 3\n");
    writeFileSync(join(cwd, "bad.yml"), "comand: echo\nenvironment: azureml:e:1\n");

    const good = await yard(["validate", "good.yml", "--kind", "job", "--output", "json"], { cwd });
    const both = await yard(["validate", "good.yml", "bad.yml", "--kind", "job", "--output", "json"], { cwd });
    const human = await yard(["validate", "bad.yml", "-k", "job"], { cwd, terminal: 80 });

    expect(good.code).toBe(0);
    expect(JSON.parse(good.out)).toMatchObject([
      { file: "good.yml", valid: true, kind: "job.command", inputs: ["x"], refs: ["azureml:e:1"], errors: [] },
    ]);
    expect(both.code).toBe(1);
    const [, bad] = JSON.parse(both.out) as {
      valid: boolean;
      errors: { line: number; column: number; field: string; message: string; hint?: string }[];
    }[];
    expect(bad?.valid).toBe(false);
    expect(bad?.errors[0]).toMatchObject({ line: 1, column: 1 });
    expect(human.out).toMatch(/INVALID\s+bad\.yml/);
    expect(human.out).toContain("bad.yml:1:1");
  });

  it("says of a missing file that it is missing, and of a kind that it is none", async () => {
    const cwd = folder();

    const absent = await yard(["validate", "absent.yml", "-o", "json"], { cwd });
    const kind = await yard(["validate", "absent.yml", "--kind", "jbo"], { cwd });

    expect(absent.code).toBe(1);
    expect(JSON.parse(absent.out)).toMatchObject([{ valid: false, errors: [{ file: "absent.yml" }] }]);
    expect(kind.code).toBe(2);
  });
});

describe("yard completion", () => {
  it.each(["bash", "zsh", "fish"])("%s: knows nouns, verbs and flags", async (shell) => {
    const { code, out } = await yard(["completion", shell], { cwd: folder() });

    expect(code).toBe(0);
    for (const word of ["online-deployment", "connect-url", "experiment-name"]) expect(out).toContain(word);
  });

  it("refuses other shells", async () => {
    expect((await yard(["completion", "tcsh"], { cwd: folder() })).code).toBe(2);
  });
});
