import { AppError } from "../../contract/errors.ts";
import type { Principal } from "../auth/principal.ts";
import { percentDecoded } from "./names.ts";
import type { LoggedModelStore, RunStore } from "./ports.ts";
import { mayWriteLoggedModel, mayWriteRun } from "./rights.ts";

const DECODINGS = 16;
const PATH_LIMIT = 700;

function refused(): AppError {
  // The text is never echoed: the path may be of somebody who probes.
  return new AppError("InvalidPath", "Invalid path");
}

/**
 * An artifact's path as it is kept: `/`-separated clean segments, empty for the root. It arrives decoded once; whatever further decoding would
 * reveal (`..`, absolute, backslash, `#`, drive letters, control characters) is refused too.
 */
export function artifactPath(path: string): string {
  let text = path;
  for (let round = 0; round < DECODINGS; round++) {
    if (
      /[\\#\p{Cc}]/u.test(text) ||
      !text.isWellFormed() ||
      text.startsWith("/") ||
      /^[A-Za-z]:/.test(text) ||
      /^file:/i.test(text)
    )
      throw refused();
    if (text.split("/").some((segment) => segment === ".." || segment === ".")) throw refused();
    const next = percentDecoded(text);
    if (next === text) break;
    if (round === DECODINGS - 1) throw refused();
    text = next;
  }
  const clean = path
    .split("/")
    .filter((segment) => segment !== "")
    .join("/");
  if (new TextEncoder().encode(clean).byteLength > PATH_LIMIT) throw refused();
  return clean;
}

/** Object key of a path below the artifact root of a workspace. */
export function artifactKey(workspace: string, path: string): string {
  return path === "" ? `ws/${workspace}/artifacts` : `ws/${workspace}/artifacts/${path}`;
}

/** Below it lies what of a run's event files has been read. */
export function eventFilesPrefix(workspace: string, runId: string): string {
  return `ws/${workspace}/event-files/${runId}/`;
}

/** `mlflow-artifacts:/1/abc/artifacts` -> `1/abc/artifacts`; undefined for places this server does not keep. */
export function proxiedPath(uri: string): string | undefined {
  const match = /^mlflow-artifacts:\/(?!\/)(.*)$/.exec(uri) ?? /^mlflow-artifacts:\/\/\/(.*)$/.exec(uri);
  return match === null ? undefined : artifactPath(percentDecoded(match[1] ?? ""));
}

/** A run's token writes below the artifact roots of what it may write. */
export async function mayWriteArtifact(
  deps: { readonly runs: Pick<RunStore, "get">; readonly loggedModels: Pick<LoggedModelStore, "get"> },
  principal: Principal,
  workspace: string,
  path: string,
): Promise<void> {
  if (principal.kind !== "run") return;
  const segments = path.split("/");
  for (let i = 1; i < segments.length; i++) {
    if (segments[i] !== "artifacts") continue;
    const id = segments[i - 1] ?? "";
    const root = `mlflow-artifacts:/${segments.slice(0, i + 1).join("/")}`;
    const model = segments[i - 2] === "models" ? await deps.loggedModels.get(workspace, id) : undefined;
    if (model !== undefined && proxiedPath(model.artifactUri) === proxiedPath(root))
      return mayWriteLoggedModel(deps.runs, principal, model);
    const run = await deps.runs.get(workspace, id);
    if (run !== undefined && proxiedPath(run.artifactUri) === proxiedPath(root))
      return mayWriteRun(deps.runs, principal, run);
  }
  throw new AppError("Forbidden", `\`${principal.name}\` may write artifacts of its own run, not of \`${path}\``);
}
