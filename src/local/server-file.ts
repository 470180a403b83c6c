import { chmodSync, readFileSync, renameSync, unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** `server.json`: how the CLI and runners of this machine find the server and sign in. Readable by its owner only. */
export interface ServerFile {
  readonly url: string;
  readonly token: string;
  readonly pid: number;
  readonly started: string;
}

export function serverFilePath(dataDir: string): string {
  return join(dataDir, "server.json");
}

export function writeServerFile(dataDir: string, content: ServerFile): void {
  const path = serverFilePath(dataDir);
  const temporary = `${path}.${process.pid}`;
  writeFileSync(temporary, `${JSON.stringify(content, null, 2)}\n`, { mode: 0o600 });
  chmodSync(temporary, 0o600);
  renameSync(temporary, path);
}

/** Removes the file if it is still this process's. */
export function removeServerFile(dataDir: string): void {
  try {
    const path = serverFilePath(dataDir);
    const content = JSON.parse(readFileSync(path, "utf8")) as Partial<ServerFile>;
    if (content.pid === process.pid) unlinkSync(path);
  } catch {
    // Gone or another's: nothing to remove.
  }
}
