import { expect, test } from "vitest";
import { type BatchFacts, waitCauseOf } from "../../../../src/adapters/aws/batch/wait-cause.ts";
import { waitSentence } from "../../../../src/core/jobs/waiting.ts";

const RUNNABLE = { status: "RUNNABLE" };
const environment = {
  state: "ENABLED",
  status: "VALID",
  statusReason: "ComputeEnvironment Healthy",
  maxvCpus: 64,
  desiredvCpus: 0,
  instanceTypes: ["p4d.24xlarge"],
  zones: ["us-east-1a", "us-east-1b"],
};
const facts = {
  compute: "gpus",
  spot: false,
  region: "us-east-1",
  vcpus: 48,
  image: "img:1",
  job: RUNNABLE,
  environment,
};
const starting = (containerReason: string) => ({
  job: { status: "STARTING", statusReason: "Task failed to start", containerReason },
});
const failed = (statusMessage: string) => ({ activities: [{ statusCode: "Failed", statusMessage }] });
const cannotPull = "CannotPullContainerError: The task cannot pull the image from the registry: ";

/** What a service said -> what the person reads. Texts as Batch, Auto Scaling, ECS and registries word them. */
const CASES: readonly (readonly [string, Partial<BatchFacts>, string | RegExp])[] = [
  ["nothing wrong", {}, "a machine of compute `gpus` is being started, which takes some minutes"],
  [
    "the account's quota, by the scaling activity",
    failed(
      "You have requested more vCPU capacity than your current vCPU limit of 32 allows for the instance bucket that the specified instance type belongs to. Please visit http://aws.amazon.com/contact-us/ec2-request to request an adjustment to this limit. Launching EC2 instance failed.",
    ),
    'the account may have 32 vCPUs of "Running On-Demand P instances" in us-east-1 and the job needs 48; raise it with `aws service-quotas request-service-quota-increase --service-code ec2 --quota-code L-417A185B --desired-value 80`',
  ],
  [
    "the quota of spot machines of a usual kind",
    {
      ...failed(
        "You have requested more vCPU capacity than your current vCPU limit of 8 allows for the instance bucket",
      ),
      spot: true,
      environment: { ...environment, instanceTypes: ["m5.xlarge"] },
    },
    /^the account may have 8 vCPUs of "All Standard .* Spot Instance Requests" .* L-34B43A08 /,
  ],
  [
    "no capacity, by Batch",
    {
      job: {
        ...RUNNABLE,
        statusReason:
          "CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY - Service cannot fulfill the capacity requested for instance type [p4d.24xlarge]",
      },
    },
    "AWS has no p4d.24xlarge machines to give in us-east-1a, us-east-1b now, and is asked again; another size or region may have them",
  ],
  [
    "no capacity, by the scaling activity, which knows the zone",
    {
      ...failed(
        "We currently do not have sufficient g5.xlarge capacity in the Availability Zone you requested (us-east-1c). Our system will be working on provisioning additional capacity. Launching EC2 instance failed.",
      ),
      spot: true,
    },
    "AWS has no spot g5.xlarge machines to give in us-east-1c now, and is asked again; a compute of tier `dedicated` may have them",
  ],
  [
    "a capacity that came back",
    { activities: [{ statusCode: "Successful" }, { statusCode: "Failed", statusMessage: "vCPU limit of 1" }] },
    /^a machine .* is being started/,
  ],
  [
    "the pool's own limit",
    { environment: { ...environment, desiredvCpus: 64 } },
    "compute `gpus` has all 64 vCPUs of its pool in use; the job starts when one ends",
  ],
  [
    "more than the pool may ever have",
    { vcpus: 96, environment: { ...environment, desiredvCpus: 0 } },
    /^the job asks for more than any machine of compute `gpus` has/,
  ],
  [
    "more than any of its machines has",
    {
      job: {
        ...RUNNABLE,
        statusReason:
          "MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT - The job resource requirement (vCPU/memory/GPU) is higher than that can be met by the CE(s) attached to the job queue.",
      },
    },
    /^the job asks for more than any machine of compute `gpus` has/,
  ],
  [
    "a paused compute",
    { environment: { ...environment, state: "DISABLED" } },
    "compute `gpus` is paused: it takes no jobs until its `max_instances` is more than 0",
  ],
  [
    "a compute that is set up wrong",
    {
      environment: {
        ...environment,
        status: "INVALID",
        statusReason: "CLIENT_ERROR - Launch Template lt-1 does not exist",
      },
    },
    "compute `gpus` can't start machines: CLIENT_ERROR - Launch Template lt-1 does not exist",
  ],
  [
    "a permission that lacks",
    failed(
      "You are not authorized to perform this operation. Encoded authorization failure message: AAAA Launching EC2 instance failed.",
    ),
    "this home lacks a permission to start machines: You are not authorized to perform this operation; `yard doctor` names it",
  ],
  [
    "machines that don't join",
    { machines: { running: 1, joined: 0, minutes: 14 } },
    /^machines of compute `gpus` have run for 14 minutes and none has reported for work; its subnets need a route/,
  ],
  ["machines that have only just begun", { machines: { running: 1, joined: 0, minutes: 3 } }, /is being started/],
  [
    "what Batch can't explain either",
    { job: { ...RUNNABLE, statusReason: "UNDETERMINED - Batch job is blocked, root cause is undetermined." } },
    "Batch job is blocked, root cause is undetermined",
  ],
  [
    "a tag that isn't there",
    starting(`${cannotPull}Error response from daemon: manifest for img:1 not found: manifest unknown`),
    "image `img:1` can't be used: there is no such image or tag",
  ],
  [
    "a private registry",
    starting(
      `${cannotPull}pull access denied for img, repository does not exist or may require 'docker login': denied`,
    ),
    /can't be used: its registry asks for a login/,
  ],
  [
    "a registry that can't be reached",
    starting(
      'CannotPullContainerError: pull image manifest has been retried 5 time(s): failed to resolve ref "img:1": failed to do request: Head "https://example.test/v2/": dial tcp 10.0.3.17:443: i/o timeout',
    ),
    /^image `img:1` can't be used: its registry can't be reached from the job's network/,
  ],
  [
    "a registry that has had enough",
    starting(`${cannotPull}toomanyrequests: You have reached your pull rate limit.`),
    /its registry allows no more downloads for now/,
  ],
  [
    "an image of another processor",
    starting("CannotPullContainerError: no matching manifest for linux/amd64 in the manifest list entries"),
    "image `img:1` can't be used: it is not made for linux/amd64",
  ],
  [
    "an image too large for the disk",
    starting("CannotPullContainerError: failed to register layer: write /opt/x: no space left on device"),
    "image `img:1` can't be used: the machine's disk is too small for it",
  ],
];

test.each(CASES)("tells of %s in one sentence", (_, more, sentence) => {
  const told = waitSentence(waitCauseOf({ ...facts, ...more }));

  if (typeof sentence === "string") expect(told).toBe(sentence);
  else expect(told).toMatch(sentence);
  expect(told).not.toMatch(/\n|\.$/);
});
