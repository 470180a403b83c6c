/** Of a home whose workspaces may have storage of their own. */
export interface StorageSettings {
  /** Names, and tags, of what is made begin with it. */
  readonly home: string;
  readonly account: string;
  readonly region: string;
  readonly partition: string;
  /** Pages that may use signed addresses of a bucket. */
  readonly studioOrigins: readonly string[];
}

/** Between the home's name and what makes a bucket's name one of its kind; lib/constructs/workspace-storage.ts grants by it. */
export const BUCKET_INFIX = "-ws-";
/** Below the home's name: secrets and repositories. */
export const FOLDER = "workspaces";

/** Tags of what is made for a workspace. */
export function tagsOf({ home }: StorageSettings, workspace: string): readonly { Key: string; Value: string }[] {
  return [
    { Key: "trainyard:home", Value: home },
    { Key: "trainyard:workspace", Value: workspace.slice(0, 256) },
  ];
}

/** What follows the last `:`; of a repository or secret, also what kind of thing it is. */
export function nameOfArn(arn: string): string {
  const last = arn.slice(arn.lastIndexOf(":") + 1);
  return last.startsWith("repository/") ? last.slice("repository/".length) : last;
}
