import * as z from "zod";
import { pageOf } from "./common.ts";

/** One file under a URI. */
export const FileEntry = z.object({
  /** Relative to the URI asked for; the base name when the URI is a file itself. */
  path: z.string(),
  size_bytes: z.number().int(),
  sha256: z.string().optional(),
  executable: z.boolean().optional(),
  /** Where to GET the bytes: relative to the API's address (send the token) or absolute (send nothing but `headers`). */
  url: z.string(),
  headers: z.record(z.string(), z.string()).optional(),
  /** The same bytes on this machine, where the home is a laptop. Read-only. */
  local_path: z.string().optional(),
});
export type FileEntry = z.infer<typeof FileEntry>;

/** Files under a URI, in path order. `is_file`: the URI names one file. */
export const FilePage = pageOf(FileEntry).extend({
  uri: z.string().describe("The URI that answered, references resolved"),
  is_file: z.boolean(),
  /** The folder itself on this machine, where all of it is one. */
  local_path: z.string().optional(),
  /** Symlinks and empty folders of a tree. */
  links: z.array(z.object({ path: z.string(), target: z.string() })).optional(),
  folders: z.array(z.string()).optional(),
});
export type FilePage = z.infer<typeof FilePage>;

/** Asks where to put files under a URI (run artifacts, a job's outputs, a datastore path). */
export const AskUploads = z.strictObject({
  uri: z.string().min(1).max(2000),
  files: z
    .array(z.strictObject({ path: z.string().min(1).max(1024), size_bytes: z.number().int().min(0) }))
    .min(1)
    .max(1000),
});
export const UploadPlan = z.object({
  files: z.array(z.object({ path: z.string(), url: z.string(), headers: z.record(z.string(), z.string()).optional() })),
});
export type UploadPlan = z.infer<typeof UploadPlan>;

/** One level of a folder, for browsing. */
export const FolderPage = pageOf(
  z.object({
    path: z.string(),
    is_folder: z.boolean(),
    size_bytes: z.number().int().optional(),
    modified_at: z.string().optional(),
  }),
);
