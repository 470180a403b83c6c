import { type Place, placeAt, type SpecNode } from "./nodes.ts";

/** One thing wrong, at one place. `field` is a path such as `jobs.train.inputs.lr` or `tags[2]`; empty for the file as a whole. */
export interface Diagnostic {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly field: string;
  readonly message: string;
  readonly hint?: string;
}

const MOST = 100;

/** Collects errors and warnings of one validation over all its files; a file that is wrong everywhere is cut off at 100. */
export class Findings {
  readonly errors: Diagnostic[] = [];
  readonly warnings: Diagnostic[] = [];
  readonly #seen = new Set<string>();

  error(at: SpecNode | Place, field: string, message: string, hint?: string): void {
    this.#add(this.errors, at, field, message, hint);
  }

  warn(at: SpecNode | Place, field: string, message: string, hint?: string): void {
    this.#add(this.warnings, at, field, message, hint);
  }

  #add(list: Diagnostic[], at: SpecNode | Place, field: string, message: string, hint: string | undefined): void {
    if (list.length >= MOST) return;
    const place = "form" in at ? placeAt(at.src, at.start) : at;
    const key = `${list === this.errors}\0${place.file}\0${place.line}\0${place.column}\0${field}\0${message}`;
    if (this.#seen.has(key)) return;
    this.#seen.add(key);
    list.push({ ...place, field, message, ...(hint === undefined ? {} : { hint }) });
  }
}
