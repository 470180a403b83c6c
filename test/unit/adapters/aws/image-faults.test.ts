import { CloudWatchLogsClient, GetLogEventsCommand } from "@aws-sdk/client-cloudwatch-logs";
import { BatchGetBuildsCommand, CodeBuildClient, StartBuildCommand } from "@aws-sdk/client-codebuild";
import {
  CreateRepositoryCommand,
  DescribeImagesCommand,
  ECRClient,
  ImageNotFoundException,
  PutLifecyclePolicyCommand,
} from "@aws-sdk/client-ecr";
import { mockClient } from "aws-sdk-client-mock";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { makeImageBuilder } from "../../../../src/adapters/aws/images/builder.ts";
import { openBuilds } from "../../../../src/adapters/aws/images/builds.ts";
import { openBuildRecords } from "../../../../src/adapters/aws/images/records.ts";
import { openRepository } from "../../../../src/adapters/aws/images/repository.ts";
import { openHome } from "../../../../src/adapters/local/home.ts";
import { makeArchiver } from "../../../../src/adapters/node/archive.ts";
import { makeDigest } from "../../../../src/adapters/node/digest.ts";
import type { EnvironmentSpec } from "../../../../src/contract/environments.ts";
import type { Files } from "../../../../src/core/files/ports.ts";
import { makeTempDir } from "../../../helpers/ports.ts";

const URI = "123456789012.dkr.ecr.us-east-1.amazonaws.com/yard/environments";
const DIGEST = `sha256:${"d".repeat(64)}`;
const LINES = ["step 1", "step 2", "step 3", "pushed"];

let home: Awaited<ReturnType<typeof openHome>>;
const temporary = makeTempDir();
beforeAll(async () => {
  home = await openHome({ dir: temporary.path });
});
afterAll(async () => {
  await home.close();
  temporary.remove();
});

type When = "before" | "after";

/** An account in which one call of all goes wrong: before it was done, or after. */
function openWorld(fault: { readonly at: number; readonly when: When; readonly name: string }) {
  let calls = 0;
  const builds = new Map<string, number>();
  let image: string | undefined;
  const call = async <T>(work: () => T | Promise<T>): Promise<T> => {
    calls += 1;
    const fails = calls === fault.at;
    const broken = Object.assign(new Error("a fault on purpose"), { name: fault.name });
    if (fails && fault.when === "before") throw broken;
    const answer = await work();
    if (fails) throw broken;
    return answer;
  };
  const [ecr, codebuild, logs] = [mockClient(ECRClient), mockClient(CodeBuildClient), mockClient(CloudWatchLogsClient)];
  ecr.on(DescribeImagesCommand).callsFake(() =>
    call(() => {
      if (image === undefined) throw new ImageNotFoundException({ $metadata: {}, message: "" });
      return { imageDetails: [{ imageDigest: image, imagePushedAt: new Date() }] };
    }),
  );
  ecr.on(CreateRepositoryCommand).callsFake(() => call(() => ({})));
  ecr.on(PutLifecyclePolicyCommand).callsFake(() => call(() => ({})));
  codebuild.on(StartBuildCommand).callsFake(({ idempotencyToken }: { idempotencyToken: string }) =>
    call(() => {
      builds.set(idempotencyToken, builds.get(idempotencyToken) ?? 0);
      return { build: { id: idempotencyToken } };
    }),
  );
  // Each look finds the build one line further; with the last the image is there.
  codebuild.on(BatchGetBuildsCommand).callsFake(({ ids: [id = ""] }: { ids: string[] }) =>
    call(() => {
      const done = Math.min((builds.get(id) ?? 0) + 1, LINES.length);
      builds.set(id, done);
      const isDone = done === LINES.length;
      if (isDone) image = DIGEST;
      const buildStatus = isDone ? "SUCCEEDED" : "IN_PROGRESS";
      return { builds: [{ id, buildStatus, currentPhase: "BUILD", logs: { groupName: "images", streamName: id } }] };
    }),
  );
  logs.on(GetLogEventsCommand).callsFake(({ logStreamName, nextToken }) =>
    call(() => {
      const known = LINES.slice(0, builds.get(logStreamName));
      const events = known.slice(Number(nextToken ?? 0)).map((message) => ({ message }));
      return { events, nextForwardToken: String(known.length) };
    }),
  );
  const records = openBuildRecords(home.table);
  const region = { region: "us-east-1" };
  const builder = makeImageBuilder({
    repository: openRepository({ ecr: new ECRClient(region), name: "yard/environments", home: "yard", now: Date.now }),
    repositoryUri: URI,
    builds: openBuilds(new CodeBuildClient(region), "yard-images"),
    records: {
      get: (hash) => call(() => records.get(hash)),
      save: (before, after) => call(() => records.save(before, after)),
    },
    logs: new CloudWatchLogsClient(region),
    facts: [],
    files: {} as Files,
    objects: { ...home.objects, put: (...given) => call(() => home.objects.put(...given)) },
    bucket: "bytes",
    archiver: makeArchiver(),
    digest: makeDigest(),
    clock: { now: Date.now },
  });
  return { builder, builds, wasHit: () => calls >= fault.at };
}

let specs = 0;
/** As a job does: asks until there is an image, what failed again, and keeps the log by where it stands. */
async function makeImage({ builder }: ReturnType<typeof openWorld>) {
  specs += 1;
  const spec: EnvironmentSpec = { kind: "python", requirements: [`package-${specs}`], label: "mine" };
  let log = "";
  let at = { since: undefined as string | undefined, chars: 0 };
  for (let i = 0; i < 30; i++) {
    let text = "";
    const request = { workspace: "default", spec, ...(at.since === undefined ? {} : { since: at.since }) };
    const answer = await builder
      .build(request, (more) => {
        text += more;
      })
      .catch(() => undefined);
    log = log.slice(0, at.chars) + (answer === undefined ? log.slice(at.chars) : text);
    if (answer === undefined) continue;
    if (answer.state === "ready") return { ref: answer.ref, log };
    at = { since: answer.since, chars: log.length };
  }
  throw new Error("there is no image after 30 rounds");
}

describe.each(["ThrottlingException", "TimeoutError"])("one %s, at any call,", (name) => {
  test.each(["before", "after"] as const)("%s it was done: one build, one image, the whole log", async (when) => {
    let faults = 0;
    for (let at = 1; ; at++) {
      const world = openWorld({ at, when, name });

      const { ref, log } = await makeImage(world);

      expect(ref, `fault at call ${at}`).toBe(`${URI}@${DIGEST}`);
      expect(log, `fault at call ${at}`).toBe(LINES.map((line) => `${line}\n`).join(""));
      expect(world.builds.size, `fault at call ${at}`).toBe(1);
      if (!world.wasHit()) break;
      faults = at;
    }
    expect(faults).toBeGreaterThan(15);
  });
});
