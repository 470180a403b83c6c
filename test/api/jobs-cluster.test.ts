import { expect, test } from "vitest";
import { computes, jobs, runner } from "../../src/client/routes.ts";
import { type JobFrame, openJobFrame, reportOf } from "../helpers/job-frame.ts";
import { expectCode, until } from "../helpers/ports.ts";

const at = (name: string) => ({ workspace: "default", name });

async function openCluster(max: number): Promise<JobFrame> {
  const frame = await openJobFrame({ types: ["local", "cluster"] });
  const spec = { type: "cluster" as const, size: "Standard_DS3_v2", max_instances: max };
  await frame.client.call(computes.put, { params: at("pool"), body: spec });
  return frame;
}

const submit = (frame: JobFrame, name: string, instance_count: number) =>
  frame.client.call(jobs.put, {
    params: at(name),
    body: {
      spec: {
        type: "command",
        command: "true",
        environment: "python-3",
        compute: "pool",
        resources: { instance_count },
      },
    },
  });

const launched = (frame: JobFrame) => frame.machine.launched.map(({ runId }) => runId);
const launches = (frame: JobFrame, ...names: string[]) =>
  until(() => names.every((name) => launched(frame).includes(name)), `the launch of ${names.join(", ")}`);

async function end(frame: JobFrame, name: string): Promise<void> {
  const params = { workspace: "default", run: name };
  await (await frame.runner(name)).call(runner.report, { params, body: reportOf(name, "Completed") });
}

test("a job takes as many of a cluster's machines as it asks for, and those after it don't pass it by", async () => {
  const frame = await openCluster(4);
  await submit(frame, "two", 2);
  await launches(frame, "two");
  await submit(frame, "three", 3);
  await submit(frame, "one", 1);

  await submit(frame, "last", 1);
  expect(launched(frame)).toEqual(["two"]);

  await end(frame, "two");
  await launches(frame, "three", "one");
  expect(launched(frame)).toEqual(["two", "three", "one"]);
  await end(frame, "three");
  await launches(frame, "last");
});

test("a cluster is shown with what it takes otherwise than written, and one of no size there is is refused", async () => {
  const frame = await openCluster(4);

  expect(await frame.client.call(computes.get, { params: at("pool") })).toMatchObject({
    type: "cluster",
    slots: 4,
    notes: ["`Standard_DS3_v2` runs as `m5.xlarge` (4 vCPUs, 16 GiB)"],
  });
  const odd = { params: at("odd"), body: { type: "cluster" as const, size: "Standard_Huge" } };
  await expectCode(frame.client.call(computes.put, odd), "InvalidArgument");
  await expectCode(frame.client.call(computes.put, { params: at("seat"), body: { type: "instance" } }), "NotSupported");
});
