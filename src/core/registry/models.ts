import type { Clock } from "../ports/clock.ts";
import type { Ids } from "../ports/ids.ts";
import { invalid, notFound } from "../tracking/errors.ts";
import { checkKey, checkLength, checkModelName, KEY_LIMIT } from "../tracking/names.ts";
import type { LoggedModelStore } from "../tracking/ports.ts";
import type { Caller } from "../tracking/runs.ts";
import type { Deed, ModelStep, ModelStore, ModelVersion, RegisteredModel } from "./ports.ts";
import type { SourceDeps } from "./sources.ts";

export interface RegistryDeps extends SourceDeps {
  readonly models: ModelStore;
  readonly loggedModels: LoggedModelStore;
  readonly clock: Clock;
  readonly ids: Ids;
}

const TAG_VALUE_LIMIT = 100_000;
/** A write holds a hundred records; the model and its history are among them. */
export const VERSIONS_AT_ONCE = 90;

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
export interface About extends Omit<Deed, "actor"> {
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
