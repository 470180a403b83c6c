import { CloudWatchLogsClient, GetLogEventsCommand } from "@aws-sdk/client-cloudwatch-logs";
import {
  AccountLimitExceededException,
  BatchGetBuildsCommand,
  type Build,
  CodeBuildClient,
  StartBuildCommand,
} from "@aws-sdk/client-codebuild";
import {
  CreateRepositoryCommand,
  DescribeImagesCommand,
  ECRClient,
  ImageNotFoundException,
  PutLifecyclePolicyCommand,
  RepositoryNotFoundException,
} from "@aws-sdk/client-ecr";
import { mockClient } from "aws-sdk-client-mock";
import { beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { openImageBook } from "../../../../src/adapters/aws/images/book.ts";
import { makeImageBuilder } from "../../../../src/adapters/aws/images/builder.ts";
import { openBuilds } from "../../../../src/adapters/aws/images/builds.ts";
import type { ReadImageFacts } from "../../../../src/adapters/aws/images/facts.ts";
import { openBuildRecords } from "../../../../src/adapters/aws/images/records.ts";
import { openRepository } from "../../../../src/adapters/aws/images/repository.ts";
import { openHome } from "../../../../src/adapters/local/home.ts";
import { makeArchiver } from "../../../../src/adapters/node/archive.ts";
import { makeDigest } from "../../../../src/adapters/node/digest.ts";
import type { EnvironmentSpec } from "../../../../src/contract/environments.ts";
import { isAppError } from "../../../../src/contract/errors.ts";
import type { Files } from "../../../../src/core/files/ports.ts";
import { makeTempDir } from "../../../helpers/ports.ts";

const URI = "123456789012.dkr.ecr.us-east-1.amazonaws.com/yard/environments";
const SPEC: EnvironmentSpec = { kind: "python", python: "3.10", requirements: ["numpy"], label: "mine" };
const DIGEST = `sha256:${"d".repeat(64)}`;
const DAY_MS = 24 * 3600 * 1000;
const error = { $metadata: {}, message: "" };

const ecr = mockClient(ECRClient);
const codebuild = mockClient(CodeBuildClient);
const logs = mockClient(CloudWatchLogsClient);

beforeEach(() => {
  for (const mock of [ecr, codebuild, logs]) mock.reset();
  ecr.on(DescribeImagesCommand).rejects(new ImageNotFoundException(error));
  ecr.on(CreateRepositoryCommand).resolves({});
  ecr.on(PutLifecyclePolicyCommand).resolves({});
  codebuild
    .on(StartBuildCommand)
    .callsFake(async ({ idempotencyToken }) => ({ build: { id: `images:${idempotencyToken}` } }));
  logs.on(GetLogEventsCommand).callsFake(async ({ nextToken }) => said(nextToken));
});

/** What CloudWatch has of the build's stream: a line a token. */
let lines: string[] = [];
const said = (token = "0") => {
  const events = lines.slice(Number(token)).map((message) => ({ message }));
  return { events, nextForwardToken: String(lines.length) };
};

const build = (more: Partial<Build>): void => {
  codebuild.on(BatchGetBuildsCommand).callsFake(async ({ ids }: { ids: string[] }) => ({
    builds: ids.map((id) => ({ id, logs: { groupName: "images", streamName: "one" }, ...more })),
  }));
};

const pushed = (imagePushedAt = new Date()): void => {
  ecr.on(DescribeImagesCommand).resolves({ imageDetails: [{ imageDigest: DIGEST, imagePushedAt }] });
};

interface Told {
  readonly state: string;
  readonly log: string;
  readonly hash?: string;
  readonly since?: string;
  readonly code?: string;
  readonly message?: string;
  readonly tail?: unknown;
}

async function open(facts: ReadImageFacts = async () => undefined) {
  lines = [];
  const temporary = makeTempDir();
  const home = await openHome({ dir: temporary.path });
  onTestFinished(async () => {
    await home.close();
    temporary.remove();
  });
  const now = { ms: Date.now() };
  const region = { region: "us-east-1" };
  const clock = { now: () => now.ms };
  const builder = makeImageBuilder({
    repository: openRepository({ ecr: new ECRClient(region), name: "yard/environments", home: "yard", now: clock.now }),
    repositoryUri: URI,
    ownOf: async (workspace) => (workspace === "apart" ? ownRepository(clock.now) : undefined),
    builds: openBuilds(new CodeBuildClient(region), "yard-images"),
    records: openBuildRecords(home.table),
    logs: new CloudWatchLogsClient(region),
    facts: [facts],
    files: {} as Files,
    objects: home.objects,
    bucket: "bytes",
    archiver: makeArchiver(),
    digest: makeDigest(),
    clock,
  });
  const ask = async (since?: string, spec = SPEC, workspace = "default"): Promise<Told> => {
    let log = "";
    const request = { workspace, spec, ...(since === undefined ? {} : { since }) };
    try {
      const answer = await builder.build(request, (text) => {
        log += text;
      });
      return { ...answer, log };
    } catch (reason) {
      if (!isAppError(reason)) throw reason;
      const { code, message, details } = reason;
      return { state: "failed", code, message, tail: details.log, log };
    }
  };
  const book = openImageBook({
    records: openBuildRecords(home.table),
    digest: makeDigest(),
    clock,
    ownOf: async (workspace) => (workspace === "apart" ? OWN : undefined),
  });
  return { ask, now, objects: home.objects, book };
}

const OWN = "arn:aws:ecr:us-east-1:123456789012:repository/theirs";
const OWN_URI = "123456789012.dkr.ecr.us-east-1.amazonaws.com/theirs";
function ownRepository(now: () => number) {
  const client = new ECRClient({ region: "us-east-1" });
  const repository = openRepository({ ecr: client, name: "theirs", home: "yard", now, isAdopted: true });
  return { arn: OWN, repository, uri: OWN_URI };
}

const started = () => codebuild.commandCalls(StartBuildCommand).map(({ args }) => args[0].input);

describe("an image that is not there", () => {
  test("is built by the project from a source in the bucket, into a repository that is made for it", async () => {
    const { ask, objects } = await open();
    ecr.on(DescribeImagesCommand).rejects(new RepositoryNotFoundException(error));

    const answer = await ask();

    const [order] = started();
    const { hash } = answer;
    expect(answer).toMatchObject({
      state: "building",
      reason: "the image of environment `mine` is about to be built",
    });
    expect(order).toEqual({
      projectName: "yard-images",
      idempotencyToken: expect.stringMatching(/^[0-9a-f]{40}-1$/),
      sourceTypeOverride: "S3",
      sourceLocationOverride: `bytes/images/${hash}/context.zip`,
      environmentVariablesOverride: [{ name: "IMAGE", value: `${URI}:env-${hash}`, type: "PLAINTEXT" }],
    });
    expect(await objects.head(`images/${hash}/context.zip`)).toBeDefined();
    expect(ecr.commandCalls(CreateRepositoryCommand)[0]?.args[0].input).toEqual({
      repositoryName: "yard/environments",
      imageScanningConfiguration: { scanOnPush: true },
      imageTagMutability: "MUTABLE",
      tags: [{ Key: "trainyard:home", Value: "yard" }],
    });
    const policy = ecr.commandCalls(PutLifecyclePolicyCommand)[0]?.args[0].input.lifecyclePolicyText ?? "";
    expect(JSON.parse(policy).rules.map((rule: { action: object }) => rule.action)).toEqual([
      { type: "expire" },
      { type: "expire" },
    ]);
  });

  test("is built once for all who ask, each of whom gets the whole log, piece by piece", async () => {
    const { ask } = await open();
    const [one, two] = await Promise.all([ask(), ask(undefined, { ...SPEC, label: "another name" })]);
    build({ buildStatus: "IN_PROGRESS", currentPhase: "BUILD" });
    lines.push("step 1");
    const first = await ask(one.since);
    lines.push("step 2\n");
    const second = await ask(first.since);
    const again = await ask(first.since);
    const late = await ask(two.since);
    lines.push("pushed");
    pushed();
    const ready = await ask(second.since);
    const another = await ask();

    expect(new Set(started().map(({ idempotencyToken }) => idempotencyToken)).size).toBe(1);
    expect(first).toMatchObject({ state: "building", log: "step 1\n" });
    expect(first).toMatchObject({ reason: "the image of environment `mine` is being built" });
    expect(second.log).toBe("step 2\n");
    expect(again).toEqual(second);
    expect(late.log).toBe("step 1\nstep 2\n");
    expect(ready).toMatchObject({ state: "ready", ref: `${URI}@${DIGEST}`, cached: false, log: "pushed\n" });
    expect(another).toMatchObject({ state: "ready", ref: `${URI}@${DIGEST}`, cached: true, log: "" });
  });

  test("is ready the moment the build says it is done, also before anybody asks ECR again", async () => {
    const { ask } = await open();
    const { since } = await ask();
    build({ buildStatus: "SUCCEEDED" });
    ecr
      .on(DescribeImagesCommand)
      .rejectsOnce(new ImageNotFoundException(error))
      .resolves({ imageDetails: [{ imageDigest: DIGEST, imagePushedAt: new Date() }] });

    expect(await ask(since)).toMatchObject({ state: "ready", cached: false });
  });
});

describe("an image that can't be built", () => {
  const FAILED: Partial<Build> = {
    buildStatus: "FAILED",
    phases: [
      { phaseType: "PROVISIONING", phaseStatus: "SUCCEEDED" },
      { phaseType: "BUILD", phaseStatus: "FAILED", contexts: [{ message: "exit status 1" }] },
    ],
  };

  test("fails for all who waited for it, with the log; whoever comes later tries again", async () => {
    const { ask } = await open();
    const one = await ask();
    build({ buildStatus: "IN_PROGRESS", currentPhase: "BUILD" });
    const two = await ask();
    lines.push("no matching distribution");
    build(FAILED);
    const failed = await ask(one.since);
    const other = await ask(two.since);
    const later = await ask();

    for (const told of [failed, other]) {
      expect(told).toMatchObject({
        code: "EnvironmentBuildFailed",
        message: "environment `mine`: the build failed in BUILD: exit status 1",
        tail: "no matching distribution\n",
        log: "no matching distribution\n",
      });
    }
    expect(later.state).toBe("building");
    expect(started().at(-1)?.idempotencyToken).toMatch(/-2$/);
  });

  test.each([
    [{ buildStatus: "TIMED_OUT", timeoutInMinutes: 60 }, "the build took longer than 60 minutes"],
    [{ buildStatus: "STOPPED" }, "the build was stopped"],
    [{ buildStatus: "SUCCEEDED" }, "the build ended and left no image"],
  ] as const)("says why: %j", async (state, words) => {
    const { ask } = await open();
    const { since } = await ask();
    build(state);

    expect(await ask(since)).toMatchObject({
      code: "EnvironmentBuildFailed",
      message: `environment \`mine\`: ${words}`,
    });
  });

  test("is tried three times where CodeBuild itself breaks off", async () => {
    const { ask } = await open();
    let told = await ask();
    build({ buildStatus: "FAULT" });
    const states: string[] = [];
    for (let i = 0; i < 3; i++) {
      told = await ask(told.since);
      states.push(told.state);
    }

    expect(states).toEqual(["building", "building", "failed"]);
    expect(started().map(({ idempotencyToken }) => idempotencyToken?.slice(-2))).toEqual(["-1", "-2", "-3"]);
  });

  test.each([
    new AccountLimitExceededException(error),
    Object.assign(new Error("slower"), { name: "ThrottlingException" }),
  ])("waits where there is no room: $name", async (reason) => {
    const { ask } = await open();
    codebuild.on(StartBuildCommand).rejects(reason);
    const refused = await ask();
    codebuild.on(StartBuildCommand).resolves({ build: { id: "images:later" } });

    expect(refused).toMatchObject({ state: "failed", code: "Unavailable" });
    expect((await ask()).state).toBe("building");
  });
});

test("an image that would go within a week is built again while the old one serves", async () => {
  const { ask, now } = await open();
  pushed(new Date(now.ms - 82 * DAY_MS));
  const young = await ask();
  pushed(new Date(now.ms - 84 * DAY_MS));
  const old = await ask();

  expect(young.state).toBe("ready");
  expect(old.state).toBe("building");
});

test.each([
  ["AccessDeniedException", "Forbidden", "the home may not make images: no"],
  ["ResourceNotFoundException", "EnvironmentBuildFailed", "CodeBuild does not take the build: no"],
])("a home that can't build says so, and is not asked for ever: %s", async (name, code, message) => {
  const { ask } = await open();
  codebuild.on(StartBuildCommand).rejects(Object.assign(new Error("no"), { name }));

  expect(await ask()).toMatchObject({ code, message });
});

test("a workspace with a repository of its own has its images there, and the repository stays as it is", async () => {
  const { ask, book } = await open();

  const [home, own] = [await ask(), await ask(undefined, SPEC, "apart")];
  build({ buildStatus: "SUCCEEDED" });
  pushed();
  const ready = await ask(own.since, SPEC, "apart");

  const images = started().map(({ environmentVariablesOverride: [image] = [] }) => image?.value);
  expect(images).toEqual([`${URI}:env-${home.hash}`, `${OWN_URI}:env-${home.hash}`]);
  expect(new Set(started().map(({ idempotencyToken }) => idempotencyToken)).size).toBe(2);
  expect(ready).toMatchObject({ state: "ready", ref: `${OWN_URI}@${DIGEST}` });
  expect([await book.stateOf("default", SPEC), await book.stateOf("apart", SPEC)]).toMatchObject([
    { state: "building" },
    { state: "ready" },
  ]);
  const made = ecr.commandCalls(CreateRepositoryCommand).map(({ args }) => args[0].input.repositoryName);
  expect(new Set(made)).toEqual(new Set(["yard/environments"]));
});

describe("what is known of an environment's image", () => {
  test("follows its build, until the image is too old to be given out", async () => {
    const { ask, book, now } = await open();
    const states = [await book.stateOf("default", SPEC)];
    const { since } = await ask();
    states.push(await book.stateOf("default", { ...SPEC, label: "another name" }));
    build({ buildStatus: "SUCCEEDED" });
    pushed();
    await ask(since);
    states.push(await book.stateOf("default", SPEC));
    now.ms += 84 * DAY_MS;
    states.push(await book.stateOf("default", SPEC));

    const ref = `${URI}@${DIGEST}`;
    expect(states).toEqual([{ state: "none" }, { state: "building" }, { state: "ready", ref }, { state: "none" }]);
  });

  test("is why it failed", async () => {
    const { ask, book } = await open();
    const { since } = await ask();
    build({ buildStatus: "STOPPED" });
    await ask(since);

    expect(await book.stateOf("default", SPEC)).toEqual({ state: "failed", reason: "the build was stopped" });
  });

  test("is nothing where no image of the home's own is needed", async () => {
    const { book } = await open();

    expect(await book.stateOf("default", { kind: "image", image: "python", label: "plain" })).toBeUndefined();
    expect(await book.stateOf("default", { kind: "interpreter", label: "here" })).toBeUndefined();
  });
});

describe("an image that a person names", () => {
  const named = (image: string): EnvironmentSpec => ({ kind: "image", image, label: image });
  const ref = `quay.io/some/tool@${DIGEST}`;

  test.each(["", "root", "0:0"])("is taken as it is where it runs commands, as user `%s`", async (user) => {
    const { ask } = await open(async () => ({ ref, entrypoint: [], user }));

    expect(await ask(undefined, named("quay.io/some/tool"))).toMatchObject({ state: "ready", ref, cached: true });
    expect(started()).toEqual([]);
  });

  test.each([
    ["has an entry point", async () => ({ ref, entrypoint: ["serve"], user: "" })],
    ["has a user of its own", async () => ({ ref, entrypoint: [], user: "jovyan" })],
    ["can't be looked into", async () => undefined],
  ])("is built upon where it %s", async (_what, facts) => {
    const { ask } = await open(facts);

    expect((await ask(undefined, named("quay.io/some/tool"))).state).toBe("building");
    expect(started()).toHaveLength(1);
  });

  test("of Docker's official ones is looked for where there is no limit on pulling", async () => {
    const looked: string[] = [];
    const { ask } = await open(async (image) => {
      looked.push(image);
      return { ref, entrypoint: [], user: "" };
    });
    await ask(undefined, named("python:3.12"));

    expect(looked).toEqual(["public.ecr.aws/docker/library/python:3.12"]);
  });
});
