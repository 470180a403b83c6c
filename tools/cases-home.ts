/** A home that cases are run on. */
export interface CaseHome {
  readonly dir: string;
  yard(args: readonly string[]): Promise<string>;
  get(path: string): Promise<Response>;
  close(): Promise<void>;
}

/** Text of a file by its URI; undefined where there is none. */
export async function content(home: CaseHome, uri: string): Promise<string | undefined> {
  const response = await home.get(`/api/v1/workspaces/default/content?uri=${encodeURIComponent(uri)}`);
  return response.ok ? response.text() : undefined;
}
