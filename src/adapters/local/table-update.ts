import { AppError } from "../../contract/errors.ts";
import type { Item, Key, Write } from "../../core/ports/table.ts";

type Update = Extract<Write, { kind: "update" }>;

/** A copy the caller can't reach. */
export function frozenUpdate(update: Update): Update {
  return structuredClone(update);
}

/** The item after the update; an absent one starts from its key. */
export function applyUpdate(key: Key, item: Item | undefined, update: Update): Item {
  const removed = new Set(update.remove);
  const kept = Object.entries(item ?? key).filter(([name]) => !removed.has(name));
  const added = Object.entries(update.add ?? {}).map(([name, amount]) => [name, addTo(key, name, item, amount)]);
  return { ...Object.fromEntries(kept), ...update.set, ...Object.fromEntries(added) } as Item;
}

function addTo(key: Key, name: string, item: Item | undefined, amount: number): number {
  const current = item !== undefined && Object.hasOwn(item, name) ? item[name] : 0;
  if (typeof current !== "number" || typeof amount !== "number") {
    throw new AppError(
      "InvalidArgument",
      `update of \`${key.pk}\` / \`${key.sk}\` adds to \`${name}\`, which is not a number`,
    );
  }
  return current + amount;
}
