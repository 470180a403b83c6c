import type { Data } from "../../contract/assets.ts";
import { AppError } from "../../contract/errors.ts";
import { createVersion } from "../assets/create-version.ts";
import type { AssetStore, AssetVersion } from "../assets/ports.ts";
import type { Files } from "../files/ports.ts";
import { readAll } from "../files/streams.ts";
import type { Clock } from "../ports/clock.ts";
import { type Digest, sha256Hex } from "../ports/digest.ts";
import type { Objects } from "../ports/objects.ts";
import { canonicalJson } from "../records/canonical-json.ts";
import { compareFiles, type FileMarks, marksBelow } from "./file-marks.ts";

interface Deps {
  readonly assets: AssetStore;
  readonly files: Files;
  readonly objects: Objects;
  readonly clock: Clock;
  readonly digest: Digest;
}

/** Names kept with a version of each kind of change; the counts are of all. */
const NAMED_LIMIT = 100;

const manifestKey = (workspace: string, name: string, digest: string): string =>
  `ws/${workspace}/manifests/${name}/${digest}.json`;

/**
 * Makes a new version of a data asset, of the same path, when files under it came, went or changed since its latest version; undefined where none did.
 * The version says which. Said twice, it makes one version.
 */
export async function refreshData(
  deps: Deps,
  input: { readonly workspace: string; readonly name: string; readonly actor: string },
): Promise<{ readonly version: string; readonly summary: string } | undefined> {
  const { workspace, name, actor } = input;
  const head = await deps.assets.head(workspace, "data", name);
  const latest =
    head?.latest === undefined ? undefined : await deps.assets.version(workspace, "data", name, head.latest);
  if (latest === undefined) throw new AppError("NotFound", `workspace \`${workspace}\` has no data asset \`${name}\``);
  const { path = "", manifest } = latest.body as Partial<Data> & { readonly manifest?: string };
  const { marks, sizeBytes } = await marksBelow(deps.files, workspace, path);
  const text = canonicalJson(Object.fromEntries(marks));
  const digest = sha256Hex(deps.digest, text);
  if (digest === manifest || isAsCounted(latest, marks, sizeBytes)) return undefined;
  const before = manifest === undefined ? undefined : await readManifest(deps, manifestKey(workspace, name, manifest));
  const changes = before === undefined ? undefined : compareFiles(before, marks);
  await deps.objects.put(manifestKey(workspace, name, digest), new TextEncoder().encode(text));
  const { description, tags, properties, type = "uri_folder" } = latest;
  const { asset } = await createVersion(deps, {
    workspace,
    kind: "data",
    name,
    actor,
    // Of two who find the same at once, the second finds the version there.
    version: String(head?.nextVersion ?? 1),
    words: { ...(description === undefined ? {} : { description }), tags, properties },
    content: {
      type,
      body: {
        path,
        size_bytes: sizeBytes,
        file_count: marks.size,
        manifest: digest,
        ...(changes === undefined ? {} : { changes: namedChanges(changes) }),
      },
      hash: sha256Hex(deps.digest, canonicalJson({ type, path, manifest: digest })),
    },
  });
  const summary =
    changes === undefined
      ? `${marks.size} files`
      : `${changes.added.length} added, ${changes.changed.length} changed, ${changes.removed.length} removed`;
  return { version: asset.version, summary };
}

/** A version that was registered by hand has no list of its files: the same number and size are taken for the same files. */
function isAsCounted({ body }: AssetVersion, marks: FileMarks, sizeBytes: number): boolean {
  const { manifest, file_count: count, size_bytes: size } = body;
  return manifest === undefined && count === marks.size && size === sizeBytes;
}

async function readManifest({ objects }: Deps, key: string): Promise<FileMarks | undefined> {
  const object = await objects.get(key);
  if (object === undefined) return undefined;
  return new Map(
    Object.entries(JSON.parse(new TextDecoder().decode(await readAll(object.body))) as Record<string, string>),
  );
}

function namedChanges(changes: ReturnType<typeof compareFiles>) {
  const part = (paths: readonly string[]) => ({ count: paths.length, paths: paths.slice(0, NAMED_LIMIT) });
  return { added: part(changes.added), changed: part(changes.changed), removed: part(changes.removed) };
}
