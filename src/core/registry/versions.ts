import { AppError } from "../../contract/errors.ts";
import { invalid, notFound } from "../tracking/errors.ts";
import { checkModelName } from "../tracking/names.ts";
import { mayWriteRun } from "../tracking/rights.ts";
import type { Caller } from "../tracking/runs.ts";
import { tellLoggedModel } from "./logged-model-tag.ts";
import { type About, changeModel, checkRegistryTag, type RegistryDeps, VERSIONS_AT_ONCE } from "./models.ts";
import type { ModelVersion, RegisteredModel, Stage } from "./ports.ts";
import { checkSource, withRun } from "./sources.ts";
import { canonicalStage } from "./stages.ts";

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
