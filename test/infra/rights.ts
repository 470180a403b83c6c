import type { Template } from "aws-cdk-lib/assertions";
import { resourcesOf } from "./templates.ts";

export interface Statement {
  readonly Effect: string;
  readonly Action?: string | readonly string[];
  readonly NotAction?: unknown;
  readonly Resource?: unknown;
  readonly NotResource?: unknown;
  readonly Condition?: unknown;
}

interface Policy {
  readonly PolicyDocument: { readonly Statement: readonly Statement[] };
  readonly Roles?: readonly { readonly Ref?: string }[];
}

export interface RoleRights {
  readonly statements: readonly Statement[];
  /** Policies that others write and may widen. */
  readonly managed: readonly string[];
}

/** What each role of a stack may do, by the role's logical id. */
export function rightsOf(template: Template): Readonly<Record<string, RoleRights>> {
  const resources = Object.entries(resourcesOf(template));
  const attached = resources.flatMap(([, { Type, Properties }]) =>
    Type === "AWS::IAM::Policy" || Type === "AWS::IAM::ManagedPolicy" ? [Properties as unknown as Policy] : [],
  );
  const roles = resources.filter(([, { Type }]) => Type === "AWS::IAM::Role");
  return Object.fromEntries(
    roles.map(([id, { Properties = {} }]) => {
      const inline = (Properties.Policies ?? []) as readonly Policy[];
      const own = attached.filter(({ Roles = [] }) => Roles.some(({ Ref }) => Ref === id));
      const statements = [...inline, ...own].flatMap(({ PolicyDocument }) => PolicyDocument.Statement);
      const managed = ((Properties.ManagedPolicyArns ?? []) as readonly unknown[]).map((arn) => JSON.stringify(arn));
      return [id, { statements, managed }];
    }),
  );
}

/** What a role may do beyond what it names, except what `reasons` has: by action for any resource, by name for managed policies. */
export function excessOf({ statements, managed }: RoleRights, reasons: Readonly<Record<string, string>>): string[] {
  const isMeant = (text: string) => Object.keys(reasons).some((known) => text.includes(known));
  const wide = statements
    .filter(({ Effect }) => Effect === "Allow")
    .flatMap(({ Action = [], NotAction, Resource = [], NotResource }) => {
      const actions = [Action].flat() as readonly string[];
      const anywhere = ([Resource].flat() as readonly unknown[]).includes("*");
      return [
        ...(NotAction === undefined && NotResource === undefined ? [] : ["all but what is named"]),
        ...actions.filter((action) => action.includes("*")).map((action) => `the actions ${action}`),
        ...actions.filter((action) => anywhere && !isMeant(action)).map((action) => `${action} on any resource`),
      ];
    });
  return [...wide, ...managed.filter((arn) => !isMeant(arn)).map((arn) => `the managed policy ${arn}`)];
}
