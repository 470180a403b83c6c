import * as z from "zod";
import { Actor, Description, ResourceName, Tags, Time } from "./common.ts";

const Common = { description: Description.optional(), tags: Tags.optional() };

export const ComputeSpec = z.discriminatedUnion("type", [
  /** This machine. `slots`: jobs at once; beyond it they wait, first come first served. Default: half the cores, at least 1. */
  z.strictObject({ ...Common, type: z.literal("local"), slots: z.number().int().min(1).max(256).optional() }),
  /** Another machine over SSH. `host_key` is its fingerprint (`SHA256:…`); a machine with another key is refused. */
  z.strictObject({
    ...Common,
    type: z.literal("attached"),
    host: z.string().min(1).max(253),
    port: z.number().int().min(1).max(65535).optional(),
    username: z.string().min(1).max(100),
    host_key: z.string().max(200),
    /** Folder on that machine for work and environments; default `~/.trainyard-compute`. */
    folder: z.string().max(500).optional(),
    /** Path of Node 24 or later on that machine; default: the one on the account's PATH. */
    node: z.string().max(500).optional(),
    slots: z.number().int().min(1).max(256).optional(),
    credentials: z
      .strictObject({
        private_key: z.string().optional(),
        passphrase: z.string().optional(),
        password: z.string().optional(),
      })
      .optional(),
  }),
  /** A pool that grows from `min_instances` and shrinks back. AWS home. */
  z.strictObject({
    ...Common,
    type: z.literal("cluster"),
    size: z.string().max(100).optional(),
    tier: z.enum(["dedicated", "low_priority", "on_demand", "spot"]).optional(),
    min_instances: z.number().int().min(0).max(10_000).optional(),
    max_instances: z.number().int().min(0).max(10_000).optional(),
    idle_time_before_scale_down: z.number().int().min(0).optional(),
    settings: z.record(z.string(), z.unknown()).optional(),
  }),
  /** A workstation. AWS home. */
  z.strictObject({
    ...Common,
    type: z.literal("instance"),
    size: z.string().max(100).optional(),
    settings: z.record(z.string(), z.unknown()).optional(),
  }),
]);
export type ComputeSpec = z.infer<typeof ComputeSpec>;

export const Compute = z.object({
  name: ResourceName,
  id: z.string(),
  type: z.string(),
  description: z.string().optional(),
  tags: Tags,
  settings: z.record(z.string(), z.unknown()),
  has_credentials: z.boolean(),
  /** Jobs on it now, jobs waiting for it, and how many it takes at once. */
  running: z.number().int(),
  waiting: z.number().int(),
  slots: z.number().int().optional(),
  provisioning_state: z.enum(["Succeeded", "Unavailable"]),
  /** What of its settings is taken otherwise than written: a machine type that stands for another, say. */
  notes: z.array(z.string()).optional(),
  /** Why it is unavailable. */
  reason: z.string().optional(),
  created_at: Time,
  created_by: Actor,
});
export type Compute = z.infer<typeof Compute>;
