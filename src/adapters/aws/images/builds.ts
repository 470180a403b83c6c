import { BatchGetBuildsCommand, type Build, type CodeBuildClient, StartBuildCommand } from "@aws-sdk/client-codebuild";
import { AppError } from "../../../contract/errors.ts";
import { nameOf } from "../fault.ts";

export interface BuildOrder {
  /** The same token within five minutes is the same build. */
  readonly token: string;
  /** Zip file of the build context: `bucket/key`. */
  readonly source: string;
  /** `registry/repository:tag` to push. */
  readonly image: string;
}

/** How far a build is. `log` is where CloudWatch Logs keeps what it says, once it says something. */
export interface BuildProgress {
  readonly state: "starting" | "building" | "done" | "failed" | "broken" | "unknown";
  /** Why it failed: the first failed phase and its message. */
  readonly reason?: string;
  readonly log?: { readonly group: string; readonly stream: string };
}

/** The project that builds images: it is started with a source and a name, and says how far it is. */
export interface ImageBuilds {
  /** The build's id. Unavailable where the account builds as much as it may. */
  start(order: BuildOrder): Promise<string>;
  look(id: string): Promise<BuildProgress>;
}

export function openBuilds(codebuild: CodeBuildClient, project: string): ImageBuilds {
  return {
    async start({ token, source, image }) {
      try {
        const { build } = await codebuild.send(
          new StartBuildCommand({
            projectName: project,
            idempotencyToken: token,
            sourceTypeOverride: "S3",
            sourceLocationOverride: source,
            environmentVariablesOverride: [{ name: "IMAGE", value: image, type: "PLAINTEXT" }],
          }),
        );
        if (build?.id === undefined) throw new AppError("Unavailable", "CodeBuild started a build and did not name it");
        return build.id;
      } catch (error) {
        throw startFailure(error);
      }
    },
    async look(id) {
      const { builds = [] } = await codebuild.send(new BatchGetBuildsCommand({ ids: [id] }));
      const [build] = builds;
      return build === undefined ? { state: "unknown" } : progressOf(build);
    },
  };
}

/** What may pass is Unavailable; what CodeBuild refuses for good fails the build; the rest is as it was. */
function startFailure(cause: unknown): unknown {
  const name = nameOf(cause);
  if (name === "AccountLimitExceededException") {
    return new AppError("Unavailable", "this account runs as many CodeBuild builds at once as it may", {}, { cause });
  }
  if (!/^(?:ResourceNotFound|InvalidInput)Exception$/.test(name)) return cause;
  const said = (cause as Error).message;
  const hint = "deploy the home's stacks again";
  return new AppError("EnvironmentBuildFailed", `CodeBuild does not take the build: ${said}`, { hint }, { cause });
}

function progressOf(build: Build): BuildProgress {
  const { groupName: group, streamName: stream } = build.logs ?? {};
  const log = group === undefined || stream === undefined ? {} : { log: { group, stream } };
  switch (build.buildStatus) {
    case "IN_PROGRESS":
      return { state: isStarting(build) ? "starting" : "building", ...log };
    case "SUCCEEDED":
      return { state: "done", ...log };
    // CodeBuild itself failed, not what it was told to do.
    case "FAULT":
      return { state: "broken", reason: reasonOf(build), ...log };
    case "FAILED":
    case "STOPPED":
    case "TIMED_OUT":
      return { state: "failed", reason: reasonOf(build), ...log };
    default:
      return { state: "unknown" };
  }
}

function isStarting(build: Build): boolean {
  return ["SUBMITTED", "QUEUED", "PROVISIONING", "DOWNLOAD_SOURCE", undefined].includes(build.currentPhase);
}

function reasonOf(build: Build): string {
  if (build.buildStatus === "TIMED_OUT") return `the build took longer than ${build.timeoutInMinutes ?? 60} minutes`;
  if (build.buildStatus === "STOPPED") return "the build was stopped";
  const failed = build.phases?.find((phase) => phase.phaseStatus !== undefined && phase.phaseStatus !== "SUCCEEDED");
  const message = failed?.contexts?.find((context) => context.message)?.message;
  if (failed?.phaseType === undefined) return "the build failed";
  return `the build failed in ${failed.phaseType}${message === undefined ? "" : `: ${message.trim()}`}`;
}
