import * as z from "zod";
import {
  Me,
  Member,
  MemberSpec,
  NewToken,
  PersonName,
  Role,
  RoleName,
  RoleSpec,
  SignIn,
  Token,
  TokenSpec,
} from "../access.ts";
import { Empty, PageQuery, pageOf, WorkspaceParams } from "../common.ts";
import { defineRoute } from "../route.ts";

const base = "/api/v1/workspaces/{workspace}";
const none = z.object({});
const Person = z.object({ name: PersonName });
const PersonIn = WorkspaceParams.extend({ name: PersonName });
const RoleIn = WorkspaceParams.extend({ name: RoleName });

export const me = {
  get: defineRoute({
    id: "me.get",
    method: "GET",
    path: "/api/v1/me",
    access: { resource: "self", action: "read" },
    summary: "Who the caller is, and what they may do",
    tag: "access",
    params: none,
    query: none,
    body: undefined,
    answer: Me,
  }),
};

export const signIn = {
  get: defineRoute({
    id: "signIn.get",
    method: "GET",
    path: "/api/v1/sign-in",
    access: "open",
    summary: "Where people sign in; empty where only tokens are taken",
    tag: "access",
    params: none,
    query: none,
    body: undefined,
    answer: SignIn,
  }),
};

export const tokens = {
  list: defineRoute({
    id: "tokens.list",
    method: "GET",
    path: "/api/v1/tokens",
    access: { resource: "self", action: "read" },
    summary: "Personal access tokens of the caller that are good still; all of them for an owner of the home",
    tag: "access",
    params: none,
    query: PageQuery,
    body: undefined,
    answer: pageOf(Token),
  }),
  create: defineRoute({
    id: "tokens.create",
    method: "POST",
    path: "/api/v1/tokens",
    access: { resource: "self", action: "create" },
    summary: "Make a personal access token; it may do what its roles and its person's rights both allow",
    tag: "access",
    params: none,
    query: none,
    body: TokenSpec,
    answer: NewToken,
    status: 201,
  }),
  delete: defineRoute({
    id: "tokens.delete",
    method: "DELETE",
    path: "/api/v1/tokens/{id}",
    access: { resource: "self", action: "delete" },
    summary: "Revoke a personal access token; every process of the home knows within 30 seconds",
    tag: "access",
    params: z.object({ id: z.string().regex(/^[0-9a-f]{32}$/) }),
    query: none,
    body: undefined,
    answer: Empty,
  }),
};

export const members = {
  list: defineRoute({
    id: "members.list",
    method: "GET",
    path: `${base}/members`,
    access: { resource: "member", action: "read" },
    summary: "Who has a role in the workspace",
    tag: "access",
    params: WorkspaceParams,
    query: PageQuery,
    body: undefined,
    answer: pageOf(Member),
  }),
  put: defineRoute({
    id: "members.put",
    method: "PUT",
    path: `${base}/members/{name}`,
    access: { resource: "member", action: "update" },
    summary: "Give a person a role in the workspace, or another one",
    tag: "access",
    params: PersonIn,
    query: none,
    body: MemberSpec,
    answer: Member,
  }),
  delete: defineRoute({
    id: "members.delete",
    method: "DELETE",
    path: `${base}/members/{name}`,
    access: { resource: "member", action: "delete" },
    summary: "Take a person's role in the workspace away",
    tag: "access",
    params: PersonIn,
    query: none,
    body: undefined,
    answer: Empty,
  }),
};

/** Of the whole home: every workspace there is and will be. */
export const homeMembers = {
  list: defineRoute({
    id: "homeMembers.list",
    method: "GET",
    path: "/api/v1/members",
    access: { resource: "member", action: "read" },
    summary: "Who has a role in every workspace",
    tag: "access",
    params: none,
    query: PageQuery,
    body: undefined,
    answer: pageOf(Member),
  }),
  put: defineRoute({
    id: "homeMembers.put",
    method: "PUT",
    path: "/api/v1/members/{name}",
    access: { resource: "member", action: "update" },
    summary: "Give a person a role in every workspace",
    tag: "access",
    params: Person,
    query: none,
    body: MemberSpec,
    answer: Member,
  }),
  delete: defineRoute({
    id: "homeMembers.delete",
    method: "DELETE",
    path: "/api/v1/members/{name}",
    access: { resource: "member", action: "delete" },
    summary: "Take away a person's role in every workspace; those in single ones stay",
    tag: "access",
    params: Person,
    query: none,
    body: undefined,
    answer: Empty,
  }),
};

export const roles = {
  list: defineRoute({
    id: "roles.list",
    method: "GET",
    path: `${base}/roles`,
    access: { resource: "role", action: "read" },
    summary: "Roles of the workspace, the built-in ones first",
    tag: "access",
    params: WorkspaceParams,
    query: PageQuery,
    body: undefined,
    answer: pageOf(Role),
  }),
  get: defineRoute({
    id: "roles.get",
    method: "GET",
    path: `${base}/roles/{name}`,
    access: { resource: "role", action: "read" },
    summary: "A role, with all it may do",
    tag: "access",
    params: RoleIn,
    query: none,
    body: undefined,
    answer: Role,
  }),
  put: defineRoute({
    id: "roles.put",
    method: "PUT",
    path: `${base}/roles/{name}`,
    access: { resource: "role", action: "update" },
    summary: "Make or change a role of the workspace's own",
    tag: "access",
    params: RoleIn,
    query: none,
    body: RoleSpec,
    answer: Role,
  }),
  delete: defineRoute({
    id: "roles.delete",
    method: "DELETE",
    path: `${base}/roles/{name}`,
    access: { resource: "role", action: "delete" },
    summary: "Delete a role of the workspace's own; InUse while a member has it",
    tag: "access",
    params: RoleIn,
    query: none,
    body: undefined,
    answer: Empty,
  }),
};
