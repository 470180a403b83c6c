import {
  InvokeCommand,
  InvokeWithResponseStreamCommand,
  type InvokeWithResponseStreamResponseEvent,
  type LambdaClient,
} from "@aws-sdk/client-lambda";
import { type HttpEvent, type HttpPrelude, PRELUDE_END_BYTES } from "../../../contract/replica.ts";
import { nameOf } from "../fault.ts";

/** Why a function gave no answer of its own. */
export interface Broken {
  readonly why: "throttled" | "resting" | "gone" | "too-large" | "timeout" | "died";
  readonly said: string;
}

export interface Answered {
  readonly prelude: HttpPrelude;
  /** Throws when the function breaks off. */
  readonly body: AsyncIterable<Uint8Array>;
}

/** Requests to functions. */
export interface Invoker {
  ask(functionName: string, event: HttpEvent): Promise<Answered | Broken>;
  /** Hands a copy over; nobody waits for its answer. */
  copy(functionName: string, event: HttpEvent): Promise<void>;
}

/** Lambda's limit on an event, and on one that nobody waits for. */
const EVENT_BYTES = 6 * 1024 * 1024;
const COPY_BYTES = 256 * 1024;
const PRELUDE_LIMIT_BYTES = 256 * 1024;
const SEPARATOR = Buffer.alloc(PRELUDE_END_BYTES);

export function openInvoker(lambda: LambdaClient): Invoker {
  return {
    async ask(FunctionName, event) {
      const Payload = Buffer.from(JSON.stringify(event));
      if (Payload.byteLength > EVENT_BYTES) return { why: "too-large", said: `${Payload.byteLength} bytes` };
      try {
        const { EventStream } = await lambda.send(new InvokeWithResponseStreamCommand({ FunctionName, Payload }));
        return await readAnswer(EventStream ?? []);
      } catch (error) {
        const broken = brokenBy(error);
        if (broken === undefined) throw error;
        return broken;
      }
    },
    async copy(FunctionName, event) {
      const Payload = Buffer.from(JSON.stringify(event));
      if (Payload.byteLength > COPY_BYTES) return;
      await lambda.send(new InvokeCommand({ FunctionName, InvocationType: "Event", Payload }));
    },
  };
}

type Events = AsyncIterable<InvokeWithResponseStreamResponseEvent> | Iterable<InvokeWithResponseStreamResponseEvent>;

/** Reads up to the end of the prelude; the body follows as it comes. */
async function readAnswer(events: Events): Promise<Answered | Broken> {
  const chunks = chunksOf(events);
  let read = Buffer.alloc(0);
  for (;;) {
    const { value, done } = await chunks.next();
    if (done === true) throw new FunctionError("Runtime.NoAnswer", "it answered nothing");
    read = Buffer.concat([read, value]);
    const end = read.indexOf(SEPARATOR);
    if (end < 0 && read.byteLength < PRELUDE_LIMIT_BYTES) continue;
    if (end < 0) throw new FunctionError("Runtime.NoAnswer", "its answer has no beginning");
    const prelude = JSON.parse(read.subarray(0, end).toString("utf8")) as HttpPrelude;
    return { prelude, body: joined(read.subarray(end + PRELUDE_END_BYTES), chunks) };
  }
}

async function* joined(first: Uint8Array, rest: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  if (first.byteLength > 0) yield first;
  yield* rest;
}

async function* chunksOf(events: Events): AsyncGenerator<Uint8Array, undefined> {
  for await (const event of events) {
    if (event.PayloadChunk?.Payload !== undefined) yield event.PayloadChunk.Payload;
    const { ErrorCode, ErrorDetails = "" } = event.InvokeComplete ?? {};
    if (ErrorCode !== undefined) throw new FunctionError(ErrorCode, ErrorDetails);
  }
  return undefined;
}

class FunctionError extends Error {
  override readonly name = "FunctionError";
  readonly code: string;

  constructor(code: string, details: string) {
    super(`${code} ${details}`.trim());
    this.code = code;
  }
}

function brokenBy(error: unknown): Broken | undefined {
  const said = error instanceof Error ? error.message : String(error);
  if (error instanceof FunctionError) return { why: /time/i.test(error.message) ? "timeout" : "died", said };
  const name = nameOf(error);
  if (/^(?:TooManyRequests|EC2Throttled|ENILimitReached|Throttling)/.test(name)) return { why: "throttled", said };
  if (name.startsWith("ResourceNotFound")) return { why: "gone", said };
  if (/^(?:ResourceNotReady|ResourceConflict|InvalidState)/.test(name)) return { why: "resting", said };
  if (/^Request(?:Entity)?TooLarge/.test(name)) return { why: "too-large", said };
  return undefined;
}
