import type { Watch } from "../core/jobs/ports.ts";

/** The Watch of one process: waiters are woken in the tick of the change. */
export interface LocalWatch extends Watch {
  /** Ends every wait, now and later. */
  close(): void;
}

export function makeWatch(): LocalWatch {
  const listeners = new Map<string, Set<() => void>>();
  let closed = false;

  return {
    touch(topic) {
      for (const wake of listeners.get(topic) ?? []) wake();
    },
    listen(topic) {
      let touched = false;
      let resolve: ((value: boolean) => void) | undefined;
      const wake = (): void => {
        touched = true;
        resolve?.(true);
      };
      const all = listeners.get(topic) ?? new Set();
      listeners.set(topic, all.add(wake));
      return {
        wait(ms, signal) {
          if (touched || closed || signal?.aborted === true || ms <= 0) return Promise.resolve(touched);
          return new Promise<boolean>((settle) => {
            const end = (): void => settle(touched);
            const timer = setTimeout(end, ms);
            signal?.addEventListener("abort", end, { once: true });
            resolve = settle;
            const tidy = (value: boolean): void => {
              clearTimeout(timer);
              signal?.removeEventListener("abort", end);
              settle(value);
            };
            resolve = tidy;
          });
        },
        done() {
          all.delete(wake);
          if (all.size === 0 && listeners.get(topic) === all) listeners.delete(topic);
        },
      };
    },
    close() {
      closed = true;
      for (const all of listeners.values()) for (const wake of all) wake();
    },
  };
}
