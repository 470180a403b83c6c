import * as z from "zod";
import { Actor, Description, pageOf, ResourceName, Time } from "./common.ts";

const Address = z.url({ protocol: /^https?$/ }).max(2000);

/** Where a notification goes. Addresses of private networks are refused. */
export const Channel = z.discriminatedUnion("type", [
  /** JSON by POST, signed with the notification's secret. */
  z.strictObject({ type: z.literal("webhook"), url: Address }),
  /** What Slack's incoming webhooks take, and those that are like them. */
  z.strictObject({ type: z.literal("slack"), url: Address }),
  /** The output of `yard up`. Laptop only. */
  z.strictObject({ type: z.literal("console") }),
  /** A topic of the account whose name begins with the home's. AWS only. */
  z.strictObject({
    type: z.literal("sns"),
    topic_arn: z.string().regex(/^arn:aws[\w-]*:sns:[\w-]+:\d{12}:[\w-]{1,256}$/),
  }),
  /** AWS only; the address is asked first whether it wants them. */
  z.strictObject({ type: z.literal("email"), address: z.email().max(320) }),
]);
export type Channel = z.infer<typeof Channel>;

export const NotificationSpec = z.strictObject({
  description: Description.optional(),
  /** `job.failed`, `job.completed`, `job.canceled`, `model.registered`, `model.tagged`, `data.create`, `schedule.fail`, `budget.reached`, …: what and what became of it. `*` in them is any text. */
  events: z
    .array(z.string().regex(/^[a-z*][a-z*_-]*\.[a-z*][a-z*_-]*$/))
    .min(1)
    .max(50),
  /** Of what it is about; may hold `*`. Absent: any. */
  name: z.string().min(1).max(256).optional(),
  channel: Channel,
  /** Default true. */
  is_enabled: z.boolean().optional(),
});
export type NotificationSpec = z.infer<typeof NotificationSpec>;

export const Notification = z.object({
  name: ResourceName,
  description: z.string().optional(),
  events: z.array(z.string()),
  about: z.string().optional(),
  /** The path and query of an address are secrets of their own, and not shown. */
  channel: z.object({ type: z.string(), to: z.string() }),
  is_enabled: z.boolean(),
  /** What its requests are signed with; only in the answer that makes it. */
  secret: z.string().optional(),
  last_failure: z.object({ at: Time, reason: z.string() }).optional(),
  created_at: Time,
  created_by: Actor,
});
export type Notification = z.infer<typeof Notification>;
export const NotificationPage = pageOf(Notification);
