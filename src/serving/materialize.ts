import { cp, mkdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Client } from "../client/client.ts";
import { downloadTo } from "../client/files-node.ts";
import { onlineDeployments } from "../client/routes.ts";
import type { ReplicaAssignment } from "../contract/endpoints.ts";
import { AppError } from "../contract/errors.ts";
import type { ReplicaRequest } from "../contract/replica.ts";

const ASSIGNMENT = "assignment.json";

/** Where a replica's things are on this machine. */
export interface Materialized {
  readonly assignment: ReplicaAssignment;
  /** AZUREML_MODEL_DIR: holds the model's base folder or file. */
  readonly modelDir: string;
  /** This replica's own copy of the code, to write in as it likes. */
  readonly codeDir: string | undefined;
}

/**
 * Model, code and assignment, brought once for all replicas of a set. What is here already needs no server: a replica that is
 * started again while the home is down serves all the same.
 */
export async function materialize(client: Client, request: ReplicaRequest): Promise<Materialized> {
  const shared = request.sharedFolder;
  if (!(await exists(join(shared, ASSIGNMENT)))) await bring(client, request, shared);
  const assignment = JSON.parse(await readFile(join(shared, ASSIGNMENT), "utf8")) as ReplicaAssignment;
  const codeDir = assignment.code === undefined ? undefined : await ownCode(join(shared, "code"));
  return { assignment, modelDir: join(shared, "model"), codeDir };
}

/** Into a folder of its own first: replicas of a set start together, and the first to finish wins. */
async function bring(client: Client, request: ReplicaRequest, shared: string): Promise<void> {
  const { workspace, endpoint, deployment, revision } = request;
  const assignment = await client.call(onlineDeployments.assignment, {
    params: { workspace, endpoint, deployment, revision },
  });
  const folder = `${shared}.${request.index}.${process.pid}`;
  await rm(folder, { recursive: true, force: true });
  await mkdir(join(folder, "model"), { recursive: true, mode: 0o700 });
  if (assignment.model !== undefined) await bringModel(client, workspace, assignment.model, join(folder, "model"));
  if (assignment.code !== undefined) {
    await downloadTo(client, workspace, assignment.code.uri, join(folder, "code"));
  }
  await writeFile(join(folder, ASSIGNMENT), JSON.stringify(assignment), { mode: 0o600 });
  try {
    await rename(folder, shared);
  } catch (error) {
    if (!(await exists(join(shared, ASSIGNMENT)))) throw error;
    await rm(folder, { recursive: true, force: true });
  }
}

async function bringModel(
  client: Client,
  workspace: string,
  model: NonNullable<ReplicaAssignment["model"]>,
  folder: string,
): Promise<void> {
  const target = join(folder, model.base_name);
  const got = await downloadTo(client, workspace, model.uri, target);
  if (got.files === 0) {
    throw new AppError("DeploymentFailed", `model \`${model.uri}\` has no files`, {
      hint: "register it again, or check the path",
    });
  }
  if (!got.isFile) return;
  // A model of one file stands in the folder under its own name, not in a folder of that name.
  const aside = `${target}.file`;
  await rename(got.path, aside);
  await rm(target, { recursive: true });
  await rename(aside, target);
}

async function ownCode(shared: string): Promise<string> {
  const own = join(process.cwd(), "code");
  if (await exists(own)) return own;
  const part = `${own}.part`;
  await rm(part, { recursive: true, force: true });
  await cp(shared, part, { recursive: true, verbatimSymlinks: true, mode: 2 });
  await rename(part, own);
  return own;
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
