import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { openMlflow } from "../../../bench/mlflow-peer.ts";
import { makeTempDir } from "../../helpers/ports.ts";
import { MLFLOW_CLIENT, mlflowVariables, pythonWith, runPython } from "../../helpers/python.ts";
import { startServer } from "../../helpers/server.ts";

const SUITE = fileURLToPath(new URL("suite", import.meta.url));
const PACKAGES = [...MLFLOW_CLIENT, "pytest>=9,<10", "psutil>=7"];
/** The one that waits for whole models, beside which the others run. */
const SLOW = "test_fluent.py";
const AGAINST_MLFLOW = process.env.MLFLOW_SUITE_AGAINST === "mlflow";

interface Case {
  /** `file.py::test[parameters]`. */
  readonly case: string;
  readonly ok: boolean;
  readonly why: string;
}

/** The MLflow client from PyPI, unmodified, against a server in its own process: ours, or MLflow's own to hold the suite itself against it. */
const { cases, problems } = await runSuite();

describe(`the MLflow client against ${AGAINST_MLFLOW ? "MLflow's own server" : "this server"}`, () => {
  it.each(cases)("$case", ({ ok, why }) => {
    expect(ok, why).toBe(true);
  });

  it("ran every file to its end", () => {
    expect(problems).toEqual([]);
    expect([...new Set(cases.map((each) => each.case.split("::")[0]))].sort()).toEqual(files());
    console.log(`${cases.length} cases of the MLflow client, ${cases.filter(({ ok }) => ok).length} passed`);
  });
});

function files(): string[] {
  return readdirSync(SUITE)
    .filter((name) => /^test_.*\.py$/.test(name))
    .sort();
}

async function runSuite(): Promise<{ cases: Case[]; problems: string[] }> {
  const python = await pythonWith(PACKAGES);
  const temporary = makeTempDir();
  const server = AGAINST_MLFLOW ? await openPeer() : await openOurs();
  try {
    const parts = [[SLOW], files().filter((name) => name !== SLOW)];
    const runs = await Promise.all(
      parts.map(async (names, i) => {
        const report = join(temporary.path, `${i}.jsonl`);
        const args = ["-m", "pytest", "-q", "--no-header", "--tb=short", "-p", "no:cacheprovider", "--rootdir", SUITE];
        const result = await runPython(python, [...args, ...names.map((name) => join(SUITE, name))], {
          ...server.variables,
          MPLBACKEND: "agg",
          // A model's packages are found by loading it in a process of its own; after this second the flavor's usual ones stand.
          MLFLOW_REQUIREMENTS_INFERENCE_TIMEOUT: "1",
          SUITE_REPORT: report,
        });
        // 1: cases failed, which they tell themselves.
        const broken = result.code === 0 || result.code === 1 ? [] : [`${names}: ${result.stdout}${result.stderr}`];
        return { cases: broken.length > 0 ? [] : readCases(report), broken };
      }),
    );
    return { cases: runs.flatMap((run) => run.cases), problems: runs.flatMap((run) => run.broken) };
  } finally {
    await server.close();
    temporary.remove();
  }
}

function readCases(report: string): Case[] {
  const lines = readFileSync(report, "utf8").split("\n");
  return lines.filter((line) => line !== "").map((line) => JSON.parse(line) as Case);
}

async function openOurs() {
  const server = await startServer();
  return { variables: mlflowVariables({ url: server.url(), token: server.token() }), close: () => server.dispose() };
}

async function openPeer() {
  const peer = await openMlflow();
  const { MLFLOW_TRACKING_TOKEN: _, ...variables } = mlflowVariables({ url: "", token: "" });
  return {
    variables: { ...variables, MLFLOW_TRACKING_URI: `http://127.0.0.1:${peer.port}` },
    close: () => peer.close(),
  };
}
