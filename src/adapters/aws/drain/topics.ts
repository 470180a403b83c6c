import { DeleteTopicCommand, type SNSClient } from "@aws-sdk/client-sns";
import { mailboxTopics } from "../topics.ts";
import type { Drainer } from "./drain.ts";

/** Topics that were made for mailboxes, with what these agreed to. */
export function topicDrainer({ client, home }: { readonly client: SNSClient; readonly home: string }): Drainer {
  return {
    async step() {
      const arns = await mailboxTopics(client, home);
      for (const TopicArn of arns) await client.send(new DeleteTopicCommand({ TopicArn }));
      return arns.map((arn) => `topic ${arn}`);
    },
  };
}
