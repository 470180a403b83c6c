import * as z from "zod";
import { Actor, Description, Time } from "./common.ts";

/** As in Azure's key vaults, and what an expression can name. */
export const SecretName = z
  .string()
  .regex(/^[A-Za-z_][A-Za-z0-9_-]{0,126}$/)
  .describe("1..127 letters, digits, `-` or `_`, starting with a letter or `_`");

/** A value goes to the vault at once and is shown to nobody; jobs that name it have it: `${{secrets.NAME}}` among their environment variables. */
export const SecretSpec = z.strictObject({
  value: z.string().min(1).max(65_536),
  description: Description.optional(),
});
export type SecretSpec = z.infer<typeof SecretSpec>;

export const Secret = z.object({
  name: SecretName,
  description: z.string().optional(),
  created_at: Time,
  created_by: Actor,
  updated_at: Time,
  updated_by: Actor,
});
export type Secret = z.infer<typeof Secret>;
