const LIMIT_BYTES = 24 * 1024 * 1024;
const SHELF_BYTES = 512 * 1024;
/** What an entry costs beside its text. */
const ENTRY_BYTES = 200;
/** The most that a UTF-16 unit takes. */
const UNIT_BYTES = 3;

const UTF8 = new TextEncoder();

interface Shelf {
  readonly bytes: Uint8Array<ArrayBuffer>;
  used: number;
  readonly versions: number[];
}

/**
 * Runs as JSON text in UTF-8, by the version that stands for one state of one run: pages of a search are put together from them. They lie one after
 * the other on shelves; when there is no room, the oldest shelf goes.
 */
export class RenderedRuns {
  private readonly kept = new Map<number, Uint8Array<ArrayBuffer>>();
  private readonly shelves: Shelf[] = [];
  private sizeBytes = 0;

  get(version: number): Uint8Array<ArrayBuffer> | undefined {
    return this.kept.get(version);
  }

  /** The text's bytes. A text too long for a shelf is not kept. */
  add(version: number, text: string): Uint8Array<ArrayBuffer> {
    const most = text.length * UNIT_BYTES;
    if (most > SHELF_BYTES) return UTF8.encode(text);
    const shelf = this.shelfWith(most);
    const end = shelf.used + UTF8.encodeInto(text, shelf.bytes.subarray(shelf.used)).written;
    const bytes = shelf.bytes.subarray(shelf.used, end);
    shelf.used = end;
    shelf.versions.push(version);
    this.kept.set(version, bytes);
    this.sizeBytes += ENTRY_BYTES;
    return bytes;
  }

  private shelfWith(room: number): Shelf {
    const last = this.shelves.at(-1);
    if (last !== undefined && last.used + room <= last.bytes.length) return last;
    while (this.sizeBytes + SHELF_BYTES > LIMIT_BYTES) this.dropOldest();
    const made: Shelf = { bytes: new Uint8Array(SHELF_BYTES), used: 0, versions: [] };
    this.shelves.push(made);
    this.sizeBytes += SHELF_BYTES;
    return made;
  }

  private dropOldest(): void {
    const shelf = this.shelves.shift();
    if (shelf === undefined) return;
    for (const version of shelf.versions) this.kept.delete(version);
    this.sizeBytes -= SHELF_BYTES + shelf.versions.length * ENTRY_BYTES;
  }
}
