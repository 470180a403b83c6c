import { closeSync, mkdirSync, openSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { AppError, isAppError } from "../../contract/errors.ts";
import { fullOr, syncFolder } from "./files.ts";

/** Works of one group at most, so that a flood of writes does not keep the event loop for long. */
const GROUP_LIMIT = 512;

const SQLITE_READONLY = 8;
const SQLITE_CORRUPT = 11;
const SQLITE_FULL = 13;
const SQLITE_NOTADB = 26;

/** One SQLite file, shared by the table, the bus and the timer of a home, so that their writes share one fsync. */
export interface Database {
  /** A prepared statement whose rows are arrays; one per text. */
  prepare(text: string): StatementSync;
  exec(text: string): void;
  /**
   * Runs `work` in the next group commit and answers once the COMMIT has returned. What `work` throws undoes its own writes only.
   * `work` is synchronous and reads its own group's earlier writes.
   */
  write<T>(work: () => T): Promise<T>;
  /** Commits what is queued and closes the file; idempotent. */
  close(): void;
}

interface Pending {
  readonly work: () => unknown;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

type Outcome = { readonly pending: Pending; readonly value?: unknown; readonly error?: unknown };

/**
 * Opens (or makes) the file with WAL and synchronous=FULL. `maxPages` caps the file's size (pages of 4 KiB).
 * Errors of SQLite surface as AppError: `StorageFull` when the disk or the cap is reached, else `Unavailable` or `Internal`.
 */
export function openDatabase(options: { readonly path: string; readonly maxPages?: number }): Database {
  const { path } = options;
  const sql = open(path, options.maxPages);
  const statements = new Map<string, StatementSync>();
  let queue: Pending[] = [];
  let scheduled = false;
  let closed = false;

  function prepare(text: string): StatementSync {
    const known = statements.get(text);
    if (known !== undefined) {
      return known;
    }
    const statement = sql.prepare(text);
    statement.setReturnArrays(true);
    statements.set(text, statement);
    return statement;
  }

  const begin = prepare("BEGIN IMMEDIATE");
  const commit = prepare("COMMIT");
  const savepoint = prepare("SAVEPOINT work");
  const release = prepare("RELEASE work");
  const rollbackTo = prepare("ROLLBACK TO work");

  function runInSavepoint(pending: Pending): Outcome {
    savepoint.run();
    try {
      const value = pending.work();
      release.run();
      return { pending, value };
    } catch (error) {
      // SQLite ends the whole transaction by itself on some failures; then nothing of the group stands.
      if (!sql.isTransaction) {
        throw error;
      }
      rollbackTo.run();
      release.run();
      return { pending, error: storageError(error, path) };
    }
  }

  /** A failure here changes nothing for the callers: their group is refused, and the next BEGIN says what is wrong. */
  function rollBack(): void {
    try {
      if (sql.isTransaction) {
        sql.exec("ROLLBACK");
      }
    } catch {
      // Told to the callers by the error that led here.
    }
  }

  function commitGroup(group: readonly Pending[]): void {
    const outcomes: Outcome[] = [];
    try {
      begin.run();
      // What is alone is undone with its transaction.
      if (group.length === 1) for (const pending of group) outcomes.push({ pending, value: pending.work() });
      else for (const pending of group) outcomes.push(runInSavepoint(pending));
      commit.run();
    } catch (error) {
      rollBack();
      const failure = storageError(error, path);
      for (const pending of group) {
        pending.reject(failure);
      }
      return;
    }
    for (const { pending, value, error } of outcomes) {
      if (error === undefined) {
        pending.resolve(value);
      } else {
        pending.reject(error);
      }
    }
  }

  function flush(): void {
    scheduled = false;
    const group = queue.slice(0, GROUP_LIMIT);
    queue = queue.slice(GROUP_LIMIT);
    if (queue.length > 0) {
      schedule();
    }
    if (group.length > 0) {
      commitGroup(group);
    }
  }

  function schedule(): void {
    if (!scheduled) {
      scheduled = true;
      // After the poll phase: every request that arrived in this turn of the loop is in the group.
      setImmediate(flush);
    }
  }

  return {
    prepare,
    exec(text) {
      sql.exec(text);
    },
    write<T>(work: () => T): Promise<T> {
      if (closed) {
        return Promise.reject(new AppError("Unavailable", `database \`${path}\` is closed`));
      }
      return new Promise<T>((resolve, reject) => {
        queue.push({ work, resolve: resolve as (value: unknown) => void, reject });
        schedule();
      });
    },
    close() {
      if (closed) {
        return;
      }
      closed = true;
      while (queue.length > 0) {
        flush();
      }
      sql.close();
    },
  };
}

function open(path: string, maxPages: number | undefined): DatabaseSync {
  try {
    mkdirSync(dirname(path), { recursive: true });
    // Made here for its mode: SQLite gives the -wal and -shm files the same.
    closeSync(openSync(path, "a", 0o600));
    const sql = new DatabaseSync(path, { timeout: 5_000 });
    sql.exec(`
      PRAGMA page_size = 4096;
      PRAGMA journal_mode = WAL;
      PRAGMA synchronous = FULL;
      PRAGMA journal_size_limit = 67108864;
      PRAGMA wal_autocheckpoint = 4000;
      PRAGMA cache_size = -16384;
      PRAGMA temp_store = MEMORY;
    `);
    if (maxPages !== undefined) {
      sql.exec(`PRAGMA max_page_count = ${Math.trunc(maxPages)}`);
    }
    syncFolder(dirname(path));
    return sql;
  } catch (error) {
    throw storageError(error, path);
  }
}

/** The AppError for what SQLite or the file system threw about `path`; ours pass unchanged. */
function storageError(error: unknown, path: string): unknown {
  if (isAppError(error) || !(error instanceof Error)) {
    return error;
  }
  const full = fullOr(error, `database \`${path}\``);
  if (full !== error) {
    return full;
  }
  const extended = "errcode" in error && typeof error.errcode === "number" ? error.errcode : 0;
  switch (extended & 0xff) {
    case SQLITE_FULL:
      return new AppError(
        "StorageFull",
        `no room left for database \`${path}\``,
        { hint: "free disk space and try again" },
        { cause: error },
      );
    case SQLITE_READONLY:
      return new AppError(
        "Unavailable",
        `database \`${path}\` is read-only`,
        { hint: "check the folder's permissions" },
        { cause: error },
      );
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return new AppError(
        "Internal",
        `database \`${path}\` is damaged`,
        { hint: "restore it from a backup" },
        { cause: error },
      );
    default:
      return new AppError("Internal", `database \`${path}\` failed: ${error.message}`, {}, { cause: error });
  }
}
