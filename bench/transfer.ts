import { once } from "node:events";
import { request } from "node:http";
import type { Target } from "./http-load.ts";

const PIECE = Buffer.alloc(256 * 1024, 7);

/** Sends `sizeBytes` to an address in pieces, as a client streams a file. */
export async function upload(target: Target, path: string, sizeBytes: number): Promise<void> {
  const outgoing = ask(target, "PUT", path, { "content-length": String(sizeBytes) });
  const answered = once(outgoing, "response");
  for (let sent = 0; sent < sizeBytes; sent += PIECE.length) {
    const piece = PIECE.subarray(0, Math.min(PIECE.length, sizeBytes - sent));
    if (!outgoing.write(piece)) await once(outgoing, "drain");
  }
  outgoing.end();
  await read(await answered, path);
}

/** Fetches an address, and lets go of what comes; how many bytes came. */
export async function download(target: Target, path: string): Promise<number> {
  const outgoing = ask(target, "GET", path, {});
  outgoing.end();
  return read(await once(outgoing, "response"), path);
}

function ask(target: Target, method: string, path: string, headers: Record<string, string>) {
  return request({
    host: "127.0.0.1",
    port: target.port,
    method,
    path: `${target.prefix}${path}`,
    agent: false,
    headers: { ...headers, ...(target.token === undefined ? {} : { authorization: `Bearer ${target.token}` }) },
  });
}

async function read(answers: unknown[], path: string): Promise<number> {
  const [incoming] = answers as [import("node:http").IncomingMessage];
  let sizeBytes = 0;
  for await (const chunk of incoming as AsyncIterable<Buffer>) sizeBytes += chunk.length;
  if (incoming.statusCode !== 200) throw new Error(`${path} was answered with ${incoming.statusCode}`);
  return sizeBytes;
}
