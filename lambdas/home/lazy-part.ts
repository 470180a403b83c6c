import type { RawRoute } from "../../src/api/raw-route.ts";
import type { AnyRoute } from "../../src/contract/route.ts";
import type { Bus } from "../../src/core/ports/bus.ts";
import type { Part } from "../../src/home/part.ts";
import { once } from "./lazy.ts";

type Messages = Pick<Bus, "send" | "subscribe">;

/** A room that is loaded with the first of its requests or messages: most functions that start have neither. */
export function lazyPart<P extends Part>(
  bus: Messages,
  of: { readonly routes: readonly AnyRoute[]; readonly topics: readonly string[] },
  open: (bus: Messages) => Promise<P>,
): Part & { readonly opened: () => Promise<P> } {
  const handlers = new Map<string, Parameters<Bus["subscribe"]>[1]>();
  const opened = once(() =>
    open({
      send: (...args) => bus.send(...args),
      subscribe: (topic, handler) => void handlers.set(topic, handler),
    }),
  );
  for (const topic of of.topics) {
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
  return {
    routes: of.routes.map(({ id, method, path, access }) => ({
      id,
      method,
      path,
      access,
      base: "root",
      handle: async (call) => (await routeOf(id)).handle(call),
    })),
    opened,
  };
}
