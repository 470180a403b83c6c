import { SNSClient } from "@aws-sdk/client-sns";
import { openTopics, type Topics } from "../../src/adapters/aws/topics.ts";

/** Topics that notifications go to. */
export function openHomeTopics(told: { readonly home: string; readonly queueArn: string }): Topics {
  return openTopics({ client: new SNSClient({}), ...told });
}
