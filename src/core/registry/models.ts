import { AppError } from "../../contract/errors.ts";
import type { Clock } from "../ports/clock.ts";
import type { Ids } from "../ports/ids.ts";
import { invalid, notFound } from "../tracking/errors.ts";
import { checkKey, checkLength, checkModelName, KEY_LIMIT } from "../tracking/names.ts";
import type { LoggedModelStore } from "../tracking/ports.ts";
import { mayWriteRun } from "../tracking/rights.ts";
import type { Caller } from "../tracking/runs.ts";
import { tellLoggedModel } from "./logged-model-tag.ts";
import type { Deed, ModelStep, ModelStore, ModelVersion, RegisteredModel, Stage } from "./ports.ts";
import { checkSource, type SourceDeps, withRun } from "./sources.ts";
import { canonicalStage } from "./stages.ts";

export interface RegistryDeps extends SourceDeps {
  readonly models: ModelStore;
  readonly loggedModels: LoggedModelStore;
  readonly clock: Clock;
  readonly ids: Ids;
}

const TAG_VALUE_LIMIT = 100_000;
/** A write holds a hundred records; the model and its history are among them. */
const VERSIONS_AT_ONCE = 90;

export function checkRegistryTag(key: string, value: string): void {
  checkKey(key, "key");
  checkLength(key, KEY_LIMIT, "key");
  checkLength(value, TAG_VALUE_LIMIT, "value");
}

export function newModel(deps: RegistryDeps, workspace: string, name: string, actor: string): RegisteredModel {
  const now = deps.clock.now();
  return {
    workspace,
    id: deps.ids.hex32(),
    name,
    rev: 1,
    createdMs: now,
    updatedMs: now,
    createdBy: actor,
    description: "",
    tags: {},
    aliases: {},
    lastVersion: 0,
    versionCount: 0,
  };
}

export async function createModel(
  deps: RegistryDeps,
  { workspace, principal }: Caller,
  input: {
    readonly name: string;
    readonly description?: string | undefined;
    readonly tags: readonly (readonly [string, string])[];
  },
): Promise<RegisteredModel> {
  checkModelName(input.name);
  for (const [key, value] of input.tags) checkRegistryTag(key, value);
  const model = {
    ...newModel(deps, workspace, input.name, principal.name),
    description: input.description ?? "",
    tags: Object.fromEntries(input.tags),
  };
  await deps.models.create(model, {
    actor: principal.name,
    action: "create",
    summary: `registered model \`${input.name}\` made`,
  });
  return model;
}

export async function getModel(
  deps: Pick<RegistryDeps, "models">,
  workspace: string,
  name: string,
): Promise<RegisteredModel> {
  checkModelName(name);
  const model = await deps.models.get(workspace, name);
  if (model === undefined) throw notFound(`Registered Model with name=${name} not found`);
  return model;
}

/** What a change is recorded as; with `quiet` the time of update stays, as MLflow's does for tags and aliases. */
interface About extends Omit<Deed, "actor"> {
  readonly quiet?: boolean;
}

/** Any change of a model. */
export function changeModel(
  deps: Pick<RegistryDeps, "models" | "clock">,
  { workspace, principal }: Caller,
  name: string,
  { quiet = false, ...about }: About,
  decide: (model: RegisteredModel) => Promise<ModelStep | undefined> | ModelStep | undefined,
): Promise<RegisteredModel> {
  checkModelName(name);
  return deps.models.change(workspace, name, { actor: principal.name, ...about }, async (model) => {
    const step = await decide(model);
    if (step === undefined || quiet) return step;
    return { ...step, model: { updatedMs: deps.clock.now(), ...step.model } };
  });
}

export function renameModel(
  deps: RegistryDeps,
  caller: Caller,
  name: string,
  newName: string,
): Promise<RegisteredModel> {
  checkModelName(newName, "new_name");
  return changeModel(
    deps,
    caller,
    name,
    { action: "update", summary: `model \`${name}\` renamed to \`${newName}\`` },
    async (model) => {
      for (const { version } of await deps.models.versions(model)) {
        const users = await deps.models.users(model, version);
        if (users.length > 0)
          throw invalid(`model \`${name}\` can't be renamed: version \`${version}\` is used by \`${users[0]}\``);
      }
      // The name is part of what a version is known by: they change with it, as many as one write takes.
      const now = deps.clock.now();
      const put = (await deps.models.versions(model)).slice(0, VERSIONS_AT_ONCE);
      return {
        model: { name: newName },
        put: put.map((version): ModelVersion => ({ ...version, updatedMs: now, rev: version.rev + 1 })),
      };
    },
  );
}

export function setModelTag(
  deps: RegistryDeps,
  caller: Caller,
  name: string,
  key: string,
  value: string,
): Promise<RegisteredModel> {
  checkRegistryTag(key, value);
  return changeModel(deps, caller, name, { action: "update", summary: `tag \`${key}\` set`, quiet: true }, (model) => ({
    model: { tags: { ...model.tags, [key]: value } },
  }));
}

export function deleteModelTag(
  deps: RegistryDeps,
  caller: Caller,
  name: string,
  key: string,
): Promise<RegisteredModel> {
  checkKey(key, "key");
  return changeModel(
    deps,
    caller,
    name,
    { action: "update", summary: `tag \`${key}\` removed`, quiet: true },
    (model) => (Object.hasOwn(model.tags, key) ? { model: { tags: without(model.tags, key) } } : undefined),
  );
}

export function without(record: Readonly<Record<string, string>>, key: string): Record<string, string> {
  return Object.fromEntries(Object.entries(record).filter(([name]) => name !== key));
}

const ALIAS_LIMIT = 255;

export function checkAlias(alias: string): void {
  if (alias === "") throw invalid("Registered model alias name cannot be empty.");
  if (!/^[\p{L}\p{N}_-]*$/u.test(alias)) {
    throw invalid(
      `Invalid alias name: '${alias}'. Names may only contain alphanumerics, underscores (_), and dashes (-).`,
    );
  }
  checkLength(alias, ALIAS_LIMIT, "Registered model alias name");
}

export function checkNewAlias(alias: string): void {
  checkAlias(alias);
  if (alias.toLowerCase() === "latest") throw invalid("'latest' alias name (case insensitive) is reserved.");
  if (/^v\d+$/i.test(alias)) throw invalid(`Version alias name '${alias}' is reserved.`);
}

export async function setAlias(
  deps: RegistryDeps,
  caller: Caller,
  name: string,
  alias: string,
  version: string,
): Promise<RegisteredModel> {
  checkModelName(name);
  checkNewAlias(alias);
  await getVersion(deps, caller.workspace, name, version);
  return changeModel(
    deps,
    caller,
    name,
    { action: "label", summary: `label \`${alias}\` points at version \`${version}\``, quiet: true },
    async (model) => {
      const found = await versionOf(deps, model, version);
      return { model: { aliases: { ...model.aliases, [alias]: found.version } } };
    },
  );
}

export function deleteAlias(deps: RegistryDeps, caller: Caller, name: string, alias: string): Promise<RegisteredModel> {
  checkAlias(alias);
  return changeModel(
    deps,
    caller,
    name,
    { action: "label", summary: `label \`${alias}\` removed`, quiet: true },
    (model) =>
      Object.hasOwn(model.aliases, alias) ? { model: { aliases: without(model.aliases, alias) } } : undefined,
  );
}

/** A version of a model by name; whichever of both is not there, the answer is that the version is not. */
export async function getVersion(
  deps: Pick<RegistryDeps, "models">,
  workspace: string,
  name: string,
  version: string,
): Promise<VersionAnswer> {
  checkModelName(name);
  const number = numberOf(version);
  const model = await deps.models.get(workspace, name);
  if (model === undefined) throw notFound(`Model Version (name=${name}, version=${number}) not found`);
  return { model, version: await versionOf(deps, model, version) };
}

function numberOf(version: string): string {
  if (!/^\s*[+-]?\d+\s*$/.test(version)) throw invalid(`Parameter 'version' must be an integer, got '${version}'.`);
  return String(BigInt(version.trim().replace(/^\+/, "")));
}

/** A version that stands, by number as text. */
export async function versionOf(
  deps: Pick<RegistryDeps, "models">,
  model: RegisteredModel,
  version: string,
): Promise<ModelVersion> {
  const number = numberOf(version);
  const found = /^\d{1,15}$/.test(number) ? await deps.models.version(model, number) : undefined;
  if (found === undefined) throw notFound(`Model Version (name=${model.name}, version=${number}) not found`);
  return found;
}

export async function createVersion(
  deps: RegistryDeps,
  caller: Caller,
  input: {
    readonly name: string;
    readonly source: string;
    readonly runId?: string | undefined;
    readonly modelId?: string | undefined;
    readonly runLink?: string | undefined;
    readonly description?: string | undefined;
    readonly tags: readonly (readonly [string, string])[];
  },
): Promise<{ readonly model: RegisteredModel; readonly version: ModelVersion }> {
  const { workspace, principal } = caller;
  const isPrompt = input.tags.some(([key, value]) => key === PROMPT_TAG && value.toLowerCase() === "true");
  const address = isPrompt
    ? { source: input.source, runId: input.runId ?? "", modelId: input.modelId ?? "" }
    : await checkSource(deps, workspace, input.source, input.runId ?? "", input.modelId ?? "");
  checkModelName(input.name);
  for (const [key, value] of input.tags) checkRegistryTag(key, value);
  const lineage = isPrompt ? address : await withRun(deps, workspace, address, input.modelId ?? "");
  await mayRegisterFrom(deps, caller, lineage.runId);
  const now = deps.clock.now();
  let made: ModelVersion | undefined;
  const model = await changeModel(
    deps,
    caller,
    input.name,
    { action: "create", summary: "version registered" },
    (before) => {
      const number = before.lastVersion + 1;
      made = {
        version: String(number),
        createdMs: now,
        updatedMs: now,
        createdBy: principal.name,
        description: input.description ?? "",
        stage: "None",
        ...lineage,
        runLink: input.runLink ?? "",
        tags: Object.fromEntries(input.tags),
        properties: {},
        type: "mlflow_model",
        archived: false,
        rev: 1,
      };
      return { model: { lastVersion: number, versionCount: before.versionCount + 1 }, put: [made] };
    },
  );
  if (made === undefined) throw new AppError("Internal", `no version of \`${input.name}\` was made`);
  if (!isPrompt && lineage.modelId !== "")
    await tellLoggedModel(deps.loggedModels, caller, lineage.modelId, { name: model.name, version: made.version });
  return { model, version: made };
}

export const PROMPT_TAG = "mlflow.prompt.is_prompt";

/** A run's token registers what its own run (or one below it) made. */
export async function mayRegisterFrom(
  deps: RegistryDeps,
  { workspace, principal }: Caller,
  runId: string,
): Promise<void> {
  if (principal.kind !== "run" || runId === "") return;
  const run = await deps.runs.get(workspace, runId);
  if (run !== undefined) await mayWriteRun(deps.runs, principal, run);
}

export interface VersionAnswer {
  readonly model: RegisteredModel;
  readonly version: ModelVersion;
}

/** Changes one version; the model's time of update stays. */
export async function changeVersion(
  deps: RegistryDeps,
  caller: Caller,
  name: string,
  version: string,
  about: About,
  decide: (version: ModelVersion) => Partial<ModelVersion> | undefined,
): Promise<VersionAnswer> {
  await getVersion(deps, caller.workspace, name, version);
  let answer: ModelVersion | undefined;
  const model = await changeModel(deps, caller, name, { ...about, quiet: true }, async (before) => {
    const found = await versionOf(deps, before, version);
    const change = decide(found);
    const updatedMs = about.quiet === true ? found.updatedMs : deps.clock.now();
    answer = change === undefined ? found : { ...found, updatedMs, ...change, rev: found.rev + 1 };
    return change === undefined ? undefined : { put: [answer] };
  });
  if (answer === undefined) throw new AppError("Internal", `version \`${version}\` of \`${name}\` was not read`);
  return { model, version: answer };
}

export async function deleteVersion(deps: RegistryDeps, caller: Caller, name: string, version: string): Promise<void> {
  await getVersion(deps, caller.workspace, name, version);
  await changeModel(
    deps,
    caller,
    name,
    { action: "delete", summary: `version \`${version}\` deleted` },
    async (model) => {
      const found = await versionOf(deps, model, version);
      const aliases = Object.fromEntries(
        Object.entries(model.aliases).filter(([, target]) => target !== found.version),
      );
      return { model: { aliases, versionCount: model.versionCount - 1 }, remove: [found.version] };
    },
  );
}

export async function transitionStage(
  deps: RegistryDeps,
  caller: Caller,
  input: { readonly name: string; readonly version: string; readonly stage: string; readonly archiveExisting: boolean },
): Promise<VersionAnswer> {
  const stage = canonicalStage(input.stage);
  if (input.archiveExisting && (stage === "None" || stage === "Archived")) {
    throw invalid(
      `Model version transition cannot archive existing model versions because '${input.stage}' is not an Active stage. Valid stages are ['Staging', 'Production']`,
    );
  }
  await getVersion(deps, caller.workspace, input.name, input.version);
  let answer: ModelVersion | undefined;
  const model = await changeModel(
    deps,
    caller,
    input.name,
    { action: "stage", summary: `version \`${input.version}\` is in stage ${stage}` },
    async (before) => {
      const found = await versionOf(deps, before, input.version);
      const now = deps.clock.now();
      answer = { ...found, stage, updatedMs: now, rev: found.rev + 1 };
      const others = input.archiveExisting
        ? (await deps.models.versions(before)).filter(
            (other) => other.stage === stage && other.version !== found.version,
          )
        : [];
      return {
        put: [
          answer,
          ...others
            .slice(0, VERSIONS_AT_ONCE)
            .map((other): ModelVersion => ({ ...other, stage: "Archived", updatedMs: now, rev: other.rev + 1 })),
        ],
      };
    },
  );
  if (answer === undefined)
    throw new AppError("Internal", `version \`${input.version}\` of \`${input.name}\` was not read`);
  return { model, version: answer };
}

/** The newest version of each stage, by number. */
export function latestPerStage(versions: readonly ModelVersion[]): readonly ModelVersion[] {
  const latest = new Map<Stage, ModelVersion>();
  for (const version of versions) {
    const known = latest.get(version.stage);
    if (known === undefined || Number(version.version) > Number(known.version)) latest.set(version.stage, version);
  }
  return [...latest.values()];
}
