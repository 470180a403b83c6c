import type { Grants, Rights } from "../auth/rights.ts";

/** A person's role in a workspace; `*` is every workspace. */
export interface MemberRecord {
  readonly workspace: string;
  readonly person: string;
  readonly role: string;
  readonly createdAt: string;
  readonly createdBy: string;
  readonly rev: number;
}

/** A role of a workspace's own. */
export interface RoleRecord {
  readonly workspace: string;
  readonly name: string;
  readonly description?: string;
  /** Patterns `RESOURCE/ACTION`. */
  readonly rights: readonly string[];
  readonly createdAt: string;
  readonly createdBy: string;
  readonly rev: number;
}

/** A personal access token, without the token itself. */
export interface TokenRecord {
  readonly id: string;
  readonly name: string;
  readonly person: string;
  /** Workspace or `*` to role: its scope. */
  readonly roles: Readonly<Record<string, string>>;
  /** Made with the home's key, or by an owner for somebody else: its scope is then all that bounds it, whatever roles its person has. */
  readonly isRooted: boolean;
  readonly createdAt: string;
  readonly createdBy: string;
  readonly expiresMs: number;
  readonly lastUsedMs?: number;
}

interface Page {
  readonly limit: number;
  readonly cursor?: string;
}
interface Listed<T> {
  readonly items: readonly T[];
  readonly cursor?: string;
}

export interface MemberStore {
  get(workspace: string, person: string): Promise<MemberRecord | undefined>;
  /** By name. */
  list(workspace: string, page: Page): Promise<Listed<MemberRecord>>;
  /** Writes if the revision is still `rev` (0: there is none yet). False: somebody was faster. */
  put(record: MemberRecord, rev: number, actor: string): Promise<boolean>;
  /** False: somebody was faster. */
  delete(record: MemberRecord, actor: string): Promise<boolean>;
  /** What a person may do by their memberships. May be up to 30 seconds old for what another process changed. */
  grantsOf(person: string): Promise<Grants>;
}

export interface RoleStore {
  get(workspace: string, name: string): Promise<RoleRecord | undefined>;
  /** All of a workspace, by name. */
  list(workspace: string): Promise<readonly RoleRecord[]>;
  /** Writes if the revision is still `rev` (0: there is none yet). False: somebody was faster. */
  put(record: RoleRecord, rev: number, actor: string): Promise<boolean>;
  /** False: somebody was faster. */
  delete(record: RoleRecord, actor: string): Promise<boolean>;
  /** What a role may do in a workspace; nothing, when there is none of that name. May be up to 30 seconds old. */
  rightsOf(workspace: string, role: string): Promise<Rights>;
}

export interface TokenStore {
  /** Undefined for one that was revoked or never was. May be up to 30 seconds old for what another process changed. */
  get(id: string): Promise<TokenRecord | undefined>;
  /** Of one person, or of all; newest first. */
  list(person: string | undefined, page: Page): Promise<Listed<TokenRecord>>;
  add(record: TokenRecord, actor: string): Promise<void>;
  /** False: it is not there (any more). */
  delete(record: TokenRecord, actor: string): Promise<boolean>;
  /** Notes that it was used. Does nothing for one that was deleted. */
  touch(record: TokenRecord, usedMs: number): Promise<void>;
}
