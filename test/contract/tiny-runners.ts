import { createHash } from "node:crypto";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** A runner that is one small program, on any home: tells when it is there, ends when and as it is told, and says when it was asked to end. */
export const TINY_RUNNER = `
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
const [mode, volume = ""] = process.argv.slice(2);
let own = process.env.TRAINYARD_RUNNER_REQUEST;
if (own === undefined && mode === undefined) for await (const line of createInterface({ input: process.stdin })) { own = line; break; }
const request = JSON.parse(own ?? readFileSync(join(volume, "request.json"), "utf8"));
if (mode === "prepare") {
  writeFileSync(join(volume, "user.sh"), "exit 0");
  process.exit(0);
}
const ask = async (what) => {
  const address = request.apiUrl + "/" + what + "?" + new URLSearchParams({ attempt: request.attemptId });
  return (await fetch(address).catch(() => process.exit(1))).json();
};
const note = (name, value) => {
  if (own === undefined) return;
  const path = join(request.folder, name);
  writeFileSync(path + ".new", JSON.stringify(value));
  renameSync(path + ".new", path);
};
const end = (code) => {
  const status = code === 0 ? "Completed" : "Failed";
  note("final.json", { attempt: request.attemptId, status, at: new Date().toISOString(), exit_code: code });
  process.exit(code);
};
await ask("begin");
process.on("SIGTERM", async () => {
  await ask("told");
  if (!request.attemptId.startsWith("deaf")) end(43);
});
note("runner.json", { pid: process.pid });
end((await ask("up")).code);
`;

export interface TinyRunners {
  /** The API's address, as runners are given it. */
  readonly url: string;
  /** How often runners of an attempt have come up. */
  starts(attemptId: string): number;
  /** Whether one of them got SIGTERM. */
  wasTold(attemptId: string): boolean;
  /** Ends the attempt's runner by this exit code. */
  end(attemptId: string, code: number): void;
  /** Runners that start from now on don't come up; the answer lets them. */
  hold(): () => void;
  /** Ends all runners. */
  close(): void;
}

/** What tiny runners ask, in place of the API. A one-time code is the attempt's id. */
export async function openTinyRunners(): Promise<TinyRunners> {
  const up = new Map<string, number>();
  const told = new Set<string>();
  const codes = new Map<string, number>();
  const waiting: { readonly attempt: string; readonly answer: ServerResponse }[] = [];
  let held: ServerResponse[] | undefined;
  const say = (answer: ServerResponse, value: object) => void answer.end(JSON.stringify(value));

  const server = createServer(async (asked, answer) => {
    const { pathname, searchParams } = new URL(asked.url ?? "", "http://runner");
    const attempt = searchParams.get("attempt") ?? "";
    switch (pathname) {
      case "/api/v1/attempts/start": {
        let body = "";
        for await (const part of asked) body += part;
        const sha256 = createHash("sha256").update(TINY_RUNNER).digest("hex");
        const runner = { url: `${url}/runner.mjs`, sha256 };
        return say(answer, { token: "t", workspace: "w", run_id: "r", attempt: JSON.parse(body).code, runner });
      }
      case "/runner.mjs":
        return void answer.end(TINY_RUNNER);
      case "/begin":
        return held === undefined ? say(answer, {}) : void held.push(answer);
      case "/told":
        told.add(attempt);
        return say(answer, {});
      default: {
        up.set(attempt, (up.get(attempt) ?? 0) + 1);
        const code = codes.get(attempt);
        return code === undefined ? void waiting.push({ attempt, answer }) : say(answer, { code });
      }
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  return {
    url,
    starts: (attemptId) => up.get(attemptId) ?? 0,
    wasTold: (attemptId) => told.has(attemptId),
    end(attemptId, code) {
      codes.set(attemptId, code);
      for (const { attempt, answer } of waiting) if (attempt === attemptId) say(answer, { code });
    },
    hold() {
      const mine: ServerResponse[] = [];
      held = mine;
      return () => {
        held = undefined;
        for (const answer of mine) say(answer, {});
      };
    },
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}
