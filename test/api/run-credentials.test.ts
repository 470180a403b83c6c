import { expect, test } from "vitest";
import { jobs, runner as routes } from "../../src/client/routes.ts";
import type { CommandJobSpec } from "../../src/contract/jobs.ts";
import type { Credentials } from "../../src/core/ports/credentials.ts";
import { type JobFrame, openJobFrame, reportOf } from "../helpers/job-frame.ts";
import { expectCode, until } from "../helpers/ports.ts";

type Outputs = CommandJobSpec["outputs"];

const params = { workspace: "default", run: "one" };

/** Lends what it is asked for, and notes it. */
function makeLender() {
  const asked: Parameters<Credentials["lend"]>[] = [];
  const lend: Credentials["lend"] = async (...args) => {
    asked.push(args);
    return {
      accessKeyId: "AKIA",
      secretAccessKey: "secret",
      sessionToken: "session",
      expiresMs: Date.parse("2026-01-01T01:00:00Z"),
      region: "eu-central-1",
      bucket: "b",
      prefixes: Math.min(asked.at(-1)?.[1].length ?? 0, 4),
    };
  };
  return { asked, credentials: { lend } };
}

async function started(frame: JobFrame, outputs: Outputs = { model: { type: "uri_folder" } }) {
  const job = await frame.client.call(jobs.put, {
    params: { workspace: "default", name: "one" },
    body: {
      spec: {
        type: "command",
        command: "echo",
        environment: "python-3",
        outputs,
      },
    },
  });
  await until(() => frame.machine.launched.length > 0, "the launch");
  return job;
}

test("a run is lent what is its own: its artifacts, and the folder its outputs go to", async () => {
  const { asked, credentials } = makeLender();
  const frame = await openJobFrame({ credentials });
  await started(frame);
  const runner = await frame.runner("one");
  const { experiment_id, outputs } = await runner.call(routes.assignment, { params });

  const lent = await runner.call(routes.credentials, { params });

  const prefixes = [`ws/default/artifacts/${experiment_id}/one/artifacts/`, "ws/default/datastore/azureml/one/"];
  expect(asked).toEqual([["run-one", prefixes]]);
  expect(outputs.model?.uri).toBe("azureml://datastores/workspaceblobstore/paths/azureml/one/model/");
  expect(lent).toEqual({
    access_key_id: "AKIA",
    secret_access_key: "secret",
    session_token: "session",
    expires_at: "2026-01-01T01:00:00.000Z",
    region: "eu-central-1",
    artifacts: `s3://b/${prefixes[0]}`,
    outputs: `s3://b/${prefixes[1]}`,
    output_places: {},
  });
});

test("and outputs at places of their own in the workspace's storage, as many as fit", async () => {
  const { asked, credentials } = makeLender();
  const frame = await openJobFrame({ credentials });
  const at = (path: string) => `azureml://datastores/workspaceblobstore/paths/${path}`;
  await started(frame, {
    one: { type: "uri_folder", path: at("shared/models/") },
    two: { type: "uri_file", path: at("shared/report.csv") },
    three: { type: "uri_folder", path: at("more/") },
    usual: { type: "uri_folder" },
  });

  const lent = await (await frame.runner("one")).call(routes.credentials, { params });

  expect(asked[0]?.[1].slice(2)).toEqual([
    "ws/default/datastore/shared/models/",
    "ws/default/datastore/shared/report.csv",
    "ws/default/datastore/more/",
  ]);
  expect(lent.output_places).toEqual({
    one: "s3://b/ws/default/datastore/shared/models/",
    two: "s3://b/ws/default/datastore/shared/report.csv",
  });
});

test("another run, a person, and a run that is over are lent nothing", async () => {
  const { asked, credentials } = makeLender();
  const frame = await openJobFrame({ credentials });
  await started(frame);
  const runner = await frame.runner("one");

  await expectCode(frame.client.call(routes.credentials, { params }), "Forbidden");
  await expectCode((await frame.runner("two")).call(routes.credentials, { params }), "Unauthenticated");
  await expectCode(runner.call(routes.credentials, { params: { ...params, run: "two" } }), "Forbidden");
  await runner.call(routes.report, { params, body: reportOf("one", "Completed") });
  await expectCode(runner.call(routes.credentials, { params }), "Conflict");
  expect(asked).toEqual([]);
});

test("a laptop lends none, and says why", async () => {
  const frame = await openJobFrame();
  await started(frame);

  const refused = (await frame.runner("one")).call(routes.credentials, { params });

  await expectCode(refused, "NotSupported");
  await expect(refused).rejects.toThrow(/files of its machine/);
});
