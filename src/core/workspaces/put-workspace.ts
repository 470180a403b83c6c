import type * as z from "zod";
import { AppError } from "../../contract/errors.ts";
import type { WorkspaceSpec } from "../../contract/workspaces.ts";
import type { AssetStore } from "../assets/ports.ts";
import { ensureCurated } from "../environment-assets/ensure-curated.ts";
import type { Clock } from "../ports/clock.ts";
import type { Digest } from "../ports/digest.ts";
import { canonicalJson } from "../records/canonical-json.ts";
import type { Precondition } from "../records/revision.ts";
import { type PurgeDeps, purgeWorkspace } from "./delete-workspace.ts";
import type { WorkspaceRecord, WorkspaceStore } from "./ports.ts";
import { freeStorage, makeStorage, mustBeAsked } from "./storage.ts";

const TRIES = 20;

export interface PutWorkspaceDeps extends PurgeDeps {
  readonly workspaces: WorkspaceStore;
  readonly assets: AssetStore;
  readonly clock: Clock;
  readonly digest: Digest;
}

/** Makes a workspace - with its default datastore, the compute `local` and the curated environments, in storage of its own where that is asked for - or changes its words. */
export async function putWorkspace(
  deps: PutWorkspaceDeps,
  input: {
    readonly name: string;
    readonly spec: z.output<typeof WorkspaceSpec>;
    readonly actor: string;
    readonly precondition?: Precondition;
  },
): Promise<{ readonly record: WorkspaceRecord; readonly made: boolean }> {
  const { name, actor } = input;
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const before = await deps.workspaces.get(name);
    input.precondition?.(before);
    if (before?.deletesMs !== undefined) {
      throw new AppError("Conflict", `workspace \`${name}\` is deleted, and its name is not free yet`, {
        hint: "`yard workspace restore` takes that back",
      });
    }
    if (before !== undefined) mustBeAsked(before, input.spec.storage);
    const record = recordOf(deps, input, before);
    if (before !== undefined && canonicalJson({ ...record, rev: 0 }) === canonicalJson({ ...before, rev: 0 })) {
      return { record: before, made: false };
    }
    // What a deletion that was cut short has left must not come back to life.
    if (before === undefined && (await deps.workspaces.needsPurge(name))) await purgeWorkspace(deps, name);
    const storage = before === undefined ? await makeStorage(deps, name, input.spec.storage) : undefined;
    const whole = storage === undefined ? record : { ...record, storage };
    if (await deps.workspaces.put(whole, before?.rev ?? 0, actor)) {
      if (before === undefined) await ensureCurated(deps, name);
      return { record: whole, made: before === undefined };
    }
    if (storage !== undefined) await freeStorage(deps, name);
  }
  throw new AppError("Unavailable", `workspace \`${name}\` could not be changed: too many writers at once`);
}

/** For the start of a home: the workspace is there and has what this version of the home ships. */
export async function ensureWorkspace(deps: PutWorkspaceDeps, name: string): Promise<void> {
  if ((await deps.workspaces.get(name)) === undefined) await putWorkspace(deps, { name, spec: {}, actor: "system" });
  else await ensureCurated(deps, name);
}

function recordOf(
  deps: { readonly clock: Clock },
  {
    name,
    spec,
    actor,
  }: { readonly name: string; readonly spec: z.output<typeof WorkspaceSpec>; readonly actor: string },
  before: WorkspaceRecord | undefined,
): WorkspaceRecord {
  return {
    name,
    ...(spec.display_name === undefined ? {} : { displayName: spec.display_name }),
    ...(spec.description === undefined ? {} : { description: spec.description }),
    tags: spec.tags ?? {},
    ...(spec.retention === undefined ? {} : { retention: spec.retention }),
    ...(before?.storage === undefined ? {} : { storage: before.storage }),
    createdAt: before?.createdAt ?? new Date(deps.clock.now()).toISOString(),
    createdBy: before?.createdBy ?? actor,
    rev: (before?.rev ?? 0) + 1,
  };
}
