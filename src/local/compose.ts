import { makeApp } from "../api/app.ts";
import { makeAuthenticate } from "./authenticate.ts";
import type { Ground, Part } from "./part.ts";

/**
 * Which implementation serves what, in one place. Each room adds one part: its routes, and what runs beside them.
 * Parts start in this order and close in the reverse one.
 */
function partsOf(_ground: Ground): readonly Part[] {
  return [];
}

export interface Composition {
  readonly handle: (request: Request) => Promise<Response>;
  start(): Promise<void>;
  close(): Promise<void>;
}

export async function compose(ground: Ground): Promise<Composition> {
  const parts = partsOf(ground);
  const handle = makeApp({
    routes: parts.flatMap((part) => part.routes ?? []),
    authenticate: makeAuthenticate(ground),
    requestId: () => ground.ids.hex32(),
    onFault: (error, about) => ground.log.fault("a request failed", error, about),
  });
  return {
    handle,
    async start() {
      for (const part of parts) await part.start?.();
    },
    async close() {
      for (const part of parts.toReversed()) await part.close?.();
    },
  };
}
