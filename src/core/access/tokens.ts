import { ALL_WORKSPACES } from "../../contract/access.ts";
import { AppError } from "../../contract/errors.ts";
import type { Principal } from "../auth/principal.ts";
import { type Grants, holds, type Rights, rightsIn, within } from "../auth/rights.ts";
import { type EdgeClaims, type PersonalCheck, signPersonalToken } from "../auth/tokens.ts";
import type { Clock } from "../ports/clock.ts";
import type { Ids } from "../ports/ids.ts";
import type { Signer } from "../ports/signer.ts";
import type { MemberStore, RoleStore, TokenRecord, TokenStore } from "./ports.ts";

const DAY_MS = 24 * 3600 * 1000;
/** How old the note of a token's last use may be. */
const TOUCH_MS = 3600 * 1000;

type User = Extract<Principal, { kind: "user" }>;

export interface TokenDeps {
  readonly tokens: TokenStore;
  readonly members: MemberStore;
  readonly roles: RoleStore;
  readonly signer: Signer;
  readonly clock: Clock;
  readonly ids: Ids;
}

/** Makes a personal access token. The token is in the answer only; what is kept can't make it again. */
export async function createToken(
  deps: TokenDeps,
  input: {
    readonly caller: User;
    readonly name: string;
    readonly person?: string;
    readonly roles?: Readonly<Record<string, string>>;
    readonly days: number;
  },
): Promise<{ readonly token: string; readonly record: TokenRecord }> {
  const { caller } = input;
  if (caller.tokenId !== undefined) {
    throw new AppError("Forbidden", "a personal access token can't make another one", {
      hint: "sign in, or ask an owner of the home",
    });
  }
  const self = personOf(caller);
  const person = input.person ?? self;
  if (person !== self && !isHomeOwner(caller.grants)) {
    throw new AppError("Forbidden", `only an owner of the whole home makes tokens for \`${person}\``);
  }
  if (input.roles !== undefined) await mustCover(deps, caller.grants, input.roles);
  const roles = input.roles ?? { [ALL_WORKSPACES]: "owner" };
  const isTheirs = caller.holdsKey === true && person === self;
  const nowMs = deps.clock.now();
  const exp = Math.floor((nowMs + input.days * DAY_MS) / 1000);
  const record: TokenRecord = {
    id: deps.ids.hex32(),
    name: input.name,
    person,
    roles,
    // Without a scope of its own, a person's roles are what bounds it.
    isRooted: isTheirs || (input.roles !== undefined && (caller.holdsKey === true || person !== self)),
    createdAt: new Date(nowMs).toISOString(),
    createdBy: caller.name,
    expiresMs: exp * 1000,
  };
  await deps.tokens.add(record, caller.name);
  const edge = edgeClaims(await grantsOf(deps, record), nowMs);
  const token = await signPersonalToken(deps.signer, { jti: record.id, sub: person, roles, exp, ...edge });
  return { token, record };
}

/** Revokes a token of the caller's own, or anybody's if the caller owns the home. */
export async function deleteToken(
  deps: Pick<TokenDeps, "tokens">,
  input: { readonly caller: User; readonly id: string },
): Promise<void> {
  const record = await deps.tokens.get(input.id);
  const isTheirs = record?.person === personOf(input.caller) || isHomeOwner(input.caller.grants);
  if (record === undefined || !isTheirs || !(await deps.tokens.delete(record, input.caller.name))) {
    throw new AppError("NotFound", `there is no token \`${input.id}\``, { hint: "`yard token list` shows yours" });
  }
}

/**
 * Whom a personal access token stands for now: what its scope and its person's roles both allow at this moment. A rooted one is bound by its scope only.
 * Costs no read for a token seen within 30 seconds.
 */
export function makePersonalCheck(deps: Omit<TokenDeps, "signer" | "ids">): PersonalCheck {
  return async ({ jti, sub }) => {
    const record = await deps.tokens.get(jti);
    if (record === undefined || record.person !== sub) {
      throw new AppError("Unauthenticated", "the token was revoked", { hint: "`yard token create` makes a new one" });
    }
    const nowMs = deps.clock.now();
    if (nowMs - (record.lastUsedMs ?? 0) >= TOUCH_MS) await deps.tokens.touch(record, nowMs);
    return { kind: "user", name: `user:${sub}`, grants: await grantsOf(deps, record), tokenId: jti };
  };
}

async function grantsOf(deps: Pick<TokenDeps, "members" | "roles">, record: TokenRecord): Promise<Grants> {
  const scope = await scopeOf(deps, record.roles);
  return record.isRooted ? scope : within(scope, await deps.members.grantsOf(record.person));
}

/** A token travels with every request: one of more workspaces says nothing to the edge, which then lets the API decide. */
const EDGE_WORKSPACES = 20;

function edgeClaims(grants: Grants, nowMs: number): { readonly edge?: EdgeClaims } {
  const art = [...grants].flatMap(([workspace, rights]): [string, "r" | "w"][] => {
    if (rights.has("tracking/update")) return [[workspace, "w"]];
    return rights.has("tracking/read") ? [[workspace, "r"]] : [];
  });
  if (art.length === 0 || art.length > EDGE_WORKSPACES) return {};
  return { edge: { iat: Math.floor(nowMs / 1000), art: Object.fromEntries(art) } };
}

/** Owners of the whole home see and revoke everybody's tokens. */
export function isHomeOwner(grants: Grants): boolean {
  return holds(grants, "member/update", undefined);
}

/** The name in `user:NAME`. */
export function personOf(caller: User): string {
  return caller.name.slice("user:".length);
}

async function scopeOf(deps: Pick<TokenDeps, "roles">, roles: TokenRecord["roles"]): Promise<Grants> {
  const scope = new Map<string, Rights>();
  for (const [workspace, role] of Object.entries(roles))
    scope.set(workspace, await deps.roles.rightsOf(workspace, role));
  return scope;
}

async function mustCover(deps: TokenDeps, own: Grants, roles: TokenRecord["roles"]): Promise<void> {
  for (const [workspace, rights] of await scopeOf(deps, roles)) {
    const where = workspace === ALL_WORKSPACES ? "every workspace" : `workspace \`${workspace}\``;
    if (rights.size === 0) {
      throw new AppError("InvalidArgument", `there is no role \`${roles[workspace]}\` in ${where}`, {
        hint: "owner, contributor or reader; or a role of that workspace's own",
      });
    }
    const had = rightsIn(own, workspace);
    const beyond = [...rights].find((right) => !had.has(right));
    if (beyond !== undefined) {
      throw new AppError("Forbidden", `the token would hold \`${beyond}\` in ${where}, which you do not`);
    }
  }
}
