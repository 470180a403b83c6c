import type { AssetStore } from "../assets/ports.ts";
import type { EndpointStore } from "../endpoints/ports.ts";
import type { DeploymentId, DeploymentRecord, RevisionRecord } from "../endpoints/record.ts";
import type { JobStore } from "../jobs/ports.ts";
import type { JobRecord } from "../jobs/record.ts";
import type { ModelStore, RegisteredModel } from "../registry/ports.ts";
import type { LoggedModelStore, RunStore } from "../tracking/ports.ts";
import { type Direction, idOf, isKnowable, type LineageIndex, type Step, type Thing } from "./ports.ts";
import type { Near } from "./walk.ts";

export interface LineageDeps {
  readonly lineage: LineageIndex;
  readonly assets: AssetStore;
  readonly jobs: Pick<JobStore, "get">;
  readonly runs: Pick<RunStore, "get">;
  readonly models: ModelStore;
  readonly loggedModels: Pick<LoggedModelStore, "get">;
  readonly endpoints: Pick<EndpointStore, "getDeployment" | "getRevision">;
}

/** Records of one walk, each read once. */
export interface Records {
  /** Undefined: there is no such thing, or it was deleted. */
  facts(thing: Thing): Promise<Facts | undefined>;
  modelName(id: string): Promise<string | undefined>;
  readonly near: Near;
}

export interface Facts {
  readonly title?: string;
  readonly status?: string;
}

/** Steps read of one thing in one direction at most. */
const STEPS_LIMIT = 200;

export function openRecords(deps: LineageDeps, workspace: string): Records {
  const job = once((name) => deps.jobs.get(workspace, name));
  const run = once((name) => deps.runs.get(workspace, name));
  const logged = once((name) => deps.loggedModels.get(workspace, name));
  const heads = once(async (_: string) => new Map((await deps.models.list(workspace)).map((head) => [head.id, head])));
  const byName = once((name) => deps.models.get(workspace, name));
  const deployment = once((name) => deps.endpoints.getDeployment(deploymentId(workspace, name)));

  const head = async (id: string): Promise<RegisteredModel | undefined> => (await heads("")).get(id);

  async function modelVersion({ name, version = "" }: Thing) {
    const model = await head(name);
    return model === undefined ? undefined : deps.models.version(model, version);
  }

  async function facts(thing: Thing): Promise<Facts | undefined> {
    const { kind, name, version = "" } = thing;
    switch (kind) {
      case "data":
        return (await deps.assets.version(workspace, "data", name, version)) === undefined ? undefined : {};
      case "dataset":
        return {};
      case "model":
        return (await modelVersion(thing)) === undefined ? undefined : {};
      case "run": {
        const [found, asJob] = await Promise.all([run(name), job(name)]);
        if (found === undefined) return undefined;
        return {
          title: found.name,
          status: found.lifecycle === "deleted" ? "Deleted" : (asJob?.status ?? found.status),
        };
      }
      case "logged_model": {
        const found = await logged(name);
        if (found === undefined || found.deleted) return undefined;
        return { title: found.name, status: found.status.replace("LOGGED_MODEL_", "") };
      }
      case "deployment": {
        const found = await deployment(name);
        return found === undefined ? undefined : { status: found.state };
      }
    }
  }

  /** `azureml:NAME:VERSION` in a job's or a revision's record. */
  async function assetThing(asset: string | undefined, kind: "data" | "model"): Promise<Thing | undefined> {
    const [, name, version] = /^azureml:([^:]+):([^:]+)$/.exec(asset ?? "") ?? [];
    if (name === undefined || version === undefined) return undefined;
    return { kind, name: kind === "data" ? name : ((await byName(name))?.id ?? name), version };
  }

  /** The run, once for each output of its job that this is; a run without such an output made it all the same. */
  async function madeBy(runId: string | undefined, thing: Thing): Promise<Step[]> {
    const maker = { kind: "run", name: runId ?? "" } as const;
    if (runId === undefined || !isKnowable(maker)) return [];
    const outputs = await jobOutputs(await job(runId), assetThing);
    const same = outputs.filter((output) => idOf(output.thing) === idOf(thing));
    return same.length === 0 ? [{ thing: maker, role: "output" }] : same.map((output) => ({ ...output, thing: maker }));
  }

  async function up(thing: Thing): Promise<Step[]> {
    const { kind, name, version = "" } = thing;
    switch (kind) {
      case "dataset":
        return [];
      case "data": {
        const made = await deps.assets.version(workspace, "data", name, version);
        return madeBy(/^run:(.+)$/.exec(made?.createdBy ?? "")?.[1], thing);
      }
      case "run": {
        const [asJob, found] = await Promise.all([job(name), run(name)]);
        return [
          ...(await jobInputs(asJob, assetThing)),
          ...(found?.datasets ?? []).map(({ name: dataset, digest, context }): Step => {
            const label = context === undefined ? {} : { label: context };
            return { thing: { kind: "dataset", name: dataset, version: digest }, role: "input", ...label };
          }),
          ...(found?.modelInputs ?? []).map(
            (id): Step => ({ thing: { kind: "logged_model", name: id }, role: "input" }),
          ),
        ];
      }
      case "logged_model": {
        const source = (await logged(name))?.sourceRunId ?? "";
        return source === "" ? [] : [{ thing: { kind: "run", name: source }, role: "output" }];
      }
      case "model": {
        const found = await modelVersion(thing);
        return [
          ...(await madeBy(found?.runId, thing)),
          ...(found === undefined || found.modelId === ""
            ? []
            : [{ thing: { kind: "logged_model", name: found.modelId }, role: "registered" } as const]),
        ];
      }
      case "deployment": {
        const record = await deployment(name);
        if (record === undefined) return [];
        const things = await Promise.all(
          numbersOf(record).map(async (number) => {
            const revision = await deps.endpoints.getRevision(deploymentId(workspace, name), number);
            return assetThing(
              revision !== undefined && holds(revision) ? revision.plan.model?.asset : undefined,
              "model",
            );
          }),
        );
        return things.flatMap((model) => (model === undefined ? [] : [{ thing: model, role: "deployed" } as const]));
      }
    }
  }

  async function down(thing: Thing): Promise<Step[]> {
    const { kind, name, version = "" } = thing;
    if (kind === "run") {
      const [asJob, found] = await Promise.all([job(name), run(name)]);
      return [
        ...(await jobOutputs(asJob, assetThing)),
        ...(found?.modelOutputs ?? []).map(
          ({ modelId }): Step => ({ thing: { kind: "logged_model", name: modelId }, role: "output" }),
        ),
      ];
    }
    const model = kind === "model" ? await head(name) : undefined;
    if (model === undefined) return [];
    const users = await deps.models.users(model, version);
    const steps = users.map(async (user): Promise<Step[]> => {
      const [, at = "", number] = /^(.+)\/(\d+)$/.exec(user) ?? [];
      const record = await deployment(at);
      // A revision that is being replaced holds its model until it is gone, but is the deployment no more.
      if (record === undefined || !numbersOf(record).includes(Number(number))) return [];
      return [{ thing: { kind: "deployment", name: at }, role: "deployed" }];
    });
    return (await Promise.all(steps)).flat();
  }

  /** Things further down that are gone are left out: nothing is kept of them. Further up they are told, since they were used. */
  async function standing(steps: readonly Step[], direction: Direction): Promise<readonly Step[]> {
    if (direction === "up") return steps;
    const kept = steps.map(async (step) => ((await facts(step.thing)) === undefined ? [] : [step]));
    return (await Promise.all(kept)).flat();
  }

  return {
    facts,
    modelName: async (id) => (await head(id))?.name,
    async near(thing, direction) {
      const [own, indexed] = await Promise.all([
        direction === "up" ? up(thing) : down(thing),
        deps.lineage.steps(workspace, thing, direction, STEPS_LIMIT),
      ]);
      const all = [...own, ...indexed.steps].filter((step) => isKnowable(step.thing));
      const steps = await standing(all.slice(0, STEPS_LIMIT), direction);
      return { steps, more: indexed.more || all.length > STEPS_LIMIT };
    },
  };
}

type ToThing = (asset: string | undefined, kind: "data" | "model") => Promise<Thing | undefined>;

async function jobInputs(job: JobRecord | undefined, toThing: ToThing): Promise<Step[]> {
  const steps = Object.entries(job?.inputs ?? {}).map(async ([label, { asset, type }]): Promise<Step[]> => {
    const thing = await toThing(asset, type.endsWith("_model") ? "model" : "data");
    return thing === undefined ? [] : [{ thing, role: "input", label }];
  });
  return (await Promise.all(steps)).flat();
}

async function jobOutputs(job: JobRecord | undefined, toThing: ToThing): Promise<Step[]> {
  const steps = Object.entries(job?.outputs ?? {}).map(async ([label, { asset, type }]): Promise<Step[]> => {
    const thing = await toThing(asset, type.endsWith("_model") ? "model" : "data");
    return thing === undefined ? [] : [{ thing, role: "output", label }];
  });
  return (await Promise.all(steps)).flat();
}

/** The revision that serves, and the one that is to. */
function numbersOf(record: DeploymentRecord): readonly number[] {
  return [...new Set([...(record.live === undefined ? [] : [record.live]), record.revision])];
}

const holds = ({ stage }: RevisionRecord): boolean => stage !== "Ended" && stage !== "Failed";

export function deploymentId(workspace: string, name: string): DeploymentId {
  const [endpoint = "", deployment = ""] = name.split("/");
  return { workspace, endpoint, deployment };
}

/** Remembers what was read, by its name. */
function once<T>(read: (name: string) => Promise<T>): (name: string) => Promise<T> {
  const known = new Map<string, Promise<T>>();
  return (name) => {
    const made = known.get(name) ?? read(name);
    known.set(name, made);
    return made;
  };
}
