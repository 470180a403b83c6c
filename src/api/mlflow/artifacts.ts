import { AppError } from "../../contract/errors.ts";
import { isEventFile } from "../../contract/event-files/metric-keys.ts";
import { SIGNED_SEC } from "../../core/ports/objects.ts";
import { getModel, type RegistryDeps } from "../../core/registry/models.ts";
import { downloadUri, resolveSource } from "../../core/registry/resolve.ts";
import { versionOf } from "../../core/registry/versions.ts";
import { artifactKey, artifactPath, proxiedPath } from "../../core/tracking/artifact-paths.ts";
import {
  type ArtifactDeps,
  deleteArtifact,
  listArtifacts,
  listBelow,
  readArtifact,
  writeArtifact,
} from "../../core/tracking/artifacts.ts";
import { invalid, missing } from "../../core/tracking/errors.ts";
import type { makeEventFiles } from "../../core/tracking/event-files.ts";
import { getLoggedModel, type LoggedModelDeps } from "../../core/tracking/logged-models.ts";
import { getRun, type RunDeps } from "../../core/tracking/runs.ts";
import { abortUpload, completeUpload, createUpload, putPart, type UploadDeps } from "../../core/tracking/uploads.ts";
import type { ApiRequest, Call, RawRoute } from "../raw-route.ts";
import type { Args } from "./args.ts";
import { mlflowError } from "./errors.ts";
import { fileResponse } from "./file-response.ts";
import { filesJson } from "./render.ts";
import { mlflowRoutes } from "./route.ts";

const A = "/2.0/mlflow-artifacts";
const READ = { resource: "tracking", action: "read" } as const;
const WRITE = { resource: "tracking", action: "update" } as const;
const DELETE = { resource: "tracking", action: "delete" } as const;
const UI_LIMIT_BYTES = 10 * 1024 * 1024;

export type ArtifactRouteDeps = LoggedModelDeps &
  ArtifactDeps &
  UploadDeps &
  RunDeps &
  RegistryDeps & {
    /** Files of registered models that lie elsewhere, as artifacts. */
    readonly registered: RegisteredFiles;
  };

/** Read-only artifacts below `registered-models/`; undefined for paths that are not there. */
export interface RegisteredFiles {
  list(
    workspace: string,
    path: string,
  ): Promise<readonly { readonly name: string; readonly isDir: boolean; readonly sizeBytes?: number }[] | undefined>;
  open(
    workspace: string,
    path: string,
    range?: { start: number; end?: number },
  ): Promise<import("../../core/ports/objects.ts").ObjectBody | undefined>;
}

const pathOf = (call: Call): string => artifactPath(call.params.path ?? "");

/** Bytes through the server: a route whose body is not JSON. */
function byteRoutes(
  method: RawRoute["method"],
  path: string,
  access: RawRoute["access"],
  handle: (call: Call) => Promise<Response>,
  prefixes: readonly string[] = ["/api", "/ajax-api"],
): RawRoute[] {
  return prefixes.map((prefix) => ({
    id: `mlflow${prefix}:${method} ${path}`,
    method,
    path: `${prefix}${path}`,
    base: "workspace" as const,
    access,
    onError: mlflowError,
    handle,
  }));
}

/** What MLflow answers to bytes that are stored: nothing. */
function stored(type?: string): Response {
  return new Response(null, { headers: type === undefined ? {} : { "content-type": type } });
}

export function artifactRoutes(deps: ArtifactRouteDeps): RawRoute[] {
  const onStored = lazyEventFiles(deps);
  return [...proxyRoutes(deps, onStored), ...uploadRoutes(deps, onStored), ...viewRoutes(deps, onStored)];
}

type OnStored = ReturnType<typeof makeEventFiles>;

/** Their reader is loaded with the first of them. */
function lazyEventFiles(deps: ArtifactRouteDeps): OnStored {
  let reader: Promise<OnStored> | undefined;
  return async (workspace, path) => {
    if (!isEventFile(path)) return;
    reader ??= import("../../core/tracking/event-files.ts").then((it) => it.makeEventFiles(deps));
    await (await reader)(workspace, path);
  };
}

function proxyRoutes(deps: ArtifactRouteDeps, onStored: OnStored): RawRoute[] {
  return [
    ...byteRoutes("GET", `${A}/artifacts/{path+}`, READ, (call) => {
      const path = pathOf(call);
      return servePath(deps, call, path);
    }),
    ...byteRoutes("PUT", `${A}/artifacts/{path+}`, WRITE, async (call) => {
      mustNameFile(call.params.path ?? "");
      await writeArtifact(deps, call, pathOf(call), call.request.body ?? new Uint8Array(0));
      await onStored(call.workspace, pathOf(call));
      return stored();
    }),
    ...mlflowRoutes("DELETE", `${A}/artifacts/{path+}`, DELETE, async ({ call, ...caller }) => {
      await deleteArtifact(deps, caller, pathOf(call));
    }),
    ...mlflowRoutes("GET", `${A}/artifacts`, READ, async ({ args, workspace }) => {
      const path = artifactPath(args.text("path") ?? "");
      const entries = (await deps.registered.list(workspace, path)) ?? (await listArtifacts(deps, workspace, path));
      return entries.length === 0 ? {} : { files: filesJson(entries.map((entry) => ({ ...entry, path: entry.name }))) };
    }),
    ...mlflowRoutes("GET", `${A}/presigned/{path+}`, READ, async ({ call, workspace }) => {
      const path = pathOf(call);
      const info = await deps.objects.head(artifactKey(workspace, path));
      const signed =
        info === undefined ? undefined : await deps.objects.sign("get", artifactKey(workspace, path), SIGNED_SEC);
      if (signed === undefined)
        throw new AppError("NotSupported", "Multipart download is not supported for the current artifact repository");
      return { url: signed.url, headers: signed.headers, ...(info === undefined ? {} : { file_size: info.sizeBytes }) };
    }),
  ];
}

function servePath(deps: ArtifactRouteDeps, call: Call, path: string): Promise<Response> {
  const key = artifactKey(call.workspace, path);
  return fileResponse(
    call.request,
    path,
    (range) => openPath(deps, call.workspace, path, range),
    async () => {
      const signed = await deps.objects.sign("get", key, SIGNED_SEC);
      // Files of registered models that lie elsewhere have no such key.
      return signed === undefined || (await deps.objects.head(key)) === undefined ? undefined : signed;
    },
  );
}

async function openPath(
  deps: ArtifactRouteDeps,
  workspace: string,
  path: string,
  range?: { start: number; end?: number },
) {
  return (await deps.registered.open(workspace, path, range)) ?? readArtifact(deps, workspace, path, range);
}

/** The client sends its own path of the file, whatever its machine; the base name, below the folder of the address, is where it goes. */
function uploadPath(call: Call, args: Args): string {
  const file = artifactPath(args.required("path").split(/[/\\]/).at(-1) ?? "");
  const folder = pathOf(call);
  return folder === "" ? file : `${folder}/${file}`;
}

function uploadRoutes(deps: ArtifactRouteDeps, onStored: OnStored): RawRoute[] {
  const folders = ["", "/{path+}"];
  return [
    ...folders.flatMap((folder) => [
      ...mlflowRoutes("POST", `${A}/mpu/create${folder}`, WRITE, async ({ call, args, ...caller }) => {
        const { uploadId, targets } = await createUpload(
          deps,
          caller,
          uploadPath(call, args),
          args.requiredInt("num_parts"),
        );
        const at = call.url.pathname.lastIndexOf("/mpu/create");
        const base = `${call.url.origin}${call.url.pathname.slice(0, at)}/mpu/part`;
        return {
          upload_id: uploadId,
          credentials: targets.map((target, i) => ({
            url: "url" in target ? target.url : `${base}?token=${encodeURIComponent(target.token)}`,
            part_number: i + 1,
            headers: "url" in target ? target.headers : {},
          })),
        };
      }),
      ...mlflowRoutes("POST", `${A}/mpu/complete${folder}`, WRITE, async ({ call, args, ...caller }) => {
        const parts = args
          .objects("parts")
          .map((part) => ({ number: part.requiredInt("part_number"), etag: part.text("etag") ?? "" }));
        await completeUpload(deps, caller, uploadPath(call, args), args.required("upload_id"), parts);
        await onStored(caller.workspace, uploadPath(call, args));
      }),
      ...mlflowRoutes("POST", `${A}/mpu/abort${folder}`, WRITE, async ({ call, args, ...caller }) => {
        await abortUpload(deps, caller, uploadPath(call, args), args.required("upload_id"));
      }),
    ]),
    // The signed token in the address is the caller's right to this one part.
    ...byteRoutes("PUT", `${A}/mpu/part`, "open", async (call) => {
      const etag = await putPart(
        deps,
        call.url.searchParams.get("token") ?? "",
        call.request.body ?? new Blob([]).stream(),
      );
      return new Response(null, { headers: { etag: `"${etag.replaceAll('"', "")}"` } });
    }),
  ];
}

function viewRoutes(deps: ArtifactRouteDeps, onStored: OnStored): RawRoute[] {
  const ofUi = ["", "/ajax-api/2.0/mlflow"];
  return [
    ...mlflowRoutes("GET", "/2.0/mlflow/artifacts/list", READ, async ({ args, workspace }) => {
      const runId = args.text("run_id") ?? args.text("run_uuid") ?? "";
      if (runId === "") throw missing("run_id");
      const path = artifactPath(args.text("path") ?? "");
      const run = await getRun(deps, workspace, runId);
      const files = await listBelow(deps, workspace, run.artifactUri, path);
      return { root_uri: run.artifactUri, ...(files.length === 0 ? {} : { files: filesJson(files) }) };
    }),
    ...byteRoutes(
      "GET",
      "/get-artifact",
      READ,
      async (call) => {
        const query = call.url.searchParams;
        const path = query.get("path");
        if (path === null || path === "") throw missing("path");
        const runId = query.get("run_id") ?? query.get("run_uuid");
        if (runId === null) throw missing("run_id");
        artifactPath(path);
        const run = await getRun(deps, call.workspace, runId);
        return serveBelow(deps, call, run.artifactUri, path);
      },
      ofUi,
    ),
    ...byteRoutes(
      "GET",
      "/model-versions/get-artifact",
      READ,
      async (call) => {
        const query = call.url.searchParams;
        const [name, version, path] = ["name", "version", "path"].map((field) => {
          const value = query.get(field);
          if (value === null || value === "") throw missing(field);
          return value;
        });
        artifactPath(path ?? "");
        const model = await getModel(deps, call.workspace, name ?? "");
        const uri = await downloadUri(deps, call.workspace, model, await versionOf(deps, model, version ?? ""));
        return serveBelow(deps, call, await resolveSource(deps, call.workspace, uri), path ?? "");
      },
      ofUi,
    ),
    ...byteRoutes(
      "GET",
      "/2.0/mlflow/logged-models/{model_id}/artifacts/files",
      READ,
      async (call) => {
        const path = call.url.searchParams.get("artifact_file_path");
        if (path === null || path === "") throw missing("artifact_file_path");
        const model = await getLoggedModel(deps, call.workspace, call.params.model_id ?? "");
        return serveBelow(deps, call, model.artifactUri, path);
      },
      ["/ajax-api"],
    ),
    ...byteRoutes(
      "POST",
      "/upload-artifact",
      WRITE,
      async (call) => {
        const query = call.url.searchParams;
        const runId = query.get("run_uuid");
        if (runId === null || runId === "") throw invalid("Request must specify run_uuid.");
        const path = query.get("path");
        if (path === null || path === "") throw invalid("Request must specify path.");
        const clean = artifactPath(path);
        const bytes = await small(call.request);
        if (bytes.byteLength === 0) throw invalid("Request must specify data.");
        mustNameFile(path);
        const run = await getRun(deps, call.workspace, runId);
        const full = `${rootOf(run.artifactUri)}/${clean}`;
        await writeArtifact(deps, call, full, bytes);
        await onStored(call.workspace, full);
        return stored("application/json");
      },
      ["/ajax-api/2.0/mlflow"],
    ),
    ...(["upload", "download"] as const).flatMap((direction) =>
      mlflowRoutes(
        "POST",
        `/2.0/mlflow/artifacts/presigned-${direction}-url`,
        direction === "upload" ? WRITE : READ,
        () => {
          throw new AppError(
            "NotSupported",
            `Presigned ${direction} is not supported for the current artifact repository`,
          );
        },
      ),
    ),
  ];
}

function mustNameFile(path: string): void {
  if (path.endsWith("/")) throw invalid("Artifact path must include a filename (cannot end with '/').");
}

function rootOf(uri: string): string {
  const root = proxiedPath(uri);
  if (root === undefined)
    throw new AppError(
      "NotSupported",
      `artifacts at \`${uri}\` are not kept by this server; the client reads them itself`,
    );
  return root;
}

function serveBelow(deps: ArtifactRouteDeps, call: Call, uri: string, path: string): Promise<Response> {
  const full = `${rootOf(uri)}/${artifactPath(path)}`;
  return servePath(deps, call, full);
}

async function small(request: ApiRequest): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of request.body ?? []) {
    size += chunk.byteLength;
    if (size > UI_LIMIT_BYTES) throw invalid("Artifact size is too large. Max size is 10MB.");
    chunks.push(chunk);
  }
  return new Uint8Array(await new Blob(chunks as Uint8Array<ArrayBuffer>[]).arrayBuffer());
}
