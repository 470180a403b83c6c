import { createHash } from "node:crypto";
import { connect, createServer, type Socket } from "node:net";
import { createInterface } from "node:readline";
import { pause } from "../../client/retry.ts";
import type { CommandEnd } from "../command.ts";
import type { Machine } from "../distribution.ts";
import type { RunnerRequest } from "../request.ts";

/** What the keepers of an attempt's machines say to each other, one JSON a line; the main one answers the others. */
type Word =
  /** First: who it is, and that it is of this attempt. */
  | { readonly join: { readonly node: number; readonly token: string; readonly ports: readonly number[] } }
  /** All are there. */
  | { readonly machines: readonly Machine[] }
  | { readonly ended: CommandEnd }
  /** To all: end the command. */
  | { readonly stop: string }
  /** What the command left is stored. */
  | { readonly stored: true };

/** The other machines, as the main one sees them. */
export interface Others {
  /** In order, itself first, once all are there. */
  readonly machines: Promise<readonly Machine[]>;
  /** Ends of their commands. */
  readonly ends: readonly Promise<CommandEnd>[];
  /** All of them have stored what they have, or are gone. */
  readonly stored: Promise<unknown>;
  stop(reason: string): void;
  close(): void;
}

/** The main machine, as another sees it. */
export interface Main {
  readonly machines: Promise<readonly Machine[]>;
  /** Why the command shall end. */
  readonly stopped: Promise<string>;
  ended(end: CommandEnd): void;
  stored(): void;
}

const TRY_MS = 1000;

/** The same on all machines of an attempt, without anybody telling. */
function portOf({ workspace, attemptId }: RunnerRequest): number {
  return 20_000 + (createHash("sha256").update(`${workspace} ${attemptId}`).digest().readUInt16BE(0) % 10_000);
}

interface Member {
  readonly came: (machine: Machine) => void;
  readonly machine: Promise<Machine>;
  readonly ended: (end: CommandEnd) => void;
  readonly end: Promise<CommandEnd>;
  readonly stored: () => void;
  readonly store: Promise<void>;
  socket?: Socket;
}

/** Waits, on the main machine, for the others. */
export function awaitOthers(request: RunnerRequest, count: number, ports: readonly number[]): Others {
  const members = Array.from({ length: count - 1 }, makeMember);
  let own = "127.0.0.1";
  let reason: string | undefined;
  const server = createServer((socket) => {
    let member: Member | undefined;
    onWords(socket, (word) => {
      if ("join" in word) {
        member = word.join.token === request.token ? members[word.join.node - 1] : undefined;
        if (member === undefined) return void socket.destroy();
        member.socket = socket;
        own = plain(socket.localAddress);
        member.came({ address: plain(socket.remoteAddress), ports: word.join.ports });
        if (reason !== undefined) say(socket, { stop: reason });
      } else if ("ended" in word) member?.ended(word.ended);
      else if ("stored" in word) member?.stored();
    });
    socket.once("close", () => {
      const node = member === undefined ? -1 : members.indexOf(member) + 1;
      member?.ended({ exitCode: undefined, signal: undefined, reason: `machine ${node} of the job was lost` });
      member?.stored();
    });
  });
  server.listen(portOf(request));
  const machines = Promise.all(members.map((member) => member.machine)).then((others) => {
    const all = [{ address: own, ports }, ...others];
    for (const { socket } of members) say(socket, { machines: all });
    return all;
  });
  return {
    machines,
    ends: members.map((member) => member.end),
    stored: Promise.all(members.map((member) => member.store)),
    stop(why) {
      reason = why;
      for (const { socket } of members) say(socket, { stop: why });
    },
    close() {
      server.close();
      for (const { socket } of members) socket?.destroy();
    },
  };
}

/** Finds, on another machine, the main one; it may not be up yet. */
export function joinMain(
  request: RunnerRequest,
  of: { readonly node: number; readonly main: string; readonly ports: readonly number[] },
): Main {
  const machines = Promise.withResolvers<readonly Machine[]>();
  const stopped = Promise.withResolvers<string>();
  let socket: Socket | undefined;
  const dial = async () => {
    for (;;) {
      socket = await dialOnce(of.main, portOf(request));
      if (socket !== undefined) break;
      await pause(TRY_MS);
    }
    onWords(socket, (word) => {
      if ("machines" in word) machines.resolve(word.machines);
      else if ("stop" in word) stopped.resolve(word.stop);
    });
    socket.once("close", () => stopped.resolve("the job's main machine is gone"));
    say(socket, { join: { node: of.node, token: request.token, ports: of.ports } });
  };
  void dial();
  return {
    machines: machines.promise,
    stopped: stopped.promise,
    ended: (ended) => say(socket, { ended }),
    stored: () => say(socket, { stored: true }),
  };
}

function dialOnce(host: string, port: number): Promise<Socket | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, keepAlive: true });
    socket.once("connect", () => resolve(socket));
    socket.on("error", () => resolve(undefined));
  });
}

function makeMember(): Member {
  const machine = Promise.withResolvers<Machine>();
  const end = Promise.withResolvers<CommandEnd>();
  const store = Promise.withResolvers<void>();
  return {
    came: machine.resolve,
    machine: machine.promise,
    ended: end.resolve,
    end: end.promise,
    stored: store.resolve,
    store: store.promise,
  };
}

function say(socket: Socket | undefined, word: Word): void {
  if (socket?.writable) socket.write(`${JSON.stringify(word)}\n`);
}

/** A line that is no word of ours ends the talk. */
function onWords(socket: Socket, hear: (word: Word) => void): void {
  socket.on("error", () => socket.destroy());
  createInterface({ input: socket }).on("line", (line) => {
    try {
      hear(JSON.parse(line) as Word);
    } catch {
      socket.destroy();
    }
  });
}

/** Of an IPv4 address that came over a socket for both. */
function plain(address: string | undefined): string {
  return (address ?? "127.0.0.1").replace(/^::ffff:/, "");
}
