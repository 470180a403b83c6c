/** Root of a run's MLflow artifacts in the object store. */
export function artifactKey(workspace: string, experimentId: string, run: string, path: string): string {
  return `ws/${workspace}/artifacts/${experimentId}/${run}/artifacts/${path}`;
}

/** Where plan-ports.ts puts outputs that name no place, as the default datastore keeps it. */
export function outputsKey(workspace: string, run: string): string {
  return `ws/${workspace}/datastore/azureml/${run}/`;
}

/** Logs of an attempt that another one followed; those of the last lie at the root. */
export function earlierLog(attempt: number, log: string): string {
  return `attempts/${attempt}/${log}`;
}

/** The working copy's diff is an artifact of the run, so that it is downloaded with the rest. */
export function diffKey(workspace: string, experimentId: string, run: string): string {
  return artifactKey(workspace, experimentId, run, "git/diff.patch");
}

/** One chunk of a log that is still being written. Offsets are padded, so that chunks list in order. */
export function logChunkKey(workspace: string, run: string, attempt: string, name: string, offset: number): string {
  return `ws/${workspace}/logs/${run}/${attempt}/${name}/${String(offset).padStart(16, "0")}`;
}
