import { AppError } from "../../contract/errors.ts";
import type { RunCredentials } from "../../contract/runner.ts";
import type { Credentials } from "../ports/credentials.ts";
import { requireJob } from "./get-job.ts";
import { artifactKey, outputsKey } from "./object-keys.ts";
import type { JobStore } from "./ports.ts";
import { isFinal } from "./state.ts";

export interface LendDeps {
  readonly jobs: JobStore;
  /** Absent: this home has no cloud to lend rights of. */
  readonly credentials?: Credentials;
}

/** Keys for what is the run's own, as long as it is not over. */
export async function lendCredentials(
  { jobs, credentials }: LendDeps,
  { workspace, run }: { readonly workspace: string; readonly run: string },
): Promise<RunCredentials> {
  if (credentials === undefined) {
    throw new AppError(
      "NotSupported",
      "this home keeps its objects as files of its machine, for which there are no credentials",
      {
        hint: "outputs and the MLflow client work without them",
      },
    );
  }
  const job = await requireJob(jobs, workspace, run);
  if (isFinal(job.status)) {
    throw new AppError("Conflict", `run \`${job.name}\` is ${job.status}; it needs no credentials any more`);
  }
  const artifacts = artifactKey(workspace, job.experimentId, job.name, "");
  const outputs = outputsKey(workspace, job.name);
  const keys = await credentials.lend(`run-${job.name}`, [artifacts, outputs]);
  return {
    access_key_id: keys.accessKeyId,
    secret_access_key: keys.secretAccessKey,
    session_token: keys.sessionToken,
    expires_at: new Date(keys.expiresMs).toISOString(),
    region: keys.region,
    artifacts: `s3://${keys.bucket}/${artifacts}`,
    outputs: `s3://${keys.bucket}/${outputs}`,
  };
}
