import {
  DeleteRuleCommand,
  type EventBridgeClient,
  ListRulesCommand,
  ListTargetsByRuleCommand,
  RemoveTargetsCommand,
} from "@aws-sdk/client-eventbridge";
import { ruleNamesOf } from "../event-rules.ts";
import { nameOf } from "../fault.ts";
import type { Drainer } from "./drain.ts";

/** The rules of the home's triggers, which would go on to send to a queue that is not there. */
export function ruleDrainer({ client, home }: { readonly client: EventBridgeClient; readonly home: string }): Drainer {
  return {
    async step() {
      const { Rules = [] } = await client.send(new ListRulesCommand({ NamePrefix: ruleNamesOf(home) }));
      for (const { Name } of Rules) {
        const { Targets = [] } = await client.send(new ListTargetsByRuleCommand({ Rule: Name }));
        const Ids = Targets.flatMap(({ Id }) => (Id === undefined ? [] : [Id]));
        if (Ids.length > 0) await client.send(new RemoveTargetsCommand({ Rule: Name, Ids }));
        await client.send(new DeleteRuleCommand({ Name })).catch((error: unknown) => {
          if (nameOf(error) !== "ResourceNotFoundException") throw error;
        });
      }
      return Rules.map(({ Name }) => `rule ${Name}`);
    },
  };
}
