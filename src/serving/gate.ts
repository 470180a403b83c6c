/** `busy`: the queue is full, or a place came free too late. `closed`: the request's client left while it waited. */
export type Entry = { readonly ok: true; release(): void } | { readonly ok: false; readonly why: "busy" | "closed" };

export interface Gate {
  /** Waits at most `maxWaitMs` for one of the places. `release` gives the place back; calling it twice is fine. */
  enter(signal: AbortSignal): Promise<Entry>;
  readonly active: number;
  readonly waiting: number;
}

/** More than this can't be served within any sensible wait; turning them away at once keeps memory bounded. */
const MAX_WAITING = 1000;

/** Lets so many requests through at a time, the others wait their turn, first come first served. */
export function makeGate(options: { readonly places: number; readonly maxWaitMs: number }): Gate {
  const { places, maxWaitMs } = options;
  const queue = new Set<() => void>();
  let active = 0;

  function taken(): Entry {
    active++;
    let held = true;
    return {
      ok: true,
      release() {
        if (!held) return;
        held = false;
        active--;
        const next = queue.values().next().value;
        if (next !== undefined) {
          queue.delete(next);
          next();
        }
      },
    };
  }

  return {
    enter(signal) {
      if (active < places && queue.size === 0) return Promise.resolve(taken());
      if (queue.size >= MAX_WAITING) return Promise.resolve({ ok: false, why: "busy" });
      return new Promise((resolve) => {
        const settle = (entry: Entry): void => {
          clearTimeout(timer);
          signal.removeEventListener("abort", leave);
          queue.delete(go);
          resolve(entry);
        };
        const go = (): void => settle(taken());
        const leave = (): void => settle({ ok: false, why: "closed" });
        const timer = setTimeout(() => settle({ ok: false, why: "busy" }), maxWaitMs);
        signal.addEventListener("abort", leave);
        queue.add(go);
      });
    },
    get active() {
      return active;
    },
    get waiting() {
      return queue.size;
    },
  };
}
