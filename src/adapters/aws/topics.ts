import { createHash } from "node:crypto";
import {
  CreateTopicCommand,
  ListTopicsCommand,
  PublishCommand,
  type SNSClient,
  SubscribeCommand,
} from "@aws-sdk/client-sns";
import { AppError } from "../../contract/errors.ts";
import { rethrowFrom } from "./fault.ts";

/** What SNS takes as a subject. */
const SUBJECT_LIMIT_CHARS = 100;

/** Topics made at run time begin so. */
const topicNamesOf = (home: string): string => `${home}-notify-`;

/** Topics of SNS: those of the account that are meant for this home, and one for each mailbox. */
export interface Topics {
  /** Throws InvalidArgument for a topic that is not meant for this home. */
  check(arn: string): void;
  /** Makes the topic of a mailbox, which costs nothing and stays, and asks the mailbox; one that was asked before is asked again only if it has not answered. */
  subscribe(address: string): Promise<void>;
  publish(to: { readonly arn: string } | { readonly address: string }, subject: string, text: string): Promise<void>;
}

export function openTopics(options: {
  readonly client: SNSClient;
  readonly home: string;
  /** Of the home's queue, which says where topics are. */
  readonly queueArn: string;
}): Topics {
  const { client, home } = options;
  const [, partition, , region, account] = options.queueArn.split(":");
  const prefix = `arn:${partition}:sns:${region}:${account}:`;
  const nameOf = (address: string) =>
    topicNamesOf(home) + createHash("sha256").update(address.toLowerCase()).digest("hex").slice(0, 24);
  const arnOf = (address: string) => prefix + nameOf(address);
  return {
    check(arn) {
      if (arn.startsWith(`${prefix}${home}-`)) return;
      throw new AppError("InvalidArgument", `topic \`${arn}\` is not meant for this home`, {
        hint: `its name begins with \`${home}-\`, in the home's own account and region`,
      });
    },
    async subscribe(address) {
      const refused = rethrowFrom("SNS");
      await client.send(new CreateTopicCommand({ Name: nameOf(address) })).catch(refused);
      await client
        .send(new SubscribeCommand({ TopicArn: arnOf(address), Protocol: "email", Endpoint: address }))
        .catch(refused);
    },
    async publish(to, subject, text) {
      const TopicArn = "arn" in to ? to.arn : arnOf(to.address);
      // A subject is one line of plain characters.
      const Subject = subject.replace(/[^\x20-\x7e]/g, "?").slice(0, SUBJECT_LIMIT_CHARS);
      await client
        .send(new PublishCommand({ TopicArn, Subject, Message: text }))
        .catch(rethrowFrom(`topic \`${TopicArn}\``));
    },
  };
}

/** Topics that the home made for mailboxes. */
export async function mailboxTopics(client: SNSClient, home: string): Promise<readonly string[]> {
  const found: string[] = [];
  let NextToken: string | undefined;
  do {
    const page = await client.send(new ListTopicsCommand({ NextToken }));
    found.push(...(page.Topics ?? []).flatMap(({ TopicArn = "" }) => (isOurs(TopicArn, home) ? [TopicArn] : [])));
    NextToken = page.NextToken;
  } while (NextToken !== undefined);
  return found;
}

function isOurs(arn: string, home: string): boolean {
  return arn.slice(arn.lastIndexOf(":") + 1).startsWith(topicNamesOf(home));
}
