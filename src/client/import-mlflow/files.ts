import { AppError } from "../../contract/errors.ts";
import { eachOf } from "../each-of.ts";
import { sha256Of, summing } from "./digest.ts";
import { listOf, type Mlflow, numberOf, textOf } from "./rest.ts";
import type { Tally } from "./tally.ts";

/** Of one run or logged model, some of which are copied side by side. */
const AT_ONCE = 4;

/** The files of a run or of a logged model at one server. */
export interface Place {
  readonly server: Mlflow;
  readonly kind: "run" | "model";
  readonly id: string;
  readonly uri: string;
}

/** Every file below, path -> bytes; `undefined` where the server does not tell. */
export async function filesOf(place: Place): Promise<Map<string, number | undefined>> {
  const found = new Map<string, number | undefined>();
  const folders = [""];
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    const page =
      place.kind === "run"
        ? await place.server.get("/artifacts/list", { run_id: place.id, path: folder || undefined })
        : await place.server.get(`/logged-models/${place.id}/artifacts/directories`, {
            artifact_directory_path: folder || undefined,
          });
    for (const file of listOf(page.files)) {
      const path = textOf(file.path);
      if (path === folder) continue;
      if (file.is_dir === true) folders.push(path);
      else found.set(path, numberOf(file.file_size));
    }
  }
  return found;
}

/** The source's server reads its own store, whatever that is. */
export function readFrom(place: Place, path: string): Promise<ReadableStream<Uint8Array>> {
  return place.kind === "run"
    ? place.server.bytes("//get-artifact", { run_id: place.id, path })
    : place.server.bytes(`//ajax-api/2.0/mlflow/logged-models/${place.id}/artifacts/files`, {
        artifact_file_path: path,
      });
}

function ownPath(place: Place, path: string): string {
  const root = /^mlflow-artifacts:\/+(.*)$/.exec(place.uri)?.[1];
  if (root === undefined)
    throw new AppError(
      "Conflict",
      `artifacts of ${place.kind} \`${place.id}\` are not kept by the workspace but at \`${place.uri}\``,
    );
  const encoded = `${root}/${path}`.split("/").map(encodeURIComponent).join("/");
  return `//api/2.0/mlflow-artifacts/artifacts/${encoded}`;
}

/**
 * Copies what is missing or differs, and reads each copy back: counts what is equal by SHA-256. A file that can't be read or written is a problem
 * of its own; the others go on.
 */
export async function copyFiles(from: Place, to: Place, tally: Tally): Promise<void> {
  const wanted = await filesOf(from);
  if (wanted.size === 0) return;
  const there = await filesOf(to);
  await eachOf(wanted, AT_ONCE, async ([path, size]) => {
    tally.found("artifact_files");
    try {
      const target = ownPath(to, path);
      const sum = () => to.server.bytes(target).then(sha256Of);
      if (there.has(path) && (size === undefined || there.get(path) === size)) {
        const [first, copy] = await Promise.all([readFrom(from, path).then(sha256Of), sum()]);
        if (copy.sha256 === first.sha256) {
          tally.equal("artifact_files");
          tally.bytes(first.bytes);
          return;
        }
      }
      const passing = summing();
      await to.server.put(target, (await readFrom(from, path)).pipeThrough(passing.stream));
      const source = passing.digest();
      tally.copied("artifact_files");
      const copy = await sum();
      if (copy.sha256 !== source.sha256)
        throw new AppError(
          "Conflict",
          `its checksum is \`${copy.sha256}\` there and \`${source.sha256}\` at the source`,
        );
      tally.equal("artifact_files");
      tally.bytes(source.bytes);
    } catch (error) {
      tally.problem(`artifact \`${path}\` of ${from.kind} \`${from.id}\``, error);
    }
  });
}
