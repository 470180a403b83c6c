/** An OpenID Connect issuer, and this home's client there. */
export interface SignIn {
  readonly issuer: string;
  readonly clientId: string;
}

/** What a deployment may be told, from CDK context (`-c name=value`), parsed once. */
export interface Stage {
  /** Prefix of stack names; two stages may share an account. */
  readonly name: string;
  /** Keep table and bucket when the stacks are destroyed. @default true */
  readonly retain: boolean;
  /** Where people sign in (`oidcIssuer` and `oidcClientId`); absent: a user pool of the home's own. */
  readonly signIn?: SignIn;
  readonly account: string | undefined;
  readonly region: string | undefined;
}

/** Throws with the name and the value of what is wrong. */
export function stageOf(context: (name: string) => unknown, env: Readonly<Record<string, string | undefined>>): Stage {
  const name = context("stage") ?? "trainyard";
  if (typeof name !== "string" || !/^[a-z][a-z0-9-]{0,30}$/.test(name)) {
    throw new Error(
      `context \`stage\` is \`${String(name)}\`; it must be 1..31 lower-case letters, digits or \`-\`, starting with a letter`,
    );
  }
  const retain = context("retain") ?? "true";
  if (![true, false, "true", "false"].includes(retain as string | boolean)) {
    throw new Error(`context \`retain\` is \`${String(retain)}\`; it must be true or false`);
  }
  return {
    name,
    retain: String(retain) === "true",
    ...signInOf(context("oidcIssuer"), context("oidcClientId")),
    account: env.CDK_DEFAULT_ACCOUNT,
    region: env.CDK_DEFAULT_REGION,
  };
}

function signInOf(issuer: unknown, clientId: unknown): Pick<Stage, "signIn"> {
  if (issuer === undefined && clientId === undefined) return {};
  if (typeof issuer !== "string" || !URL.canParse(issuer)) {
    throw new Error(`context \`oidcIssuer\` is \`${String(issuer)}\`; it must be the issuer's address`);
  }
  if (typeof clientId !== "string" || clientId === "") {
    throw new Error("context `oidcClientId` must be the id of the home's client at `oidcIssuer`");
  }
  return { signIn: { issuer, clientId } };
}
