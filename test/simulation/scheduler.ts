import type { Random } from "./random.ts";

/** Something that can be killed at any step it takes. */
export interface Process {
  alive: boolean;
}

interface Timed {
  readonly atMs: number;
  readonly order: number;
  readonly act: () => void;
}

/** Steps after which a scenario is taken to be endless. */
const STEPS_LIMIT = 400_000;
/** No scenario has that much to do. */
const TIME_LIMIT_MS = 40 * 3_600_000;

/** One thing at a time, in an order that follows from the seed; time passes by steps and by waiting. */
export class Scheduler {
  nowMs = 0;
  steps = 0;
  private readonly random: Random;
  private readonly crash: number;
  private readonly onCrash: (process: Process) => void;
  private ready: { readonly process: Process; readonly resume: () => void }[] = [];
  private readonly timed: Timed[] = [];
  private orders = 0;

  constructor(random: Random, crash: number, onCrash: (process: Process) => void) {
    this.random = random;
    this.crash = crash;
    this.onCrash = onCrash;
  }

  /** Before each thing that a process does to the world. Never returns once the process was killed. */
  gate(process: Process): Promise<void> {
    return new Promise((resume) => {
      if (process.alive) this.ready.push({ process, resume });
    });
  }

  after(inMs: number, act: () => void): void {
    push(this.timed, { atMs: this.nowMs + inMs, order: this.orders++, act });
  }

  /** Until `isOver`; answers what keeps it from getting there. */
  async run(isOver: () => boolean): Promise<string | undefined> {
    while (!isOver()) {
      if (this.steps++ > STEPS_LIMIT) return `it takes more than ${STEPS_LIMIT} steps`;
      if (this.nowMs > TIME_LIMIT_MS) return "it does not end";
      const next = this.timed[0];
      if (next !== undefined && (next.atMs <= this.nowMs || this.ready.length === 0)) {
        pop(this.timed);
        this.nowMs = Math.max(this.nowMs, next.atMs);
        next.act();
      } else if (this.ready.length > 0) {
        this.step();
      } else return "nothing is left to happen";
      await drained();
    }
    return undefined;
  }

  private step(): void {
    this.nowMs += this.random.int(0, 2);
    const index = this.random.int(0, this.ready.length - 1);
    const picked = this.ready[index];
    const last = this.ready.pop();
    if (picked === undefined || last === undefined) return;
    if (index < this.ready.length) this.ready[index] = last;
    if (this.random.next() >= this.crash) {
      picked.resume();
      return;
    }
    picked.process.alive = false;
    this.ready = this.ready.filter(({ process }) => process.alive);
    this.onCrash(picked.process);
  }
}

/** Lets promises run until all of them wait for the scheduler. */
function drained(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

const isSooner = (a: Timed, b: Timed): boolean => a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);

/** A binary heap. */
function push(heap: Timed[], item: Timed): void {
  let at = heap.length;
  heap.push(item);
  while (at > 0) {
    const up = (at - 1) >> 1;
    const parent = heap[up];
    if (parent === undefined || isSooner(parent, item)) break;
    heap[at] = parent;
    at = up;
  }
  heap[at] = item;
}

function pop(heap: Timed[]): void {
  const item = heap.pop();
  if (item === undefined || heap.length === 0) return;
  let at = 0;
  for (;;) {
    let down = 2 * at + 1;
    const [left, right] = [heap[down], heap[down + 1]];
    if (left === undefined) break;
    if (right !== undefined && isSooner(right, left)) down += 1;
    const child = heap[down];
    if (child === undefined || isSooner(item, child)) break;
    heap[at] = child;
    at = down;
  }
  heap[at] = item;
}
