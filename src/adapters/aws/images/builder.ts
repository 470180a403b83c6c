import type { CloudWatchLogsClient } from "@aws-sdk/client-cloudwatch-logs";
import type { EnvironmentSpec } from "../../../contract/environments.ts";
import { AppError } from "../../../contract/errors.ts";
import { type ImagePlan, imageHash, mirrored, planImage } from "../../../core/environments/image-plan.ts";
import type { Files } from "../../../core/files/ports.ts";
import type { Archiver } from "../../../core/ports/archive.ts";
import type { Builder, BuildReady, BuildRequest, BuildUnderWay } from "../../../core/ports/builder.ts";
import type { Clock } from "../../../core/ports/clock.ts";
import type { Digest } from "../../../core/ports/digest.ts";
import type { Objects } from "../../../core/ports/objects.ts";
import { nameOf, rethrowFrom } from "../fault.ts";
import type { BuildProgress, ImageBuilds } from "./builds.ts";
import { archiveContext } from "./context.ts";
import type { ReadImageFacts } from "./facts.ts";
import { readLogStream } from "./log.ts";
import { isPlain } from "./plain.ts";
import { type BuildRecords, type ImageBuild, recordOf } from "./records.ts";
import type { ImageRepository } from "./repository.ts";

export interface ImageBuilderOptions {
  readonly repository: ImageRepository;
  /** `<account>.dkr.ecr.<region>.amazonaws.com/<home>/environments`. */
  readonly repositoryUri: string;
  /** Where a workspace keeps images that has a repository of its own. */
  readonly ownOf?: (workspace: string) => Promise<OwnRepository | undefined>;
  /** What an image is built from, where it isn't the environment alone: then none is taken as it is. */
  readonly planOf?: (spec: EnvironmentSpec) => Promise<ImagePlan>;
  readonly builds: ImageBuilds;
  readonly records: BuildRecords;
  readonly logs: CloudWatchLogsClient;
  /** In the order in which they are asked. */
  readonly facts: readonly ReadImageFacts[];
  readonly files: Files;
  readonly objects: Objects;
  readonly bucket: string;
  readonly archiver: Archiver;
  readonly digest: Digest;
  readonly clock: Clock;
}

interface OwnRepository {
  readonly arn: string;
  readonly repository: ImageRepository;
  readonly uri: string;
}

/** Where an asker stands: the build it waits for, and how much of its log it has. */
interface Since {
  readonly number: number;
  readonly token?: string;
}

/** How often a build is begun that CodeBuild itself breaks off. */
const TRIES = 3;
const TAIL_CHARS = 4000;

/**
 * The Builder port on CodeBuild and ECR. An image is found by the hash of what it is made from; where it is not, one build makes it, for all who ask.
 * An image that runs commands as it is is taken as it is.
 */
export function makeImageBuilder(options: ImageBuilderOptions): Builder {
  return {
    async build(request, onLog) {
      const { spec } = request;
      const plain = options.planOf === undefined && isPlain(spec) ? await plainImage(options, spec.image) : undefined;
      const plan = (await options.planOf?.(spec)) ?? planImage(spec);
      const hash = imageHash(options.digest, plan);
      if (plain !== undefined) return { state: "ready", hash, ref: plain, cached: true };
      const own = await options.ownOf?.(request.workspace);
      const there = own === undefined ? {} : { repository: own.repository, repositoryUri: own.uri };
      const record = recordOf(options.digest, hash, own?.arn);
      return advance({ ...options, ...there, request, plan, hash, record, onLog }).catch(rethrow);
    },
  };
}

/** What the home itself is not allowed is not tried for ever. */
function rethrow(error: unknown): never {
  if (error instanceof Error && nameOf(error).startsWith("AccessDenied")) {
    const hint = "deploy the home's stacks again; a policy of the account may stand in the way";
    throw new AppError("Forbidden", `the home may not make images: ${error.message}`, { hint }, { cause: error });
  }
  return rethrowFrom("the making of images")(error);
}

interface Step extends ImageBuilderOptions {
  readonly request: BuildRequest;
  readonly plan: ImagePlan;
  /** Of what the image is made from; its tag. */
  readonly hash: string;
  /** Under what its builds are on record. */
  readonly record: string;
  readonly onLog: (text: string) => void;
}

/** The image itself, where it is known to take a command as it is; undefined where a derived one has to be made. */
async function plainImage(options: ImageBuilderOptions, image: string): Promise<string | undefined> {
  const wanted = mirrored(image);
  for (const read of options.facts) {
    const facts = await read(wanted);
    if (facts === undefined) continue;
    const isRoot = /^(?:|root|0)(?::(?:root|0)?)?$/.test(facts.user);
    return isRoot && facts.entrypoint.length === 0 ? facts.ref : undefined;
  }
  return undefined;
}

async function advance(step: Step): Promise<BuildReady | BuildUnderWay> {
  const since = readSince(step.request.since);
  const found = await step.repository.find(tagOf(step.hash));
  const record = await step.records.get(step.record);
  if (found !== undefined) {
    if (since !== undefined && record?.number === since.number) await lastWords(step, record, since);
    return ready(step, record, found, since === undefined);
  }
  // An image that was made and is gone is made again.
  if (record === undefined || record.state === "ready") return start(step, record);
  // Whoever waited for this build gets its failure; whoever comes later may have better luck.
  if (record.state === "failed") {
    if (since?.number !== record.number) return start(step, record);
    throw failure(step, record.reason ?? "the build failed", await lastWords(step, record, since));
  }
  if (record.id === undefined) return order(step, record);
  return follow(step, record, since);
}

/** Takes the right to build the hash, and starts. */
async function start(step: Step, before: ImageBuild | undefined, tries = 1): Promise<BuildUnderWay> {
  const { record: hash, records, clock } = step;
  const number = (before?.number ?? 0) + 1;
  const mine = await records.save(before, { hash, number, tries, state: "building", startedMs: clock.now() });
  // Somebody else's record, where they were faster: the same build is ordered, with the same token.
  return mine.id === undefined && mine.state === "building"
    ? order(step, mine)
    : underWay(step, mine, undefined, "starting");
}

async function order(step: Step, record: ImageBuild): Promise<BuildUnderWay> {
  const { hash, repository, objects, records, builds } = step;
  const key = contextKey(hash);
  await repository.ensure();
  await objects.put(key, await archiveContext(step, step.request.workspace, step.plan));
  const id = await builds.start({
    token: `${record.hash.slice(0, 40)}-${record.number}`,
    source: `${step.bucket}/${key}`,
    image: `${step.repositoryUri}:${tagOf(hash)}`,
  });
  const counted = await records.save(record, { ...record, id });
  return underWay(step, counted, undefined, "starting");
}

/** Looks how far the build is, and hands over what it has said since. */
async function follow(step: Step, record: ImageBuild, since: Since | undefined): Promise<BuildReady | BuildUnderWay> {
  const seen = since?.number === record.number ? since : undefined;
  const progress = await step.builds.look(record.id ?? "");
  if (progress.state === "unknown") return start(step, record);
  let tail = "";
  const token = await logSince(step, progress, seen, (text) => {
    tail = (tail + text).slice(-TAIL_CHARS);
  });
  if (progress.state === "starting" || progress.state === "building") {
    return underWay(step, record, token, progress.state);
  }
  if (progress.state === "done") {
    const found = await step.repository.find(tagOf(step.hash));
    if (found !== undefined) return ready(step, record, found, false);
  }
  if (progress.state === "broken" && record.tries < TRIES) return start(step, record, record.tries + 1);
  const reason = progress.reason ?? "the build ended and left no image";
  await step.records.save(record, { ...record, state: "failed", reason });
  throw failure(step, reason, tail);
}

async function ready(step: Step, record: ImageBuild | undefined, digest: string, cached: boolean): Promise<BuildReady> {
  const ref = `${step.repositoryUri}@${digest}`;
  if (record !== undefined && record.state !== "ready")
    await step.records.save(record, { ...record, state: "ready", ref });
  return { state: "ready", hash: step.hash, ref, cached };
}

/** The log's rest, for who followed the build; answers its tail. */
async function lastWords(step: Step, record: ImageBuild, since: Since): Promise<string> {
  let tail = "";
  if (record.id === undefined) return tail;
  await logSince(step, await step.builds.look(record.id), since, (text) => {
    tail = (tail + text).slice(-TAIL_CHARS);
  });
  return tail;
}

async function logSince(
  step: Step,
  { log }: BuildProgress,
  since: Since | undefined,
  alsoTo: (text: string) => void,
): Promise<string | undefined> {
  if (log === undefined) return since?.token;
  const from = { ...log, ...(since?.token === undefined ? {} : { token: since.token }) };
  return readLogStream(step.logs, from, (text) => {
    step.onLog(text);
    alsoTo(text);
  });
}

function underWay(
  step: Step,
  record: ImageBuild,
  token: string | undefined,
  state: "starting" | "building",
): BuildUnderWay {
  const since: Since = { number: record.number, ...(token === undefined ? {} : { token }) };
  const what = `the image of environment \`${step.request.spec.label}\``;
  const reason = state === "starting" ? `${what} is about to be built` : `${what} is being built`;
  return { state: "building", hash: step.hash, reason, since: JSON.stringify(since) };
}

function failure(step: Step, reason: string, log: string): AppError {
  const { label } = step.request.spec;
  return new AppError("EnvironmentBuildFailed", `environment \`${label}\`: ${reason}`, {
    ...(log === "" ? {} : { log }),
    hint: "the build's log says more; a new job builds it again",
  });
}

function readSince(text: string | undefined): Since | undefined {
  return text === undefined ? undefined : (JSON.parse(text) as Since);
}

const tagOf = (hash: string): string => `env-${hash}`;
/** Where a build context waits for its build, for a week (lib/stacks/data-stack.ts); below no workspace, since a hash may be asked for in several. */
const contextKey = (hash: string): string => `images/${hash}/context.zip`;
