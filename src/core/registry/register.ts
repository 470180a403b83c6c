import { AppError } from "../../contract/errors.ts";
import { mergeTags } from "../assets/words.ts";
import type { Value } from "../ports/table.ts";
import { canonicalJson } from "../records/canonical-json.ts";
import type { Precondition } from "../records/revision.ts";
import type { Caller } from "../tracking/runs.ts";
import { checkNewAlias } from "./aliases.ts";
import { newModel, type RegistryDeps, without } from "./models.ts";
import type { ModelType, ModelVersion, RegisteredModel } from "./ports.ts";
import { findVersion, type ModelRef } from "./resolve.ts";
import { canonicalStage } from "./stages.ts";
import { mayRegisterFrom, type VersionAnswer } from "./versions.ts";

/** What a model is registered from, Azure's way: a URI that has been looked at, and words. */
export interface NewModelVersion {
  readonly name: string;
  /** A positive integer; absent: the next one. */
  readonly version?: string | undefined;
  /** `azureml://trees/…`, `runs:/…`, `azureml://jobs/…`, `azureml://datastores/…`, `models:/m-…`. */
  readonly path: string;
  readonly type: ModelType;
  readonly description?: string | undefined;
  readonly tags?: Readonly<Record<string, string>> | undefined;
  readonly properties?: Readonly<Record<string, string>> | undefined;
  readonly flavors?: Readonly<Record<string, unknown>> | undefined;
  readonly stage?: string | undefined;
  /** The run whose output it is. */
  readonly runId?: string | undefined;
  readonly sizeBytes?: number | undefined;
  readonly fileCount?: number | undefined;
  readonly precondition?: Precondition;
}

export interface Registered extends VersionAnswer {
  readonly made: boolean;
}

/**
 * Registers a version, and its model if this is the first. A version that stands with the same content is answered (its words replaced where others
 * are given), with other content AlreadyExists. Numbers are handed out without gaps and never again.
 */
export async function registerModelVersion(
  deps: RegistryDeps,
  caller: Caller,
  input: NewModelVersion,
): Promise<Registered> {
  const { workspace, principal } = caller;
  const { name, version } = input;
  if (version !== undefined && !/^[1-9]\d{0,14}$/.test(version)) {
    throw new AppError("InvalidArgument", `version \`${version}\` of model \`${name}\` is not a positive integer`, {
      hint: "leave the version out to get the next one",
    });
  }
  const stage = input.stage === undefined ? undefined : canonicalStage(input.stage);
  const origin = originOf(input);
  await mayRegisterFrom(deps, caller, origin.runId);
  if ((await deps.models.get(workspace, name)) === undefined) await makeModel(deps, workspace, name, principal.name);
  let answer: { version: ModelVersion; made: boolean } | undefined;
  const about = {
    actor: principal.name,
    action: "create",
    summary: `model \`${name}\`${version === undefined ? "" : ` version \`${version}\``} registered`,
  };
  const model = await deps.models.change(workspace, name, about, async (before) => {
    const standing = version === undefined ? undefined : await deps.models.version(before, version);
    input.precondition?.(standing === undefined ? undefined : revised(standing));
    const now = deps.clock.now();
    if (standing !== undefined) {
      const repeated = repeat(standing, input, now);
      answer = { version: repeated ?? standing, made: false };
      return repeated === undefined ? undefined : { model: { updatedMs: now }, put: [repeated] };
    }
    const number = version === undefined ? before.lastVersion + 1 : Number(version);
    if (number <= before.lastVersion) {
      throw new AppError(
        "Conflict",
        `version \`${number}\` of model \`${name}\` was deleted; numbers are not used again`,
        { hint: "leave the version out to get the next one" },
      );
    }
    const made: ModelVersion = {
      version: String(number),
      createdMs: now,
      updatedMs: now,
      createdBy: principal.name,
      description: input.description ?? "",
      stage: stage ?? "None",
      source: input.path,
      ...origin,
      runLink: "",
      tags: input.tags ?? {},
      properties: input.properties ?? {},
      type: input.type,
      ...(input.flavors === undefined ? {} : { flavors: input.flavors as { [key: string]: Value } }),
      archived: false,
      ...(input.sizeBytes === undefined ? {} : { sizeBytes: input.sizeBytes }),
      ...(input.fileCount === undefined ? {} : { fileCount: input.fileCount }),
      rev: 1,
    };
    answer = { version: made, made: true };
    return { model: { lastVersion: number, versionCount: before.versionCount + 1, updatedMs: now }, put: [made] };
  });
  if (answer === undefined) throw new AppError("Internal", `no version of model \`${name}\` was made`);
  return { model, ...answer };
}

async function makeModel(deps: RegistryDeps, workspace: string, name: string, actor: string): Promise<void> {
  try {
    await deps.models.create(newModel(deps, workspace, name, actor), {
      actor,
      action: "create",
      summary: `model \`${name}\` made`,
    });
  } catch (error) {
    // Somebody else made it first: just as well.
    if (!(error instanceof AppError && error.code === "AlreadyExists")) throw error;
  }
}

/** Run and logged model, as far as the address tells. */
function originOf({ path, runId }: NewModelVersion): { runId: string; modelId: string } {
  const ofRun = /^runs:\/([^/]+)/.exec(path)?.[1];
  const ofJob = /^azureml:\/\/jobs\/([^/]+)\//.exec(path)?.[1];
  return { runId: runId ?? ofRun ?? ofJob ?? "", modelId: /^models:\/(m-[^/@]+)$/.exec(path)?.[1] ?? "" };
}

function repeat(standing: ModelVersion, input: NewModelVersion, now: number): ModelVersion | undefined {
  const same =
    standing.source === input.path &&
    standing.type === input.type &&
    canonicalJson(standing.flavors ?? {}) === canonicalJson(input.flavors ?? standing.flavors ?? {});
  if (!same) {
    throw new AppError(
      "AlreadyExists",
      `model \`${input.name}\` version \`${standing.version}\` exists with other content`,
      {
        hint: "register it under another version, or leave the version out to get the next one",
      },
    );
  }
  const { description = standing.description, tags = {}, properties = {} } = input;
  const merged = {
    description,
    tags: Object.keys(tags).length === 0 ? standing.tags : tags,
    properties: Object.keys(properties).length === 0 ? standing.properties : properties,
    stage: input.stage === undefined ? standing.stage : canonicalStage(input.stage),
  };
  const before = {
    description: standing.description,
    tags: standing.tags,
    properties: standing.properties,
    stage: standing.stage,
  };
  return canonicalJson(merged) === canonicalJson(before)
    ? undefined
    : { ...standing, ...merged, updatedMs: now, rev: standing.rev + 1 };
}

/** What an ETag of a version is made from. */
export function revised(version: ModelVersion): { readonly rev: number; readonly createdAt: string } {
  return { rev: version.rev, createdAt: new Date(version.createdMs).toISOString() };
}

/** `latest` first, then the labels that point at it. */
export function labelsOf(
  model: RegisteredModel,
  version: ModelVersion,
  latest: ModelVersion | undefined,
): readonly string[] {
  const own = Object.entries(model.aliases).flatMap(([label, target]) => (target === version.version ? [label] : []));
  return [...(latest?.version === version.version ? ["latest"] : []), ...own.sort()];
}

/** The newest that is not archived, else the newest. */
export function latestOf(versions: readonly ModelVersion[]): ModelVersion | undefined {
  return versions.findLast((version) => !version.archived) ?? versions.at(-1);
}

/** A version by number or label; NotFound where it is not. */
export async function mustFind(
  deps: Pick<RegistryDeps, "models">,
  workspace: string,
  name: string,
  ref: ModelRef,
): Promise<VersionAnswer> {
  const found = await findVersion(deps.models, workspace, name, ref);
  if (found !== undefined) return found;
  const asked = "version" in ref ? `version \`${ref.version}\`` : `label \`${ref.label}\``;
  const isThere = (await deps.models.get(workspace, name)) !== undefined;
  throw new AppError(
    "NotFound",
    isThere ? `model \`${name}\` has no ${asked}` : `there is no model \`${name}\` in workspace \`${workspace}\``,
    {
      hint: isThere
        ? `\`yard model list --name ${name}\` shows its versions`
        : "`yard model list` shows those there are",
    },
  );
}

export async function updateModelVersion(
  deps: RegistryDeps,
  { workspace, principal }: Caller,
  name: string,
  ref: ModelRef,
  update: {
    readonly description?: string | undefined;
    readonly tags?: Readonly<Record<string, string | null>> | undefined;
    readonly properties?: Readonly<Record<string, string | null>> | undefined;
    readonly stage?: string | undefined;
    readonly archived?: boolean | undefined;
  },
  precondition?: Precondition,
): Promise<VersionAnswer> {
  await mustFind(deps, workspace, name, ref);
  const stage = update.stage === undefined ? undefined : canonicalStage(update.stage);
  let answer: ModelVersion | undefined;
  const model = await deps.models.change(
    workspace,
    name,
    { actor: principal.name, action: "update", summary: `a version of model \`${name}\` changed` },
    async () => {
      const { version } = await mustFind(deps, workspace, name, ref);
      precondition?.(revised(version));
      const now = deps.clock.now();
      answer = {
        ...version,
        description: update.description ?? version.description,
        tags: mergeTags(version.tags, update.tags),
        properties: mergeTags(version.properties, update.properties),
        stage: stage ?? version.stage,
        archived: update.archived ?? version.archived,
        updatedMs: now,
        rev: version.rev + 1,
      };
      return { model: { updatedMs: now }, put: [answer] };
    },
  );
  if (answer === undefined) throw new AppError("Internal", `model \`${name}\` was not read`);
  return { model, version: answer };
}

export async function deleteModelVersion(
  deps: RegistryDeps,
  { workspace, principal }: Caller,
  name: string,
  version: string,
  precondition?: Precondition,
): Promise<void> {
  await mustFind(deps, workspace, name, { version });
  await deps.models.change(
    workspace,
    name,
    { actor: principal.name, action: "delete", summary: `version \`${version}\` of model \`${name}\` deleted` },
    async (model) => {
      const found = await mustFind(deps, workspace, name, { version });
      precondition?.(revised(found.version));
      const aliases = Object.fromEntries(
        Object.entries(model.aliases).filter(([, target]) => target !== found.version.version),
      );
      return {
        model: { aliases, versionCount: model.versionCount - 1, updatedMs: deps.clock.now() },
        remove: [found.version.version],
      };
    },
  );
}

export async function putModelLabel(
  deps: RegistryDeps,
  { workspace, principal }: Caller,
  name: string,
  label: string,
  version: string,
): Promise<VersionAnswer> {
  checkNewAlias(label);
  const { version: found } = await mustFind(deps, workspace, name, { version });
  const model = await deps.models.change(
    workspace,
    name,
    {
      actor: principal.name,
      action: "label",
      summary: `label \`${label}\` of model \`${name}\` points at version \`${found.version}\``,
    },
    async (before) => {
      await mustFind(deps, workspace, name, { version });
      return { model: { aliases: { ...before.aliases, [label]: found.version }, updatedMs: deps.clock.now() } };
    },
  );
  return { model, version: found };
}

export async function deleteModelLabel(
  deps: RegistryDeps,
  { workspace, principal }: Caller,
  name: string,
  label: string,
): Promise<void> {
  const missing = new AppError(
    "NotFound",
    `there is no label \`${label}\` of model \`${name}\` in workspace \`${workspace}\``,
  );
  if ((await deps.models.get(workspace, name)) === undefined) throw missing;
  await deps.models.change(
    workspace,
    name,
    { actor: principal.name, action: "label", summary: `label \`${label}\` of model \`${name}\` removed` },
    (model) => {
      if (!Object.hasOwn(model.aliases, label)) throw missing;
      return { model: { aliases: without(model.aliases, label), updatedMs: deps.clock.now() } };
    },
  );
}
