import { AppError, isAppError } from "../../contract/errors.ts";
import type { Client } from "../client.ts";
import type { WireResponse } from "../transport.ts";

export type Json = Readonly<Record<string, unknown>>;

/** An MLflow server by its REST API. Errors carry the server's own words. */
export interface Mlflow {
  get(path: string, query?: Readonly<Record<string, string | undefined>>): Promise<Json>;
  send(method: "POST" | "PATCH" | "DELETE", path: string, body: Json): Promise<Json>;
  /** All items of a call that answers pages. */
  pages(method: "GET" | "POST", path: string, field: string, query: Json): AsyncGenerator<Json>;
  /** Undefined where the server says that there is none. */
  find(path: string, query: Readonly<Record<string, string>>): Promise<Json | undefined>;
  bytes(path: string, query?: Readonly<Record<string, string>>): Promise<ReadableStream<Uint8Array>>;
  put(path: string, body: ReadableStream<Uint8Array>): Promise<void>;
}

const API = "/api/2.0/mlflow";

/** `prefix`: what stands before `/api` at the client's address. Paths that start with `//` are not below `/api/2.0/mlflow`. */
export function makeMlflow(client: Client, prefix: string): Mlflow {
  const place = (path: string, query: Readonly<Record<string, string | undefined>> = {}) => {
    const given = Object.entries(query).filter((entry): entry is [string, string] => entry[1] !== undefined);
    const below = path.startsWith("//") ? path.slice(1) : `${API}${path}`;
    return `${prefix}${below}${given.length === 0 ? "" : `?${new URLSearchParams(given)}`}`;
  };
  const raw = (path: string, request: Parameters<Client["raw"]>[1]) => client.raw(path, request).catch(inItsWords);
  const get: Mlflow["get"] = async (path, query) => json(await raw(place(path, query), {}));
  const send = async (method: string, path: string, body: Json) =>
    json(
      await raw(place(path), { method, headers: { "content-type": "application/json" }, body: JSON.stringify(body) }),
    );

  return {
    get,
    send,
    async *pages(method, path, field, query) {
      let token: string | undefined;
      do {
        const asked = { ...query, ...(token === undefined ? {} : { page_token: token }) };
        const page =
          method === "GET"
            ? await get(path, asked as Readonly<Record<string, string>>)
            : await send("POST", path, asked);
        yield* listOf(page[field]);
        token = textOf(page.next_page_token) || undefined;
      } while (token !== undefined);
    },
    async find(path, query) {
      try {
        return await get(path, query);
      } catch (error) {
        if (isAppError(error) && error.code === "NotFound") return undefined;
        throw error;
      }
    },
    async bytes(path, query) {
      return (await raw(place(path, query), {})).body ?? new Blob([]).stream();
    },
    async put(path, body) {
      const headers = { "content-type": "application/octet-stream" };
      await (await raw(place(path), { method: "PUT", headers, body })).text();
    },
  };
}

async function json(response: WireResponse): Promise<Json> {
  const text = await response.text();
  try {
    return recordOf(JSON.parse(text));
  } catch (cause) {
    throw new AppError(
      "InvalidArgument",
      "the answer is not JSON: this is not the address of an MLflow server",
      {},
      { cause },
    );
  }
}

function inItsWords(error: unknown): never {
  const answer = isAppError(error) ? error.details.answer : undefined;
  if (!isAppError(error) || typeof answer !== "string") throw error;
  let said = "";
  try {
    said = textOf(recordOf(JSON.parse(answer)).message);
  } catch {
    throw error;
  }
  throw new AppError(error.code, said === "" ? error.message : `${error.message}: ${said}`, error.details);
}

export function recordOf(value: unknown): Json {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Json) : {};
}

export function listOf(value: unknown): Json[] {
  return Array.isArray(value) ? value.map(recordOf) : [];
}

export function textOf(value: unknown): string {
  return typeof value === "string" ? value : typeof value === "number" ? String(value) : "";
}

/** 64-bit numbers travel as numbers or as texts. */
export function numberOf(value: unknown): number | undefined {
  return value === undefined || value === null || value === "" ? undefined : Number(value);
}

/** `[{key, value}]` as a map. */
export function pairsOf(value: unknown): Map<string, string> {
  return new Map(listOf(value).map((pair) => [textOf(pair.key), textOf(pair.value)]));
}
