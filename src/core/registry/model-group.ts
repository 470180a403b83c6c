import { AppError } from "../../contract/errors.ts";
import { GROUP_TAG, PARTITION_TAG } from "../../contract/names.ts";
import type { Run, RunStore } from "../tracking/ports.ts";
import type { ModelStore, ModelVersion, RegisteredModel } from "./ports.ts";

export interface GroupMember {
  readonly model: RegisteredModel;
  readonly version: ModelVersion;
  readonly partition: string;
  readonly run: Run | undefined;
}

const AT_ONCE = 50;

/** The newest version of each model of a group, by partition, with the runs they came from. Throws NotFound for a group without models. */
export async function listModelGroup(
  deps: { readonly models: ModelStore; readonly runs: Pick<RunStore, "getMany"> },
  workspace: string,
  group: string,
): Promise<readonly GroupMember[]> {
  // Names begin with the group's; others need not be read.
  const candidates = (await deps.models.list(workspace)).filter(({ name }) => name.startsWith(`${group}-`));
  const members: Omit<GroupMember, "run">[] = [];
  for (let at = 0; at < candidates.length; at += AT_ONCE) {
    const some = candidates.slice(at, at + AT_ONCE);
    const newest = await Promise.all(some.map((model) => newestOf(deps.models, model, group)));
    members.push(...newest.filter((member) => member !== undefined));
  }
  if (members.length === 0) {
    throw new AppError("NotFound", `workspace \`${workspace}\` has no models of group \`${group}\``, {
      hint: "a parallel_for step of a pipeline makes them, with `models: {group: …, output: …}`",
    });
  }
  const found = await deps.runs.getMany(
    workspace,
    members.flatMap(({ version }) => (version.runId === "" ? [] : [version.runId])),
  );
  const runs = new Map(found.map((run) => [run.runId, run]));
  return members
    .map((member) => ({ ...member, run: runs.get(member.version.runId) }))
    .sort((a, b) => (a.partition < b.partition ? -1 : 1));
}

async function newestOf(
  models: ModelStore,
  model: RegisteredModel,
  group: string,
): Promise<Omit<GroupMember, "run"> | undefined> {
  const versions = (await models.versions(model)).filter(
    ({ archived, tags }) => !archived && tags[GROUP_TAG] === group,
  );
  const version = versions.reduce<ModelVersion | undefined>(
    (best, one) => (best === undefined || Number(one.version) > Number(best.version) ? one : best),
    undefined,
  );
  return version === undefined ? undefined : { model, version, partition: version.tags[PARTITION_TAG] ?? "" };
}
