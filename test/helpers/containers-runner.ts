import { join } from "node:path";
import { openSigner } from "../../src/adapters/local/signer.ts";
import { signStartCode } from "../../src/core/jobs/start-attempt.ts";
import { readRequests } from "../../src/runner/request.ts";
import { openStateFiles } from "../../src/runner/state.ts";
import { startContainers } from "./containers.ts";

/** Stands in for the laptop's runner: runs an attempt as AWS Batch would, as three containers with a one-time code. */
const { value: request } = await readRequests().next();
if (!request) process.exit(0);
const { folder, attemptId, workspace, runId, apiUrl: url, cacheDir } = request;
const files = openStateFiles(folder, attemptId);
files.phase("Preparing");
const signer = openSigner({ dir: join(cacheDir, "keys") });
const containers = startContainers({
  url,
  code: await signStartCode(signer, { workspace, runId, attemptId, nodes: 1 }),
  runnerFile: process.env.TRAINYARD_JOB_TEST_RUNNER ?? "",
  note: folder,
});
console.log(JSON.stringify(await containers.ended), containers.said());
process.exit(0);
