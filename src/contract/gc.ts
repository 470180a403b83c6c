import * as z from "zod";
import { Actor, pageOf, Time } from "./common.ts";

/** Seconds; MLflow's client allows fractions. */
const Seconds = z.number().min(0).max(3_153_600_000);
const Ids = z.array(z.string().min(1).max(300)).min(1).max(1000);

/** What is to go. Without ids: everything that is deleted, and code and data files that nothing names any more. */
export const GcRequest = z.strictObject({
  /** Only what was deleted longer ago. */
  older_than_sec: Seconds.optional(),
  /** How long it can be restored before its bytes are freed; default 7 days, at least 5 minutes. */
  grace_sec: Seconds.optional(),
  run_ids: Ids.optional(),
  experiment_ids: Ids.optional(),
  logged_model_ids: Ids.optional(),
  /** Changes nothing; the answer tells what would go. */
  dry_run: z.boolean().optional(),
});
export type GcRequest = z.infer<typeof GcRequest>;

export const GcKind = z.enum(["run", "experiment", "logged_model", "upload", "tree", "blob"]);
export type GcKind = z.infer<typeof GcKind>;

/**
 * `collecting`: being moved to the trash. `trash`: to be had back until `frees_at`. `freeing`: bytes and records are going. `freed`, `restored`: ended.
 * `dry-run`: of no receipt.
 */
export const GcState = z.enum(["dry-run", "collecting", "trash", "freeing", "freed", "restoring", "restored"]);

/** One thing that gc took or looked at. */
export const GcItem = z.object({
  kind: GcKind,
  id: z.string(),
  state: z.enum(["trash", "kept", "freed", "restored"]),
  /** Why it was kept, or what of it stays. */
  reason: z.string().optional(),
  objects: z.number().int(),
  bytes: z.number().int(),
});
export type GcItem = z.infer<typeof GcItem>;
export const GcItemPage = pageOf(GcItem);

/** Things, their objects (files and parts of logs) and the bytes of these. */
export const GcAmount = z.object({ things: z.number().int(), objects: z.number().int(), bytes: z.number().int() });

export const GcReceipt = z.object({
  /** Empty of a dry run. */
  id: z.string(),
  state: GcState,
  by: Actor,
  at: Time,
  asked: z.object({
    older_than_sec: z.number(),
    grace_sec: z.number(),
    run_ids: z.array(z.string()).optional(),
    experiment_ids: z.array(z.string()).optional(),
    logged_model_ids: z.array(z.string()).optional(),
  }),
  /** When the bytes go. */
  frees_at: Time,
  ended_at: Time.optional(),
  ended_by: Actor.optional(),
  /** By kind: what is in the trash, or was freed, or was restored. */
  totals: z.partialRecord(GcKind, GcAmount),
  objects: z.number().int(),
  bytes: z.number().int(),
  /** Things that were asked for and stay; the items say why. */
  kept: z.number().int(),
  /** Of a dry run: the first 1,000. */
  items: z.array(GcItem).optional(),
});
export type GcReceipt = z.infer<typeof GcReceipt>;
export const GcReceiptPage = pageOf(GcReceipt);
