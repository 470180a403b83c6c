/** Session names of these roles are written by Identity Center: they say who it is. Any other role's are whatever its caller chose. */
const IDENTITY_CENTER = /^AWSReservedSSO_/;

/**
 * What an IAM ARN is linked by, the narrowest first; empty for what can't be linked (federated users, services).
 * A role's path is not part of it: its name is unique in an account, and a session's ARN does not tell the path.
 */
export function iamPrincipalsOf(arn: string): readonly string[] {
  const match = /^arn:[a-z-]+:(?:iam|sts)::(\d{12}):(.+)$/.exec(arn);
  if (match === null) return [];
  const [, account = "", rest = ""] = match;
  const [kind, ...names] = rest.split("/");
  const name = names.at(-1);
  if (kind === "root") return [`${account}:root`];
  if (names.includes("") || name === undefined) return [];
  if (kind === "user" || kind === "role") return [`${account}:${kind}:${name}`];
  if (kind !== "assumed-role" || names.length !== 2) return [];
  return [`${account}:role:${names[0]}:${name}`, `${account}:role:${names[0]}`];
}

/** The link to make for a caller of this ARN, and a name for them: the session of an Identity Center role, else the whole role or user. */
export function iamLinkFor(arn: string): { readonly principal: string; readonly name: string } | undefined {
  const [narrow, wide] = iamPrincipalsOf(arn);
  if (narrow === undefined) return undefined;
  const [, kind = "", name = kind, session = name] = narrow.split(":");
  if (wide === undefined) return { principal: narrow, name };
  return IDENTITY_CENTER.test(name) ? { principal: narrow, name: session } : { principal: wide, name };
}
