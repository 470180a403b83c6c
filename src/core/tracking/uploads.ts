import { AppError } from "../../contract/errors.ts";
import type { Clock } from "../ports/clock.ts";
import type { Ids } from "../ports/ids.ts";
import type { Signer } from "../ports/signer.ts";
import { artifactKey, artifactPath, mayWriteArtifact } from "./artifact-paths.ts";
import type { ArtifactDeps } from "./artifacts.ts";
import { invalid } from "./errors.ts";
import type { Caller } from "./runs.ts";

export interface UploadDeps extends ArtifactDeps {
  readonly signer: Signer;
  readonly clock: Clock;
  readonly ids: Ids;
}

const PARTS_LIMIT = 10_000;
const LIFE_MS = 24 * 3_600_000;
/** What a home's store takes directly is signed with its own credentials, which change within hours. */
const DIRECT_SEC = 6 * 3600;

interface PartClaims {
  readonly t: "part";
  readonly ws: string;
  readonly upload: string;
  readonly part: number;
  readonly exp: number;
}

/** An upload id is signed: it names the path and who began, and no other path or caller can use it. */
interface UploadClaims {
  readonly t: "upload";
  readonly ws: string;
  readonly path: string;
  readonly by: string;
  readonly id: string;
  readonly parts: number;
  readonly exp: number;
}

function partKey(workspace: string, upload: string, part: number): string {
  return `ws/${workspace}/uploads/${upload}/${String(part).padStart(5, "0")}`;
}

/** Where a part's bytes go: straight to the store, or to this server with a token that is good for this part alone. */
export type PartTarget =
  | { readonly url: string; readonly headers: Readonly<Record<string, string>> }
  | { readonly token: string };

/** Begins an upload in parts. */
export async function createUpload(
  deps: UploadDeps,
  { workspace, principal }: Caller,
  path: string,
  parts: number,
): Promise<{ readonly uploadId: string; readonly targets: readonly PartTarget[] }> {
  const clean = artifactPath(path);
  if (clean === "") throw new AppError("InvalidPath", "Invalid path");
  if (parts < 1 || parts > PARTS_LIMIT)
    throw invalid(`Invalid value ${parts} for parameter 'num_parts' supplied: It must be from 1 to ${PARTS_LIMIT}`);
  await mayWriteArtifact(deps, principal, workspace, clean);
  const id = deps.ids.hex32();
  const exp = deps.clock.now() + LIFE_MS;
  const claims: UploadClaims = { t: "upload", ws: workspace, path: clean, by: principal.name, id, parts, exp };
  const targets: PartTarget[] = [];
  for (let part = 1; part <= parts; part++) {
    const direct = await deps.objects.sign("put", partKey(workspace, id, part), DIRECT_SEC);
    targets.push(
      direct ?? {
        token: await deps.signer.sign({ t: "part", ws: workspace, upload: id, part, exp } satisfies PartClaims),
      },
    );
  }
  return { uploadId: await deps.signer.sign({ ...claims }), targets };
}

/** Stores one part; answers its ETag. */
export async function putPart(deps: UploadDeps, token: string, body: ReadableStream<Uint8Array>): Promise<string> {
  const claims = (await deps.signer.verify(token)) as Partial<PartClaims> | undefined;
  if (
    claims?.t !== "part" ||
    claims.ws === undefined ||
    claims.upload === undefined ||
    claims.part === undefined ||
    (claims.exp ?? 0) < deps.clock.now()
  ) {
    throw new AppError("Unauthenticated", "the address of this part is not one of this server's, or too old");
  }
  const { info } = await deps.objects.put(partKey(claims.ws, claims.upload, claims.part), body);
  return info.etag;
}

async function claimsOf(
  deps: UploadDeps,
  { workspace, principal }: Caller,
  path: string,
  uploadId: string,
): Promise<UploadClaims> {
  const claims = (await deps.signer.verify(uploadId)) as UploadClaims | undefined;
  const fits =
    claims?.t === "upload" &&
    claims.ws === workspace &&
    claims.path === artifactPath(path) &&
    claims.by === principal.name;
  if (!fits || claims.exp < deps.clock.now())
    throw invalid("Invalid upload id: it is not of this path and caller, or too old");
  return claims;
}

/** Joins the parts, in order, into the artifact. */
export async function completeUpload(
  deps: UploadDeps,
  caller: Caller,
  path: string,
  uploadId: string,
  parts: readonly { readonly number: number; readonly etag: string }[],
): Promise<void> {
  const claims = await claimsOf(deps, caller, path, uploadId);
  await mayWriteArtifact(deps, caller.principal, caller.workspace, claims.path);
  const sorted = [...parts].sort((a, b) => a.number - b.number);
  if (sorted.length === 0 || sorted.some((part, i) => part.number !== i + 1))
    throw invalid("Invalid parts: they must be numbered 1, 2, 3 and so on, each once");
  const keys = sorted.map((part) => partKey(caller.workspace, claims.id, part.number));
  for (const [i, key] of keys.entries()) {
    const info = await deps.objects.head(key);
    const etag = sorted[i]?.etag.replaceAll('"', "");
    if (info === undefined || (etag !== "" && info.etag.replaceAll('"', "") !== etag))
      throw invalid(`Invalid part ${i + 1}: it was not uploaded, or its etag is another`);
  }
  await deps.objects.compose(keys, artifactKey(caller.workspace, claims.path));
}

export async function abortUpload(deps: UploadDeps, caller: Caller, path: string, uploadId: string): Promise<void> {
  const claims = await claimsOf(deps, caller, path, uploadId);
  await deps.objects.delete(
    Array.from({ length: claims.parts }, (_, i) => partKey(caller.workspace, claims.id, i + 1)),
  );
}
