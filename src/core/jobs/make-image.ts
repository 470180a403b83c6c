import { isAppError } from "../../contract/errors.ts";
import { BUILD_LOG } from "../../contract/names.ts";
import type { Builder } from "../ports/builder.ts";
import type { Clock } from "../ports/clock.ts";
import { changeJob, statusDeed } from "./change-job.ts";
import { type EndDeps, endJob } from "./end-job.ts";
import { logTopic } from "./ports.ts";
import { type AttemptRecord, commandJob, type JobRecord } from "./record.ts";
import { step } from "./state.ts";

export interface ImageDeps extends EndDeps {
  readonly builder: Builder;
  readonly clock: Clock;
}

/**
 * The image of an attempt; undefined while it is being built (the job is Preparing and says so) and for a job that was canceled meanwhile, which ends here.
 * The build's log goes on from where the call before left it. A failed build throws EnvironmentBuildFailed, its log kept.
 */
export async function makeImage(deps: ImageDeps, job: JobRecord, attempt: AttemptRecord): Promise<string | undefined> {
  const { workspace, name } = job;
  const { build } = attempt;
  if (build !== undefined && job.cancel !== undefined) {
    const reason = "canceled while its image was being built";
    await endJob(deps, workspace, name, {
      kind: "launch-failed",
      attemptId: attempt.id,
      reason,
      atMs: deps.clock.now(),
    });
    return undefined;
  }
  const log = { workspace, run: name, attempt: attempt.id, name: BUILD_LOG };
  const from = build?.logBytes ?? 0;
  let text = "";
  const keepLog = async (): Promise<number> => {
    const bytes = new TextEncoder().encode(text);
    if (bytes.byteLength > 0) {
      await deps.logs.append(log, from, bytes);
      deps.watch.touch(logTopic(workspace, name));
    }
    return from + bytes.byteLength;
  };
  const request = {
    workspace,
    spec: commandJob(job).environment,
    ...(build === undefined ? {} : { since: build.since }),
  };
  try {
    const built = await deps.builder.build(request, (more) => {
      text += more;
    });
    const logBytes = await keepLog();
    if (built.state === "ready") return built.ref;
    const event = {
      kind: "building",
      attemptId: attempt.id,
      reason: built.reason,
      build: { since: built.since, logBytes },
      atMs: deps.clock.now(),
    } as const;
    await changeJob(deps, workspace, name, (before) => step(before, event), statusDeed("system"));
    return undefined;
  } catch (error) {
    if (isAppError(error) && error.code === "EnvironmentBuildFailed") await keepLog();
    throw error;
  }
}
