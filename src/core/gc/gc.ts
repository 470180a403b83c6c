import { AppError } from "../../contract/errors.ts";
import type { GcRequest } from "../../contract/gc.ts";
import { collect, look } from "./collect.ts";
import type { GcDeps } from "./deps.ts";
import { free } from "./free.ts";
import type { Asked, Entry, Receipt } from "./ports.ts";
import { restore } from "./restore.ts";
import { checkAsked } from "./select.ts";

const DAY_MS = 86_400_000;
const DAY_SEC = 86_400;
const DEFAULT_GRACE_MS = 7 * DAY_MS;

export interface GcCall {
  readonly workspace: string;
  readonly actor: string;
  /** How long one call may work. */
  readonly budgetMs: number;
}

export interface Gc {
  /** Makes a receipt and begins with what it asks for. */
  start(call: GcCall, request: GcRequest): Promise<Receipt>;
  /** What `start` would do. */
  look(
    workspace: string,
    request: GcRequest,
  ): Promise<{ readonly atMs: number; readonly asked: Asked; readonly entries: readonly Entry[] }>;
  get(workspace: string, id: string): Promise<Receipt>;
  /** Goes on with what is due. */
  advance(call: Omit<GcCall, "actor">, id: string): Promise<Receipt>;
  restore(call: GcCall, id: string): Promise<Receipt>;
  /** Does what a workspace's retention asks for, once a day; the receipt, if there was anything to take. */
  retain(call: Omit<GcCall, "actor">): Promise<Receipt | undefined>;
  /** Receipts with something left to do that is due, of every workspace. */
  due(): Promise<readonly Receipt[]>;
}

/** Garbage collection in two steps: what is deleted goes to the trash at once, and from there for good when its grace period is over. */
export function makeGc(deps: GcDeps): Gc {
  /** One worker a receipt in this process; those of other processes are met by conditional writes. */
  const working = new Map<string, Promise<Receipt>>();
  /** When each workspace's retention was last looked after by this process. */
  const retained = new Map<string, number>();

  function advance({ workspace, budgetMs }: Omit<GcCall, "actor">, id: string): Promise<Receipt> {
    const key = `${workspace} ${id}`;
    const turn = (working.get(key) ?? Promise.resolve(undefined))
      .catch(() => undefined)
      .then(async () => {
        const deadline = deps.clock.now() + budgetMs;
        let receipt = await get(workspace, id);
        for (;;) {
          const next = await step(receipt, deadline);
          if (next.state === "trash" && receipt.state !== "trash") await deps.remind?.(next);
          if (next.state === receipt.state || deps.clock.now() > deadline) return next;
          receipt = next;
        }
      });
    working.set(key, turn);
    const forget = (): void => {
      if (working.get(key) === turn) working.delete(key);
    };
    turn.then(forget, forget);
    return turn;
  }

  function step(receipt: Receipt, deadline: number): Promise<Receipt> {
    switch (receipt.state) {
      case "collecting":
        return collect(deps, receipt, deadline);
      case "trash":
      case "freeing":
        return free(deps, receipt, deadline);
      case "restoring":
        return restore(deps, receipt, deadline);
      default:
        return Promise.resolve(receipt);
    }
  }

  async function get(workspace: string, id: string): Promise<Receipt> {
    const receipt = await deps.receipts.get(workspace, id);
    if (receipt !== undefined) return receipt;
    throw new AppError("NotFound", `there is no receipt \`${id}\` in workspace \`${workspace}\``, {
      hint: "`yard gc list` shows those there are",
    });
  }

  async function start(call: GcCall, request: GcRequest): Promise<Receipt> {
    const { workspace, actor } = call;
    const atMs = deps.clock.now();
    const asked = askedOf(request, deps.limits.leastGraceMs);
    await checkAsked(deps, workspace, asked, atMs);
    const id = receiptId(atMs, deps.ids.hex32());
    const blank = { rev: 1, state: "collecting", totals: {}, kept: 0 } as const;
    const freesAtMs = atMs + asked.graceMs;
    await deps.receipts.create({ workspace, id, by: actor, atMs, asked, freesAtMs, ...blank });
    return advance(call, id);
  }

  async function lookAt(workspace: string, request: GcRequest) {
    const asked = askedOf(request, deps.limits.leastGraceMs);
    const atMs = deps.clock.now();
    await checkAsked(deps, workspace, asked, atMs);
    return { atMs, asked, entries: await look(deps, workspace, asked, atMs) };
  }

  return {
    get,
    advance,
    start,
    look: lookAt,
    async retain(call) {
      const { workspace } = call;
      const { retention } = (await deps.workspaces.get(workspace)) ?? {};
      const now = deps.clock.now();
      if (retention === undefined || now - (retained.get(workspace) ?? 0) < DAY_MS) return undefined;
      retained.set(workspace, now);
      const request: GcRequest = {
        older_than_sec: retention.deleted_days * DAY_SEC,
        ...(retention.grace_days === undefined ? {} : { grace_sec: retention.grace_days * DAY_SEC }),
      };
      // A day on which nothing goes leaves no receipt.
      const { entries } = await lookAt(workspace, request);
      if (entries.every(({ state }) => state === "kept")) return undefined;
      return start({ ...call, actor: "system" }, request);
    },
    async restore(call, id) {
      for (;;) {
        const before = await get(call.workspace, id);
        if (before.state === "restored") return before;
        if (before.state === "freeing" || before.state === "freed") throw tooLate(before);
        if (before.state === "restoring") return advance(call, id);
        const change = { state: "restoring", endedBy: call.actor } as const;
        if ((await deps.receipts.save(before, { ...before, ...change })) !== undefined) return advance(call, id);
      }
    },
    async due() {
      const now = deps.clock.now();
      return (await deps.receipts.open()).filter(({ state, freesAtMs }) => state !== "trash" || freesAtMs <= now);
    },
  };
}

function tooLate({ id, state, totals }: Receipt): AppError {
  if (state === "freed" && Object.keys(totals).length === 0)
    return new AppError("Conflict", `gc \`${id}\` took nothing: there is nothing to restore`);
  const what = state === "freed" ? "was freed" : "is being freed";
  return new AppError("Conflict", `what gc \`${id}\` took ${what}: its grace period is over`);
}

function askedOf(request: GcRequest, leastGraceMs: number): Asked {
  const { older_than_sec = 0, grace_sec, run_ids, experiment_ids, logged_model_ids } = request;
  const graceMs = grace_sec === undefined ? DEFAULT_GRACE_MS : grace_sec * 1000;
  return {
    olderThanMs: older_than_sec * 1000,
    graceMs: Math.max(graceMs, leastGraceMs),
    ...(run_ids === undefined ? {} : { runIds: run_ids }),
    ...(experiment_ids === undefined ? {} : { experimentIds: experiment_ids }),
    ...(logged_model_ids === undefined ? {} : { loggedModelIds: logged_model_ids }),
  };
}

/** `20261121-140503123-1f0c…`: sorts by time. */
function receiptId(atMs: number, random: string): string {
  const digits = new Date(atMs).toISOString().replace(/\D/g, "");
  return `${digits.slice(0, 8)}-${digits.slice(8)}-${random.slice(0, 8)}`;
}
