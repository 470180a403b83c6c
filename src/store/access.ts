import { AppError } from "../contract/errors.ts";
import type { IamLinkStore } from "../core/access/iam.ts";
import type { MemberRecord, MemberStore, RoleRecord, RoleStore } from "../core/access/ports.ts";
import type { ActivityWrite } from "../core/activities/ports.ts";
import { builtInRights, type Grants, type Rights, rightsOf } from "../core/auth/rights.ts";
import type { Clock } from "../core/ports/clock.ts";
import { ABSENT, type Clause, type Item, type Table, type Write } from "../core/ports/table.ts";
import { about } from "./access-activity.ts";
import { memberKey, memberList, membershipKey, membershipList, roleKey, roleList } from "./facts/keys.ts";
import { openIamLinkStore } from "./iam-links.ts";
import { makeRecent } from "./recent.ts";

interface Deps {
  readonly table: Table;
  readonly clock: Clock;
  readonly activity: ActivityWrite;
}

const NOTHING: Rights = new Set();
export const ACCESS_AGE_MS = 30_000;

/** Members, roles, and whom IAM principals stand for. A membership is written twice, by workspace and by person, in one transaction. */
export function openAccessStores(deps: Deps): {
  readonly members: MemberStore;
  readonly roles: RoleStore;
  readonly iamLinks: IamLinkStore;
} {
  const recent = {
    rights: makeRecent<Rights>({ clock: deps.clock, ageMs: ACCESS_AGE_MS }),
    grants: makeRecent<Grants>({ clock: deps.clock, ageMs: ACCESS_AGE_MS }),
  };
  const { table } = deps;

  async function rightsIn(workspace: string, role: string): Promise<Rights> {
    const builtIn = builtInRights(role);
    if (builtIn !== undefined) return builtIn;
    return recent.rights.get(`${workspace}#${role}`, async () => {
      const item = await table.get(roleKey(workspace, role));
      return item === undefined ? NOTHING : rightsOf(roleOf(item).rights);
    });
  }

  const roles: RoleStore = {
    async get(workspace, name) {
      const item = await table.get(roleKey(workspace, name));
      return item === undefined ? undefined : roleOf(item);
    },
    async list(workspace) {
      return (await everyItem(table, roleList(workspace))).map(roleOf);
    },
    async put(record, rev, actor) {
      const { workspace, name, rights } = record;
      const { ok } = await table.transact([
        {
          kind: "put",
          item: { ...roleKey(workspace, name), type: "role", v: 1, ...record, rights: [...rights] },
          when: atRev(rev),
        },
        deps.activity({
          ...about("role", record, actor, rev === 0 ? "create" : "update"),
          after: { rights: [...rights] },
        }),
      ]);
      recent.rights.forget();
      recent.grants.forget();
      return ok;
    },
    async delete(record, actor) {
      const { ok } = await table.transact([
        { kind: "delete", key: roleKey(record.workspace, record.name), when: atRev(record.rev) },
        deps.activity(about("role", record, actor, "delete")),
      ]);
      recent.rights.forget();
      recent.grants.forget();
      return ok;
    },
    rightsOf: rightsIn,
  };

  function memberWrites(record: MemberRecord, rev: number, actor: string): Write[] {
    const { workspace, person, role } = record;
    return [
      {
        kind: "put",
        item: { ...memberKey(workspace, person), type: "member", v: 1, ...record },
        when: atRev(rev),
      },
      { kind: "put", item: { ...membershipKey(workspace, person), type: "membership", v: 1, ...record } },
      deps.activity({
        ...about("member", { ...record, name: person }, actor, rev === 0 ? "create" : "update"),
        after: { role },
      }),
    ];
  }

  const members: MemberStore = {
    async get(workspace, person) {
      const item = await table.get(memberKey(workspace, person));
      return item === undefined ? undefined : memberOf(item);
    },
    async list(workspace, page) {
      const { items, cursor } = await table.query({ pk: memberList(workspace), ...page });
      return { items: items.map(memberOf), ...(cursor === undefined ? {} : { cursor }) };
    },
    async put(record, rev, actor) {
      const { ok } = await table.transact(memberWrites(record, rev, actor));
      recent.grants.forget(record.person);
      return ok;
    },
    async delete(record, actor) {
      const { workspace, person, role, rev } = record;
      const { ok } = await table.transact([
        { kind: "delete", key: memberKey(workspace, person), when: atRev(rev) },
        { kind: "delete", key: membershipKey(workspace, person) },
        deps.activity({ ...about("member", { ...record, name: person }, actor, "delete"), before: { role } }),
      ]);
      recent.grants.forget(person);
      return ok;
    },
    grantsOf: (person) =>
      recent.grants.get(person, async () => {
        const grants = new Map<string, Rights>();
        for (const item of await everyItem(table, membershipList(person))) {
          const { workspace, role } = memberOf(item);
          grants.set(workspace, await rightsIn(workspace, role));
        }
        return grants;
      }),
  };
  const iamLinks = openIamLinkStore({ ...deps, memberWrites, forgetGrants: (person) => recent.grants.forget(person) });
  return { members, roles, iamLinks };
}

/** Writes that remove one member's records; for the deletion of their workspace. */
export function forgetMember({ pk, sk }: Item, workspace: string): Write[] {
  return [
    { kind: "delete", key: { pk, sk } },
    { kind: "delete", key: membershipKey(workspace, sk) },
  ];
}

const atRev = (rev: number): readonly Clause[] => (rev === 0 ? ABSENT : [{ attr: "rev", op: "eq", value: rev }]);

async function everyItem(table: Table, pk: string): Promise<Item[]> {
  const items: Item[] = [];
  let cursor: string | undefined;
  do {
    const page = await table.query({ pk, ...(cursor === undefined ? {} : { cursor }) });
    items.push(...page.items);
    cursor = page.cursor;
  } while (cursor !== undefined);
  return items;
}

function memberOf(item: Item): MemberRecord {
  const { workspace, person, role, createdAt, createdBy, rev } = checked(item, ["member", "membership"]);
  return { workspace, person, role, createdAt, createdBy, rev } as MemberRecord;
}

function roleOf(item: Item): RoleRecord {
  const { workspace, name, description, rights, createdAt, createdBy, rev } = checked(item, ["role"]);
  const words = description === undefined ? {} : { description };
  return { workspace, name, ...words, rights, createdAt, createdBy, rev } as RoleRecord;
}

function checked(item: Item, types: readonly string[]): Item {
  if (types.includes(item.type) && item.v === 1) return item;
  throw new AppError("Internal", `item \`${item.pk}\` / \`${item.sk}\` is no ${types[0]} of a known shape`);
}
