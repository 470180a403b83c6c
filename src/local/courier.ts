import { checkPostAddress, postJson } from "../adapters/datastores/post.ts";
import { AppError } from "../contract/errors.ts";
import { lineOf, signedBody, slackBody } from "../core/notifications/bodies.ts";
import type { Courier } from "../core/notifications/ports.ts";
import type { Clock } from "../core/ports/clock.ts";
import { SIGNATURE_HEADER } from "../core/schedules/webhook.ts";

/** Webhooks, Slack, and the output of this process. */
export function makeLocalCourier({
  clock,
  allowPrivate,
  print = (line) => process.stdout.write(line),
}: {
  readonly clock: Clock;
  readonly allowPrivate: boolean;
  readonly print?: (line: string) => void;
}): Courier {
  return {
    async prepare(channel) {
      if (channel.type === "webhook" || channel.type === "slack") checkPostAddress(channel.url, allowPrivate);
      if (channel.type === "sns" || channel.type === "email")
        throw new AppError("NotSupported", `a laptop sends no notifications by ${channel.type}`, {
          hint: "`webhook`, `slack` and `console` work here",
        });
    },
    async send(channel, notice, secret) {
      if (channel.type === "console") return print(`${lineOf(notice)}\n`);
      if (channel.type === "slack") return postJson(channel.url, slackBody(notice), { allowPrivate });
      if (channel.type !== "webhook") return;
      const { text, signature } = await signedBody(notice, secret, clock.now());
      await postJson(channel.url, text, { allowPrivate, headers: { [SIGNATURE_HEADER]: signature } });
    },
  };
}
