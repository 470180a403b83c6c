/** Names of what the AWS home measures of itself: functions write them, dashboards read them. Each costs 0.30 USD in a month of use. */
export const TELEMETRY = {
  namespace: "Trainyard",
  /** Milliseconds in the function. */
  latency: "latency",
  /** Answers of 500 and above. */
  faults: "faults",
  /** Answers of 400 to 499. */
  refusals: "refusals",
  coldStarts: "coldStarts",
} as const;
