/** Secrets by name (`datastores/default/mystore`). Values are UTF-8 text of at most 64 KB, encrypted where they rest, never listed. */
export interface Vault {
  put(name: string, secret: string): Promise<void>;
  get(name: string): Promise<string | undefined>;
  /** Absent is fine. */
  delete(name: string): Promise<void>;
  list(prefix: string): Promise<readonly string[]>;
}
