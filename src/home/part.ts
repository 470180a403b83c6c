import type { Carries } from "../api/mlflow/page.ts";
import type { RawRoute } from "../api/raw-route.ts";
import type { ActivityWrite } from "../core/activities/ports.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { Identity } from "../core/ports/identity.ts";
import type { Ids } from "../core/ports/ids.ts";
import type { Objects } from "../core/ports/objects.ts";
import type { Signer } from "../core/ports/signer.ts";
import type { Storage } from "../core/ports/storage.ts";
import type { Table } from "../core/ports/table.ts";
import type { Vault } from "../core/ports/vault.ts";

/** The main's own log, one structured line an entry. */
export interface Log {
  info(message: string, about?: Readonly<Record<string, unknown>>): void;
  fault(message: string, error: unknown, about?: Readonly<Record<string, unknown>>): void;
}

/** What every room is made from, whichever home it is: the ports, and where this home is reached. */
export interface Ground {
  readonly table: Table;
  readonly objects: Objects;
  readonly vault: Vault;
  /** Storage of a workspace's own; absent: all of them use the home's. */
  readonly storage?: Storage;
  readonly signer: Signer;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly activity: ActivityWrite;
  readonly log: Log;
  /** Where people sign in; absent: tokens only. */
  readonly signIn?: { readonly issuer: string; readonly clientId: string; readonly identity: Identity };
  /** Absent: answers may be of any length. */
  readonly carries?: Carries;
  /** Base address as clients see it; known before any route or loop runs. */
  address(): string;
}

/** One room's share of a main. */
export interface Part {
  readonly routes?: readonly RawRoute[];
  /** Runs once the home is reached: loops, reconciling with what the machine has. */
  start?(): Promise<void> | void;
  /** Runs before the home closes. Long waits end here. */
  close?(): Promise<void> | void;
}
