import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, it, onTestFinished } from "vitest";
import { makeTempDir } from "../helpers/ports.ts";
import { MLFLOW_CLIENT, mlflowVariables, pythonWith } from "../helpers/python.ts";
import { startServer } from "../helpers/server.ts";

const FOLDER = fileURLToPath(new URL("java", import.meta.url));
const CHECKS = ["experiments", "runs", "search", "fluent", "artifacts", "registry"];
const LIMIT_MS = 900_000;
const run = promisify(execFile);

it("answers MLflow's Java client", { timeout: LIMIT_MS }, async () => {
  const server = await startServer();
  const temporary = makeTempDir();
  onTestFinished(async () => {
    await server.dispose();
    temporary.remove();
  });
  const paths = join(temporary.path, "class-path");
  await run("mvn", ["-q", "-B", "dependency:build-classpath", `-Dmdep.outputFile=${paths}`], { cwd: FOLDER });
  // For files the Java client calls the `mlflow` program.
  const bin = dirname(await pythonWith(MLFLOW_CLIENT));

  const { stdout } = await run("java", ["-cp", readFileSync(paths, "utf8"), join(FOLDER, "Check.java")], {
    env: {
      ...process.env,
      ...mlflowVariables({ url: server.url(), token: server.token() }),
      PATH: `${bin}${delimiter}${process.env.PATH ?? ""}`,
    },
  });

  expect(stdout.split("\n").filter((line) => line.startsWith("CHECK "))).toEqual(CHECKS.map((name) => `CHECK ${name}`));
});
