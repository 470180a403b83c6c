import type { AssetKind, AssetStore, AssetVersion } from "../assets/ports.ts";
import type { ComputeStore } from "../computes/ports.ts";
import type { EndpointStore } from "../endpoints/ports.ts";
import type { RevisionRecord } from "../endpoints/record.ts";
import { parseUri } from "../files/parse-uri.ts";
import type { JobStore } from "../jobs/ports.ts";
import type { ModelStore } from "../registry/ports.ts";
import { artifactPath } from "../tracking/artifact-paths.ts";
import { percentDecoded } from "../tracking/names.ts";
import type { ExperimentStore } from "../tracking/ports.ts";

export interface HoldDeps {
  readonly models: ModelStore;
  readonly endpoints: EndpointStore;
  readonly assets: AssetStore;
  readonly jobs: JobStore;
  readonly computes: ComputeStore;
  readonly experiments: ExperimentStore;
}

/** What others still need, and who. */
export interface Holds {
  /** Why a run or logged model must stay; `root` is where its artifacts lie, below the workspace's. */
  reason(kind: "run" | "logged_model", id: string, root: string | undefined): string | undefined;
}

const PAGE = 1000;

/** Looks at everything that names artifacts: deployments, registered models, data assets, jobs that are not over, experiments kept inside of others' folders. */
export async function readHolds(deps: HoldDeps, workspace: string): Promise<Holds> {
  const holds = makeHolds();
  for await (const { endpoint, deployment, plan } of revisionsInUse(deps, workspace)) {
    const why = `deployed as \`${endpoint}/${deployment}\``;
    for (const uri of [plan.model?.uri, plan.code?.uri]) if (uri !== undefined) holds.add(uri, why);
  }
  for (const model of await deps.models.list(workspace)) {
    for (const { version, source } of await deps.models.versions(model)) {
      holds.add(source, `registered as version ${version} of model \`${model.name}\``);
    }
  }
  for await (const { name, version, body } of assetVersions(deps, workspace, "data")) {
    if (typeof body.path === "string") holds.add(body.path, `data asset \`${name}:${version}\``);
  }
  for (const { name: compute } of await deps.computes.list(workspace)) {
    for (const { job: name } of await deps.jobs.queue(workspace, compute)) {
      holds.add(`runs:/${name}`, "its job is not over");
      const job = await deps.jobs.get(workspace, name);
      for (const { uri } of Object.values(job?.inputs ?? {})) {
        if (uri !== undefined) holds.add(uri, `input of job \`${name}\`, which is not over`);
      }
    }
  }
  for (const { name, artifactLocation } of await deps.experiments.list(workspace)) {
    if (artifactLocation !== "") holds.addInside(artifactLocation, `experiment \`${name}\` keeps its artifacts there`);
  }
  return holds;
}

function makeHolds() {
  const ids = new Map<string, string>();
  const paths = new Map<string, string>();
  /** Folders that have something held in them, or are held. */
  const holding = new Map<string, string>();

  function setFirst(map: Map<string, string>, name: string, why: string): void {
    if (!map.has(name)) map.set(name, why);
  }

  function addInside(path: string, why: string): void {
    for (const folder of upwards(path)) setFirst(holding, folder, why);
  }

  return {
    add(uri: string, why: string): void {
      const parsed = parsedOrNot(uri);
      if (parsed?.kind === "run") setFirst(ids, `run ${parsed.run}`, why);
      if (parsed?.kind === "output") setFirst(ids, `run ${parsed.job}`, why);
      if (parsed?.kind === "loggedModel") setFirst(ids, `logged_model ${parsed.model}`, why);
      if (parsed?.kind !== "artifact") return;
      const path = artifactPath(percentDecoded(parsed.path));
      setFirst(paths, path, why);
      addInside(path, why);
    },
    /** Holds what it lies in, and nothing of what lies in it. */
    addInside(uri: string, why: string): void {
      const parsed = parsedOrNot(uri);
      if (parsed?.kind === "artifact") addInside(artifactPath(percentDecoded(parsed.path)), why);
    },
    reason(kind: "run" | "logged_model", id: string, root: string | undefined): string | undefined {
      const own = ids.get(`${kind} ${id}`);
      if (own !== undefined || root === undefined) return own;
      const above = upwards(root).find((folder) => paths.has(folder));
      return holding.get(root) ?? (above === undefined ? undefined : paths.get(above));
    },
  };
}

/** `a/b/c` -> `a/b/c`, `a/b`, `a`. */
function upwards(path: string): string[] {
  const parts = path.split("/").filter((part) => part !== "");
  return parts.map((_, i) => parts.slice(0, parts.length - i).join("/"));
}

/** Addresses elsewhere, and what no rule of ours would have taken, hold nothing here. */
function parsedOrNot(uri: string) {
  try {
    return parseUri(uri);
  } catch {
    return undefined;
  }
}

/** All versions of all assets of a kind. */
export async function* assetVersions(
  deps: { readonly assets: AssetStore },
  workspace: string,
  kind: AssetKind,
): AsyncGenerator<AssetVersion> {
  const filter = { archived: "all" } as const;
  const all = { filter, limit: PAGE };
  for await (const { name } of pages((page) => deps.assets.heads(workspace, kind, { ...all, ...page }))) {
    yield* pages((page) => deps.assets.versions(workspace, kind, name, { ...all, ...page }));
  }
}

/** Revisions that serve, or are going to. */
export async function* revisionsInUse(
  deps: { readonly endpoints: EndpointStore },
  workspace: string,
): AsyncGenerator<RevisionRecord> {
  const list = async (page: { cursor?: string }) => {
    const { endpoints, cursor } = await deps.endpoints.listEndpoints({ workspace, limit: PAGE, ...page });
    return { items: endpoints, ...(cursor === undefined ? {} : { cursor }) };
  };
  for await (const { name: endpoint } of pages(list)) {
    for (const { name: deployment } of await deps.endpoints.listDeployments(workspace, endpoint)) {
      const revisions = await deps.endpoints.listRevisions({ workspace, endpoint, deployment });
      yield* revisions.filter(({ stage }) => stage !== "Ended" && stage !== "Failed");
    }
  }
}

export async function* pages<T>(
  read: (page: { cursor?: string }) => Promise<{ readonly items: readonly T[]; readonly cursor?: string }>,
): AsyncGenerator<T> {
  let cursor: string | undefined;
  do {
    const page = await read(cursor === undefined ? {} : { cursor });
    yield* page.items;
    cursor = page.cursor;
  } while (cursor !== undefined);
}
