import { join } from "node:path";
import type { Bus } from "../../core/ports/bus.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { Ids } from "../../core/ports/ids.ts";
import type { Objects } from "../../core/ports/objects.ts";
import type { Signer } from "../../core/ports/signer.ts";
import type { Vault } from "../../core/ports/vault.ts";
import { makeClock } from "../node/clock.ts";
import { makeIds } from "../node/ids.ts";
import { openBus } from "./bus.ts";
import { openDatabase } from "./database.ts";
import { acquireLock, type Lock } from "./lock.ts";
import { openObjects } from "./objects.ts";
import { openSigner } from "./signer.ts";
import { type LocalTable, openTable } from "./table.ts";
import { type LocalTimer, openTimer } from "./timer.ts";
import { openVault } from "./vault.ts";

/** What a laptop home stands on: `yard.db`, `objects/`, `vault/` and `keys/` in one folder, which this process alone serves. */
export interface Home {
  readonly table: LocalTable;
  readonly objects: Objects;
  readonly vault: Vault;
  readonly signer: Signer;
  /** Not started: the caller subscribes first. */
  readonly bus: Bus;
  readonly timer: LocalTimer;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly lock: Lock;
  /** Waits for handlers under way, commits what is queued, gives the folder free; idempotent. */
  close(): Promise<void>;
}

/** Opens the home in `dir`, making it if need be. AppError("Conflict") if another process serves it. */
export async function openHome(options: { readonly dir: string; readonly clock?: Clock }): Promise<Home> {
  const { dir, clock = makeClock() } = options;
  const lock = await acquireLock({ dir });
  try {
    const objects = openObjects({ dir: join(dir, "objects") });
    const vault = openVault({ dir: join(dir, "vault") });
    const signer = openSigner({ dir: join(dir, "keys") });
    const database = openDatabase({ path: join(dir, "yard.db") });
    const table = openTable({ database, clock });
    const bus = openBus({ database, clock });
    const timer = openTimer({ database, bus, clock });
    let closing: Promise<void> | undefined;
    const closeAll = async (): Promise<void> => {
      await timer.close();
      await bus.close();
      database.close();
      lock.release();
    };
    return {
      table,
      objects,
      vault,
      signer,
      bus,
      timer,
      clock,
      ids: makeIds(),
      lock,
      close() {
        closing ??= closeAll();
        return closing;
      },
    };
  } catch (error) {
    lock.release();
    throw error;
  }
}
