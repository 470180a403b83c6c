import { AppError } from "../contract/errors.ts";
import type { ActivityWrite } from "../core/activities/ports.ts";
import type { Item, Table, Value, Write } from "../core/ports/table.ts";
import { ABSENT, PRESENT } from "../core/ports/table.ts";
import type {
  Deed,
  ModelStep,
  ModelStore,
  ModelType,
  ModelVersion,
  RegisteredModel,
  Stage,
} from "../core/registry/ports.ts";
import { assetPartition, modelHeadKey, modelList, modelUseKey, modelUsePrefix, modelVersionKey } from "./facts/keys.ts";
import { type Edge, edgeRemovals, edgeWrites } from "./lineage.ts";

const TRIES = 100;
/** Models whose versions are kept in memory for searches; a head's revision tells whether they still hold. */
const CACHED_MODELS = 2000;
const WRITES_LIMIT = 100;

/** The registry. A model's head has a revision that every write to one of its versions moves: writes are in a row, and searches re-read only what moved. */
export function openModelStore(deps: { readonly table: Table; readonly activity: ActivityWrite }): ModelStore {
  const { table, activity } = deps;
  const cache = new Map<string, { readonly rev: number; readonly versions: readonly ModelVersion[] }>();
  const tails = new Map<string, Promise<unknown>>();

  async function get(workspace: string, name: string): Promise<RegisteredModel | undefined> {
    const item = await table.get(modelHeadKey(workspace, name));
    return item === undefined ? undefined : headFrom(item);
  }

  /** In this process changes of one model wait for each other; other processes are met by the revision. */
  function inTurn<T>(name: string, work: () => Promise<T>): Promise<T> {
    const turn = (tails.get(name) ?? Promise.resolve()).then(work);
    const tail = turn
      .catch(() => undefined)
      .then(() => {
        if (tails.get(name) === tail) tails.delete(name);
      });
    tails.set(name, tail);
    return turn;
  }

  async function version(model: RegisteredModel, number: string): Promise<ModelVersion | undefined> {
    const item = await table.get(modelVersionKey(model.workspace, model.id, number));
    return item === undefined ? undefined : versionFrom(item);
  }

  async function users(model: RegisteredModel, number: string): Promise<readonly string[]> {
    const prefix = modelUsePrefix(number);
    const items = await readAll(table, assetPartition(model.workspace, "model", model.id), prefix);
    return items.map((item) => item.sk.slice(prefix.length));
  }

  async function mustBeUnused(model: RegisteredModel, numbers: readonly string[]): Promise<void> {
    for (const number of numbers) {
      const used = await users(model, number);
      if (used.length === 0) continue;
      throw new AppError(
        "InUse",
        `version \`${number}\` of model \`${model.name}\` is used by ${used.map((user) => `\`${user}\``).join(", ")}`,
        {
          used_by: used,
          hint: "delete these deployments, or give them another model, first",
        },
      );
    }
  }

  /** What triggers wait for: a version that is new, and tags that are. */
  async function factsOf(
    before: RegisteredModel,
    after: RegisteredModel,
    put: readonly ModelVersion[],
  ): Promise<{ readonly after?: { readonly [key: string]: Value } }> {
    const [changed] = put;
    const old = changed === undefined ? before.tags : await tagsBefore(before, changed);
    const tags = Object.entries(changed?.tags ?? after.tags).filter(([key, value]) => old[key] !== value);
    if (changed === undefined && tags.length === 0) return {};
    const version: { readonly [key: string]: Value } = changed === undefined ? {} : { version: changed.version };
    return { after: tags.length === 0 ? version : { ...version, tagged: Object.fromEntries(tags) } };
  }

  async function tagsBefore(model: RegisteredModel, { version: number, rev }: ModelVersion) {
    return rev === 1 ? {} : ((await version(model, number))?.tags ?? {});
  }

  async function apply(before: RegisteredModel, step: ModelStep, deed: Deed): Promise<RegisteredModel | undefined> {
    const { put = [], remove = [] } = step;
    if (remove.length > 0) await mustBeUnused(before, remove);
    const after: RegisteredModel = { ...before, ...step.model, rev: before.rev + 1 };
    const renamed = after.name !== before.name;
    const { workspace, id } = before;
    const made = put.filter((each) => each.rev === 1).flatMap((each) => originEdges(id, each));
    const gone = (await Promise.all(remove.map((number) => version(before, number)))).flatMap((each) =>
      each === undefined ? [] : originEdges(id, each),
    );
    const writes: Write[] = [
      {
        kind: "put",
        item: headItem(after),
        when: renamed ? ABSENT : [{ attr: "rev", op: "eq", value: before.rev }],
      },
      ...put.map((each): Write => ({ kind: "put", item: versionItem(workspace, id, each) })),
      ...remove.map((number): Write => ({ kind: "delete", key: modelVersionKey(workspace, id, number) })),
      ...edgeWrites(workspace, made),
      ...edgeRemovals(workspace, gone),
      ...(renamed
        ? [
            {
              kind: "delete",
              key: modelHeadKey(workspace, before.name),
              when: [{ attr: "rev", op: "eq", value: before.rev }],
            } satisfies Write,
          ]
        : []),
      activity({ workspace, resource: "model", name: after.name, ...deed, ...(await factsOf(before, after, put)) }),
    ];
    const result = await table.transact(writes);
    if (result.ok) return after;
    if (renamed && result.failed.some((failure) => failure.index === 0)) {
      throw new AppError("AlreadyExists", `Registered Model (name=${after.name}) already exists.`, {
        name: after.name,
      });
    }
    return undefined;
  }

  return {
    get,
    async list(workspace) {
      return (await readAll(table, modelList(workspace))).map(headFrom);
    },
    async create(model, deed) {
      const { workspace, name } = model;
      const result = await table.transact([
        { kind: "put", item: headItem(model), when: ABSENT },
        activity({ workspace, resource: "model", name, ...deed }),
      ]);
      if (!result.ok) throw new AppError("AlreadyExists", `Registered Model (name=${name}) already exists.`, { name });
    },
    version,
    async versions(model) {
      const name = `${model.workspace} ${model.id}`;
      const known = cache.get(name);
      if (known?.rev === model.rev) return known.versions;
      const items = await readAll(table, assetPartition(model.workspace, "model", model.id), "V#");
      const versions = items.map(versionFrom);
      // Read after the head: what was written in between has a newer revision, and is read again with it.
      if (cache.size >= CACHED_MODELS) cache.clear();
      cache.set(name, { rev: model.rev, versions });
      return versions;
    },
    change(workspace, name, deed, decide) {
      return inTurn(`${workspace} ${name}`, async () => {
        for (let attempt = 0; attempt < TRIES; attempt++) {
          const before = await get(workspace, name);
          if (before === undefined)
            throw new AppError("NotFound", `Registered Model with name=${name} not found`, { name });
          const step = await decide(before);
          if (step === undefined) return before;
          const after = await apply(before, step, deed);
          if (after !== undefined) return after;
        }
        throw new AppError("Unavailable", `model \`${name}\` could not be changed: too many writers at once`);
      });
    },
    delete(model, deed) {
      const { workspace, id, name } = model;
      return inTurn(`${workspace} ${name}`, async () => {
        const items = await readAll(table, assetPartition(workspace, "model", id));
        const used = items.filter((item) => item.sk.startsWith("USE#"));
        if (used.length > 0) await mustBeUnused(model, [...new Set(used.map((item) => String(item.version)))]);
        const now = await get(workspace, name);
        if (now === undefined || now.id !== id)
          throw new AppError("NotFound", `Registered Model with name=${name} not found`, { name });
        const result = await table.transact([
          { kind: "delete", key: modelHeadKey(workspace, name), when: [{ attr: "rev", op: "eq", value: now.rev }] },
          activity({ workspace, resource: "model", name, ...deed }),
        ]);
        if (!result.ok)
          throw new AppError("Conflict", `model \`${name}\` was changed meanwhile`, { hint: "try again" });
        // Without its head nothing finds the versions; taking them away is tidying.
        const edges = items
          .filter((item) => item.sk.startsWith("V#"))
          .flatMap((item) => originEdges(id, versionFrom(item)));
        const removals = [
          ...items.map(({ pk, sk }): Write => ({ kind: "delete", key: { pk, sk } })),
          ...edgeRemovals(workspace, edges),
        ];
        for (let at = 0; at < removals.length; at += WRITES_LIMIT) {
          await table.transact(removals.slice(at, at + WRITES_LIMIT));
        }
      });
    },
    users,
  };
}

/**
 * Writes that make `user` (`<endpoint>/<deployment>`) hold a version; for the deployment's own transaction (at most three).
 * They fail where the version is gone. Throws NotFound when it is not there now.
 */
export async function modelUseWrites(
  table: Table,
  use: { readonly workspace: string; readonly name: string; readonly version: string; readonly user: string },
): Promise<Write[]> {
  const { workspace, name, version, user } = use;
  const head = await table.get(modelHeadKey(workspace, name));
  const id = String(head?.id);
  if (head === undefined || (await table.get(modelVersionKey(workspace, id, version))) === undefined) {
    throw new AppError(
      "NotFound",
      `there is no version \`${version}\` of model \`${name}\` in workspace \`${workspace}\``,
    );
  }
  return [
    { kind: "check", key: modelVersionKey(workspace, id, version), when: PRESENT },
    // Moves the revision, so that a deletion decided before this use does not go through.
    { kind: "update", key: modelHeadKey(workspace, name), add: { rev: 1 }, when: PRESENT },
    { kind: "put", item: { ...modelUseKey(workspace, id, version, user), type: "MODEL-USE", v: 1, version, user } },
  ];
}

/** Writes that let go of a version; none where the model is gone. */
export async function modelReleaseWrites(
  table: Table,
  use: { readonly workspace: string; readonly name: string; readonly version: string; readonly user: string },
): Promise<Write[]> {
  const { workspace, name, version, user } = use;
  const head = await table.get(modelHeadKey(workspace, name));
  return head === undefined ? [] : [{ kind: "delete", key: modelUseKey(workspace, String(head.id), version, user) }];
}

/** What a run and a logged model became; which ones a version came from is in its own record. */
function originEdges(id: string, { version, runId, modelId }: ModelVersion): Edge[] {
  const thing = { kind: "model", name: id, version } as const;
  return [
    { of: { kind: "run", name: runId }, direction: "down", step: { thing, role: "output" } },
    { of: { kind: "logged_model", name: modelId }, direction: "down", step: { thing, role: "registered" } },
  ];
}

async function readAll(table: Table, pk: string, prefix?: string): Promise<Item[]> {
  const items: Item[] = [];
  let cursor: string | undefined;
  do {
    const page = await table.query({
      pk,
      ...(prefix === undefined ? {} : { sk: { prefix } }),
      ...(cursor === undefined ? {} : { cursor }),
    });
    items.push(...page.items);
    cursor = page.cursor;
  } while (cursor !== undefined);
  return items;
}

function headItem(model: RegisteredModel): Item {
  return {
    ...modelHeadKey(model.workspace, model.name),
    type: "MODEL",
    v: 1,
    ...model,
    tags: { ...model.tags },
    aliases: { ...model.aliases },
  };
}

function headFrom(item: Item): RegisteredModel {
  if (item.type !== "MODEL" || item.v !== 1)
    throw new AppError("Internal", `record \`${item.sk}\` is no registered model of version 1`);
  return {
    workspace: String(item.workspace),
    id: String(item.id),
    name: String(item.name),
    rev: Number(item.rev),
    createdMs: Number(item.createdMs),
    updatedMs: Number(item.updatedMs),
    createdBy: String(item.createdBy),
    description: String(item.description),
    tags: item.tags as Record<string, string>,
    aliases: item.aliases as Record<string, string>,
    lastVersion: Number(item.lastVersion),
    versionCount: Number(item.versionCount),
  };
}

function versionItem(workspace: string, id: string, version: ModelVersion): Item {
  const { type: modelType, ...rest } = version;
  return {
    ...modelVersionKey(workspace, id, version.version),
    type: "MODEL-VERSION",
    v: 1,
    ...(rest as { [key: string]: Value }),
    modelType,
  };
}

function versionFrom(item: Item): ModelVersion {
  if (item.type !== "MODEL-VERSION" || item.v !== 1)
    throw new AppError("Internal", `record \`${item.pk}\` / \`${item.sk}\` is no model version of version 1`);
  return {
    version: String(item.version),
    createdMs: Number(item.createdMs),
    updatedMs: Number(item.updatedMs),
    createdBy: String(item.createdBy),
    description: String(item.description),
    stage: item.stage as Stage,
    source: String(item.source),
    runId: String(item.runId),
    runLink: String(item.runLink),
    modelId: String(item.modelId),
    tags: item.tags as Record<string, string>,
    properties: item.properties as Record<string, string>,
    type: item.modelType as ModelType,
    ...(item.flavors === undefined ? {} : { flavors: item.flavors as { [key: string]: Value } }),
    archived: item.archived === true,
    ...(typeof item.sizeBytes === "number" ? { sizeBytes: item.sizeBytes } : {}),
    ...(typeof item.fileCount === "number" ? { fileCount: item.fileCount } : {}),
    rev: Number(item.rev),
  };
}
