import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { reasonOf } from "../../../src/serving/failure.ts";
import { makeTempDir } from "../../helpers/ports.ts";

const NO_FILE = "/nonexistent/failure.json";

it("takes the launcher's own words before anything else", () => {
  const temp = makeTempDir();
  onTestFinished(temp.remove);
  const file = join(temp.path, "failure.json");
  writeFileSync(file, JSON.stringify({ reason: "init() of the scoring script failed: KeyError: 'x'" }));

  expect(reasonOf({ code: 3, signal: null }, file, ["ValueError: other"])).toBe(
    "init() of the scoring script failed: KeyError: 'x'",
  );
});

it("finds the script's own error in the log of Azure's server", () => {
  const log = [
    "2026-01-01 E azmlinfsrv - User's init function failed",
    "2026-01-01 E azmlinfsrv - Encountered Exception Traceback (most recent call last):",
    '  File "score.py", line 3, in init',
    "FileNotFoundError: [Errno 2] No such file or directory: 'model.pkl'",
    "The above exception was the direct cause of the following exception:",
    "azureml_inference_server_http.server.user_script.UserScriptException: Caught an unhandled exception from the user script",
    "[ERROR] Worker (pid:7) exited with code 3",
  ];

  expect(reasonOf({ code: 3, signal: null }, NO_FILE, log)).toBe(
    "init() of the scoring script failed: FileNotFoundError: [Errno 2] No such file or directory: 'model.pkl'",
  );
});

it("names the signal, or at least the exit code", () => {
  expect(reasonOf({ code: null, signal: "SIGKILL" }, NO_FILE, [])).toContain("memory");
  expect(reasonOf({ code: null, signal: "SIGSEGV" }, NO_FILE, [])).toBe("the model server died of SIGSEGV");
  expect(reasonOf({ code: 7, signal: null }, NO_FILE, ["nothing of note"])).toContain("exit code 7");
});
