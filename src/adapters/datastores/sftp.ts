import { createHash, randomBytes } from "node:crypto";
import type { Socket } from "node:net";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { ReadableStream as NodeReadableStream } from "node:stream/web";
import type { Client, FileEntryWithStats, SFTPWrapper, Stats } from "ssh2";
import { AppError } from "../../contract/errors.ts";
import { baseName, comparePaths, joinPath } from "../../core/files/paths.ts";
import type { BrowseEntry, DatastoreAccess, Place, PlaceFile } from "../../core/files/place.ts";
import { cursorOf, positionOf, rangeOf } from "./shared.ts";
import { checkHost, guardedLookup } from "./web-guard.ts";

const IDLE_MS = 30_000;
const CONNECT_LIMIT_MS = 20_000;
const NO_SUCH_FILE = 2;

interface Connection {
  readonly sftp: Promise<SFTPWrapper>;
  end(): void;
}

/** Places on SFTP servers. Connections are shared by equal datastores and end when nobody used them for half a minute. */
export function makeSftpPlaces(options: { readonly allowPrivate: boolean }) {
  const connections = new Map<string, Connection>();

  function connectionOf(access: DatastoreAccess): Promise<SFTPWrapper> {
    const key = createHash("sha256")
      .update(JSON.stringify([access.settings, access.credentials]))
      .digest("hex");
    const known = connections.get(key);
    if (known !== undefined) return known.sftp;
    const made = connect(access, options.allowPrivate, () => connections.delete(key));
    connections.set(key, made);
    return made.sftp;
  }

  return {
    place: (access: DatastoreAccess) => makeSftpPlace(access, () => connectionOf(access)),
    close() {
      for (const connection of connections.values()) connection.end();
      connections.clear();
    },
  };
}

function connect(access: DatastoreAccess, allowPrivate: boolean, forget: () => void): Connection {
  const { settings, credentials } = access;
  const host = String(settings.host);
  let client: Client | undefined;
  let socket: Socket | undefined;
  let idle: NodeJS.Timeout | undefined;
  let passedBytes = 0;
  const end = () => {
    clearTimeout(idle);
    forget();
    client?.end();
  };

  async function open(): Promise<SFTPWrapper> {
    if (!URL.canParse(`ssh://${host}`)) throw unreachable(access, new Error("the host is not a name"));
    checkHost(new URL(`ssh://${host.includes(":") ? `[${host}]` : host}`), allowPrivate);
    // In a bundle a CommonJS package that is imported dynamically has a default export only.
    const { Client } = (await import("ssh2")).default;
    const opened = new Client();
    client = opened;
    return new Promise<SFTPWrapper>((resolve, reject) => {
      let foundKey = "";
      opened.on("ready", () => opened.sftp((error, sftp) => (error === undefined ? resolve(sftp) : reject(error))));
      opened.on("error", (error) => {
        end();
        const mismatch = foundKey !== "" && foundKey !== settings.host_key;
        reject(mismatch ? wrongKey(access, foundKey) : unreachable(access, error));
      });
      opened.on("close", () => {
        end();
        reject(unreachable(access, new Error("the connection was closed")));
      });
      connectSocket(host, Number(settings.port ?? 22), allowPrivate)
        .then((sock) => {
          socket = sock;
          opened.connect({
            sock,
            username: String(settings.username),
            readyTimeout: CONNECT_LIMIT_MS,
            hostVerifier: (key: Buffer) => {
              foundKey = `SHA256:${createHash("sha256").update(key).digest("base64").replace(/=+$/, "")}`;
              return foundKey === settings.host_key;
            },
            ...(credentials.password === undefined ? {} : { password: credentials.password }),
            ...(credentials.private_key === undefined ? {} : { privateKey: credentials.private_key }),
            ...(credentials.passphrase === undefined ? {} : { passphrase: credentials.passphrase }),
          });
        })
        .catch(reject);
    });
  }

  const sftp = open().catch((error: unknown) => {
    end();
    throw error instanceof AppError ? error : unreachable(access, error);
  });
  /** A long transfer is no idleness. */
  const lookAgain = () => {
    const passed = (socket?.bytesRead ?? 0) + (socket?.bytesWritten ?? 0);
    if (passed === passedBytes) return end();
    passedBytes = passed;
    touch();
  };
  const touch = () => {
    clearTimeout(idle);
    idle = setTimeout(lookAgain, IDLE_MS);
    idle.unref();
  };
  return {
    get sftp() {
      touch();
      return sftp;
    },
    end,
  };
}

async function connectSocket(host: string, port: number, allowPrivate: boolean) {
  const { createConnection } = await import("node:net");
  return new Promise<Socket>((resolve, reject) => {
    const socket = createConnection({ host, port, lookup: guardedLookup(allowPrivate), timeout: CONNECT_LIMIT_MS });
    socket.once("connect", () => {
      socket.setTimeout(0);
      // Every call is a small packet whose answer the next one waits for.
      socket.setNoDelay(true);
      resolve(socket);
    });
    socket.once("timeout", () => socket.destroy(new Error("the server does not answer")));
    socket.once("error", reject);
  });
}

function makeSftpPlace(access: DatastoreAccess, connection: () => Promise<SFTPWrapper>): Place {
  const root = String(access.settings.path).replace(/(?<=.)\/+$/, "") || ".";

  async function realRoot(sftp: SFTPWrapper): Promise<string> {
    const real = await realOf(sftp, root);
    if (real === undefined) throw unreachable(access, new Error(`folder \`${root}\` is not there`));
    return real;
  }

  /** Real path of something inside; undefined where there is nothing. */
  async function inside(sftp: SFTPWrapper, path: string): Promise<string | undefined> {
    const base = await realRoot(sftp);
    const real = path === "" ? base : await realOf(sftp, joined(base, path));
    if (real !== undefined && !contains(base, real)) {
      throw new AppError("InvalidPath", `\`${path}\` is a link that leads out of datastore \`${access.name}\``);
    }
    return real;
  }

  async function* walk(
    sftp: SFTPWrapper,
    folder: string,
    prefix: string,
    after: string,
    trail: readonly string[],
  ): AsyncGenerator<PlaceFile> {
    for (const { name, stats, real } of await childrenOf(sftp, folder)) {
      const path = prefix + name;
      const isFolder = stats.isDirectory();
      if (
        isFolder ? comparePaths(`${path}/`, after) < 0 && !after.startsWith(`${path}/`) : comparePaths(path, after) <= 0
      )
        continue;
      if (!contains(trail[0] ?? "", real)) continue;
      if (stats.isFile())
        yield { path, sizeBytes: stats.size, ...((stats.mode & 0o100) === 0 ? {} : { executable: true }) };
      else if (isFolder && !trail.includes(real)) yield* walk(sftp, real, `${path}/`, after, [...trail, real]);
    }
  }

  const worded = async <T>(work: (sftp: SFTPWrapper) => Promise<T>): Promise<T> => {
    try {
      return await work(await connection());
    } catch (error) {
      throw error instanceof AppError ? error : unreachable(access, error);
    }
  };

  return {
    list: (path, { limit, cursor }) =>
      worded(async (sftp) => {
        const real = await inside(sftp, path);
        const stats = real === undefined ? undefined : await statOf(sftp, real);
        if (real === undefined || stats === undefined) return undefined;
        const common = { links: [], folders: [] };
        if (stats.isFile())
          return { ...common, isFile: true, files: [{ path: baseName(real), sizeBytes: stats.size }] };
        const files: PlaceFile[] = [];
        const after = cursor === undefined ? "" : positionOf(cursor);
        const base = await realRoot(sftp);
        for await (const file of walk(sftp, real, "", after, [base, ...(real === base ? [] : [real])])) {
          if (files.length === limit)
            return { ...common, isFile: false, files, cursor: cursorOf(files.at(-1)?.path ?? "") };
          files.push(file);
        }
        return { ...common, isFile: false, files };
      }),
    open: (path, range) =>
      worded(async (sftp) => {
        const real = await inside(sftp, path);
        const stats = real === undefined ? undefined : await statOf(sftp, real);
        if (real === undefined || stats === undefined || !stats.isFile()) return undefined;
        const { start, end } = rangeOf(range, stats.size, path);
        const info = {
          key: path,
          sizeBytes: stats.size,
          etag: `${stats.size}-${stats.mtime}`,
          modifiedMs: stats.mtime * 1000,
        };
        if (end === start) return { ...info, body: new Blob([]).stream() };
        const source = sftp.createReadStream(real, { start, end: end - 1 });
        return { ...info, body: Readable.toWeb(source as unknown as Readable) as ReadableStream<Uint8Array> };
      }),
    browse: (path, { limit, cursor }) =>
      worded(async (sftp) => {
        const real = await inside(sftp, path);
        if (real === undefined) return { entries: [] };
        const after = cursor === undefined ? "" : positionOf(cursor);
        const base = await realRoot(sftp);
        const children = (await childrenOf(sftp, real)).filter(
          (child) => comparePaths(child.name, after) > 0 && contains(base, child.real),
        );
        const entries = children.slice(0, limit).map(
          ({ name, stats }): BrowseEntry => ({
            path: name,
            isFolder: stats.isDirectory(),
            ...(stats.isFile() ? { sizeBytes: stats.size } : {}),
            modifiedMs: stats.mtime * 1000,
          }),
        );
        return { entries, ...(children.length > limit ? { cursor: cursorOf(entries.at(-1)?.path ?? "") } : {}) };
      }),
    write: (path, body) => worded((sftp) => writeFile(sftp, access, (p) => inside(sftp, p), path, body)),
  };
}

async function writeFile(
  sftp: SFTPWrapper,
  access: DatastoreAccess,
  inside: (path: string) => Promise<string | undefined>,
  path: string,
  body: ReadableStream<Uint8Array> | Uint8Array,
): Promise<void> {
  const parts = path.split("/").slice(0, -1);
  let folder = (await inside("")) ?? "";
  for (const [index, part] of parts.entries()) {
    const below = joined(folder, part);
    folder = (await inside(parts.slice(0, index + 1).join("/"))) ?? below;
    if (folder === below) await made(sftp, below);
  }
  const target = joined(folder, baseName(path));
  if ((await statOf(sftp, target))?.isDirectory()) {
    throw new AppError("Conflict", `\`${path}\` is a folder of datastore \`${access.name}\``);
  }
  const temp = joined(folder, `.${randomBytes(8).toString("hex")}.tmp`);
  try {
    const source =
      body instanceof Uint8Array ? Readable.from([body]) : Readable.fromWeb(body as NodeReadableStream<Uint8Array>);
    await pipeline(source, sftp.createWriteStream(temp) as unknown as NodeJS.WritableStream);
    await promised<void>((done) => sftp.ext_openssh_rename(temp, target, done));
  } catch (error) {
    await promised<void>((done) => sftp.unlink(temp, done)).catch(() => undefined);
    throw error;
  }
}

async function made(sftp: SFTPWrapper, folder: string): Promise<void> {
  if (await statOf(sftp, folder)) return;
  try {
    await promised<void>((done) => sftp.mkdir(folder, done));
  } catch (error) {
    // Somebody else may have made it just now.
    if (!(await statOf(sftp, folder))) throw error;
  }
}

/** Children with links followed, in path order; links that lead nowhere are left out. */
async function childrenOf(sftp: SFTPWrapper, folder: string) {
  const entries = await promised<FileEntryWithStats[]>((done) => sftp.readdir(folder, done));
  const children: {
    name: string;
    stats: Pick<Stats, "size" | "mode" | "mtime" | "isFile" | "isDirectory">;
    real: string;
  }[] = [];
  for (const { filename: name, attrs } of entries) {
    const path = joined(folder, name);
    if (!attrs.isSymbolicLink()) children.push({ name, stats: attrs, real: path });
    else {
      const real = await realOf(sftp, path);
      const stats = real === undefined ? undefined : await statOf(sftp, real);
      if (real !== undefined && stats !== undefined) children.push({ name, stats, real });
    }
  }
  const key = (child: (typeof children)[number]) => (child.stats.isDirectory() ? `${child.name}/` : child.name);
  return children.sort((a, b) => comparePaths(key(a), key(b)));
}

async function statOf(sftp: SFTPWrapper, path: string): Promise<Stats | undefined> {
  return absent(promised<Stats>((done) => sftp.stat(path, done)));
}

/** Servers answer a path for what is not there, too; so its parts are looked at. */
async function realOf(sftp: SFTPWrapper, path: string): Promise<string | undefined> {
  const real = await absent(promised<string>((done) => sftp.realpath(path, done)));
  return real === undefined || (await statOf(sftp, real)) === undefined ? undefined : real;
}

async function absent<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    if ((error as { code?: unknown }).code === NO_SUCH_FILE) return undefined;
    throw error;
  }
}

function promised<T>(call: (done: (error?: Error | null, value?: T) => void) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    call((error, value) => (error ? reject(error) : resolve(value as T)));
  });
}

const joined = (folder: string, name: string) => (folder === "/" ? `/${name}` : joinPath(folder, name));
const contains = (folder: string, path: string) =>
  path === folder || path.startsWith(folder === "/" ? "/" : `${folder}/`);

function unreachable(access: DatastoreAccess, error: unknown): AppError {
  const why = error instanceof Error ? error.message : String(error);
  const { host, port = 22 } = access.settings;
  return new AppError(
    "DatastoreUnreachable",
    `datastore \`${access.name}\` at \`${host}:${port}\` can't be used: ${why}`,
    {},
    { cause: error },
  );
}

function wrongKey(access: DatastoreAccess, found: string): AppError {
  return new AppError(
    "DatastoreUnreachable",
    `the server of datastore \`${access.name}\` shows host key \`${found}\`, not \`${access.settings.host_key}\``,
    { hint: "if the server's key was changed on purpose, put the new fingerprint into the datastore's `host_key`" },
  );
}
