import { type EventBridgeClient, PutEventsCommand, type PutEventsRequestEntry } from "@aws-sdk/client-eventbridge";
import { AppError } from "../../contract/errors.ts";
import type { Item } from "../../core/ports/table.ts";
import { rethrowFrom } from "./fault.ts";

/** What the service takes at once. */
const BATCH = 10;

/** Puts activities on a bus of EventBridge. Some may come twice. Throws when any was not taken. */
export async function announce(client: EventBridgeClient, bus: string, activities: readonly Item[]): Promise<void> {
  for (let from = 0; from < activities.length; from += BATCH) {
    const Entries = activities.slice(from, from + BATCH).map((item) => eventOf(bus, item));
    const answer = await client.send(new PutEventsCommand({ Entries })).catch(rethrowFrom("the event bus"));
    if ((answer.FailedEntryCount ?? 0) > 0) {
      const message = answer.Entries?.find(({ ErrorCode }) => ErrorCode !== undefined)?.ErrorMessage ?? "";
      throw new AppError("Unavailable", `${answer.FailedEntryCount} activities were not taken: ${message}`);
    }
  }
}

/** `Job State Change` for what moved a job on, `Activity` for all else. */
function eventOf(bus: string, item: Item): PutEventsRequestEntry {
  const { pk, at, id, actor, resource, name, action, summary, before, after } = item;
  const workspace = /^W#([^#]+)#/.exec(pk)?.[1];
  const detail = { id, at, workspace, actor, resource, name, action, summary, before, after };
  return {
    EventBusName: bus,
    Source: "trainyard",
    DetailType: resource === "job" && action === "status" ? "Job State Change" : "Activity",
    Time: new Date(String(at)),
    Detail: JSON.stringify(detail),
  };
}
