import type { RawRoute } from "../../src/api/raw-route.ts";
import { onlineDeployments, onlineEndpoints } from "../../src/contract/routes/index.ts";
import { DELETE_TOPIC, SETTLE_TOPIC } from "../../src/core/endpoints/ports.ts";
import type { Bus } from "../../src/core/ports/bus.ts";
import type { Part } from "../../src/home/part.ts";
import type { Settling } from "../../src/home/settling.ts";
import { once } from "./lazy.ts";

type Messages = Pick<Bus, "send" | "subscribe">;

/** The room of endpoints, loaded with the first of its requests or messages: most functions that start have neither. */
export function lazyEndpoints(bus: Messages, open: (bus: Messages) => Promise<Part & Settling>): Part & Settling {
  const handlers = new Map<string, Parameters<Bus["subscribe"]>[1]>();
  const opened = once(() =>
    open({
      send: (...args) => bus.send(...args),
      subscribe: (topic, handler) => void handlers.set(topic, handler),
    }),
  );
  for (const topic of [SETTLE_TOPIC, DELETE_TOPIC]) {
    bus.subscribe(topic, async (delivery) => {
      await opened();
      await handlers.get(topic)?.(delivery);
    });
  }

  const routeOf = async (id: string): Promise<RawRoute> => {
    const found = (await opened()).routes?.find((route) => route.id === id);
    if (found === undefined) throw new Error(`route \`${id}\` is not implemented`);
    return found;
  };
  const routes = [...Object.values(onlineEndpoints), ...Object.values(onlineDeployments)];
  return {
    routes: routes.map(({ id, method, path, access }) => ({
      id,
      method,
      path,
      access,
      base: "root",
      handle: async (call) => (await routeOf(id)).handle(call),
    })),
    resume: async () => (await opened()).resume(),
  };
}
