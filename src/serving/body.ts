import type { IncomingMessage } from "node:http";

/** A message's bytes, or undefined when there are more than `limit`. Rejects when the sender leaves before the end. */
export function readBody(message: IncomingMessage, limit: number): Promise<Buffer | undefined> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    message.on("data", (chunk: Buffer) => {
      size += chunk.byteLength;
      if (size > limit) {
        message.removeAllListeners("data");
        message.resume();
        resolve(undefined);
      } else chunks.push(chunk);
    });
    message.on("end", () =>
      resolve(chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks)),
    );
    message.on("error", reject);
    message.on("close", () => reject(new Error("the sender left")));
  });
}
