import { DEFAULT_DATASTORE } from "../../contract/datastores.ts";
import { AppError } from "../../contract/errors.ts";
import { type DatastoreStore, datastoreSecret } from "../datastores/ports.ts";
import type { Objects } from "../ports/objects.ts";
import type { Vault } from "../ports/vault.ts";
import { treeUri } from "../trees/keys.ts";
import type { TreeStore } from "../trees/ports.ts";
import type { Lookups } from "./lookups.ts";
import { makeObjectsPlace } from "./objects-place.ts";
import { type ParsedUri, parseUri, type VersionRef } from "./parse-uri.ts";
import { cleanPath, joinPath, joinUri } from "./paths.ts";
import type { Place, PlaceOpener } from "./place.ts";
import type { Files, FoundFile } from "./ports.ts";
import { makeTreePlace } from "./tree-place.ts";

export interface FilesDeps {
  readonly objects: Objects;
  readonly trees: TreeStore;
  readonly datastores: DatastoreStore;
  readonly vault: Vault;
  readonly places: PlaceOpener;
  readonly lookups: Lookups;
}

/** Where a URI leads. */
interface Location {
  /** Canonical URI. */
  readonly uri: string;
  readonly place: Place;
  readonly path: string;
  readonly asset?: string;
  readonly type?: string;
  /** A folder that exists even while nothing is in it: the root of a tree, of a run's artifacts, of a job's output. */
  readonly alwaysThere?: boolean;
}

/** An asset may point at an asset, and so on, this often. */
const HOPS_LIMIT = 6;
const DEFAULT_LIMIT = 1000;

/** Every URI of the surface, read and written one way. */
export function makeFiles(deps: FilesDeps): Files {
  return {
    async resolve(workspace, uri, kind) {
      const { uri: canonical, asset, type } = await locate(deps, workspace, uri, kind === "file" ? undefined : kind);
      return { uri: canonical, ...(asset === undefined ? {} : { asset }), ...(type === undefined ? {} : { type }) };
    },
    async list(workspace, uri, page = {}) {
      const location = await locate(deps, workspace, uri);
      const found = await location.place.list(location.path, { limit: DEFAULT_LIMIT, ...page });
      if (found === undefined && location.alwaysThere !== true) throw nothing(location.uri);
      const { isFile, files, links, folders, localPath, cursor } = found ?? EMPTY;
      return {
        uri: location.uri,
        isFile,
        files: files.map(
          (file): FoundFile => ({ ...file, uri: isFile ? location.uri : joinUri(location.uri, file.path) }),
        ),
        links,
        folders,
        ...(localPath === undefined ? {} : { localPath }),
        ...(cursor === undefined ? {} : { cursor }),
      };
    },
    async open(workspace, uri, range) {
      const { place, path } = await locate(deps, workspace, uri);
      return place.open(path, range);
    },
    async write(workspace, uri, body) {
      const { place, path, uri: canonical } = await locate(deps, workspace, uri);
      await writer(place, path, canonical)(path, body);
    },
    async planWrite(workspace, uri) {
      const { place, path, uri: canonical } = await locate(deps, workspace, uri);
      writer(place, path, canonical);
      return place.signWrite?.(path);
    },
  };
}

const EMPTY = { isFile: false, files: [], links: [], folders: [], localPath: undefined, cursor: undefined };

function nothing(uri: string): AppError {
  return new AppError("NotFound", `there is nothing at \`${uri}\``, { uri });
}

function writer(place: Place, path: string, uri: string): NonNullable<Place["write"]> {
  if (place.write === undefined) throw new AppError("NotSupported", `\`${uri}\` can only be read`);
  if (path === "") throw new AppError("InvalidPath", `\`${uri}\` names no file to write`);
  return place.write;
}

async function locate(
  deps: FilesDeps,
  workspace: string,
  uri: string,
  prefer?: "data" | "model",
  hops = 0,
): Promise<Location> {
  if (hops > HOPS_LIMIT) throw new AppError("InvalidArgument", `\`${uri}\` leads in a circle`);
  const parsed = parseUri(uri, prefer);
  const follow = (next: string) => locate(deps, workspace, next, prefer, hops + 1);
  switch (parsed.kind) {
    case "address":
      return locateAddress(deps, parsed.uri);
    case "tree": {
      const path = cleanPath(parsed.path);
      const place = makeTreePlace(deps, { workspace, id: parsed.id });
      return { uri: joinUri(treeUri(parsed.id), path), place, path, alwaysThere: path === "" };
    }
    case "datastore":
      return locateDatastore(deps, workspace, parsed.datastore, cleanPath(parsed.path));
    case "artifact": {
      const path = cleanPath(parsed.path);
      const place = makeObjectsPlace(deps.objects, `ws/${workspace}/artifacts`);
      return { uri: `mlflow-artifacts:/${path}`, place, path };
    }
    case "run":
    case "output": {
      const place = await follow(joinUri(await runUri(deps, workspace, parsed), cleanPath(parsed.path)));
      return parsed.path === "" ? { ...place, alwaysThere: true } : place;
    }
    case "loggedModel": {
      const root = await deps.lookups.loggedModel(workspace, parsed.model);
      if (root === undefined) throw new AppError("NotFound", `there is no logged model \`${parsed.model}\``);
      return follow(joinUri(root, cleanPath(parsed.path)));
    }
    case "asset":
      return locateAsset(deps, workspace, parsed, follow);
  }
}

function locateAddress(deps: FilesDeps, uri: string): Location {
  if (uri.includes("\0") || !uri.isWellFormed())
    throw new AppError("InvalidPath", "the address holds NUL or broken text");
  return { uri, place: deps.places.mapped(uri) ?? deps.places.address(uri), path: "", alwaysThere: false };
}

async function locateDatastore(deps: FilesDeps, workspace: string, name: string, path: string): Promise<Location> {
  const uri = `azureml://datastores/${name}/paths/${path}`;
  const place = await datastorePlace(deps, workspace, name);
  const mapped = deps.places.mapped(uri);
  if (mapped !== undefined && (await place.list(path, { limit: 1 })) === undefined) {
    return {
      uri,
      place: { ...place, list: (_, page) => mapped.list("", page), open: (_, range) => mapped.open("", range) },
      path,
    };
  }
  return { uri, place, path };
}

/** The root of a datastore; NotFound if the workspace has none of this name. */
export async function datastorePlace(
  deps: Pick<FilesDeps, "objects" | "datastores" | "vault" | "places">,
  workspace: string,
  name: string,
): Promise<Place> {
  const record = await deps.datastores.get(workspace, name);
  if (record === undefined) {
    throw new AppError("NotFound", `there is no datastore \`${name}\` in workspace \`${workspace}\``, {
      hint: "`yard datastore list` shows those there are",
    });
  }
  const { type, settings } = record;
  if (type === "workspace") return makeObjectsPlace(deps.objects, workspaceRoot(workspace, name, settings));
  const secret = record.hasCredentials ? await deps.vault.get(datastoreSecret(workspace, name)) : undefined;
  const credentials = secret === undefined ? {} : (JSON.parse(secret) as Record<string, string>);
  return deps.places.datastore({ workspace, name, type, settings, credentials });
}

/** Keys of a path of a workspace's own storage begin so; undefined for a path of any other. */
export async function workspaceKeys(
  deps: Pick<FilesDeps, "datastores">,
  workspace: string,
  uri: string,
): Promise<string | undefined> {
  const parsed = parseUri(uri);
  if (parsed.kind !== "datastore") return undefined;
  const record = await deps.datastores.get(workspace, parsed.datastore);
  if (record?.type !== "workspace") return undefined;
  return joinPath(workspaceRoot(workspace, record.name, record.settings), cleanPath(parsed.path));
}

/** Further datastores of the workspace's own storage are a folder of the default one (`prefix`) or stand beside it. */
export function workspaceRoot(workspace: string, name: string, settings: Readonly<Record<string, unknown>>): string {
  const prefix = typeof settings.prefix === "string" ? cleanPath(settings.prefix) : "";
  if (name === DEFAULT_DATASTORE) return `ws/${workspace}/datastore`;
  return prefix === "" ? `ws/${workspace}/datastores/${name}` : joinPath(`ws/${workspace}/datastore`, prefix);
}

async function runUri(
  deps: FilesDeps,
  workspace: string,
  parsed: Extract<ParsedUri, { kind: "run" | "output" }>,
): Promise<string> {
  const id = parsed.kind === "run" ? parsed.run : parsed.job;
  const run = await deps.lookups.run(workspace, id);
  if (run === undefined) throw new AppError("NotFound", `there is no run \`${id}\` in workspace \`${workspace}\``);
  if (parsed.kind === "run" || parsed.output === "artifacts") return run.artifactUri;
  const uri = Object.hasOwn(run.outputs, parsed.output) ? run.outputs[parsed.output] : undefined;
  if (uri !== undefined) return uri;
  const names = ["artifacts", ...Object.keys(run.outputs)].map((name) => `\`${name}\``).join(", ");
  throw new AppError("NotFound", `job \`${id}\` has no output \`${parsed.output}\``, { hint: `its outputs: ${names}` });
}

async function locateAsset(
  deps: FilesDeps,
  workspace: string,
  parsed: Extract<ParsedUri, { kind: "asset" }>,
  follow: (uri: string) => Promise<Location>,
): Promise<Location> {
  for (const kind of parsed.assets) {
    const asset = await deps.lookups[kind](workspace, parsed.name, parsed.ref);
    if (asset === undefined) continue;
    const location = await follow(joinUri(asset.uri, cleanPath(parsed.path)));
    return { ...location, asset: `azureml:${asset.name}:${asset.version}`, type: asset.type };
  }
  const what = parsed.assets.length > 1 ? "data asset or model" : parsed.assets[0] === "data" ? "data asset" : "model";
  throw new AppError(
    "NotFound",
    `there is no ${what} \`${parsed.name}\` ${refText(parsed.ref)} in workspace \`${workspace}\``,
  );
}

function refText(ref: VersionRef): string {
  return "version" in ref ? `with version \`${ref.version}\`` : `with label \`${ref.label}\``;
}
