import type { Activity } from "../contract/activities.ts";
import type { Item, Value } from "../core/ports/table.ts";
import { SCHEDULE_TOPICS } from "../core/schedules/alarm.ts";
import { isNews } from "../core/schedules/happened.ts";
import type { Stores } from "../home/stores.ts";
import { listWorkspaceNames } from "../home/workspace-names.ts";
import { isWatched } from "../store/table-watch.ts";
import type { Ground } from "./part.ts";

/** Until when activities were handed on. */
const CURSOR_KEY = "home/activities-handed-on.json";
const PAGE = 500;

export interface ActivityFollower {
  /** Hands on what happened since the last time, also before this process began. What was handed on already is a message that the bus knows. */
  catchUp(): Promise<void>;
  /** Waits until what was written by now is handed on. */
  settle(): Promise<void>;
}

/** Sends each activity of the home, as it is written, to whoever waits for some: as messages, and only for workspaces where anybody does. */
export function followActivities(
  ground: Ground,
  stores: Stores,
  { isAwaited }: { readonly isAwaited: (workspace: string) => Promise<boolean> },
): ActivityFollower {
  const { table, objects, bus, clock, log } = ground;
  const underWay = new Set<Promise<void>>();

  async function handOn(workspace: string, activities: readonly Activity[]): Promise<void> {
    const news = activities.filter(isNews);
    if (news.length === 0 || !(await isAwaited(workspace))) return;
    const bodyOf = (activity: Activity) =>
      JSON.parse(JSON.stringify({ workspace, ...activity })) as Record<string, Value>;
    await bus.send(
      news.map((activity) => ({ topic: SCHEDULE_TOPICS.happened, id: activity.id, body: bodyOf(activity) })),
    );
  }

  function see(item: Item): void {
    const workspace = /^W#([^#]+)#/.exec(item.pk)?.[1];
    if (workspace === undefined) return;
    const { pk: _pk, sk: _sk, type: _type, v: _v, gsi1pk: _gsi1pk, gsi1sk: _gsi1sk, ...activity } = item;
    const sent = handOn(workspace, [activity as unknown as Activity])
      .catch((error: unknown) => log.fault("an activity could not be handed on", error))
      .finally(() => underWay.delete(sent));
    underWay.add(sent);
  }

  if (isWatched(table)) {
    table.onWrite((write) => {
      if (write.kind === "put" && write.item.type === "activity") see(write.item);
    });
  }

  async function readCursor(): Promise<string | undefined> {
    const object = await objects.get(CURSOR_KEY);
    return object === undefined ? undefined : ((await new Response(object.body).json()) as { at: string }).at;
  }

  async function since(workspace: string, at: string): Promise<void> {
    let cursor: string | undefined;
    do {
      const page = await stores.activities.list({
        workspace,
        filter: {},
        limit: PAGE,
        newestMs: clock.now(),
        oldestMs: Date.parse(at),
        ...(cursor === undefined ? {} : { cursor }),
      });
      const news = page.items.filter((activity) => activity.at >= at);
      await handOn(workspace, news);
      cursor = news.length < page.items.length ? undefined : page.cursor;
    } while (cursor !== undefined);
  }

  async function catchUp(): Promise<void> {
    const now = new Date(clock.now()).toISOString();
    const at = await readCursor();
    if (at !== undefined)
      for (const workspace of await listWorkspaceNames(table))
        if (await isAwaited(workspace)) await since(workspace, at);
    await objects.put(CURSOR_KEY, new TextEncoder().encode(JSON.stringify({ at: now })));
  }

  return {
    catchUp,
    async settle() {
      await Promise.all(underWay);
    },
  };
}
