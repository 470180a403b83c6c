import { AppError } from "../contract/errors.ts";
import type { TokenRecord, TokenStore } from "../core/access/ports.ts";
import type { ActivityWrite } from "../core/activities/ports.ts";
import type { Clock } from "../core/ports/clock.ts";
import { ABSENT, type Item, PRESENT, type Table } from "../core/ports/table.ts";
import { ACCESS_AGE_MS } from "./access.ts";
import { about } from "./access-activity.ts";
import { TOKEN_LIST, tokenKey, tokensOf } from "./facts/keys.ts";
import { makeRecent } from "./recent.ts";

/** Personal access tokens: records of them, by id. They vanish some time after they have expired. */
export function openTokenStore(deps: {
  readonly table: Table;
  readonly clock: Clock;
  readonly activity: ActivityWrite;
}): TokenStore {
  const { table, clock } = deps;
  const recent = makeRecent<TokenRecord | undefined>({ clock, ageMs: ACCESS_AGE_MS });
  /** The workspace whose activities tell of it. */
  const placeOf = ({ roles, id }: TokenRecord) => ({ workspace: Object.keys(roles)[0] ?? "*", name: id });

  return {
    get: (id) =>
      recent.get(id, async () => {
        const item = await table.get(tokenKey(id));
        return item === undefined ? undefined : tokenOf(item);
      }),
    async list(person, page) {
      const { items, cursor } = await table.query({
        ...(person === undefined
          ? { index: "gsi2" as const, pk: TOKEN_LIST }
          : { index: "gsi1" as const, pk: tokensOf(person) }),
        ...page,
        reverse: true,
      });
      const good = items.map(tokenOf).filter((token) => token.expiresMs > clock.now());
      return { items: good, ...(cursor === undefined ? {} : { cursor }) };
    },
    async add(record, actor) {
      const { id, person, createdAt, roles, expiresMs } = record;
      const { ok } = await table.transact([
        {
          kind: "put",
          item: {
            ...tokenKey(id),
            type: "token",
            v: 1,
            gsi1pk: tokensOf(person),
            gsi1sk: `${createdAt}#${id}`,
            gsi2pk: TOKEN_LIST,
            gsi2sk: `${createdAt}#${id}`,
            expires: Math.ceil(expiresMs / 1000),
            ...record,
            roles: { ...roles },
          },
          when: ABSENT,
        },
        deps.activity({
          ...about("token", placeOf(record), actor, "create"),
          after: { name: record.name, person, roles: { ...roles } },
        }),
      ]);
      if (!ok) throw new AppError("Internal", `token id \`${id}\` is taken`);
      recent.forget(id);
    },
    async delete(record, actor) {
      const { ok } = await table.transact([
        { kind: "delete", key: tokenKey(record.id), when: PRESENT },
        deps.activity({
          ...about("token", placeOf(record), actor, "delete"),
          before: { name: record.name, person: record.person },
        }),
      ]);
      recent.forget(record.id);
      return ok;
    },
    async touch({ id }, usedMs) {
      await table.transact([{ kind: "update", key: tokenKey(id), set: { lastUsedMs: usedMs }, when: PRESENT }]);
      recent.forget(id);
    },
  };
}

function tokenOf(item: Item): TokenRecord {
  if (item.type !== "token" || item.v !== 1) {
    throw new AppError("Internal", `item \`${item.pk}\` / \`${item.sk}\` is no token of a known shape`);
  }
  const { pk: _pk, sk: _sk, type: _type, v: _v, gsi1pk: _1, gsi1sk: _2, gsi2pk: _3, gsi2sk: _4, ...rest } = item;
  const { expires: _expires, ...record } = rest;
  return record as unknown as TokenRecord;
}
