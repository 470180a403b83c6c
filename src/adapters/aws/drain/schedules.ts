import { DeleteScheduleGroupCommand, GetScheduleGroupCommand, type SchedulerClient } from "@aws-sdk/client-scheduler";
import { nameOf } from "../fault.ts";
import type { Drainer } from "./drain.ts";

/** The home's group with every timer that is set: from then on none fires, and none can be set, so that nothing begins what the others take away. */
export function scheduleDrainer({
  client,
  group,
}: {
  readonly client: SchedulerClient;
  readonly group: string;
}): Drainer {
  return {
    async step() {
      const found = await client.send(new GetScheduleGroupCommand({ Name: group })).catch(unlessGone);
      if (found === undefined) return [];
      if (found.State !== "DELETING")
        await client.send(new DeleteScheduleGroupCommand({ Name: group })).catch(unlessGone);
      return [`schedules of ${group}`];
    },
  };
}

function unlessGone(error: unknown): undefined {
  if (nameOf(error) !== "ResourceNotFoundException") throw error;
  return undefined;
}
