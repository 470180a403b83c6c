import { type Digest, sha256Hex } from "../../../core/ports/digest.ts";
import { ABSENT, type Clause, type Item, type Table } from "../../../core/ports/table.ts";
import { imageBuildKey } from "../../../store/facts/keys.ts";

/** The one build of a hash that counts: everybody who asks for the hash meets it here. */
export interface ImageBuild {
  /** As `recordOf` makes it. */
  readonly hash: string;
  /** Counts builds of this hash; names the build's token, so that two who start it at once start one. */
  readonly number: number;
  /** Builds in a row that CodeBuild itself broke off, and this one. */
  readonly tries: number;
  readonly state: "building" | "failed" | "ready";
  readonly startedMs: number;
  /** CodeBuild's; absent until the start has been acknowledged. */
  readonly id?: string;
  /** Why it failed. */
  readonly reason?: string;
  /** The image it made, with its digest. */
  readonly ref?: string;
}

/** Under what builds of a hash are on record: the hash, or for a repository other than the home's one of its own. */
export function recordOf(digest: Digest, hash: string, repository: string | undefined): string {
  return repository === undefined ? hash : sha256Hex(digest, `${hash} ${repository}`);
}

/** Longer than the image it made. */
const KEEP_SEC = 100 * 24 * 3600;

export interface BuildRecords {
  get(hash: string): Promise<ImageBuild | undefined>;
  /** Writes `after` if the record is still `before`; answers what counts now. */
  save(before: ImageBuild | undefined, after: ImageBuild): Promise<ImageBuild>;
}

export function openBuildRecords(table: Table): BuildRecords {
  return {
    async get(hash) {
      return fromItem(await table.get(imageBuildKey(hash)));
    },
    async save(before, after) {
      const expires = Math.ceil(after.startedMs / 1000) + KEEP_SEC;
      const item: Item = { ...imageBuildKey(after.hash), type: "IMAGE-BUILD", v: 1, expires, ...after };
      const when = before === undefined ? ABSENT : isStill(before);
      const result = await table.transact([{ kind: "put", item, when }]);
      if (result.ok) return after;
      return fromItem(result.failed[0]?.item) ?? after;
    },
  };
}

function isStill({ number, state, id }: ImageBuild): readonly Clause[] {
  return [
    { attr: "number", op: "eq", value: number },
    { attr: "state", op: "eq", value: state },
    id === undefined ? { attr: "id", op: "absent" } : { attr: "id", op: "eq", value: id },
  ];
}

function fromItem(item: Item | undefined): ImageBuild | undefined {
  if (item === undefined) return undefined;
  const { pk: _pk, sk: _sk, type: _type, v: _v, expires: _expires, ...record } = item;
  return record as unknown as ImageBuild;
}
