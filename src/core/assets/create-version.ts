import { AppError } from "../../contract/errors.ts";
import type { Clock } from "../ports/clock.ts";
import { canonicalJson } from "../records/canonical-json.ts";
import type { Precondition } from "../records/revision.ts";
import { refuseCurated, showing } from "./head.ts";
import type { AssetContent, AssetHead, AssetKind, AssetStep, AssetStore, AssetVersion, AssetWords } from "./ports.ts";
import { KIND_WORDS } from "./words.ts";

export interface NewVersion {
  readonly workspace: string;
  readonly kind: AssetKind;
  readonly name: string;
  /** Absent: the next number. */
  readonly version?: string;
  readonly words: AssetWords;
  readonly content: AssetContent;
  readonly actor: string;
  readonly isCurated?: boolean;
  readonly precondition?: Precondition;
}

export interface CreatedVersion {
  readonly asset: AssetVersion;
  readonly labels: readonly string[];
  readonly made: boolean;
}

/** Numbers beyond count as text: the next one must be a number that counts exactly. */
const NUMBER = /^\d{1,15}$/;

/**
 * Registers a version. One that is there with the same content is answered, its words replaced if others are given; with other content: AlreadyExists.
 * Numbers are handed out without gaps; a number given by hand moves the counter behind it.
 */
export function createVersion(
  deps: { readonly assets: AssetStore; readonly clock: Clock },
  input: NewVersion,
): Promise<CreatedVersion> {
  const { workspace, kind, name } = input;
  return deps.assets.change(workspace, kind, name, async (head) => {
    if (input.isCurated !== true) refuseCurated(head, kind, name);
    const version = input.version ?? String(head?.nextVersion ?? 1);
    const standing = head === undefined ? undefined : await deps.assets.version(workspace, kind, name, version);
    input.precondition?.(standing);
    const now = new Date(deps.clock.now()).toISOString();
    return standing === undefined || head === undefined
      ? makeVersion(head, version, input, now)
      : repeatVersion(head, standing, input, now);
  });
}

function makeVersion(
  head: AssetHead | undefined,
  version: string,
  input: NewVersion,
  now: string,
): AssetStep<CreatedVersion> {
  const { kind, name, actor } = input;
  const asset: AssetVersion = {
    name,
    version,
    seq: head?.nextSeq ?? 1,
    ...input.words,
    ...input.content,
    archived: false,
    createdAt: now,
    createdBy: actor,
    updatedAt: now,
    rev: 1,
  };
  const next = head?.nextVersion ?? 1;
  const bare = {
    name,
    nextVersion: NUMBER.test(version) ? Math.max(next, Number(version) + 1) : next,
    nextSeq: asset.seq + 1,
    labels: head?.labels ?? {},
    tags: {},
    archived: false,
    createdAt: head?.createdAt ?? now,
    updatedAt: now,
    isCurated: input.isCurated ?? false,
  };
  return {
    answer: { asset, labels: ["latest"], made: true },
    write: {
      head: showing(bare, asset, now),
      put: asset,
      activity: {
        actor,
        name: `${name}:${version}`,
        action: "create",
        summary: `${KIND_WORDS[kind]} \`${name}\` version \`${version}\` registered`,
      },
    },
  };
}

function repeatVersion(
  head: AssetHead,
  standing: AssetVersion,
  input: NewVersion,
  now: string,
): AssetStep<CreatedVersion> {
  const { kind, name, words, content, actor } = input;
  const { version } = standing;
  if (standing.hash !== content.hash) {
    throw new AppError(
      "AlreadyExists",
      `${KIND_WORDS[kind]} \`${name}\` version \`${version}\` exists with other content`,
      {
        hint: "register it under another version, or leave the version out to get the next one",
      },
    );
  }
  const labels = labelsOf(head, version);
  const merged: AssetWords = { ...pickWords(standing), ...givenWords(words) };
  if (canonicalJson(merged) === canonicalJson(pickWords(standing)))
    return { answer: { asset: standing, labels, made: false } };
  const asset: AssetVersion = { ...standing, ...merged, updatedAt: now, rev: standing.rev + 1 };
  return {
    answer: { asset, labels, made: false },
    write: {
      head: head.latest === version ? showing(head, asset, now) : head,
      put: asset,
      activity: {
        actor,
        name: `${name}:${version}`,
        action: "update",
        summary: `words of ${KIND_WORDS[kind]} \`${name}\` version \`${version}\` changed`,
      },
    },
  };
}

const pickWords = ({ description, tags, properties }: AssetWords): AssetWords => ({
  ...(description === undefined ? {} : { description }),
  tags,
  properties,
});

/** Words left out of a repeated registration stay. */
function givenWords({ description, tags, properties }: AssetWords): Partial<AssetWords> {
  return {
    ...(description === undefined ? {} : { description }),
    ...(Object.keys(tags).length === 0 ? {} : { tags }),
    ...(Object.keys(properties).length === 0 ? {} : { properties }),
  };
}

/** Labels that point at a version, `latest` first. */
export function labelsOf(head: AssetHead, version: string): readonly string[] {
  const own = Object.entries(head.labels).flatMap(([label, target]) => (target === version ? [label] : []));
  return [...(head.latest === version ? ["latest"] : []), ...own.sort()];
}
