import { AppError } from "../../contract/errors.ts";
import type { LineageDirection, LineageGraph, LineageKind, LineageNode } from "../../contract/lineage.ts";
import { findVersion as findData } from "../assets/read-assets.ts";
import { findVersion as findModel } from "../registry/resolve.ts";
import { type LineageDeps, openRecords, type Records } from "./near.ts";
import { idOf, isKnowable, type Thing } from "./ports.ts";
import { walk } from "./walk.ts";

const DEPTH = 10;
const NODES_LIMIT = 500;

/** What a thing was made from and what came of it. NotFound where nothing has that name; InvalidArgument where two things have. */
export async function getLineage(
  deps: LineageDeps,
  input: {
    readonly workspace: string;
    readonly ref: string;
    readonly kind?: LineageKind | undefined;
    readonly direction?: LineageDirection | undefined;
    readonly depth?: number | undefined;
  },
): Promise<LineageGraph> {
  const { workspace, ref, kind, direction = "both", depth = DEPTH } = input;
  const root = await findRoot(deps, workspace, ref, kind);
  const records = openRecords(deps, workspace);
  const directions = direction === "both" ? (["up", "down"] as const) : [direction];
  const { things, edges, cuts } = await walk(root, directions, { depth, nodes: NODES_LIMIT }, records.near);
  const nodes = await Promise.all(things.map((thing) => nodeOf(records, thing)));
  const ids = new Map(things.map((thing, i) => [idOf(thing), nodes[i]?.id ?? ""]));
  const shown = (thing: Thing) => ids.get(idOf(thing)) ?? "";
  return {
    root: shown(root),
    nodes,
    edges: edges.map(({ from, to, role, label }) => ({
      from: shown(from),
      to: shown(to),
      role,
      ...(label === undefined ? {} : { name: label }),
    })),
    ...(cuts.length === 0 ? {} : { truncated: cuts.join("; ") }),
  };
}

async function nodeOf(records: Records, thing: Thing): Promise<LineageNode> {
  const { kind, name, version = "" } = thing;
  const facts = await records.facts(thing);
  const shownName = kind === "model" ? ((await records.modelName(name)) ?? name) : name;
  const ref =
    kind === "data" || kind === "model"
      ? `azureml:${shownName}:${version}`
      : kind === "dataset"
        ? `dataset:${name}@${version}`
        : name;
  return {
    id: `${kind} ${ref}`,
    kind,
    ref,
    ...(facts?.title === undefined || facts.title === name ? {} : { display_name: facts.title }),
    ...(facts?.status === undefined ? {} : { status: facts.status }),
    ...(facts === undefined ? { missing: true as const } : {}),
  };
}

type Find = (deps: LineageDeps, workspace: string, ref: string) => Promise<Thing | undefined>;

/** How a reference is read, for each kind; undefined where it is none of that kind, or names nothing. */
const FINDERS: Readonly<Record<LineageKind, Find>> = {
  async data(deps, workspace, ref) {
    const parts = assetParts(ref);
    if (parts === undefined) return undefined;
    const found = await findData(deps, workspace, "data", parts.name, parts.wanted);
    return found === undefined ? undefined : { kind: "data", name: parts.name, version: found.asset.version };
  },
  async model(deps, workspace, ref) {
    const parts = assetParts(ref);
    if (parts === undefined) return undefined;
    const { name, wanted } = parts;
    const model = wanted.startsWith("@") ? { label: wanted.slice(1) } : { version: wanted };
    const found = await findModel(deps.models, workspace, name, model);
    return found === undefined ? undefined : { kind: "model", name: found.model.id, version: found.version.version };
  },
  async run(deps, workspace, ref) {
    const thing: Thing = { kind: "run", name: ref };
    return isKnowable(thing) && (await deps.runs.get(workspace, ref)) !== undefined ? thing : undefined;
  },
  async logged_model(deps, workspace, ref) {
    const thing: Thing = { kind: "logged_model", name: ref };
    const found = isKnowable(thing) ? await deps.loggedModels.get(workspace, ref) : undefined;
    return found === undefined || found.deleted ? undefined : thing;
  },
  async deployment(deps, workspace, ref) {
    const [, endpoint, deployment] =
      /^([A-Za-z0-9][A-Za-z0-9_-]{0,254})\/([A-Za-z0-9][A-Za-z0-9_-]{0,254})$/.exec(ref) ?? [];
    if (endpoint === undefined || deployment === undefined) return undefined;
    const found = await deps.endpoints.getDeployment({ workspace, endpoint, deployment });
    return found === undefined ? undefined : { kind: "deployment", name: ref };
  },
  async dataset(deps, workspace, ref) {
    const [, name, version] = /^dataset:(.+)@([^@]+)$/s.exec(ref) ?? [];
    if (name === undefined || version === undefined) return undefined;
    const thing: Thing = { kind: "dataset", name, version };
    // No record is a dataset's own: it is known by the runs that logged it.
    const { steps } = await deps.lineage.steps(workspace, thing, "down", 1);
    return steps.length === 0 ? undefined : thing;
  },
};

async function findRoot(deps: LineageDeps, workspace: string, ref: string, kind?: LineageKind): Promise<Thing> {
  const kinds = kind === undefined ? (Object.keys(FINDERS) as LineageKind[]) : [kind];
  const found = (await Promise.all(kinds.map((each) => FINDERS[each](deps, workspace, ref)))).filter(
    (thing) => thing !== undefined,
  );
  const [first] = found;
  if (first === undefined) {
    throw new AppError("NotFound", `workspace \`${workspace}\` has no ${kind ?? "thing"} \`${ref}\``, {
      hint: "`azureml:NAME:VERSION` or `azureml:NAME@LABEL`, a run's name, `ENDPOINT/DEPLOYMENT`, a logged model's id, `dataset:NAME@DIGEST`",
    });
  }
  if (found.length > 1) {
    const all = found.map((thing) => `\`${thing.kind}\``).join(" and ");
    throw new AppError("InvalidArgument", `\`${ref}\` is the name of ${all}`, { hint: "say which with `kind`" });
  }
  return first;
}

/** `azureml:` may be left out. */
function assetParts(ref: string): { readonly name: string; readonly wanted: string } | undefined {
  const [, name, version, label] =
    /^(?:azureml:)?([^:/@\p{Cc}]{1,255})(?::([A-Za-z0-9._-]{1,100})|@([A-Za-z0-9._-]{1,255}))$/u.exec(ref) ?? [];
  if (name === undefined) return undefined;
  return { name, wanted: version ?? `@${label ?? ""}` };
}
