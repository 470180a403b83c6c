import { AppError } from "../../contract/errors.ts";
import type { Cause } from "../../contract/schedules.ts";
import type { Clock } from "../ports/clock.ts";
import type { Vault } from "../ports/vault.ts";
import { type FireDeps, fireFor } from "./fire.ts";
import { type FiringRecord, webhookSecret } from "./ports.ts";

/** `t=<seconds since the epoch>,v1=<hex of HMAC-SHA256 over "t.body">`, as several services sign theirs. */
export const SIGNATURE_HEADER = "x-trainyard-signature";
/** How old a signature may be, and how far ahead its sender's clock. */
const TOLERANCE_SEC = 300;
const VALUE_LIMIT_CHARS = 5000;

/**
 * Fires a schedule by a signed request. Unauthenticated whatever is wrong about who sends it, so that strangers learn nothing; Conflict where the very request
 * came before.
 */
export async function receiveWebhook(
  deps: FireDeps & { readonly vault: Vault; readonly clock: Clock },
  input: {
    readonly workspace: string;
    readonly name: string;
    readonly signature: string | null;
    readonly body: Uint8Array<ArrayBuffer>;
  },
): Promise<FiringRecord> {
  const { workspace, name, body } = input;
  const [schedule, secret] = await Promise.all([
    deps.schedules.get(workspace, name),
    deps.vault.get(webhookSecret(workspace, name)),
  ]);
  const shape = /^t=(\d{1,12}),v1=([0-9a-f]{64})$/.exec(input.signature?.trim() ?? "");
  const [, time = "", mac = ""] = shape ?? [];
  const isOurs = shape !== null && (await isSigned(secret ?? "", time, body, mac));
  if (schedule === undefined || secret === undefined || schedule.trigger.type !== "webhook" || !isOurs)
    throw new AppError("Unauthenticated", "the request is not signed by a webhook of this home", {
      hint: `send \`${SIGNATURE_HEADER}: t=SECONDS,v1=HEX\`, HEX being HMAC-SHA256 of \`SECONDS.BODY\` under the webhook's secret`,
    });
  const ageSec = deps.clock.now() / 1000 - Number(time);
  if (Math.abs(ageSec) > TOLERANCE_SEC)
    throw new AppError(
      "Unauthenticated",
      `the signature is ${Math.round(ageSec)} s old; at most ${TOLERANCE_SEC} are allowed`,
    );
  if (!schedule.isEnabled) throw new AppError("Conflict", `schedule \`${name}\` is switched off`);
  const { firing, isNew } = await fireFor(deps, schedule, causeOf(time, mac, body));
  if (isNew) return firing;
  throw new AppError("Conflict", "this very request came before, and fired once");
}

async function isSigned(secret: string, time: string, body: Uint8Array<ArrayBuffer>, mac: string): Promise<boolean> {
  const encoder = new TextEncoder();
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  // An empty key is refused by some runtimes; no secret is ever this one.
  const key = await crypto.subtle.importKey("raw", encoder.encode(secret || "none"), algorithm, false, ["verify"]);
  const head = encoder.encode(`${time}.`);
  const signed = new Uint8Array(head.length + body.length);
  signed.set(head);
  signed.set(body, head.length);
  const bytes = Uint8Array.from(mac.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
  return crypto.subtle.verify("HMAC", key, bytes, signed);
}

/** Texts and numbers at the top of a JSON body are values that inputs may name. */
function causeOf(time: string, mac: string, body: Uint8Array<ArrayBuffer>): Cause {
  const values: Record<string, string> = { time: new Date(Number(time) * 1000).toISOString() };
  for (const [key, value] of Object.entries(jsonOf(body))) {
    const isPlain = typeof value === "string" || typeof value === "number" || typeof value === "boolean";
    if (isPlain && /^[A-Za-z_][A-Za-z0-9_]{0,99}$/.test(key) && String(value).length <= VALUE_LIMIT_CHARS)
      values[key] ??= String(value);
  }
  return { id: `webhook#${mac}`, type: "webhook", summary: `its webhook was called at ${values.time}`, values };
}

function jsonOf(body: Uint8Array): object {
  try {
    const value: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body));
    return typeof value === "object" && value !== null ? value : {};
  } catch {
    return {};
  }
}
