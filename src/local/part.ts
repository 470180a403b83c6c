import type { Home } from "../adapters/local/home.ts";
import type { RawRoute } from "../api/raw-route.ts";
import type { ActivityWrite } from "../core/activities/ports.ts";
import type { Table } from "../core/ports/table.ts";
import type { ServerLog } from "./server-log.ts";
import type { Settings } from "./settings.ts";

/** What every room is made from: the opened home, its folder, and where this server is reached. */
export interface Ground extends Omit<Home, "table"> {
  readonly table: Table;
  readonly settings: Settings;
  readonly activity: ActivityWrite;
  readonly log: ServerLog;
  /** `http://127.0.0.1:PORT`; known once the server listens, which is before any route or loop runs. */
  address(): string;
}

/** One room's share of the server. */
export interface Part {
  readonly routes?: readonly RawRoute[];
  /** Runs after the server listens: loops, reconciling with what the machine has. */
  start?(): Promise<void> | void;
  /** Runs before the home closes. Long waits end here. */
  close?(): Promise<void> | void;
}
