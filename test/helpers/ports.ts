import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "vitest";
import type { ErrorCode } from "../../src/contract/errors.ts";

/** What a suite makes once (or per test) and gives back: the port, and how to remove what it stands on. */
export interface Fixture<Port> {
  readonly port: Port;
  readonly cleanup: () => Promise<void>;
}

/** A folder of its own, and its removal. */
export function makeTempDir(): { readonly path: string; readonly remove: () => void } {
  const path = mkdtempSync(join(tmpdir(), "trainyard-test-"));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** A TCP port on loopback that nobody listens on. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}

/** A name no other test uses, so that tests may share one store. */
export function unique(label: string): string {
  return `${label}-${randomBytes(6).toString("hex")}`;
}

/** Asserts that the call fails with this code. */
export async function expectCode(call: Promise<unknown> | (() => Promise<unknown>), code: ErrorCode): Promise<void> {
  await expect(typeof call === "function" ? call() : call).rejects.toMatchObject({ name: "AppError", code });
}

/** Waits until `check` answers something other than undefined or false; fails after `limitMs`. */
export async function until<T>(
  check: () => T | Promise<T>,
  what: string,
  limitMs = 60_000,
): Promise<NonNullable<Exclude<T, false>>> {
  const end = performance.now() + limitMs;
  for (;;) {
    const value = await check();
    if (value !== undefined && value !== null && value !== false) {
      return value as NonNullable<Exclude<T, false>>;
    }
    if (performance.now() > end) {
      throw new Error(`waited ${limitMs} ms in vain for ${what}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
