import { cpSync, existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type CliResult, yard } from "../helpers/cli.ts";
import { makeTempDir } from "../helpers/ports.ts";
import { startServer, type TestServer } from "../helpers/server.ts";

const EXAMPLES = fileURLToPath(new URL("../../examples", import.meta.url));
const PREFIX = "npx --no yard ";
const temporary = makeTempDir();
const INSTALL_MS = 600_000;
let server: TestServer;

/** The lines of the first block of examples/README.md under this heading. */
function linesOf(example: string): string[] {
  const text = readFileSync(join(EXAMPLES, "README.md"), "utf8");
  const block = text.split(`\n## ${example}:`)[1]?.split("```")[1] ?? "";
  return block.split("\n").filter((line) => line !== "");
}

/** Runs those lines as a newcomer does, and answers what each printed. */
async function follow(example: string): Promise<{ readonly folder: string; readonly said: readonly CliResult[] }> {
  const [enter, ...lines] = linesOf(example);
  expect(enter).toBe(`cd ${example}`);
  const folder = join(temporary.path, example);
  cpSync(join(EXAMPLES, example), folder, { recursive: true });
  const said: CliResult[] = [];
  for (const line of lines) {
    expect(line.startsWith(PREFIX), line).toBe(true);
    said.push(await run(folder, line.slice(PREFIX.length).split(" ")));
    expect(said.at(-1), line).toMatchObject({ code: 0 });
  }
  return { folder, said };
}

function run(cwd: string, argv: readonly string[]): Promise<CliResult> {
  return yard(argv, { cwd, env: { TRAINYARD_URL: server.url(), TRAINYARD_TOKEN: server.token() } });
}

beforeAll(async () => {
  server = await startServer();
});

afterAll(async () => {
  await server?.dispose();
  temporary.remove();
});

describe("the lines of examples/README.md", () => {
  it("hello: greets what the file and the literals say, and gives the output back", async () => {
    const { folder, said } = await follow("hello");
    const [dryRun, first, second] = said;

    expect(JSON.parse(dryRun?.out ?? "")).toMatchObject({
      uploads: [{ what: "code" }, { what: "inputs.places.path", path: "data/places.csv" }],
    });
    expect(first?.out).toContain("Hello, Bern!\nHello, Chur!\n");
    expect(second?.out).toContain("Grüezi, Bern!\n");
    expect(second?.out).not.toContain("Chur");
    expect(readFileSync(join(folder, "named-outputs/greetings/greetings.txt"), "utf8")).toBe(
      "Hello, Bern!\nHello, Chur!\n",
    );
  });

  it("pipeline: runs its steps, takes a branch, goes round a loop and registers the report", async () => {
    const { said } = await follow("pipeline");
    const [streamed, graph, report] = said;

    expect(streamed?.out).toMatch(/nothing {2}Skipped/);
    expect(streamed?.out).toMatch(/letters#1 {2}Completed/);
    expect(JSON.parse(graph?.out ?? "").steps).toContainEqual(expect.objectContaining({ path: "report/write" }));
    expect(JSON.parse(report?.out ?? "")).toMatchObject({ name: "word-report", version: "1" });
  });

  it("scoring: answers with what the weights make of the request, and leaves no endpoint", async () => {
    const { folder, said } = await follow("scoring");

    // 12.5 + 2 * 4.25 - 10 * 0.5, and 12.5 + 4 * 4.25.
    expect(JSON.parse(said[2]?.out ?? "")).toEqual([16, 29.5]);
    expect(said[3]?.out).toMatch(/\S/);
    expect(await run(folder, ["online-endpoint", "list", "-o", "json"])).toMatchObject({ code: 0, out: "[]\n" });
  });

  it("autolog: keeps parameters, metrics and the model of a script that names no address", {
    timeout: INSTALL_MS,
  }, async () => {
    const { folder, said } = await follow("autolog");
    const [submitted, metrics, model] = said;

    const score = /test score (\d\.\d{4})/.exec(submitted?.out ?? "")?.[1];
    const kept = JSON.parse(metrics?.out ?? "") as Record<string, number>;
    expect(kept.RandomForestRegressor_score_x_test?.toFixed(4)).toBe(score);
    expect(Object.keys(kept)).toContain("training_r2_score");
    expect(JSON.parse(model?.out ?? "")).toMatchObject({ name: "diabetes", version: "1", run_id: "forest" });

    const download = await run(folder, "model download --name diabetes --version 1 --download-path got".split(" "));
    expect(download).toMatchObject({ code: 0 });
    expect(existsSync(join(folder, "got/diabetes/model/MLmodel"))).toBe(true);
  });
});
