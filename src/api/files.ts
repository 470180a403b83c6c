import type { FileEntry } from "../contract/files.ts";
import { files as routes } from "../contract/routes/files.ts";
import { mustMayRead, mustMayWrite } from "../core/files/access.ts";
import type { Lookups } from "../core/files/lookups.ts";
import { cleanPath, joinUri } from "../core/files/paths.ts";
import type { Files, FoundFile } from "../core/files/ports.ts";
import { sendFile } from "./bytes.ts";
import { implement } from "./implement.ts";
import type { RawRoute } from "./raw-route.ts";

export interface FileRouteDeps {
  readonly files: Files;
  readonly lookups: Pick<Lookups, "run" | "deployment">;
}

export function makeFileRoutes(deps: FileRouteDeps): RawRoute[] {
  const { files } = deps;
  return [
    implement(routes.list, async ({ params: { workspace }, query, call }) => {
      await mustMayRead(deps, call.principal, workspace, query.uri);
      const { limit, cursor } = query;
      const listing = await files.list(workspace, query.uri, {
        ...(limit === undefined ? {} : { limit }),
        ...(cursor === undefined ? {} : { cursor }),
      });
      return {
        uri: listing.uri,
        is_file: listing.isFile,
        items: listing.files.map((file) => entryOf(workspace, file)),
        ...(listing.localPath === undefined ? {} : { local_path: listing.localPath }),
        ...(listing.links.length === 0 ? {} : { links: [...listing.links] }),
        ...(listing.folders.length === 0 ? {} : { folders: [...listing.folders] }),
        ...(listing.cursor === undefined ? {} : { next_cursor: listing.cursor }),
      };
    }),
    implement(routes.uploads, async ({ params: { workspace }, body, call }) => {
      const paths = body.files.map((file) => file.path);
      await mustMayWrite(deps, call.principal, workspace, body.uri, paths);
      const { uri } = await files.resolve(workspace, body.uri);
      return {
        files: await Promise.all(
          body.files.map(async ({ path }) => {
            const target = joinUri(uri, cleanPath(path));
            const signed = await files.planWrite(workspace, target);
            return {
              path,
              url: signed?.url ?? contentUrl(workspace, target),
              ...(signed === undefined ? {} : { headers: signed.headers }),
            };
          }),
        ),
      };
    }),
    implement(routes.read, async ({ params: { workspace }, query, call }) => {
      await mustMayRead(deps, call.principal, workspace, query.uri);
      return sendFile(call.request, (range) => files.open(workspace, query.uri, range), query.uri);
    }),
    implement(routes.write, async ({ params: { workspace }, query, body, call }) => {
      await mustMayWrite(deps, call.principal, workspace, query.uri);
      await files.write(workspace, query.uri, body);
      return { stored: 1 };
    }),
  ];
}

function contentUrl(workspace: string, uri: string): string {
  return `/api/v1/workspaces/${workspace}/content?uri=${encodeURIComponent(uri)}`;
}

function entryOf(workspace: string, file: FoundFile): FileEntry {
  const { path, sizeBytes, sha256, executable, uri, localPath, signed } = file;
  return {
    path,
    size_bytes: sizeBytes,
    ...(sha256 === undefined ? {} : { sha256 }),
    ...(executable === true ? { executable } : {}),
    url: signed?.url ?? contentUrl(workspace, uri),
    ...(signed === undefined ? {} : { headers: signed.headers }),
    ...(localPath === undefined ? {} : { local_path: localPath }),
  };
}
