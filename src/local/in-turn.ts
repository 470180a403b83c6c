import type { InTurn } from "../core/endpoints/ports.ts";

/** Tasks of one key follow one another, those of different keys do not wait. */
export function makeTurns(): InTurn {
  const last = new Map<string, Promise<void>>();
  return (key, task) => {
    const next = (last.get(key) ?? Promise.resolve()).then(task, task);
    last.set(key, next);
    const forget = (): void => {
      if (last.get(key) === next) last.delete(key);
    };
    next.then(forget, forget);
    return next;
  };
}
