import { AppError } from "../../contract/errors.ts";
import type { Principal } from "../auth/principal.ts";
import type { Lookups } from "./lookups.ts";
import { cleanPath, joinUri } from "./paths.ts";
import type { Files } from "./ports.ts";

interface Deps {
  readonly files: Files;
  readonly lookups: Pick<Lookups, "run" | "deployment">;
}

/** Parents are followed this far. */
const DEPTH_LIMIT = 64;

/** People write where their role lets them; a run writes its own artifacts and outputs and its descendants' artifacts; a deployment nothing. */
export async function mustMayWrite(
  deps: Deps,
  principal: Principal,
  workspace: string,
  uri: string,
  /** Of files below it; absent: whatever is below it. */
  paths: readonly string[] = [""],
): Promise<void> {
  if (principal.kind === "user") return;
  if (principal.kind === "run") {
    const { uri: base } = await deps.files.resolve(workspace, uri);
    const run = await deps.lookups.run(workspace, principal.runId);
    const own = run === undefined ? [] : [run.artifactUri, ...Object.values(run.outputs)];
    // The folder of an output that is a file is not the run's; the file is.
    const isOwn = (target: string) => own.some((root) => isWithin(root, target));
    if (paths.every((path) => isOwn(joinUri(base, cleanPath(path))))) return;
    if (await isDescendant(deps, workspace, principal.runId, base)) return;
  }
  throw new AppError("Forbidden", `\`${principal.name}\` may not write \`${uri}\``, {
    hint: "a run writes its own artifacts and outputs",
  });
}

/**
 * A run on another machine must not read this one's disk: of `file:` addresses it gets its own inputs. A deployment's token stays with
 * replicas for as long as they serve, so it reads their model and code and nothing else.
 */
export async function mustMayRead(deps: Deps, principal: Principal, workspace: string, uri: string): Promise<void> {
  if (principal.kind === "user" || (principal.kind === "run" && !/^file:/i.test(uri))) return;
  const roots =
    principal.kind === "run"
      ? (await deps.lookups.run(workspace, principal.runId))?.inputs
      : await deps.lookups.deployment(workspace, principal.endpoint, principal.deployment);
  if (roots?.some((root) => isWithin(root, uri))) return;
  throw new AppError("Forbidden", `\`${principal.name}\` may not read \`${uri}\`: it is no input of it`);
}

async function isDescendant(deps: Deps, workspace: string, ancestor: string, uri: string): Promise<boolean> {
  let id = /^mlflow-artifacts:\/[^/]+\/([^/]+)\/artifacts(\/|$)/.exec(uri)?.[1];
  for (let depth = 0; id !== undefined && depth < DEPTH_LIMIT; depth++) {
    if (id === ancestor) return true;
    const run = await deps.lookups.run(workspace, id);
    id = run?.parentRunId;
  }
  return false;
}

function isWithin(root: string, uri: string): boolean {
  // `…/out` and `…/out/` name the same folder.
  const folder = root.endsWith("/") ? root : `${root}/`;
  return (
    uri === folder.slice(0, -1) ||
    uri === folder ||
    (uri.startsWith(folder) && !uri.slice(folder.length).split("/").includes(".."))
  );
}
