import { Validations } from "aws-cdk-lib";
import type { IConstruct } from "constructs";

/** Findings of a rule pack (test/infra/rules.test.ts) that are meant to be so here, each with its reason. */
export function accept(construct: IConstruct, reasons: Readonly<Record<string, string>>): void {
  for (const [id, reason] of Object.entries(reasons)) {
    // The first is read by the pack, one finding of a rule at a time; the second by the CDK, for the rule.
    Validations.of(construct).acknowledge({ id, reason }, { id: `AwsSolutions::${id}`, reason });
  }
}
