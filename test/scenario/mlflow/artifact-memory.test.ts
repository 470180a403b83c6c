import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { type IncomingMessage, request } from "node:http";
import { expect, onTestFinished, test } from "vitest";
import { startServer, type TestServer } from "../../helpers/server.ts";

const MEGABYTE = 1024 * 1024;
const SIZE_MB = 256;
/** What buffers, young garbage and code take; a file held once, or only half of it, takes more. */
const ROOM_MB = 112;
const PIECE = Buffer.alloc(MEGABYTE, "{}  ");

/** Most memory the server has held since `forget`. */
const peakMb = (pid: number): number =>
  Number(/^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) / 1024;
const forget = (pid: number): void => writeFileSync(`/proc/${pid}/clear_refs`, "5");

async function serve(): Promise<TestServer> {
  const server = await startServer();
  onTestFinished(() => server.dispose());
  return server;
}

async function ask(server: TestServer, method: string, path: string, send?: number): Promise<IncomingMessage> {
  const asked = request(path.startsWith("http") ? path : `${server.url()}/api/2.0/mlflow-artifacts/${path}`, {
    method,
    headers: {
      authorization: `Bearer ${server.token()}`,
      ...(send === undefined ? {} : { "content-length": send * MEGABYTE }),
    },
  });
  const answered = once(asked, "response");
  for (let sent = 0; sent < (send ?? 0); sent++) if (!asked.write(PIECE)) await once(asked, "drain");
  asked.end();
  const [answer] = (await answered) as [IncomingMessage];
  expect(answer.statusCode).toBe(200);
  return answer;
}

async function sizeOf(answer: IncomingMessage): Promise<number> {
  let size = 0;
  for await (const chunk of answer) size += (chunk as Buffer).byteLength;
  return size;
}

async function postJson<T>(server: TestServer, path: string, body: object): Promise<T> {
  const response = await fetch(`${server.url()}/api/2.0/mlflow-artifacts/${path}`, {
    method: "POST",
    headers: { authorization: `Bearer ${server.token()}`, "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  expect(response.status).toBe(200);
  return (await response.json()) as T;
}

test.each(["large.json", "large.bin"])("%s goes up and comes down in little memory", async (name) => {
  const server = await serve();
  await sizeOf(await ask(server, "PUT", `artifacts/0/warm/artifacts/${name}`, 1));
  forget(server.pid());
  const before = peakMb(server.pid());

  await sizeOf(await ask(server, "PUT", `artifacts/0/run/artifacts/${name}`, SIZE_MB));
  const up = peakMb(server.pid());
  const down = await sizeOf(await ask(server, "GET", `artifacts/0/run/artifacts/${name}`));

  expect(down).toBe(SIZE_MB * MEGABYTE);
  expect(up - before).toBeLessThan(ROOM_MB);
  expect(peakMb(server.pid()) - before).toBeLessThan(ROOM_MB);
});

test("an upload in parts is joined in little memory", async () => {
  const server = await serve();
  await sizeOf(await ask(server, "PUT", "artifacts/0/warm/artifacts/model.bin", 1));
  forget(server.pid());
  const before = peakMb(server.pid());

  const folder = "0/run/artifacts";
  const { upload_id, credentials } = await postJson<{
    upload_id: string;
    credentials: { url: string; part_number: number }[];
  }>(server, `mpu/create/${folder}`, { path: "model.bin", num_parts: 4 });
  const parts: { part_number: number; etag: string | undefined }[] = [];
  for (const { url, part_number } of credentials) {
    const answer = await ask(server, "PUT", url, SIZE_MB / 4);
    await sizeOf(answer);
    parts.push({ part_number, etag: answer.headers.etag });
  }
  await postJson(server, `mpu/complete/${folder}`, { path: "model.bin", upload_id, parts });

  expect(peakMb(server.pid()) - before).toBeLessThan(ROOM_MB);
  expect(await sizeOf(await ask(server, "GET", `artifacts/${folder}/model.bin`))).toBe(SIZE_MB * MEGABYTE);
});

test("readers that are slower than the disk do not fill the server's memory", async () => {
  const server = await serve();
  await sizeOf(await ask(server, "PUT", "artifacts/0/run/artifacts/metrics.json", SIZE_MB / 4));
  forget(server.pid());
  const before = peakMb(server.pid());

  // Sixteen answers begun and not read: together they are nine times the room.
  const slow = await Promise.all(
    Array.from({ length: 16 }, () => ask(server, "GET", "artifacts/0/run/artifacts/metrics.json")),
  );
  const first = await sizeOf(slow[0] as IncomingMessage);

  expect(first).toBe((SIZE_MB / 4) * MEGABYTE);
  expect(peakMb(server.pid()) - before).toBeLessThan(ROOM_MB);
  for (const answer of slow) answer.destroy();
});
