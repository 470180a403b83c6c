import type { ArrayOf } from "../../../core/jobs/start-attempt.ts";
import type { Message } from "../../../core/ports/bus.ts";

interface Detail {
  readonly tags?: Readonly<Record<string, string>>;
  readonly arrayProperties?: { readonly index?: number };
}

/**
 * Which run an event of AWS Batch is about, by the tags that the launcher gives its jobs; undefined for jobs of others. Children of an array have its tags, and are
 * looked up by their place. Nothing else is read from it: events come late, twice and in any order, so whoever hears of one asks Batch what is so.
 */
export async function runOfEvent(
  attemptsOf: (array: ArrayOf) => Promise<readonly string[] | undefined>,
  body: Message["body"],
): Promise<{ readonly workspace: string; readonly run: string } | undefined> {
  const { tags = {}, arrayProperties } = body.detail as Detail;
  const { "trainyard:workspace": workspace, "trainyard:run": run, "trainyard:array": id } = tags;
  if (workspace === undefined || run === undefined) return undefined;
  if (id === undefined) return { workspace, run };
  // The array itself ends with its children.
  if (arrayProperties?.index === undefined) return undefined;
  const attempt = (await attemptsOf({ workspace, run, id }))?.[arrayProperties.index];
  return attempt === undefined ? undefined : { workspace, run: attempt.slice(0, attempt.lastIndexOf(".")) };
}
