import type { IamLink, Me, Member, Role, Token } from "../contract/access.ts";
import { ALL_WORKSPACES, BUILT_IN_ROLES } from "../contract/access.ts";
import { AppError } from "../contract/errors.ts";
import { homeMembers, iam, me, members, roles, signIn, tokens } from "../contract/routes/access.ts";
import { bootstrapHome, type IamCaller, type IamDeps, type IamLinkRecord, signInByIam } from "../core/access/iam.ts";
import { deleteMember, type MemberDeps, putMember } from "../core/access/members.ts";
import type { MemberRecord, RoleRecord, TokenRecord } from "../core/access/ports.ts";
import { deleteRole, putRole } from "../core/access/roles.ts";
import { createToken, deleteToken, isHomeOwner, personOf, type TokenDeps } from "../core/access/tokens.ts";
import { BUILT_IN_RIGHTS } from "../core/auth/rights.ts";
import { implement } from "./implement.ts";
import { answerPage, pageOf } from "./paging.ts";
import type { Call, RawRoute } from "./raw-route.ts";

/** Who may do what: the caller, members, roles, personal access tokens. */
export function makeAccessRoutes(
  deps: IamDeps &
    MemberDeps & {
      readonly iamAddress?: () => string;
      readonly signIn?: { readonly issuer: string; readonly clientId: string };
    },
): RawRoute[] {
  return [
    implement(signIn.get, () => {
      const iamUrl = deps.iamAddress === undefined ? {} : { iam: { url: deps.iamAddress() } };
      if (deps.signIn === undefined) return iamUrl;
      const { issuer, clientId } = deps.signIn;
      return { oidc: { issuer, client_id: clientId, scopes: ["openid", "email", "profile"] }, ...iamUrl };
    }),
    implement(me.get, ({ call }) => viewCaller(call)),
    ...memberRoutes(deps),
    ...roleRoutes(deps),
    ...tokenRoutes(deps),
    ...iamRoutes(deps),
  ];
}

function memberRoutes(deps: MemberDeps): RawRoute[] {
  const listOf = async (workspace: string, query: Parameters<typeof pageOf>[0]) =>
    answerPage(await deps.members.list(workspace, pageOf(query)), viewMember);
  const put = async (workspace: string, person: string, role: string, call: Call) => {
    const { name: actor, grants: granter } = userOf(call);
    return viewMember(await putMember(deps, { workspace, person, role, actor, granter }));
  };
  const remove = async (workspace: string, person: string, call: Call) => {
    const { name: actor, grants: granter } = userOf(call);
    await deleteMember(deps, { workspace, person, actor, granter });
    return {};
  };
  return [
    implement(members.list, ({ params, query }) => listOf(params.workspace, query)),
    implement(members.put, ({ params, body, call }) => put(params.workspace, params.name, body.role, call)),
    implement(members.delete, ({ params, call }) => remove(params.workspace, params.name, call)),
    implement(homeMembers.list, ({ query }) => listOf(ALL_WORKSPACES, query)),
    implement(homeMembers.put, ({ params, body, call }) => put(ALL_WORKSPACES, params.name, body.role, call)),
    implement(homeMembers.delete, ({ params, call }) => remove(ALL_WORKSPACES, params.name, call)),
  ];
}

function roleRoutes(deps: MemberDeps): RawRoute[] {
  return [
    implement(roles.list, async ({ params }) => ({
      items: [...BUILT_IN_ROLES.map(viewBuiltIn), ...(await deps.roles.list(params.workspace)).map(viewRole)],
    })),
    implement(roles.get, async ({ params }) => {
      const builtIn = BUILT_IN_ROLES.find((name) => name === params.name);
      if (builtIn !== undefined) return viewBuiltIn(builtIn);
      const record = await deps.roles.get(params.workspace, params.name);
      if (record !== undefined) return viewRole(record);
      throw new AppError("NotFound", `workspace \`${params.workspace}\` has no role \`${params.name}\``, {
        hint: "`yard role list` shows those there are",
      });
    }),
    implement(roles.put, async ({ params, body, call }) => {
      const { name: actor, grants: granter } = userOf(call);
      return viewRole(await putRole(deps, { ...params, spec: body, actor, granter }));
    }),
    implement(roles.delete, async ({ params, call }) => {
      await deleteRole(deps, { ...params, actor: call.principal.name });
      return {};
    }),
  ];
}

function tokenRoutes(deps: TokenDeps): RawRoute[] {
  return [
    implement(tokens.list, async ({ query, call }) => {
      const { principal } = call;
      if (principal.kind !== "user") return { items: [] };
      const person = isHomeOwner(principal.grants) ? undefined : personOf(principal);
      return answerPage(await deps.tokens.list(person, pageOf(query)), viewToken);
    }),
    implement(tokens.create, async ({ body, call }) => {
      const { name, days, person, roles: scope } = body;
      const { token, record } = await createToken(deps, {
        caller: userOf(call),
        name,
        days,
        ...(person === undefined ? {} : { person }),
        ...(scope === undefined ? {} : { roles: scope }),
      });
      return { ...viewToken(record), token };
    }),
    implement(tokens.delete, async ({ params, call }) => {
      await deleteToken(deps, { caller: userOf(call), id: params.id });
      return {};
    }),
  ];
}

function iamRoutes(deps: IamDeps): RawRoute[] {
  return [
    implement(iam.signIn, async ({ body, call }) => {
      const { token, record } = await signInByIam(deps, { caller: iamCallerOf(call), ...body });
      return { ...viewToken(record), token };
    }),
    implement(iam.bootstrap, async ({ body: { person, ...asked }, call }) => {
      const named = person === undefined ? {} : { person };
      const { token, record } = await bootstrapHome(deps, { caller: iamCallerOf(call), ...asked, ...named });
      return { ...viewToken(record), token };
    }),
    implement(iam.list, async ({ query }) => answerPage(await deps.iamLinks.list(pageOf(query)), viewLink)),
    implement(iam.put, async ({ params: { principal }, body: { person }, call }) => {
      const createdAt = new Date(deps.clock.now()).toISOString();
      const record = { principal, person, createdAt, createdBy: call.principal.name };
      await deps.iamLinks.put(record, call.principal.name);
      return viewLink(record);
    }),
    implement(iam.delete, async ({ params: { principal }, call }) => {
      if (await deps.iamLinks.delete(principal, call.principal.name)) return {};
      throw new AppError("NotFound", `\`${principal}\` stands for nobody`, {
        hint: "`yard iam list` shows those there are",
      });
    }),
  ];
}

function iamCallerOf({ request }: Call): IamCaller {
  if (request.iam !== undefined) return request.iam;
  throw new AppError("Unauthenticated", "the request has no AWS signature that was checked");
}

function viewLink({ principal, person, createdAt, createdBy }: IamLinkRecord): IamLink {
  return { principal, person, created_at: createdAt, created_by: createdBy };
}

function userOf({ principal }: Call) {
  if (principal.kind === "user") return principal;
  throw new AppError("Forbidden", `\`${principal.name}\` is no person`);
}

function viewCaller({ principal }: Call): Me {
  const { name, kind } = principal;
  if (principal.kind !== "user") return { name, kind, rights: {} };
  return { name, kind, rights: Object.fromEntries([...principal.grants].map(([place, all]) => [place, [...all]])) };
}

function viewMember({ person, workspace, role, createdAt, createdBy }: MemberRecord): Member {
  return { name: person, workspace, role, created_at: createdAt, created_by: createdBy };
}

function viewBuiltIn(name: (typeof BUILT_IN_ROLES)[number]): Role {
  return { name, rights: [...BUILT_IN_RIGHTS[name]], is_built_in: true };
}

function viewRole({ name, description, rights, createdAt, createdBy }: RoleRecord): Role {
  return {
    name,
    ...(description === undefined ? {} : { description }),
    rights: [...rights],
    is_built_in: false,
    created_at: createdAt,
    created_by: createdBy,
  };
}

function viewToken({ id, name, person, roles, createdAt, createdBy, expiresMs, lastUsedMs }: TokenRecord): Token {
  return {
    id,
    name,
    person,
    roles: { ...roles },
    created_at: createdAt,
    created_by: createdBy,
    expires_at: new Date(expiresMs).toISOString(),
    ...(lastUsedMs === undefined ? {} : { last_used_at: new Date(lastUsedMs).toISOString() }),
  };
}
