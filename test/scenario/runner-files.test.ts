import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { startAttempt, tempFolder } from "../helpers/attempt.ts";

const CODE = "azureml://trees/code";

describe("the snapshot", () => {
  it("is there with executables, links, empty folders and unicode names", async () => {
    const attempt = await startAttempt(
      "./run.sh && cat link.txt && test -d empty/inner && cat 'ünï/ça va.txt' && test -d outputs && test -d logs && pwd",
      {
        assignment: { code: CODE },
        listings: {
          [CODE]: {
            files: [
              { path: "run.sh", content: "#!/bin/sh\necho ran\n", executable: true },
              { path: "real.txt", content: "through a link\n" },
              { path: "ünï/ça va.txt", content: "names\n" },
            ],
            links: [{ path: "link.txt", target: "real.txt" }],
            folders: ["empty/inner"],
          },
        },
      },
    );

    const report = await attempt.done;

    expect(report.status).toBe("Completed");
    expect(attempt.home.log()).toContain(`ran\nthrough a link\nnames\n${attempt.folder}/code\n`);
  });

  it("is a copy: what the job changes stays the home's as it was", async () => {
    const folder = tempFolder();
    const stored = join(folder, "blob");
    writeFileSync(stored, "original", { mode: 0o400 });
    const attempt = await startAttempt(`echo changed > a.txt; cat a.txt ${stored}`, {
      assignment: { code: CODE },
      listings: { [CODE]: { files: [{ path: "a.txt", content: "original", localPath: stored }] } },
    });

    await attempt.done;

    expect(attempt.home.log()).toMatch(/changed\noriginal$/);
  });

  it.each([
    ["../escape.txt", /outside of its folder/],
    ["/etc/escape.txt", /outside of its folder/],
  ])("refuses the path `%s`", async (path, reason) => {
    const attempt = await startAttempt("true", {
      assignment: { code: CODE },
      listings: { [CODE]: { files: [{ path, content: "x" }] } },
    });

    const report = await attempt.done;

    expect(report.status).toBe("Failed");
    expect(report.reason).toMatch(reason);
  });
});

describe("inputs", () => {
  it("arrive as text, a folder, a file or an address, in the command and in variables", async () => {
    const data = tempFolder();
    writeFileSync(join(data, "b.csv"), "b");
    writeFileSync(join(data, "a.csv"), "a");
    const attempt = await startAttempt(
      "echo lr=${{inputs.lr}} [$(ls ${{inputs.mounted}} | tr '\\n' ' ')] $(cat ${{inputs.one}}) $(cat ${{inputs.copied}}/x/y.txt) " +
        "${{inputs.far}} $[[--opt ${{inputs.opt}}]]end $AZURE_ML_INPUT_lr $GREETING; basename ${{inputs.one}}",
      {
        assignment: {
          inputs: {
            lr: { type: "number", value: "1e-3" },
            opt: { type: "string" },
            mounted: { type: "uri_folder", uri: "azureml://d/mounted", mode: "mount" },
            one: { type: "uri_file", uri: "https://example.test/one.txt", mode: "mount", is_file: true },
            copied: { type: "uri_folder", uri: "azureml://d/copied", mode: "download" },
            far: { type: "uri_folder", uri: "azureml://d/far", mode: "direct" },
          },
          environment_variables: { GREETING: "rate ${{inputs.lr}}" },
        },
        listings: {
          "azureml://d/mounted": { files: [], localPath: data },
          "https://example.test/one.txt": { files: [{ path: "one.txt", content: "single" }], isFile: true },
          "azureml://d/copied": { files: [{ path: "x/y.txt", content: "deep" }] },
        },
      },
    );

    const report = await attempt.done;

    expect(report).toMatchObject({ status: "Completed" });
    expect(attempt.home.log()).toContain(
      "lr=1e-3 [a.csv b.csv ] single deep azureml://d/far end 1e-3 rate 1e-3\none.txt\n",
    );
  });

  it("that are missing are named", async () => {
    const attempt = await startAttempt("true", {
      assignment: { inputs: { train: { type: "uri_folder", uri: "azureml:gone:1", mode: "mount" } } },
    });

    const report = await attempt.done;

    expect(report.status).toBe("Failed");
    expect(report.reason).toMatch(/input `train` is not available: .*azureml:gone:1/);
  });
});

describe("outputs", () => {
  it("are stored where they belong, artifacts with the run", async () => {
    const attempt = await startAttempt(
      "echo m > ${{outputs.model}}/MLmodel; mkdir ${{outputs.model}}/data; echo w > ${{outputs.model}}/data/w; " +
        "echo f > ${{outputs.file}}; echo a > outputs/a.txt; mkdir logs/deep; echo l > logs/deep/l.txt; echo ${{outputs.direct}} && : > ${{outputs.model}}/empty",
      {
        assignment: {
          outputs: {
            model: { type: "mlflow_model", uri: "azureml://datastores/s/paths/m/", mode: "mount", is_file: false },
            file: { type: "uri_file", uri: "azureml://datastores/s/paths/x/report.csv", mode: "upload", is_file: true },
            direct: { type: "uri_folder", uri: "azureml://datastores/s/paths/direct", mode: "direct", is_file: false },
          },
        },
      },
    );

    const report = await attempt.done;

    expect(report.status).toBe("Completed");
    expect(attempt.home.log()).toContain("azureml://datastores/s/paths/direct\n");
    const stored = Object.fromEntries([...attempt.home.uploads].map(([uri, bytes]) => [uri, bytes.toString()]));
    expect(stored).toEqual({
      "azureml://jobs/r1/outputs/artifacts/paths/outputs/a.txt": "a\n",
      "azureml://jobs/r1/outputs/artifacts/paths/logs/deep/l.txt": "l\n",
      "azureml://datastores/s/paths/m/MLmodel": "m\n",
      "azureml://datastores/s/paths/m/data/w": "w\n",
      "azureml://datastores/s/paths/m/empty": "",
      "azureml://datastores/s/paths/x/report.csv": "f\n",
    });
  });

  it("of a failed command are kept too", async () => {
    const attempt = await startAttempt("echo part > outputs/part.txt; exit 1");

    await attempt.done;

    expect([...attempt.home.uploads.keys()]).toEqual(["azureml://jobs/r1/outputs/artifacts/paths/outputs/part.txt"]);
  });
});

describe("the command's surroundings", () => {
  it("track to this run and keep the machine's secrets and other Pythons out", async () => {
    const attempt = await startAttempt("env; python -c 'import sys; print(\"prefix\", sys.prefix)'", {
      env: {
        MLFLOW_TRACKING_URI: "http://elsewhere",
        PYTHONPATH: "/nowhere",
        TRAINYARD_TOKEN: "the owner's",
        FREE: "yes",
      },
    });

    await attempt.done;

    const log = attempt.home.log();
    expect(log).toContain(`MLFLOW_TRACKING_URI=${attempt.home.url}/w/default\n`);
    expect(log).toContain("MLFLOW_RUN_ID=r1\n");
    expect(log).toContain("MLFLOW_TRACKING_TOKEN=run-token\n");
    expect(log).toContain("AZUREML_RUN_ID=r1\n");
    expect(log).toContain("FREE=yes\n");
    expect(log).toContain(`prefix ${attempt.folder}/env\n`);
    expect(log).not.toContain("PYTHONPATH");
    expect(log).not.toContain("the owner's");
  });

  it("show system metrics of a run that lasts", async () => {
    const attempt = await startAttempt("sleep 1.2");

    await attempt.done;

    const [batch] = attempt.home.trackingCalls as { run_id: string; metrics: { key: string; value: number }[] }[];
    expect(batch?.run_id).toBe("r1");
    expect(batch?.metrics.map((one) => one.key)).toContain("system/cpu_utilization_percentage");
  });
});
