import { createHash, timingSafeEqual } from "node:crypto";
import { connect as connectSocket } from "node:net";
import type { Client, ClientChannel, SFTPWrapper } from "ssh2";
import { AppError } from "../../contract/errors.ts";

/** How a machine is reached; `hostKey` is the fingerprint it must show (`SHA256:…`). */
export interface SshTarget {
  readonly host: string;
  readonly port: number;
  readonly username: string;
  readonly hostKey: string;
}

export interface SshCredentials {
  readonly private_key?: string;
  readonly passphrase?: string;
  readonly password?: string;
}

/** One connection. Everything rejects with Unavailable once it is lost. */
export interface SshConnection {
  /** Runs a script with `sh`, its output in whole. Throws Unavailable when it ends with a status other than 0. */
  run(script: string, input?: string): Promise<string>;
  sftp(): Promise<SFTPWrapper>;
  /** Makes a port of that machine's loopback lead to a port of this one; answers the port. */
  forward(localPort: number, wantedPort: number): Promise<number>;
  readonly isOpen: () => boolean;
  close(): void;
}

const CONNECT_LIMIT_MS = 20_000;
const OUTPUT_LIMIT_CHARS = 1_000_000;

export async function openConnection(target: SshTarget, credentials: SshCredentials): Promise<SshConnection> {
  // Loaded with the first attached compute: most homes have none.
  const { Client: SshClient } = (await import("ssh2")).default;
  const client = new SshClient();
  await connect(client, target, credentials);
  let open = true;
  client.once("close", () => {
    open = false;
  });
  // Later errors end the connection; whoever uses it sees that.
  client.on("error", () => undefined);
  let localPort = 0;
  client.on("tcp connection", (_details, accept) => {
    const channel = accept();
    const socket = connectSocket({ port: localPort, host: "127.0.0.1" });
    socket.on("error", () => channel.destroy());
    channel.on("error", () => socket.destroy());
    socket.pipe(channel).pipe(socket);
  });
  const where = `${target.username}@${target.host}`;
  return {
    isOpen: () => open,
    run: (script, input = "") => run(client, where, script, input),
    sftp: () => promised(where, (done) => client.sftp(done)),
    async forward(port, wantedPort) {
      localPort = port;
      const bind = (at: number): Promise<number> =>
        promised(where, (done) =>
          client.forwardIn("127.0.0.1", at, (error, bound) => done(error, at === 0 ? bound : at)),
        );
      if (wantedPort === 0) return bind(0);
      return bind(wantedPort).catch(() => bind(0));
    },
    close: () => client.end(),
  };
}

function connect(client: Client, target: SshTarget, credentials: SshCredentials): Promise<void> {
  const where = `${target.username}@${target.host}:${target.port}`;
  let shown = "";
  return new Promise((resolve, reject) => {
    client.once("ready", () => resolve());
    client.once("error", (error: Error & { level?: string }) => {
      if (shown !== "" && !isSame(shown, target.hostKey)) reject(wrongHost(where, shown, target.hostKey));
      else if (error.level === "client-authentication") reject(refused(where, error));
      else
        reject(
          new AppError("Unavailable", `machine \`${where}\` can't be reached: ${error.message}`, {}, { cause: error }),
        );
    });
    try {
      client.connect({
        host: target.host,
        port: target.port,
        username: target.username,
        readyTimeout: CONNECT_LIMIT_MS,
        keepaliveInterval: 15_000,
        keepaliveCountMax: 3,
        hostVerifier: (key: Buffer) => {
          shown = `SHA256:${createHash("sha256").update(key).digest("base64").replace(/=+$/, "")}`;
          return isSame(shown, target.hostKey);
        },
        ...(credentials.private_key === undefined ? {} : { privateKey: credentials.private_key }),
        ...(credentials.passphrase === undefined ? {} : { passphrase: credentials.passphrase }),
        ...(credentials.password === undefined ? {} : { password: credentials.password }),
      });
    } catch (cause) {
      const hint = "give a private key in OpenSSH or PEM form, with its passphrase if it has one";
      reject(new AppError("InvalidArgument", `the private key for \`${where}\` can't be read`, { hint }, { cause }));
    }
  });
}

function isSame(shown: string, expected: string): boolean {
  const [a, b] = [Buffer.from(shown), Buffer.from(expected.trim().replace(/=+$/, ""))];
  return a.byteLength === b.byteLength && timingSafeEqual(a, b);
}

function wrongHost(where: string, shown: string, expected: string): AppError {
  return new AppError("Forbidden", `machine \`${where}\` shows host key \`${shown}\`, not \`${expected}\``, {
    hint: "if the machine was set up anew, put its new fingerprint into the compute; else somebody may be in between",
  });
}

function refused(where: string, cause: Error): AppError {
  return new AppError(
    "Forbidden",
    `machine \`${where}\` refused the credentials`,
    {
      hint: "put the account's private key or password into the compute; the public key belongs into its authorized_keys",
    },
    { cause },
  );
}

function promised<T>(where: string, ask: (done: (error: Error | undefined, value: T) => void) => unknown): Promise<T> {
  return new Promise((resolve, reject) => {
    const lost = (cause: unknown): void => {
      reject(new AppError("Unavailable", `the connection to \`${where}\` was lost`, {}, { cause }));
    };
    try {
      ask((error, value) => (error === undefined || error === null ? resolve(value) : lost(error)));
    } catch (error) {
      lost(error);
    }
  });
}

async function run(client: Client, where: string, script: string, input: string): Promise<string> {
  const channel = await promised<ClientChannel>(where, (done) => client.exec(`exec sh -c ${quoted(script)}`, done));
  let output = "";
  let errors = "";
  channel.setEncoding("utf8");
  channel.stderr.setEncoding("utf8");
  channel.on("data", (text: string) => {
    if (output.length < OUTPUT_LIMIT_CHARS) output += text;
  });
  channel.stderr.on("data", (text: string) => {
    if (errors.length < 4000) errors += text;
  });
  return new Promise((resolve, reject) => {
    let status: number | undefined;
    channel.on("exit", (code: number | null) => {
      status = code ?? undefined;
    });
    channel.on("close", () => {
      if (status === 0) resolve(output);
      else if (status === undefined) reject(new AppError("Unavailable", `the connection to \`${where}\` was lost`));
      else
        reject(
          new AppError("Unavailable", `a step on \`${where}\` failed (${status}): ${errors.trim() || output.trim()}`),
        );
    });
    channel.on("error", (cause: Error) => {
      reject(new AppError("Unavailable", `the connection to \`${where}\` was lost`, {}, { cause }));
    });
    channel.end(input);
  });
}

/** Text as one word of a POSIX shell. */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
