import type { Topics } from "../../src/adapters/aws/topics.ts";
import { AppError } from "../../src/contract/errors.ts";
import { lineOf, signedBody, slackBody } from "../../src/core/notifications/bodies.ts";
import type { Courier } from "../../src/core/notifications/ports.ts";
import type { Clock } from "../../src/core/ports/clock.ts";
import { SIGNATURE_HEADER } from "../../src/core/schedules/webhook.ts";

/** With the first notification that travels by HTTP. */
const loadPost = () => import("../../src/adapters/datastores/post.ts");

/** Webhooks and Slack; topics of SNS, also those made for mailboxes. */
export function makeCourier({
  clock,
  topics,
}: {
  readonly clock: Clock;
  readonly topics: () => Promise<Topics>;
}): Courier {
  const allowPrivate = false;
  return {
    async prepare(channel) {
      switch (channel.type) {
        case "webhook":
        case "slack":
          (await loadPost()).checkPostAddress(channel.url, allowPrivate);
          return;
        case "sns":
          return (await topics()).check(channel.topic_arn);
        case "email":
          return (await topics()).subscribe(channel.address);
        case "console":
          throw new AppError("NotSupported", "an AWS home has no console", {
            hint: "`webhook`, `slack`, `sns` and `email` work here",
          });
      }
    },
    async send(channel, notice, secret) {
      if (channel.type === "slack") {
        const { postJson } = await loadPost();
        return postJson(channel.url, slackBody(notice), { allowPrivate });
      }
      if (channel.type === "webhook") {
        const { postJson } = await loadPost();
        const { text, signature } = await signedBody(notice, secret, clock.now());
        return postJson(channel.url, text, { allowPrivate, headers: { [SIGNATURE_HEADER]: signature } });
      }
      const line = lineOf(notice);
      const text = JSON.stringify(notice, null, 2);
      if (channel.type === "sns") await (await topics()).publish({ arn: channel.topic_arn }, line, text);
      if (channel.type === "email")
        await (await topics()).publish({ address: channel.address }, line, `${line}\n\n${text}\n`);
    },
  };
}
