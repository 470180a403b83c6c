import * as z from "zod";
import { Actor, Description, ResourceName, Time } from "./common.ts";
import { ACTIONS, RESOURCES } from "./route.ts";

/** Roles every workspace has. A role of its own may not take one of these names. */
export const BUILT_IN_ROLES = ["owner", "contributor", "reader"] as const;
export type BuiltInRole = (typeof BUILT_IN_ROLES)[number];

/** Stands for every workspace of the home, also those yet to be made. */
export const ALL_WORKSPACES = "*";

export const PersonName = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._@+-]{0,254}$/)
  .describe("User name or e-mail address: 1..255 letters, digits or `.`, `_`, `@`, `+`, `-`");

export const RoleName = ResourceName;

export const Right = z
  .string()
  .regex(new RegExp(`^(\\*|${RESOURCES.join("|")})/(\\*|${ACTIONS.filter((it) => it !== "report").join("|")})$`))
  .describe("`RESOURCE/ACTION`; `*` for any, as in `job/*` or `*/read`");

export const RoleSpec = z.strictObject({ description: Description.optional(), rights: z.array(Right).min(1).max(200) });
export type RoleSpec = z.infer<typeof RoleSpec>;
export const Role = z.object({
  name: RoleName,
  description: z.string().optional(),
  rights: z.array(z.string()),
  is_built_in: z.boolean(),
  created_at: Time.optional(),
  created_by: Actor.optional(),
});
export type Role = z.infer<typeof Role>;

export const MemberSpec = z.strictObject({ role: RoleName });
export const Member = z.object({
  name: PersonName,
  /** The workspace, or `*`: every one. */
  workspace: z.string(),
  role: RoleName,
  created_at: Time,
  created_by: Actor,
});
export type Member = z.infer<typeof Member>;

/** Workspace or `*` to role. */
export const RolesByWorkspace = z
  .record(z.union([ResourceName, z.literal(ALL_WORKSPACES)]), RoleName)
  .refine((roles) => Object.keys(roles).length > 0, "names no workspace")
  .refine((roles) => Object.keys(roles).length <= 50, "names more than 50 workspaces");

export const TokenSpec = z.strictObject({
  /** What it is for, in the owner's words. */
  name: z.string().min(1).max(200),
  /** Whom it stands for; default: the caller. Another person only by an owner of the whole home. */
  person: PersonName.optional(),
  /** Its scope; absent: whatever its person may, at the time it is used. */
  roles: RolesByWorkspace.optional(),
  /** Days it is good for. */
  days: z.number().int().min(1).max(366).default(90),
});
export type TokenSpec = z.infer<typeof TokenSpec>;
export const Token = z.object({
  id: z.string(),
  name: z.string(),
  person: PersonName,
  roles: z.record(z.string(), z.string()),
  created_at: Time,
  created_by: Actor,
  expires_at: Time,
  /** To the hour. */
  last_used_at: Time.optional(),
});
export type Token = z.infer<typeof Token>;
/** The only time that the token itself is shown. */
export const NewToken = Token.extend({ token: z.string() });

/** An IAM user or role: `ACCOUNT:user:NAME`, `ACCOUNT:role:NAME`, `ACCOUNT:role:NAME:SESSION` or `ACCOUNT:root`. */
export const IamPrincipal = z
  .string()
  .regex(/^[0-9]{12}:(root|user:[A-Za-z0-9_+=,.@-]{1,64}|role:[A-Za-z0-9_+=,.@-]{1,64}(:[A-Za-z0-9_+=,.@-]{2,64})?)$/)
  .describe("`ACCOUNT:user:NAME`, `ACCOUNT:role:NAME`, `ACCOUNT:role:NAME:SESSION` or `ACCOUNT:root`");

/** Whom an IAM user or role stands for. */
export const IamLinkSpec = z.strictObject({ person: PersonName });
export const IamLink = z.object({ principal: z.string(), person: PersonName, created_at: Time, created_by: Actor });
export type IamLink = z.infer<typeof IamLink>;

/** The exchange of an AWS signature for a token. */
export const IamSignIn = z.strictObject({
  /** What the token is for, in the owner's words. */
  name: z.string().min(1).max(200),
  /** Days it is good for. */
  days: z.number().int().min(1).max(366).default(1),
});
/** The same, for the home's first owner. */
export const IamBootstrap = IamSignIn.extend({
  /** Who the caller is from now on; default: the name of the IAM user, of the role, or of a session that Identity Center named. */
  person: PersonName.optional(),
});

/** How people sign in here: at an OpenID Connect issuer, or with tokens only. */
export const SignIn = z.object({
  oidc: z.object({ issuer: z.string(), client_id: z.string(), scopes: z.array(z.string()) }).optional(),
  /** Where IAM callers send requests signed for `execute-api`: the gateway itself, whatever stands in front of it. AWS homes only. */
  iam: z.object({ url: z.string() }).optional(),
});
export type SignIn = z.infer<typeof SignIn>;

export const Me = z.object({
  name: Actor,
  kind: z.enum(["user", "run", "deployment"]),
  /** Workspace or `*` to what the caller may do there, as `RESOURCE/ACTION`. Empty for tokens of runs and deployments, whose rights follow from what they are. */
  rights: z.record(z.string(), z.array(z.string())),
});
export type Me = z.infer<typeof Me>;
