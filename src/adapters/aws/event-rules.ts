import {
  DeleteRuleCommand,
  type EventBridgeClient,
  PutRuleCommand,
  PutTargetsCommand,
  RemoveTargetsCommand,
} from "@aws-sdk/client-eventbridge";
import { AppError } from "../../contract/errors.ts";
import { nameOf, rethrowFrom } from "./fault.ts";

/** Rules made at run time begin so; the stack's own do not. */
export const ruleNamesOf = (home: string): string => `${home}-trigger-`;

const TARGET = "queue";

/** Rules of the default event bus whose events become messages of the home's queue. */
export interface EventRules {
  /** Makes or replaces a rule. The message has the topic, the event's id, and the fields given beside the event. */
  put(rule: {
    readonly name: string;
    readonly pattern: Readonly<Record<string, unknown>>;
    readonly topic: string;
    readonly body: Readonly<Record<string, string>>;
  }): Promise<void>;
  /** Absent is fine. */
  remove(name: string): Promise<void>;
}

export function openEventRules(options: {
  readonly client: EventBridgeClient;
  readonly home: string;
  readonly queueArn: string;
}): EventRules {
  const { client, home, queueArn } = options;
  const nameIn = (name: string) => `${ruleNamesOf(home)}${name}`;
  return {
    async put({ name, pattern, topic, body }) {
      const Rule = nameIn(name);
      await client
        .send(new PutRuleCommand({ Name: Rule, EventPattern: JSON.stringify(pattern), State: "ENABLED" }))
        .catch((error: unknown) => {
          if (nameOf(error) !== "InvalidEventPatternException") return rethrowFrom("EventBridge")(error);
          throw new AppError("InvalidArgument", `\`pattern\` is no event pattern: ${(error as Error).message}`);
        });
      const fixed = JSON.stringify({ topic, id: "<id>", body }).slice(0, -2);
      const separator = Object.keys(body).length === 0 ? "" : ",";
      const answer = await client
        .send(
          new PutTargetsCommand({
            Rule,
            Targets: [
              {
                Id: TARGET,
                Arn: queueArn,
                InputTransformer: {
                  InputPathsMap: { ...FIELDS },
                  InputTemplate: `${fixed}${separator}"event":{${EVENT}}}}`,
                },
              },
            ],
          }),
        )
        .catch(rethrowFrom("EventBridge"));
      if ((answer.FailedEntryCount ?? 0) > 0)
        throw new AppError("Unavailable", `rule \`${Rule}\` got no target: ${answer.FailedEntries?.[0]?.ErrorMessage}`);
    },
    async remove(name) {
      const Rule = nameIn(name);
      await client.send(new RemoveTargetsCommand({ Rule, Ids: [TARGET] })).catch(unlessAbsent);
      await client.send(new DeleteRuleCommand({ Name: Rule })).catch(unlessAbsent);
    },
  };
}

const FIELDS = {
  id: "$.id",
  source: "$.source",
  type: "$.detail-type",
  time: "$.time",
  detail: "$.detail",
} as const;
const EVENT = '"id":"<id>","source":"<source>","detail-type":"<type>","time":"<time>","detail":<detail>';

function unlessAbsent(error: unknown): void {
  if (nameOf(error) !== "ResourceNotFoundException") rethrowFrom("EventBridge")(error);
}
