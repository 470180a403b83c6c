import type { Out } from "./io.ts";

/** Tells of work that takes over a second: one line that updates on a terminal, a plain line now and then elsewhere. */
export interface Progress {
  update(text: string): void;
  /** Removes the line of a terminal. */
  end(): void;
}

const FIRST_MS = 1000;
const TERMINAL_MS = 100;
const PLAIN_MS = 5000;

export function makeProgress(out: Out, label: string): Progress {
  const started = performance.now();
  let last = -Infinity;
  let shown = false;
  return {
    update(text) {
      const now = performance.now();
      if (now - started < FIRST_MS || now - last < (out.isTTY ? TERMINAL_MS : PLAIN_MS)) return;
      last = now;
      shown = true;
      const line = `${label}: ${text}`;
      out.write(out.isTTY ? `\r\u001b[2K${line.slice(0, (out.columns ?? 80) - 1)}` : `${line}\n`);
    },
    end() {
      if (shown && out.isTTY) out.write("\r\u001b[2K");
    },
  };
}

/** `1.5 GB`, decimal units. */
export function bytesText(bytes: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 ? value : value.toFixed(value < 10 ? 1 : 0)} ${units[unit]}`;
}
