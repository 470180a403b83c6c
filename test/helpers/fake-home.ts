import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { FilePage } from "../../src/contract/files.ts";
import type { Assignment, RunCredentials, RunnerReport } from "../../src/contract/runner.ts";

/** The part of the API a runner talks to, in memory, to be looked at and to be broken. */
export interface FakeHome {
  readonly url: string;
  readonly reports: RunnerReport[];
  /** What was stored, by URI. */
  readonly uploads: Map<string, Buffer>;
  readonly logBatches: { atMs: number; name: string; bytes: number }[];
  readonly trackingCalls: unknown[];
  log(name?: string): string;
  logBytes(name?: string): number;
  cancel(reason: string): void;
  supersede(): void;
  /** Answers 503 to everything while it is true. */
  down: boolean;
  until<T>(look: () => T | undefined | false): Promise<T>;
  finalReport(): Promise<RunnerReport>;
  stop(): Promise<void>;
}

export interface FakeFile {
  readonly path: string;
  readonly content: string;
  readonly executable?: boolean;
  readonly localPath?: string;
  /** Served instead of the content, to break it. */
  readonly served?: string;
}

export interface FakeListing {
  readonly files: readonly FakeFile[];
  readonly isFile?: boolean;
  readonly links?: readonly { path: string; target: string }[];
  readonly folders?: readonly string[];
  readonly localPath?: string;
}

export const STD = "user_logs/std_log.txt";
const FINAL = new Set(["Completed", "Failed", "Canceled"]);

export async function startFakeHome(options: {
  readonly assignment: (url: string) => Assignment;
  readonly listings?: Readonly<Record<string, FakeListing>>;
  readonly keepLogText?: boolean;
  readonly port?: number;
  /** What it lends to commands; absent: nothing. */
  readonly credentials?: () => RunCredentials;
}): Promise<FakeHome> {
  const listings = options.listings ?? {};
  const reports: RunnerReport[] = [];
  const uploads = new Map<string, Buffer>();
  const logs = new Map<string, { text: Buffer[]; size: number }>();
  const logBatches: { atMs: number; name: string; bytes: number }[] = [];
  const trackingCalls: unknown[] = [];
  let orders: { cancel?: { reason: string; by: string }; superseded: boolean } = { superseded: false };
  let wake: (() => void)[] = [];
  let watchers: (() => void)[] = [];
  const changed = () => {
    for (const look of watchers) look();
  };

  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => {
      response.writeHead(500).end(String(error));
    });
  });
  const home = {
    url: "",
    reports,
    uploads,
    logBatches,
    trackingCalls,
    down: false,
    log: (name = STD) => Buffer.concat(logs.get(name)?.text ?? []).toString("utf8"),
    logBytes: (name = STD) => logs.get(name)?.size ?? 0,
    cancel(reason: string) {
      orders = { cancel: { reason, by: "user:test" }, superseded: false };
      for (const go of wake) go();
      wake = [];
    },
    supersede() {
      orders = { superseded: true };
      for (const go of wake) go();
      wake = [];
    },
    until<T>(look: () => T | undefined | false): Promise<T> {
      return new Promise((resolve) => {
        const check = () => {
          const found = look();
          if (found === undefined || found === false) return;
          watchers = watchers.filter((one) => one !== check);
          resolve(found);
        };
        watchers.push(check);
        check();
      });
    },
    finalReport: () => home.until(() => reports.find((report) => FINAL.has(report.status))),
    stop: () =>
      new Promise<void>((resolve) => {
        for (const go of wake) go();
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };

  /** The new end; undefined for a gap. */
  function append(name: string, offset: number, bytes: Buffer): number | undefined {
    const log = logs.get(name) ?? { text: [], size: 0 };
    logs.set(name, log);
    if (offset !== log.size) return undefined;
    if (options.keepLogText !== false) log.text.push(bytes);
    log.size += bytes.length;
    logBatches.push({ atMs: performance.now(), name, bytes: bytes.length });
    return log.size;
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "/", "http://home");
    const body = await read(request);
    const json = (value: unknown, status = 200) =>
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(value));
    if (home.down) {
      json({ code: "Unavailable", detail: "down", title: "Unavailable", status: 503 }, 503);
      return;
    }
    const path = url.pathname.replace(/^\/api\/v1\/workspaces\/default/, "");
    if (path.endsWith("/assignment")) json(options.assignment(home.url));
    else if (path.endsWith("/credentials")) {
      if (options.credentials === undefined) {
        json({ code: "NotSupported", detail: "a laptop", title: "x", status: 400 }, 400);
      } else json(options.credentials());
    } else if (path.endsWith("/reports")) {
      const { before = [], logs: rests = [], ...report } = JSON.parse(body.toString()) as RunnerReport;
      for (const { name, base64, offset } of rests) append(name, offset, Buffer.from(base64, "base64"));
      reports.push(...before.map((told) => ({ ...told, attempt: report.attempt })), report);
      json(orders);
      changed();
    } else if (path.endsWith("/heartbeat")) {
      if (orders.cancel === undefined && !orders.superseded) {
        await new Promise<void>((resolve) => {
          wake.push(resolve);
          setTimeout(resolve, Number(url.searchParams.get("wait_ms") ?? 0)).unref();
        });
      }
      json(orders);
    } else if (path.endsWith("/log")) {
      const name = url.searchParams.get("name") ?? "";
      const offset = Number(url.searchParams.get("offset"));
      const end = append(name, offset, body);
      if (end === undefined) {
        const details = { next_offset: logs.get(name)?.size };
        json({ code: "Conflict", detail: "gap", title: "x", status: 409, details }, 409);
        return;
      }
      json({ next_offset: end });
      changed();
    } else if (path === "/files") {
      const uri = url.searchParams.get("uri") ?? "";
      const listing = listings[uri];
      if (listing === undefined)
        json({ code: "NotFound", detail: `\`${uri}\` is not there`, title: "x", status: 404 }, 404);
      else json(pageOf(uri, listing));
    } else if (path === "/bytes") {
      const file = listings[url.searchParams.get("uri") ?? ""]?.files.find(
        (one) => one.path === url.searchParams.get("path"),
      );
      response.writeHead(200).end(file?.served ?? file?.content ?? "");
    } else if (path === "/uploads") {
      const asked = JSON.parse(body.toString()) as { uri: string; files: { path: string }[] };
      json({
        files: asked.files.map((file) => ({
          path: file.path,
          url: `/api/v1/workspaces/default/stored?to=${encodeURIComponent(`${asked.uri.replace(/\/$/, "")}/${file.path}`)}`,
        })),
      });
    } else if (path === "/stored") {
      uploads.set(url.searchParams.get("to") ?? "", body);
      json({ stored: 1 });
      changed();
    } else if (url.pathname.includes("/api/2.0/mlflow/")) {
      trackingCalls.push(JSON.parse(body.toString()));
      json({});
      changed();
    } else json({ code: "NotFound", detail: `no route ${path}`, title: "x", status: 404 }, 404);
  }

  await new Promise<void>((resolve) => server.listen(options.port ?? 0, "127.0.0.1", resolve));
  home.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return home;
}

function pageOf(uri: string, listing: FakeListing): FilePage {
  return {
    uri,
    is_file: listing.isFile === true,
    items: listing.files.map((file) => ({
      path: file.path,
      size_bytes: Buffer.byteLength(file.content),
      sha256: createHash("sha256").update(file.content).digest("hex"),
      ...(file.executable === true ? { executable: true } : {}),
      ...(file.localPath === undefined ? {} : { local_path: file.localPath }),
      url: `/api/v1/workspaces/default/bytes?uri=${encodeURIComponent(uri)}&path=${encodeURIComponent(file.path)}`,
    })),
    ...(listing.links === undefined ? {} : { links: [...listing.links] }),
    ...(listing.folders === undefined ? {} : { folders: [...listing.folders] }),
    ...(listing.localPath === undefined ? {} : { local_path: listing.localPath }),
  };
}

async function read(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
