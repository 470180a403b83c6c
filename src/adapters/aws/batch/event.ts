import type { Message } from "../../../core/ports/bus.ts";

/**
 * Which run an event of AWS Batch is about, by the tags that the launcher gives its jobs; undefined for jobs of others.
 * Nothing else is read from it: events come late, twice and in any order, so whoever hears of one asks Batch what is so.
 */
export function runOfEvent(body: Message["body"]): { readonly workspace: string; readonly run: string } | undefined {
  const { tags = {} } = body.detail as { readonly tags?: Readonly<Record<string, string>> };
  const { "trainyard:workspace": workspace, "trainyard:run": run } = tags;
  return workspace === undefined || run === undefined ? undefined : { workspace, run };
}
