import type { Value } from "../ports/table.ts";

/** Kinds kept by the one asset store. Models are in the registry. */
export type AssetKind = "data" | "environment" | "component";

/** What may be changed of a version. */
export interface AssetWords {
  readonly description?: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly properties: Readonly<Record<string, string>>;
}

/** What may not: the meaning of `name:version` stays. */
export interface AssetContent {
  readonly type?: string;
  readonly body: Readonly<Record<string, Value>>;
  /** Equal contents have equal hashes. */
  readonly hash: string;
}

export interface AssetVersion extends AssetWords, AssetContent {
  readonly name: string;
  readonly version: string;
  /** Place in the order the versions of the name were made in, from 1. */
  readonly seq: number;
  readonly archived: boolean;
  readonly createdAt: string;
  readonly createdBy: string;
  readonly updatedAt: string;
  readonly rev: number;
}

/** A name: counters, labels, and what lists show. */
export interface AssetHead {
  readonly name: string;
  /** Number the next version made without one gets. */
  readonly nextVersion: number;
  readonly nextSeq: number;
  /** Newest version that is not archived, else the newest; absent when all are deleted. */
  readonly latest?: string;
  /** Without `latest`. */
  readonly labels: Readonly<Record<string, string>>;
  /** Of the latest version. */
  readonly type?: string;
  readonly description?: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly archived: boolean;
  readonly createdAt: string;
  readonly updatedAt: string;
  /** Ships with the home: nobody changes it. */
  readonly isCurated: boolean;
  readonly rev: number;
}

export interface AssetFilter {
  readonly archived: "true" | "false" | "all";
  /** `key` or `key=value`. */
  readonly tag?: string;
}

export interface AssetPage<T> {
  readonly items: readonly T[];
  readonly cursor?: string;
}

/** One step in a name's life: the head as it becomes, and at most one version made, changed or deleted. */
export interface AssetStep<T> {
  readonly answer: T;
  /** Absent: nothing changes. */
  readonly write?: {
    readonly head: Omit<AssetHead, "rev">;
    readonly put?: AssetVersion;
    readonly delete?: AssetVersion;
    readonly activity: {
      readonly actor: string;
      readonly name: string;
      readonly action: string;
      readonly summary: string;
    };
  };
}

export interface AssetStore {
  head(workspace: string, kind: AssetKind, name: string): Promise<AssetHead | undefined>;
  version(workspace: string, kind: AssetKind, name: string, version: string): Promise<AssetVersion | undefined>;
  /** Names with at least one version, by name. */
  heads(
    workspace: string,
    kind: AssetKind,
    query: { readonly filter: AssetFilter; readonly limit: number; readonly cursor?: string },
  ): Promise<AssetPage<AssetHead>>;
  /** Newest first. */
  versions(
    workspace: string,
    kind: AssetKind,
    name: string,
    query: { readonly filter: AssetFilter; readonly limit: number; readonly cursor?: string },
  ): Promise<AssetPage<AssetVersion>>;
  /** Writes what `decide` makes of the head as it stands; asks again when somebody was faster. What `decide` throws is thrown. */
  change<T>(
    workspace: string,
    kind: AssetKind,
    name: string,
    decide: (head: AssetHead | undefined) => Promise<AssetStep<T>>,
  ): Promise<T>;
}
