import { Agent, type ClientRequest, type IncomingMessage, request } from "node:http";
import { PRELUDE_TYPE } from "../../contract/replica.ts";
import { readBody } from "../body.ts";

/** One invocation. Exactly one of `answer`, `stream` and `fail` is called. */
export interface Invocation {
  readonly event: unknown;
  /** Until then it must be answered; milliseconds since the epoch. */
  readonly deadlineMs: number;
  answer(value: unknown): Promise<void>;
  /** Begins an answer that goes out as it comes, with an `HttpPrelude` first. */
  stream(): StreamedAnswer;
  fail(type: string, message: string): Promise<void>;
}

export interface StreamedAnswer {
  readonly to: ClientRequest;
  /** Resolves when the answer has been taken. */
  readonly taken: Promise<void>;
  /** The answer breaks off here. */
  breakOff(reason: string): void;
}

const BASE = "/2018-06-01/runtime/invocation";
/** Lambda takes 6 MB at most. */
const EVENT_LIMIT_BYTES = 16 * 1024 * 1024;
const ERROR_TYPE = "lambda-runtime-function-error-type";
const ERROR_BODY = "lambda-runtime-function-error-body";

/** Lambda's Runtime API: asks for one invocation after the other. Rejects when it is not there. */
export function openRuntime(address: string): { next(): Promise<Invocation> } {
  const [hostname, port] = address.split(":");
  const agent = new Agent({ keepAlive: true });
  const open = (method: string, path: string, headers: Readonly<Record<string, string>>): ClientRequest =>
    request({ hostname, port, agent, method, path, headers });

  async function post(path: string, value: unknown, headers: Readonly<Record<string, string>> = {}): Promise<void> {
    const text = JSON.stringify(value);
    const sent = open("POST", path, {
      "content-type": "application/json",
      "content-length": String(Buffer.byteLength(text)),
      ...headers,
    });
    const taken = answerTo(sent);
    sent.end(text);
    await readBody(await taken, EVENT_LIMIT_BYTES);
  }

  return {
    async next() {
      const asked = open("GET", `${BASE}/next`, {});
      const coming = answerTo(asked);
      asked.end();
      const answer = await coming;
      const body = await readBody(answer, EVENT_LIMIT_BYTES);
      const id = answer.headers["lambda-runtime-aws-request-id"];
      if (answer.statusCode !== 200 || typeof id !== "string" || body === undefined)
        throw new Error(`the Runtime API answered ${answer.statusCode} when asked for the next invocation`);
      return {
        event: JSON.parse(body.toString("utf8")) as unknown,
        deadlineMs: Number(answer.headers["lambda-runtime-deadline-ms"]),
        answer: (value) => post(`${BASE}/${id}/response`, value),
        fail: (errorType, errorMessage) =>
          post(`${BASE}/${id}/error`, { errorType, errorMessage }, { [ERROR_TYPE]: errorType }),
        stream() {
          const to = open("POST", `${BASE}/${id}/response`, {
            "content-type": PRELUDE_TYPE,
            "lambda-runtime-function-response-mode": "streaming",
            "transfer-encoding": "chunked",
            trailer: `${ERROR_TYPE}, ${ERROR_BODY}`,
          });
          const taken = answerTo(to).then(async (end) => void (await readBody(end, EVENT_LIMIT_BYTES)));
          return {
            to,
            taken,
            breakOff(reason) {
              const told = Buffer.from(JSON.stringify({ errorType: "Unavailable", errorMessage: reason }));
              to.addTrailers({ [ERROR_TYPE]: "Unavailable", [ERROR_BODY]: told.toString("base64") });
              to.end();
            },
          };
        },
      };
    },
  };
}

function answerTo(sent: ClientRequest): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    sent.once("response", resolve);
    sent.once("error", reject);
  });
}
