import { AppError } from "../../contract/errors.ts";
import type { Message } from "./bus.ts";
import { jsonSize } from "./table-rules.ts";

const BODY_LIMIT_BYTES = 256 * 1024;

/** Throws AppError("InvalidArgument") or "TooLarge" for a message no home could carry. */
export function checkMessage({ topic, id, body }: Message): void {
  if (topic === "" || id === "" || !topic.isWellFormed() || !id.isWellFormed()) {
    throw new AppError(
      "InvalidArgument",
      `message \`${id}\` on topic \`${topic}\`: both names must be non-empty, well-formed text`,
    );
  }
  const sizeBytes = jsonSize(body, "body");
  if (sizeBytes > BODY_LIMIT_BYTES) {
    throw new AppError(
      "TooLarge",
      `message \`${id}\` on topic \`${topic}\` has ${sizeBytes} bytes; at most ${BODY_LIMIT_BYTES} are possible`,
    );
  }
}

/** Throws AppError("InvalidArgument") unless messages can be held back so long. */
export function checkDelay(delaySec: number): void {
  if (!Number.isFinite(delaySec) || delaySec < 0) {
    throw new AppError("InvalidArgument", `\`delaySec\` is 0 or more, not \`${delaySec}\``);
  }
}

/** Throws AppError("InvalidArgument") for a timer without name or time, and for a message no bus could carry. */
export function checkTimer(id: string, atMs: number, message: Message): void {
  if (id === "" || !id.isWellFormed() || !Number.isFinite(atMs)) {
    throw new AppError("InvalidArgument", `timer \`${id}\` at \`${atMs}\` needs a name and a time`);
  }
  checkMessage(message);
}
