import { ERRORS, isAppError } from "../../src/contract/errors.ts";
import type { TestServer } from "./server.ts";

/** An answer that says no, and would again. */
export class Refused extends Error {}

/** A server that is killed every second may be up too briefly, on a busy machine, for one client's call many times in a row. */
const LIMIT_MS = 300_000;

/** Tries until it is acknowledged: a server that is down is tried again, an answer that says no is not. */
export async function insist<T>(call: () => Promise<T>): Promise<T> {
  const end = performance.now() + LIMIT_MS;
  for (;;) {
    try {
      return await call();
    } catch (error) {
      const final = error instanceof Refused || (isAppError(error) && !ERRORS[error.code].retry);
      if (final || performance.now() > end) throw error;
      await pause(20);
    }
  }
}

export function mlflowPost<T = Record<string, unknown>>(server: TestServer, path: string, body: object): Promise<T> {
  return answerOf(
    path,
    fetch(`${server.url()}/w/default/api/2.0/mlflow/${path}`, {
      method: "POST",
      headers: { authorization: `Bearer ${server.token()}`, "content-type": "application/json" },
      body: JSON.stringify(body),
    }),
  );
}

export function mlflowGet<T = Record<string, unknown>>(
  server: TestServer,
  path: string,
  query: Readonly<Record<string, string>>,
): Promise<T> {
  return answerOf(
    path,
    fetch(`${server.url()}/w/default/api/2.0/mlflow/${path}?${new URLSearchParams(query)}`, {
      headers: { authorization: `Bearer ${server.token()}` },
    }),
  );
}

async function answerOf<T>(path: string, asked: Promise<Response>): Promise<T> {
  const response = await asked;
  const text = await response.text();
  if (!response.ok) throw new Refused(`${path}: ${response.status} ${text}`);
  return JSON.parse(text) as T;
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
