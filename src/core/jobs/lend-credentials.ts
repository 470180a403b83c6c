import { AppError } from "../../contract/errors.ts";
import type { RunCredentials } from "../../contract/runner.ts";
import type { DatastoreStore } from "../datastores/ports.ts";
import { workspaceRoot } from "../files/files.ts";
import { parseUri } from "../files/parse-uri.ts";
import { joinPath } from "../files/paths.ts";
import type { Credentials } from "../ports/credentials.ts";
import { requireJob } from "./get-job.ts";
import { artifactKey, outputsKey } from "./object-keys.ts";
import type { JobStore } from "./ports.ts";
import type { JobRecord } from "./record.ts";
import { isFinal } from "./state.ts";

export interface LendDeps {
  readonly jobs: JobStore;
  readonly datastores: DatastoreStore;
  /** Absent: this home has no cloud to lend rights of. */
  readonly credentials?: Credentials;
}

/** Keys for what is the run's own, as long as it is not over. */
export async function lendCredentials(
  { jobs, datastores, credentials }: LendDeps,
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
  const placed = await placesOfOutputs(datastores, job);
  const keys = await credentials.lend(`run-${job.name}`, [artifacts, outputs, ...placed.map(({ key }) => key)]);
  const lent = placed.slice(0, keys.prefixes - 2);
  return {
    access_key_id: keys.accessKeyId,
    secret_access_key: keys.secretAccessKey,
    session_token: keys.sessionToken,
    expires_at: new Date(keys.expiresMs).toISOString(),
    region: keys.region,
    artifacts: `s3://${keys.bucket}/${artifacts}`,
    outputs: `s3://${keys.bucket}/${outputs}`,
    output_places: Object.fromEntries(lent.map(({ name, key }) => [name, `s3://${keys.bucket}/${key}`])),
  };
}

/** Outputs that name a place of their own in the workspace's own storage, and where in it; others are not the home's to lend. */
async function placesOfOutputs(
  datastores: DatastoreStore,
  { workspace, name: run, outputs }: JobRecord,
): Promise<readonly { readonly name: string; readonly key: string }[]> {
  const places: { name: string; key: string }[] = [];
  const usual = outputsKey(workspace, run);
  for (const [name, { uri, is_file: isFile }] of Object.entries(outputs)) {
    const parsed = parseUri(uri);
    if (parsed.kind !== "datastore") continue;
    const record = await datastores.get(workspace, parsed.datastore);
    if (record?.type !== "workspace") continue;
    const place = joinPath(workspaceRoot(workspace, record.name, record.settings), parsed.path);
    const key = isFile ? place : place.replace(/\/*$/, "/");
    if (!key.startsWith(usual)) places.push({ name, key });
  }
  return places;
}
