/** How often a machine of the spot market is taken away, per hour: a middle figure; those with GPUs go more often. */
const LOSSES_PER_HOUR = { cpu: 0.03, gpu: 0.12 };
/** Of the price on demand; AWS's own range is 0.1 to 0.7. */
const PRICE_SHARE = 0.4;

export interface SpotOutlook {
  /** Machine hours until it has once run through, each loss beginning it anew. */
  readonly hours: number;
  /** Of what it costs on demand. */
  readonly costShare: number;
}

/** What spot machines make of a job of some hours that can't go on where it was. Losses come at random, so the time to run through once grows exponentially with the length. */
export function spotOutlook(hours: number, kind: keyof typeof LOSSES_PER_HOUR): SpotOutlook {
  const rate = LOSSES_PER_HOUR[kind];
  const expected = Math.expm1(rate * hours) / rate;
  return { hours: expected, costShare: (PRICE_SHARE * expected) / hours };
}
