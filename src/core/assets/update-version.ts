import type { UpdateAsset } from "../../contract/assets.ts";
import { AppError } from "../../contract/errors.ts";
import type { Clock } from "../ports/clock.ts";
import type { Precondition } from "../records/revision.ts";
import { labelsOf } from "./create-version.ts";
import { findLatest, notFound, refuseCurated, showing } from "./head.ts";
import type { AssetHead, AssetKind, AssetStore, AssetVersion } from "./ports.ts";
import { type LabelledVersion, versionOf } from "./read-assets.ts";
import { KIND_WORDS, mergeTags } from "./words.ts";

interface Target {
  readonly workspace: string;
  readonly kind: AssetKind;
  readonly name: string;
  readonly version: string;
  readonly actor: string;
  readonly precondition?: Precondition;
}

interface Deps {
  readonly assets: AssetStore;
  readonly clock: Clock;
}

/** Changes words, tags (a null removes one) and whether a version is archived. */
export function updateVersion(deps: Deps, input: Target & { readonly update: UpdateAsset }): Promise<LabelledVersion> {
  const { workspace, kind, name, update, actor } = input;
  if (update.stage !== undefined)
    throw new AppError("InvalidArgument", `stages are for models; \`${name}\` is no model (${KIND_WORDS[kind]})`);
  return deps.assets.change(workspace, kind, name, async (head) => {
    const { standing, known } = await mustStand(deps, input, head);
    const now = new Date(deps.clock.now()).toISOString();
    const asset: AssetVersion = {
      ...standing,
      ...(update.description === undefined ? {} : { description: update.description }),
      tags: mergeTags(standing.tags, update.tags),
      properties: mergeTags(standing.properties, update.properties),
      archived: update.archived ?? standing.archived,
      updatedAt: now,
      rev: standing.rev + 1,
    };
    const latest = await findLatest(deps.assets, workspace, kind, name, standing.version, asset);
    const next = latest === undefined ? known : showing(known, latest, now);
    return {
      answer: { asset, labels: labelsOf({ ...next, rev: 0 }, asset.version) },
      write: {
        head: next,
        put: asset,
        activity: {
          actor,
          name: `${name}:${asset.version}`,
          action: actionOf(standing, asset),
          summary: `${KIND_WORDS[kind]} \`${name}\` version \`${asset.version}\` changed`,
        },
      },
    };
  });
}

function actionOf(before: AssetVersion, after: AssetVersion): string {
  if (before.archived === after.archived) return "update";
  return after.archived ? "archive" : "restore";
}

/** Deletes a version and the labels on it. Its number is not handed out again. */
export function deleteVersion(deps: Deps, input: Target): Promise<void> {
  const { workspace, kind, name, actor } = input;
  return deps.assets.change(workspace, kind, name, async (head) => {
    const { standing, known } = await mustStand(deps, input, head);
    const now = new Date(deps.clock.now()).toISOString();
    const latest = await findLatest(deps.assets, workspace, kind, name, standing.version, undefined);
    const labels = Object.fromEntries(Object.entries(known.labels).filter(([, target]) => target !== standing.version));
    const { latest: _, ...bare } = { ...known, labels, updatedAt: now };
    return {
      answer: undefined,
      write: {
        head: latest === undefined ? bare : showing(bare, latest, now),
        delete: standing,
        activity: {
          actor,
          name: `${name}:${standing.version}`,
          action: "delete",
          summary: `${KIND_WORDS[kind]} \`${name}\` version \`${standing.version}\` deleted`,
        },
      },
    };
  });
}

/** Points a label at a version; it leaves the one it was on. */
export function putLabel(deps: Deps, input: Target & { readonly label: string }): Promise<LabelledVersion> {
  const { workspace, kind, name, label, actor } = input;
  refuseLatest(label);
  return deps.assets.change(workspace, kind, name, async (head) => {
    const { standing, known } = await mustStand(deps, input, head);
    const labels = { ...known.labels, [label]: standing.version };
    const next = { ...known, labels };
    return {
      answer: { asset: standing, labels: labelsOf(next, standing.version) },
      ...(known.labels[label] === standing.version
        ? {}
        : {
            write: {
              head: next,
              activity: {
                actor,
                name: `${name}:${standing.version}`,
                action: "label",
                summary: `label \`${label}\` of ${KIND_WORDS[kind]} \`${name}\` set to version \`${standing.version}\``,
              },
            },
          }),
    };
  });
}

/** Removes a label; NotFound when there is none of this name. */
export function deleteLabel(
  deps: Deps,
  input: Omit<Target, "version" | "precondition"> & { readonly label: string },
): Promise<void> {
  const { workspace, kind, name, label, actor } = input;
  refuseLatest(label);
  return deps.assets.change(workspace, kind, name, async (head) => {
    if (head === undefined) throw notFound(workspace, kind, name);
    refuseCurated(head, kind, name);
    if (!Object.hasOwn(head.labels, label)) {
      throw new AppError("NotFound", `${KIND_WORDS[kind]} \`${name}\` has no label \`${label}\``);
    }
    const labels = Object.fromEntries(Object.entries(head.labels).filter(([own]) => own !== label));
    return {
      answer: undefined,
      write: {
        head: { ...head, labels },
        activity: {
          actor,
          name,
          action: "label",
          summary: `label \`${label}\` of ${KIND_WORDS[kind]} \`${name}\` removed`,
        },
      },
    };
  });
}

function refuseLatest(label: string): void {
  if (label !== "latest") return;
  throw new AppError(
    "Conflict",
    "label `latest` is kept by the home: it is on the newest version that is not archived",
  );
}

async function mustStand(
  deps: Deps,
  { workspace, kind, name, version, precondition }: Target,
  head: AssetHead | undefined,
): Promise<{ readonly standing: AssetVersion; readonly known: AssetHead }> {
  const exact = head === undefined ? undefined : versionOf(head, version);
  const standing = exact === undefined ? undefined : await deps.assets.version(workspace, kind, name, exact);
  if (head === undefined || standing === undefined) throw notFound(workspace, kind, name, version);
  refuseCurated(head, kind, name);
  precondition?.(standing);
  return { standing, known: head };
}
