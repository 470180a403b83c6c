import { Readable } from "node:stream";
import type { ReadableStream as NodeReadableStream } from "node:stream/web";
import type { ZipFile } from "yazl";
import type { ArchiveEntry, Archiver } from "../../core/ports/archive.ts";

/** Earliest time that a zip file can tell: archives of equal trees are equal bytes. */
const MODIFIED = new Date(1980, 0, 1);
const FILE = 0o100644;
const PROGRAM = 0o100755;
const FOLDER = 0o40755;
const SYMLINK = 0o120777;

/** The Archiver port on yazl, which is loaded with the first archive. */
export function makeArchiver(): Archiver {
  return {
    zip(entries) {
      const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
      open(entries)
        .then((archive) => archive.pipeTo(writable))
        // Whoever reads hears of it; when they have left, nobody has to.
        .catch((error: unknown) => writable.abort(error).catch(() => undefined));
      return readable;
    },
  };
}

async function open(entries: readonly ArchiveEntry[]): Promise<ReadableStream<Uint8Array>> {
  // NOTE: in a bundle a CommonJS package that is loaded by `import()` has nothing but its default.
  const { default: yazl } = await import("yazl");
  const zip = new yazl.ZipFile();
  const fail = (error: unknown) => zip.outputStream.emit("error", error);
  zip.on("error", fail);
  for (const entry of entries) add(zip, entry, fail);
  zip.end();
  return Readable.toWeb(zip.outputStream as Readable) as ReadableStream<Uint8Array>;
}

function add(zip: ZipFile, entry: ArchiveEntry, fail: (error: unknown) => void): void {
  const path = zipPath(entry.path);
  const common = { mtime: MODIFIED, forceDosTimestamp: true };
  switch (entry.kind) {
    case "folder":
      zip.addEmptyDirectory(path, { ...common, mode: FOLDER });
      return;
    case "symlink":
      zip.addBuffer(Buffer.from(entry.target), path, { ...common, mode: SYMLINK, compress: false });
      return;
    case "file":
      zip.addReadStreamLazy(path, { ...common, mode: entry.executable ? PROGRAM : FILE }, (done) => {
        entry
          .open()
          .then(
            (stream) => done(null, Readable.fromWeb(stream as NodeReadableStream<Uint8Array>).on("error", fail)),
            fail,
          );
      });
  }
}

/** A backslash, and a colon after one letter, mean another folder or drive where zip files are opened on Windows; yazl refuses them. */
function zipPath(path: string): string {
  return path.replaceAll("\\", "%5C").replace(/^([A-Za-z]):/, "$1%3A");
}
