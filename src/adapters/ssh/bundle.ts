import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { AppError } from "../../contract/errors.ts";
import { quoted, type SshConnection } from "./connection.ts";

export interface Bundle {
  /** Of all files and their names. */
  readonly hash: string;
  readonly files: readonly { readonly name: string; readonly bytes: Buffer }[];
}

/** The runner's program as files. What only helps debugging stays here. */
export async function readBundle(folder: string | undefined): Promise<Bundle> {
  if (folder === undefined) {
    throw new AppError("NotSupported", "the runner's bundle is missing, so jobs can't be sent to other machines", {
      hint: "run `npm run build` and restart the server",
    });
  }
  const names = (await readdir(folder)).filter((name) => name.endsWith(".mjs")).sort();
  const files = await Promise.all(names.map(async (name) => ({ name, bytes: await readFile(join(folder, name)) })));
  const hash = createHash("sha256");
  for (const { name, bytes } of files) hash.update(`${name}\0${bytes.byteLength}\0`).update(bytes);
  return { hash: hash.digest("hex").slice(0, 32), files };
}

/** Puts the bundle on the machine unless it is there; answers the program's path. */
export async function uploadBundle(connection: SshConnection, folder: string, bundle: Bundle): Promise<string> {
  const place = `${folder}/bin/runner-${bundle.hash}`;
  const there = await connection.run(`if [ -f ${quoted(`${place}/main.mjs`)} ]; then echo yes; fi`);
  if (there.trim() === "yes") return `${place}/main.mjs`;
  const temporary = `${place}.${process.pid}.${Date.now()}`;
  await connection.run(`umask 077; mkdir -p ${quoted(temporary)}`);
  const sftp = await connection.sftp();
  try {
    for (const { name, bytes } of bundle.files) {
      await new Promise<void>((resolve, reject) => {
        sftp.writeFile(`${temporary}/${name}`, bytes, (error) => (error == null ? resolve() : reject(error)));
      });
    }
  } finally {
    sftp.end();
  }
  // Another server may have been quicker; then its copy stays.
  const [from, to] = [quoted(temporary), quoted(place)];
  await connection.run(`[ -e ${to} ] || mv -T ${from} ${to} 2>/dev/null || mv ${from} ${to}; rm -rf ${from}`);
  return `${place}/main.mjs`;
}
