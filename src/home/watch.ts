import type { Listening, Watch } from "../core/jobs/ports.ts";

/** The Watch of one process: waiters are woken in the tick of the change. */
export interface LocalWatch extends Watch {
  /** Ends every wait, now and later. */
  close(): void;
}

interface Listener {
  touch(): void;
  end(): void;
}

export function makeWatch(): LocalWatch {
  const topics = new Map<string, Set<Listener>>();
  let closed = false;

  return {
    touch(topic) {
      for (const listener of topics.get(topic) ?? []) listener.touch();
    },
    listen(topic, ms, signal) {
      const all = topics.get(topic) ?? new Set<Listener>();
      topics.set(topic, all);
      const forget = (listener: Listener): void => {
        all.delete(listener);
        if (all.size === 0 && topics.get(topic) === all) topics.delete(topic);
      };
      return startListening(closed ? 0 : ms, signal, (listener) => all.add(listener), forget);
    },
    close() {
      closed = true;
      for (const all of topics.values()) for (const listener of all) listener.end();
    },
  };
}

function startListening(
  ms: number,
  signal: AbortSignal | undefined,
  add: (listener: Listener) => void,
  forget: (listener: Listener) => void,
): Listening {
  let touched = false;
  let over = ms <= 0 || signal?.aborted === true;
  let wake: ((touched: boolean) => void) | undefined;
  const listener: Listener = {
    touch() {
      touched = true;
      settle();
    },
    end() {
      over = true;
      settle();
    },
  };
  const timer = over ? undefined : setTimeout(listener.end, ms);
  signal?.addEventListener("abort", listener.end, { once: true });
  add(listener);

  function settle(): void {
    if (wake === undefined) return;
    const answer = wake;
    wake = undefined;
    answer(touched);
    touched = false;
  }

  return {
    next() {
      if (touched && !over) {
        touched = false;
        return Promise.resolve(true);
      }
      if (over) return Promise.resolve(false);
      return new Promise((resolve) => {
        wake = resolve;
      });
    },
    done() {
      clearTimeout(timer);
      signal?.removeEventListener("abort", listener.end);
      forget(listener);
    },
  };
}
