import { describe, expect, it } from "vitest";
import { AppError } from "../../../src/contract/errors.ts";
import { ScheduleSpec } from "../../../src/contract/schedules.ts";
import { withUploads } from "../../../src/spec/load.ts";
import { loadSchedule } from "../../../src/spec/load-schedule.ts";
import { memoryReader } from "../../../src/spec/paths.ts";
import { errorsOf, validate } from "./support.ts";

const FILES = {
  "jobs/job.yml": `command: python main.py \${{inputs.a}} \${{inputs.b}}
code: ./src
environment: azureml:python-3.11@latest
inputs:
  a: {type: uri_file, path: ../data/a.csv}
  b: 1
tags: {kept: "yes", changed: "no"}
`,
  "jobs/src/main.py": "",
  "data/a.csv": "1",
  "schedules/c.csv": "1",
};
const CRON = 'name: s\ntrigger: {type: cron, expression: "0 8 * * 1-5", time_zone: Tokyo Standard Time}\n';

function load(text: string) {
  const loaded = loadSchedule(memoryReader({ ...FILES, "schedules/s.yml": text }), "schedules/s.yml");
  const uris = loaded.uploads.map(({ path }) => `azureml://trees/${path}`);
  const spec = withUploads(loaded.spec, loaded.uploads, uris);
  expect(ScheduleSpec.safeParse(spec).error).toBeUndefined();
  return { loaded, spec };
}

function codeOf(text: string): string {
  try {
    load(text);
  } catch (error) {
    if (error instanceof AppError) return `${error.code}: ${error.message}`;
    throw error;
  }
  return "nothing";
}

describe("a schedule's file", () => {
  it("takes in the job's file with what it names", () => {
    const { loaded, spec } = load(`${CRON}create_job: ../jobs/job.yml\n`);

    expect(loaded.name).toBe("s");
    expect(spec.create_job).toMatchObject({
      spec: { code: "azureml://trees/jobs/src", inputs: { a: { path: "azureml://trees/data/a.csv" } } },
    });
  });

  it("says anew what the job is to be, file by file and entry by entry", () => {
    const { loaded, spec } = load(`${CRON}create_job:
  type: command
  job: ../jobs/job.yml
  inputs: {a: {type: uri_file, path: ./c.csv}}
  tags: {changed: "yes"}
  experiment_name: nightly
`);

    expect(loaded.uploads.map(({ at, path }) => [at.join("."), path])).toEqual([
      ["create_job.spec.code", "jobs/src"],
      ["create_job.spec.inputs.a.path", "schedules/c.csv"],
    ]);
    expect(spec.create_job).toMatchObject({
      spec: {
        experiment_name: "nightly",
        inputs: { a: { path: "azureml://trees/schedules/c.csv" }, b: { value: "1" } },
        tags: { kept: "yes", changed: "yes" },
      },
    });
  });

  it("names a job of the workspace", () => {
    expect(load(`${CRON}create_job: azureml:first\n`).spec.create_job).toEqual({ job: "azureml:first" });
    expect(load(`${CRON}create_job: {job: azureml:first, inputs: {b: 2}}\n`).spec.create_job).toEqual({
      job: "azureml:first",
      overrides: { inputs: { b: { type: "integer", value: "2" } } },
    });
  });

  it("holds the job itself", () => {
    const { loaded, spec } = load(`${CRON}create_job:
  type: command
  command: python main.py
  code: ../jobs/src
  environment: azureml:python-3.11@latest
`);

    expect(loaded.uploads.map(({ at }) => at.join("."))).toEqual(["create_job.spec.code"]);
    expect(spec.create_job).toMatchObject({ spec: { type: "command", command: "python main.py" } });
  });

  it("refreshes data, and waits for what happens", () => {
    const { spec } = load(`name: s
trigger: {type: file, path: azureml://datastores/d/paths/p, pattern: "**/*.csv"}
missed_runs: all
refresh_data: azureml:incoming
`);

    expect(spec).toMatchObject({ refresh_data: { name: "incoming" }, missed_runs: "all", trigger: { type: "file" } });
  });

  it("refuses what only Azure does, and says so", () => {
    const monitor = `${CRON}create_monitor: {compute: {instance_type: a}, monitoring_signals: {}}\n`;
    expect(codeOf(monitor)).toMatch(/^NotSupported: .*monitors \(`create_monitor`\) exist in Azure only/);
  });

  it("finds what is wrong, with its place", () => {
    expect(errorsOf(validate(`${CRON.replace("Tokyo", "Tokio")}create_job: azureml:j\n`, "schedule"))).toEqual([
      "2:61 trigger.time_zone: `Tokio Standard Time` is not a time zone",
    ]);
    expect(errorsOf(validate(`${CRON}create_job: {}\n`, "schedule"))).not.toEqual([]);
    expect(errorsOf(validate(`${CRON}create_job: azureml:j\nrefresh_data: azureml:d\n`, "schedule"))).not.toEqual([]);
  });
});
