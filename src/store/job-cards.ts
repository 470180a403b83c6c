import { cardOf, type JobCard } from "../core/jobs/card.ts";
import { ownTags } from "../core/jobs/make-run.ts";
import type { JobRecord } from "../core/jobs/record.ts";
import { type Item, PRESENT, type Value, type Write } from "../core/ports/table.ts";
import { jobCardKey, jobChildren, jobList } from "./facts/keys.ts";

/** More than these a card does not hold. */
const TAGS_CHARS = 1000;

type Tags = ReadonlyMap<string, string>;

/** Puts the job into the lists of its workspace and its parent, or changes what they show. `tags` are its run's, where it is new. */
export function cardWrite(job: JobRecord, tags?: Tags): Write {
  const { workspace, name, parent } = job;
  const at = new Date(job.createdMs).toISOString();
  return {
    kind: "update",
    key: jobCardKey(workspace, name),
    set: {
      type: "JOB-CARD",
      v: 1,
      gsi1pk: jobList(workspace),
      gsi1sk: `${at}#${name}`,
      ...(parent === undefined ? {} : { gsi2pk: jobChildren(workspace, parent), gsi2sk: at }),
      card: { ...cardOf(job) } as unknown as Value,
      ...(tags === undefined ? {} : { tags: tagsValue(tags) }),
    },
  };
}

/** What a change of its run's tags changes of a job's card. */
export function cardTagWrites(workspace: string, run: string, before: Tags, after: Tags): Write[] {
  const [old, tags] = [tagsValue(before), tagsValue(after)];
  if (before === after || JSON.stringify(old) === JSON.stringify(tags)) return [];
  return [{ kind: "update", key: jobCardKey(workspace, run), set: { tags }, when: PRESENT }];
}

export function cardFrom({ card, tags }: Item): JobCard {
  const known = card as unknown as JobCard;
  return tags === undefined || tags === null ? known : { ...known, tags: tags as Record<string, string> };
}

function tagsValue(tags: Tags): Value {
  const own = ownTags(Object.fromEntries(tags));
  return JSON.stringify(own).length > TAGS_CHARS ? null : own;
}
