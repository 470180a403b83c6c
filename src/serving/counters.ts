/** What the proxy counts, by status class and outcome. Latency in buckets of milliseconds, cumulative as Prometheus has them. */
export interface Counters {
  answered(status: number, durationMs: number): void;
  refused(why: "busy" | "down" | "timeout" | "broken"): void;
  /** Prometheus text. */
  render(gauges: Readonly<Record<string, number>>): string;
}

const BUCKETS_MS = [1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 60_000];

export function makeCounters(): Counters {
  const statuses = new Map<string, number>();
  const refusals = new Map<string, number>();
  const buckets = BUCKETS_MS.map(() => 0);
  let count = 0;
  let sumMs = 0;
  const bump = (map: Map<string, number>, key: string): void => void map.set(key, (map.get(key) ?? 0) + 1);

  return {
    answered(status, durationMs) {
      bump(statuses, String(status));
      count++;
      sumMs += durationMs;
      const at = BUCKETS_MS.findIndex((limit) => durationMs <= limit);
      if (at >= 0) buckets[at] = (buckets[at] ?? 0) + 1;
    },
    refused: (why) => bump(refusals, why),
    render(gauges) {
      const lines = [...statuses].map(([status, n]) => `trainyard_requests_total{status="${status}"} ${n}`);
      lines.push(...[...refusals].map(([why, n]) => `trainyard_refused_total{why="${why}"} ${n}`));
      let below = 0;
      for (const [i, limit] of BUCKETS_MS.entries()) {
        below += buckets[i] ?? 0;
        lines.push(`trainyard_latency_ms_bucket{le="${limit}"} ${below}`);
      }
      lines.push(`trainyard_latency_ms_bucket{le="+Inf"} ${count}`, `trainyard_latency_ms_sum ${sumMs.toFixed(3)}`);
      lines.push(`trainyard_latency_ms_count ${count}`);
      for (const [name, value] of Object.entries(gauges)) lines.push(`trainyard_${name} ${value}`);
      return `${lines.join("\n")}\n`;
    },
  };
}
