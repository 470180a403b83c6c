import { labelsOf } from "./create-version.ts";
import { notFound } from "./head.ts";
import type { AssetFilter, AssetHead, AssetKind, AssetPage, AssetStore, AssetVersion } from "./ports.ts";

export interface LabelledVersion {
  readonly asset: AssetVersion;
  readonly labels: readonly string[];
}

/** A version by its name, or `@label` for what the label points at. */
export async function getVersion(
  deps: { readonly assets: AssetStore },
  input: { readonly workspace: string; readonly kind: AssetKind; readonly name: string; readonly version: string },
): Promise<LabelledVersion> {
  const { workspace, kind, name, version } = input;
  const found = await findVersion(deps, workspace, kind, name, version);
  if (found === undefined) throw notFound(workspace, kind, name, version);
  return found;
}

/** Undefined where there is no such name, version or label. */
export async function findVersion(
  deps: { readonly assets: AssetStore },
  workspace: string,
  kind: AssetKind,
  name: string,
  versionOrLabel: string,
): Promise<LabelledVersion | undefined> {
  const head = await deps.assets.head(workspace, kind, name);
  const version = head === undefined ? undefined : versionOf(head, versionOrLabel);
  if (head === undefined || version === undefined) return undefined;
  const asset = await deps.assets.version(workspace, kind, name, version);
  return asset === undefined ? undefined : { asset, labels: labelsOf(head, version) };
}

/** The version that `@label` or a version names. */
export function versionOf(head: AssetHead, versionOrLabel: string): string | undefined {
  if (!versionOrLabel.startsWith("@")) return versionOrLabel;
  const label = versionOrLabel.slice(1);
  if (label === "latest") return head.latest;
  return Object.hasOwn(head.labels, label) ? head.labels[label] : undefined;
}

export async function listVersions(
  deps: { readonly assets: AssetStore },
  input: {
    readonly workspace: string;
    readonly kind: AssetKind;
    readonly name: string;
    readonly filter: AssetFilter;
    readonly limit: number;
    readonly cursor?: string;
  },
): Promise<AssetPage<LabelledVersion>> {
  const { workspace, kind, name, ...query } = input;
  const head = await deps.assets.head(workspace, kind, name);
  if (head?.latest === undefined) throw notFound(workspace, kind, name);
  const page = await deps.assets.versions(workspace, kind, name, query);
  return { ...page, items: page.items.map((asset) => ({ asset, labels: labelsOf(head, asset.version) })) };
}
