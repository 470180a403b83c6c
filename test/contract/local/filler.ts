import { openObjects } from "../../../src/adapters/local/objects.ts";

/** `node filler.ts DIR` under a file size limit: puts an object below and one above it, and prints what became of them. */
const objects = openObjects({ dir: process.argv[2] ?? "" });

async function outcome(body: Uint8Array | ReadableStream<Uint8Array>): Promise<string> {
  try {
    await objects.put("a/large", body);
    return "stored";
  } catch (error) {
    return error instanceof Error && "code" in error ? String(error.code) : String(error);
  }
}

await objects.put("a/small", new Uint8Array(1000).fill(7));
const large = new Uint8Array(1024 * 1024);
const stream = new ReadableStream<Uint8Array>({
  pull(controller) {
    controller.enqueue(large);
  },
});
process.stdout.write(
  JSON.stringify({
    bytes: await outcome(large),
    stream: await outcome(stream),
    small: (await objects.head("a/small"))?.sizeBytes,
    large: await objects.head("a/large"),
  }),
);
