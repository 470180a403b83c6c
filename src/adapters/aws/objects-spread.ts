import { AppError, isAppError } from "../../contract/errors.ts";
import type { Objects } from "../../core/ports/objects.ts";
import { nameOf, statusOf } from "./fault.ts";

/** The workspace whose key, or prefix of keys, it is; undefined for what belongs to none. */
export function workspaceOf(key: string): string | undefined {
  return /^ws\/([^/]+)\//.exec(key)?.[1];
}

/** The Objects port over several buckets: keys of a workspace are in its own bucket, if it has one, and all others in the home's. */
export function spreadObjects(home: Objects, ownOf: (workspace: string) => Promise<Objects | undefined>): Objects {
  async function at(key: string): Promise<Objects> {
    const workspace = workspaceOf(key);
    return (workspace === undefined ? undefined : await ownOf(workspace)) ?? home;
  }

  return {
    put: async (key, ...rest) => (await at(key)).put(key, ...rest),
    get: async (key, ...rest) => (await at(key)).get(key, ...rest),
    head: async (key) => (await at(key)).head(key),
    list: async (query) => (await at(query.prefix)).list(query),
    async delete(keys) {
      const places = new Map<Objects, string[]>();
      for (const key of keys) {
        const place = await at(key);
        places.set(place, [...(places.get(place) ?? []), key]);
      }
      for (const [place, theirs] of places) await place.delete(theirs);
    },
    async copy(from, to) {
      const [source, target] = [await at(from), await at(to)];
      if (source === target) return source.copy(from, to);
      const found = await source.get(from);
      if (found === undefined) throw new AppError("NotFound", `there is no object \`${from}\``);
      return (await target.put(to, found.body)).info;
    },
    async compose(parts, key) {
      const target = await at(key);
      for (const part of parts) {
        if ((await at(part)) !== target) throw new Error(`\`${part}\` and \`${key}\` are in different buckets`);
      }
      return target.compose(parts, key);
    },
    sign: async (operation, key, ...rest) => (await at(key)).sign(operation, key, ...rest),
    localPath: (key) => home.localPath(key),
  };
}

/** Objects of a bucket that others look after: what they have taken away is said, and may be given back. */
export function tellLoss(objects: Objects, bucket: string): Objects {
  const told = async <T>(work: Promise<T>): Promise<T> => {
    try {
      return await work;
    } catch (error) {
      if (isAppError(error) || !isLoss(error)) throw error;
      throw new AppError(
        "Unavailable",
        `the workspace's bucket \`${bucket}\` can't be used: ${(error as Error).message}`,
        { hint: "whoever owns the bucket, or its key, has to let the home's roles use it again" },
        { cause: error },
      );
    }
  };
  return {
    put: (...args) => told(objects.put(...args)),
    get: (...args) => told(objects.get(...args)),
    head: (...args) => told(objects.head(...args)),
    list: (...args) => told(objects.list(...args)),
    delete: (...args) => told(objects.delete(...args)),
    copy: (...args) => told(objects.copy(...args)),
    compose: (...args) => told(objects.compose(...args)),
    sign: (...args) => told(objects.sign(...args)),
    localPath: (key) => objects.localPath(key),
  };
}

function isLoss(error: unknown): boolean {
  return statusOf(error) === 403 || /^NoSuchBucket$|^KMS/.test(nameOf(error));
}
