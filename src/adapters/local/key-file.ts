import { randomBytes } from "node:crypto";
import { chmodSync, statSync } from "node:fs";
import { AppError } from "../../contract/errors.ts";
import { createFileAtomic, readIfPresent } from "./files.ts";

const KEY_BYTES = 32;

/** The 256-bit key in the file `path`, which only the owner may read; made on first use unless `mayMake` is false. */
export function loadKey(path: string, mayMake = true): Buffer {
  if (mayMake && readIfPresent(path) === undefined) {
    // Of two processes at once, one makes it and both read that one.
    createFileAtomic(path, randomBytes(KEY_BYTES));
  }
  const key = readIfPresent(path);
  if (key === undefined || key.byteLength !== KEY_BYTES) {
    throw new AppError("Unavailable", `key file \`${path}\` is ${key === undefined ? "missing" : "damaged"}`, {
      hint: "restore it from a backup; what it protects can't be read without it",
    });
  }
  if ((statSync(path).mode & 0o077) !== 0) {
    chmodSync(path, 0o600);
  }
  return key;
}
