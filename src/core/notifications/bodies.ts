import type { Notice } from "./ports.ts";

/** What a webhook is sent: JSON, and the header that signs it as `receiveWebhook` wants it. */
export async function signedBody(
  notice: Notice,
  secret: string,
  nowMs: number,
): Promise<{ readonly text: string; readonly signature: string }> {
  const text = JSON.stringify(notice);
  const time = Math.floor(nowMs / 1000);
  const encoder = new TextEncoder();
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const key = await crypto.subtle.importKey("raw", encoder.encode(secret), algorithm, false, ["sign"]);
  const mac = new Uint8Array(await crypto.subtle.sign("HMAC", key, encoder.encode(`${time}.${text}`)));
  const hex = Array.from(mac, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return { text, signature: `t=${time},v1=${hex}` };
}

/** What Slack's incoming webhooks take. Its three special characters can't begin a mention or a link. */
export function slackBody({ workspace, event, summary, actor }: Notice): string {
  const plain = (text: string) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
  return JSON.stringify({ text: plain(`[${workspace}] ${event}: ${summary} (${actor})`) });
}

/** One line for mail and terminals; control characters of names do nothing there. */
export function lineOf({ workspace, event, summary }: Notice): string {
  return `[${workspace}] ${event}: ${summary}`.replace(/\p{Cc}+/gu, " ");
}
