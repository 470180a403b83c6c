import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { BatchClient } from "@aws-sdk/client-batch";
import { STSClient } from "@aws-sdk/client-sts";
import { makeBatchLauncher } from "../../src/adapters/aws/batch/launcher.ts";
import { makeCredentials } from "../../src/adapters/aws/credentials.ts";
import { openHome } from "../../src/adapters/local/home.ts";
import { makeDigest } from "../../src/adapters/node/digest.ts";
import { problemResponse } from "../../src/api/problem.ts";
import { type Client, makeClient } from "../../src/client/client.ts";
import { signUserToken } from "../../src/core/auth/tokens.ts";
import { makeEnvironments } from "../../src/core/jobs/environments.ts";
import { launchArrays, signStartCode } from "../../src/core/jobs/start-attempt.ts";
import { ensureWorkspace } from "../../src/core/workspaces/put-workspace.ts";
import { composeAssets } from "../../src/home/compose-assets.ts";
import { composeJobs } from "../../src/home/compose-jobs.ts";
import { composeTracking } from "../../src/home/compose-tracking.ts";
import { makeHandle } from "../../src/home/handle.ts";
import { makeJobLoop } from "../../src/home/job-loop.ts";
import { makeOutputRegistry } from "../../src/home/output-registry.ts";
import { openStores } from "../../src/home/stores.ts";
import { composeFiles } from "../../src/local/compose-files.ts";
import { openHttp } from "../../src/local/http.ts";
import type { Ground } from "../../src/local/part.ts";
import { makeActivityWrite } from "../../src/store/activities.ts";
import { watchTable } from "../../src/store/table-watch.ts";
import { bundleRunner } from "../helpers/containers.ts";
import { makeTempDir } from "../helpers/ports.ts";
import { AWS } from "./ministack.ts";
import { TRAINING } from "./training.ts";

export interface BatchHome {
  readonly client: Client;
  readonly close: () => Promise<void>;
}

/** The laptop's home, in this process, but that its jobs run on the emulator's AWS Batch: the launcher, its containers and the API between them, without a deployment. */
export async function openBatchHome(endpoint: string): Promise<BatchHome> {
  const folder = makeTempDir();
  const file = join(folder.path, "runner.mjs");
  await bundleRunner(file);
  const program = await serve(file);
  const home = await openHome({ dir: join(folder.path, ".trainyard") });
  let address = "";
  const ground: Ground = {
    ...home,
    table: watchTable(home.table),
    activity: makeActivityWrite(home),
    address: () => address,
    log: { info: () => undefined, fault: (message, error) => console.error(message, error) },
    settings: {
      port: 0,
      dataDir: folder.path,
      programs: { runner: "", serving: "" },
      runnerBundle: undefined,
      urlMap: undefined,
    },
  };
  const stores = openStores(ground);
  const digest = makeDigest();
  const { files, places, lookups, close: closeFiles } = composeFiles(ground, stores);
  const batch = new BatchClient({ ...AWS, endpoint });
  const launcher = makeBatchLauncher({
    batch,
    pauseMs: 20,
    startCode: (of) => signStartCode(home.signer, of),
    arrays: launchArrays({ signer: home.signer, starts: stores.starts }),
    settings: TRAINING,
  });
  const sts = new STSClient({ ...AWS, endpoint });
  const settings = { roleArn: "arn:aws:iam::000000000000:role/jobs" };
  const jobs = composeJobs(ground, stores, {
    files,
    environments: makeEnvironments({ ...stores, files, hasContainerEngine: true }),
    outputs: makeOutputRegistry({ ...ground, ...stores, files, digest }),
    builder: { build: async ({ spec }) => ({ state: "ready", hash: "h", ref: spec.image ?? "", cached: true }) },
    makeMover: makeJobLoop,
    isAlone: true,
    launchers: {
      all: [launcher],
      slots: 10,
      runnerProgram: async () => ({ url: program.url, sha256: program.sha256 }),
      credentials: makeCredentials({ sts, bucket: "yard-objects", settings }),
      onEnded: () => undefined,
      close() {
        batch.destroy();
        sts.destroy();
      },
    },
  });
  await ensureWorkspace({ ...ground, ...stores, digest }, "default");
  const http = await openHttp({
    port: 0,
    handle: makeHandle(ground, stores, [
      composeAssets(ground, stores, { home: "aws", files, places, lookups, digest }),
      composeTracking(ground, stores, { files }),
      jobs,
    ]),
    intercept: () => false,
    refuse: (error) => problemResponse(error, "request"),
    onFault: (error) => console.error(error),
  });
  address = http.url;
  await jobs.start?.();
  const token = await signUserToken(home.signer, { name: "owner", roles: { "*": "owner" }, id: "test" });
  return {
    client: makeClient({ url: address, token, retry: { attempts: 1 } }),
    async close() {
      await jobs.close?.();
      await http.close();
      closeFiles();
      await home.close();
      program.close();
      folder.remove();
    },
  };
}

/** The runner's file, as the bucket has it. */
async function serve(file: string) {
  const bytes = readFileSync(file);
  const server = createServer((_, response) => response.end(bytes));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/runner.mjs`,
    sha256: createHash("sha256").update(bytes).digest("hex"),
    close: () => void server.close(),
  };
}
