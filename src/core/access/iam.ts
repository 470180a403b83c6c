import { ALL_WORKSPACES, BUILT_IN_ROLES } from "../../contract/access.ts";
import { AppError } from "../../contract/errors.ts";
import { iamLinkFor, iamPrincipalsOf } from "../../contract/iam.ts";
import type { MemberRecord, MemberStore } from "./ports.ts";
import { createToken, type TokenDeps } from "./tokens.ts";

const [OWNER] = BUILT_IN_ROLES;
const PERSON = /^[A-Za-z0-9][A-Za-z0-9._@+-]{0,254}$/;

/** Who has signed a request, as AWS says. */
export interface IamCaller {
  readonly arn: string;
  /** The caller's account is the one that this home is in. */
  readonly isOfHome: boolean;
}

export interface IamLinkRecord {
  /** `ACCOUNT:user:NAME`, `ACCOUNT:role:NAME`, `ACCOUNT:role:NAME:SESSION` or `ACCOUNT:root`. */
  readonly principal: string;
  readonly person: string;
  readonly createdAt: string;
  readonly createdBy: string;
}

export interface IamLinkStore {
  get(principal: string): Promise<IamLinkRecord | undefined>;
  /** By principal. */
  list(page: { readonly limit: number; readonly cursor?: string }): Promise<{
    readonly items: readonly IamLinkRecord[];
    readonly cursor?: string;
  }>;
  put(record: IamLinkRecord, actor: string): Promise<void>;
  /** False: there is none. */
  delete(principal: string, actor: string): Promise<boolean>;
  /** How often the home was given a first owner. */
  bootstraps(): Promise<number>;
  /** Link and membership in one; false: somebody was faster, or `member` has changed since revision `rev`. */
  bootstrap(link: IamLinkRecord, member: MemberRecord, rev: number, after: number): Promise<boolean>;
}

export interface IamDeps extends TokenDeps {
  readonly iamLinks: IamLinkStore;
}

interface Asked {
  readonly caller: IamCaller;
  readonly name: string;
  readonly days: number;
}

/** A token for the person that an IAM caller stands for; it may do what their roles allow. Throws Forbidden for a caller that stands for nobody. */
export async function signInByIam(deps: IamDeps, asked: Asked): ReturnType<typeof createToken> {
  for (const principal of iamPrincipalsOf(asked.caller.arn)) {
    const link = await deps.iamLinks.get(principal);
    if (link !== undefined) return tokenFor(deps, link.person, asked);
  }
  throw new AppError("Forbidden", `\`${asked.caller.arn}\` stands for nobody in this home`, {
    hint: "an owner links it: `yard iam create --principal ARN --name PERSON`",
  });
}

/** Makes the caller the first owner of a home without one. Throws Conflict when there is one. */
export async function bootstrapHome(
  deps: IamDeps,
  asked: Asked & { readonly person?: string },
): ReturnType<typeof createToken> {
  const { caller } = asked;
  const own = iamLinkFor(caller.arn);
  if (own === undefined || !caller.isOfHome) {
    throw new AppError("Forbidden", `\`${caller.arn}\` can't be the first owner`, {
      hint: "sign in as an IAM user or role of the account that the home is in",
    });
  }
  const person = asked.person ?? own.name;
  if (!PERSON.test(person)) {
    throw new AppError("InvalidArgument", `\`${person}\` can't be a person's name here`, {
      hint: "give one: `--name`",
    });
  }
  const after = await deps.iamLinks.bootstraps();
  const owner = await homeOwner(deps.members);
  if (owner !== undefined) {
    throw new AppError("Conflict", `this home has an owner already: \`${owner}\``, {
      hint: "they give you a role with `yard member create`, and link your IAM principal with `yard iam create`",
    });
  }
  const before = await deps.members.get(ALL_WORKSPACES, person);
  const made = { createdAt: new Date(deps.clock.now()).toISOString(), createdBy: `user:${person}` };
  const rev = before?.rev ?? 0;
  const member: MemberRecord = { workspace: ALL_WORKSPACES, person, role: OWNER, ...made, rev: rev + 1 };
  if (!(await deps.iamLinks.bootstrap({ principal: own.principal, person, ...made }, member, rev, after))) {
    throw new AppError("Conflict", "somebody else is becoming the owner of this home at this moment");
  }
  return tokenFor(deps, person, asked);
}

async function tokenFor(deps: IamDeps, person: string, { name, days }: Asked) {
  const grants = await deps.members.grantsOf(person);
  return createToken(deps, { caller: { kind: "user", name: `user:${person}`, grants }, name, days });
}

async function homeOwner(members: MemberStore): Promise<string | undefined> {
  let cursor: string | undefined;
  do {
    const page = await members.list(ALL_WORKSPACES, { limit: 1000, ...(cursor === undefined ? {} : { cursor }) });
    const owner = page.items.find(({ role }) => role === OWNER);
    if (owner !== undefined) return owner.person;
    cursor = page.cursor;
  } while (cursor !== undefined);
  return undefined;
}
