import { type ObjectInfo, type Objects, SIGNED_SEC } from "../ports/objects.ts";
import { baseName, joinPath } from "./paths.ts";
import type { Place, PlaceFile } from "./place.ts";

/** Where the bytes of an object are, past the API: on this machine, or at a signed address. */
export async function bytesOf(objects: Objects, key: string): Promise<Pick<PlaceFile, "localPath" | "signed">> {
  const localPath = objects.localPath(key);
  if (localPath !== undefined) return { localPath };
  const signed = await objects.sign("get", key, SIGNED_SEC);
  return signed === undefined ? {} : { signed: { url: signed.url, headers: signed.headers } };
}

/** The keys below `root` (no slash at its end) as a place. */
export function makeObjectsPlace(objects: Objects, root: string): Place {
  const keyOf = (path: string) => joinPath(root, path);
  const prefixOf = (path: string) => `${keyOf(path)}/`;

  async function fileOf(path: string, info: ObjectInfo): Promise<PlaceFile> {
    return { path, sizeBytes: info.sizeBytes, mark: info.etag, ...(await bytesOf(objects, info.key)) };
  }

  return {
    async list(path, { limit, cursor }) {
      const info = path === "" ? undefined : await objects.head(keyOf(path));
      if (info !== undefined) {
        const file = await fileOf(baseName(path), info);
        const { localPath } = file;
        return {
          isFile: true,
          files: [file],
          links: [],
          folders: [],
          ...(localPath === undefined ? {} : { localPath }),
        };
      }
      const prefix = prefixOf(path);
      const page = await objects.list({ prefix, limit, ...(cursor === undefined ? {} : { cursor }) });
      if (page.objects.length === 0 && cursor === undefined && page.cursor === undefined) return undefined;
      return {
        isFile: false,
        files: await Promise.all(page.objects.map((object) => fileOf(object.key.slice(prefix.length), object))),
        links: [],
        folders: [],
        ...(page.cursor === undefined ? {} : { cursor: page.cursor }),
      };
    },
    async open(path, range) {
      return path === "" ? undefined : objects.get(keyOf(path), range);
    },
    async browse(path, { limit, cursor }) {
      const prefix = prefixOf(path);
      const page = await objects.list({ prefix, delimiter: "/", limit, ...(cursor === undefined ? {} : { cursor }) });
      const folders = page.prefixes.map((key) => ({ path: key.slice(prefix.length, -1), isFolder: true }));
      const files = page.objects.map(({ key, sizeBytes, modifiedMs }) => ({
        path: key.slice(prefix.length),
        isFolder: false,
        sizeBytes,
        modifiedMs,
      }));
      return { entries: [...folders, ...files], ...(page.cursor === undefined ? {} : { cursor: page.cursor }) };
    },
    async write(path, body) {
      await objects.put(keyOf(path), body);
    },
    signWrite: (path) => objects.sign("put", keyOf(path), SIGNED_SEC),
  };
}
