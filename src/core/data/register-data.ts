import type * as z from "zod";
import type { DataSpec } from "../../contract/assets.ts";
import { AppError } from "../../contract/errors.ts";
import type { DataType } from "../../contract/jobs.ts";
import { type CreatedVersion, createVersion } from "../assets/create-version.ts";
import type { AssetStore } from "../assets/ports.ts";
import { wordsOf } from "../assets/words.ts";
import type { Files, Listing } from "../files/ports.ts";
import type { Clock } from "../ports/clock.ts";
import { type Digest, sha256Hex } from "../ports/digest.ts";
import { canonicalJson } from "../records/canonical-json.ts";
import type { Precondition } from "../records/revision.ts";

interface Deps {
  readonly assets: AssetStore;
  readonly files: Files;
  readonly clock: Clock;
  readonly digest: Digest;
}

/** Files counted for the metadata at most; beyond, size and count stay unknown. */
const PAGES_LIMIT = 10;
/** Where looking costs no network. */
const NEAR = /^(azureml:\/\/(trees|datastores)\/|mlflow-artifacts:|file:)/;

/** Registers data by reference. Labels in the path are pinned to versions; size, count and hash are noted where they are cheap to know. */
export async function registerData(
  deps: Deps,
  input: {
    readonly workspace: string;
    readonly name: string;
    readonly version?: string;
    readonly spec: z.output<typeof DataSpec>;
    readonly actor: string;
    readonly precondition?: Precondition;
  },
): Promise<CreatedVersion> {
  const { workspace, spec, ...rest } = input;
  const type = spec.type ?? "uri_folder";
  const { uri } = await deps.files.resolve(workspace, spec.path, "data");
  const facts = NEAR.test(uri) ? await measure(deps.files, workspace, uri, type) : {};
  return createVersion(deps, {
    ...rest,
    workspace,
    kind: "data",
    words: wordsOf(spec),
    content: { type, body: { path: uri, ...facts }, hash: sha256Hex(deps.digest, canonicalJson({ type, path: uri })) },
  });
}

interface Facts {
  readonly size_bytes?: number;
  readonly file_count?: number;
  readonly content_hash?: string;
}

async function measure(files: Files, workspace: string, uri: string, type: DataType): Promise<Facts> {
  const isTree = uri.startsWith("azureml://trees/");
  const first = await listOrNothing(files, workspace, uri, isTree || uri.startsWith("file:"));
  if (first === undefined) return {};
  if (isTree) checkShape(first, type, uri);
  let listing: Listing = first;
  let sizeBytes = 0;
  let fileCount = 0;
  for (let page = 1; ; page++) {
    for (const file of listing.files) sizeBytes += file.sizeBytes;
    fileCount += listing.files.length;
    if (listing.cursor === undefined) break;
    if (page === PAGES_LIMIT) return {};
    listing = await files.list(workspace, uri, { cursor: listing.cursor });
  }
  const hash = first.isFile ? first.files[0]?.sha256 : /^azureml:\/\/trees\/([0-9a-f]{64})$/.exec(uri)?.[1];
  return { size_bytes: sizeBytes, file_count: fileCount, ...(hash === undefined ? {} : { content_hash: hash }) };
}

/** A path that will be filled later may be registered; an upload or a local folder must be there. */
async function listOrNothing(
  files: Files,
  workspace: string,
  uri: string,
  mustExist: boolean,
): Promise<Listing | undefined> {
  try {
    return await files.list(workspace, uri);
  } catch (error) {
    const passes =
      error instanceof AppError && ["NotFound", "DatastoreUnreachable", "NotSupported"].includes(error.code);
    if (passes && !mustExist && error.details.uri !== undefined) return undefined;
    if (passes && !mustExist && error.code !== "NotFound") return undefined;
    throw error;
  }
}

function checkShape(listing: Listing, type: DataType, uri: string): void {
  if (type === "uri_file" && !listing.isFile) {
    throw new AppError("InvalidArgument", `\`${uri}\` is a folder; data of type \`uri_file\` is one file`, {
      hint: "use type `uri_folder`, or name the file",
    });
  }
  if (type !== "uri_file" && listing.isFile) {
    throw new AppError("InvalidArgument", `\`${uri}\` is a file; data of type \`${type}\` is a folder`, {
      hint: "use type `uri_file`, or name the folder",
    });
  }
  if (type === "mltable" && listing.cursor === undefined && !listing.files.some((file) => file.path === "MLTable")) {
    throw new AppError("InvalidArgument", `\`${uri}\` holds no file \`MLTable\`, which data of type \`mltable\` needs`);
  }
}
