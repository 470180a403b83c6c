import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, open, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { inside } from "../files-node.ts";
import { type Digest, sha256Of, summing } from "../import-mlflow/digest.ts";

/** A file of the export, by its path in the folder. */
export interface FileFact {
  readonly path: string;
  readonly size_bytes: number;
  readonly sha256: string;
}

/** Where an export is written: each file appears under its name when it is whole and on disk. */
export interface ExportFolder {
  readonly path: string;
  /** What is only needed until the export is finished. */
  readonly staging: string;
  /** A file that is there with this size is kept. `open` is not called then. */
  fetch(
    path: string,
    size: number | undefined,
    open: () => Promise<ReadableStream<Uint8Array>>,
  ): Promise<{ readonly fact: FileFact; readonly fetched: boolean }>;
  write(path: string, text: string): Promise<FileFact>;
  /** Of a file that is there. */
  fact(path: string): Promise<FileFact>;
}

export function openFolder(path: string): ExportFolder {
  const staging = join(path, ".export");
  let count = 0;

  async function whole(to: string, fill: (part: string) => Promise<Digest>): Promise<Digest> {
    const part = join(staging, "parts", `${process.pid}-${count++}`);
    try {
      await mkdir(dirname(part), { recursive: true });
      const digest = await fill(part);
      await mkdir(dirname(to), { recursive: true });
      await rename(part, to);
      return digest;
    } catch (error) {
      await rm(part, { force: true });
      throw error;
    }
  }

  const factOf = (at: string, { sha256, bytes }: Digest): FileFact => ({ path: at, size_bytes: bytes, sha256 });

  return {
    path,
    staging,
    async fetch(at, size, openBody) {
      const to = inside(path, at);
      const there = await stat(to).catch(() => undefined);
      if (there?.isFile() && size !== undefined && there.size === size)
        return { fact: factOf(at, await digestOf(to)), fetched: false };
      const digest = await whole(to, async (part) => {
        const passing = summing();
        await store(part, (await openBody()).pipeThrough(passing.stream));
        return passing.digest();
      });
      return { fact: factOf(at, digest), fetched: true };
    },
    async write(at, text) {
      const bytes = Buffer.from(text);
      const digest = await whole(inside(path, at), async (part) => {
        await store(part, new Blob([bytes]).stream());
        return { bytes: bytes.length, sha256: createHash("sha256").update(bytes).digest("hex") };
      });
      return factOf(at, digest);
    },
    fact: async (at) => factOf(at, await digestOf(inside(path, at))),
  };
}

export function digestOf(path: string): Promise<Digest> {
  return sha256Of(createReadStream(path, { highWaterMark: 1024 * 1024 }));
}

async function store(path: string, body: ReadableStream<Uint8Array>): Promise<void> {
  const file = await open(path, "w");
  try {
    for await (const chunk of body) await file.writeFile(chunk);
    await file.datasync();
  } finally {
    await file.close();
  }
}
