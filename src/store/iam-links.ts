import { AppError } from "../contract/errors.ts";
import type { IamLinkRecord, IamLinkStore } from "../core/access/iam.ts";
import type { MemberRecord } from "../core/access/ports.ts";
import type { ActivityWrite, NewActivity } from "../core/activities/ports.ts";
import { ABSENT, type Item, PRESENT, type Table, type Write } from "../core/ports/table.ts";
import { about } from "./access-activity.ts";
import { BOOTSTRAP_KEY, IAM_LINKS, iamLinkKey } from "./facts/keys.ts";

/** Whom IAM users and roles stand for. `memberWrites` are those of a member's store, which has to forget what it remembers of them. */
export function openIamLinkStore(deps: {
  readonly table: Table;
  readonly activity: ActivityWrite;
  readonly memberWrites: (record: MemberRecord, rev: number, actor: string) => Write[];
  readonly forgetGrants: (person: string) => void;
}): IamLinkStore {
  const { table, activity } = deps;

  return {
    async get(principal) {
      const item = await table.get(iamLinkKey(principal));
      return item === undefined ? undefined : linkOf(item);
    },
    async list(page) {
      const { items, cursor } = await table.query({ pk: IAM_LINKS, ...page });
      return { items: items.map(linkOf), ...(cursor === undefined ? {} : { cursor }) };
    },
    async put(record, actor) {
      await table.transact([linkWrite(record), activity(told(record.principal, actor, "update", record.person))]);
    },
    async delete(principal, actor) {
      const { ok } = await table.transact([
        { kind: "delete", key: iamLinkKey(principal), when: PRESENT },
        activity(told(principal, actor, "delete")),
      ]);
      return ok;
    },
    async bootstraps() {
      return Number((await table.get(BOOTSTRAP_KEY))?.rev ?? 0);
    },
    async bootstrap(link, member, rev, after) {
      const { ok } = await table.transact([
        {
          kind: "put",
          item: { ...BOOTSTRAP_KEY, type: "bootstrap", v: 1, rev: after + 1, person: link.person, at: link.createdAt },
          when: after === 0 ? ABSENT : [{ attr: "rev", op: "eq", value: after }],
        },
        linkWrite(link),
        ...deps.memberWrites(member, rev, member.createdBy),
      ]);
      deps.forgetGrants(member.person);
      return ok;
    },
  };
}

function linkWrite(record: IamLinkRecord): Write {
  return { kind: "put", item: { ...iamLinkKey(record.principal), type: "iam-link", v: 1, ...record } };
}

function told(principal: string, actor: string, action: "update" | "delete", person?: string): NewActivity {
  return {
    ...about("member", { workspace: "*", name: principal }, actor, action),
    summary: `IAM principal \`${principal}\` stands for ${person === undefined ? "nobody" : `\`${person}\``}`,
    ...(person === undefined ? {} : { after: { person } }),
  };
}

function linkOf(item: Item): IamLinkRecord {
  const { principal, person, createdAt, createdBy } = item;
  if (item.type === "iam-link" && item.v === 1) return { principal, person, createdAt, createdBy } as IamLinkRecord;
  throw new AppError("Internal", `item \`${item.pk}\` / \`${item.sk}\` is no IAM link of a known shape`);
}
