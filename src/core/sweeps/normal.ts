/** Density of the standard normal distribution. */
export function normalPdf(z: number): number {
  return Math.exp(-0.5 * z * z) / Math.sqrt(2 * Math.PI);
}

/** Share of the standard normal distribution below `z`; the error relative to the smaller tail is below 1e-12. */
export function normalCdf(z: number): number {
  const tail = upperTail(Math.abs(z));
  return z > 0 ? 1 - tail : tail;
}

/** Share above `z` >= 0: the series of the middle, or Laplace's continued fraction of the tail. */
function upperTail(z: number): number {
  if (z > 38) return 0;
  if (z < 3) {
    let term = z;
    let sum = z;
    for (let n = 3; Math.abs(term) > sum * 1e-17; n += 2) {
      term *= (z * z) / n;
      sum += term;
    }
    return 0.5 - normalPdf(z) * sum;
  }
  let fraction = z;
  for (let n = 60; n >= 1; n--) fraction = z + n / fraction;
  return normalPdf(z) / fraction;
}

/** Value below which a share `u` of the standard normal distribution lies; `u` is between 0 and 1, both excluded. */
export function normalQuantile(u: number): number {
  if (u > 0.5) return -normalQuantile(1 - u);
  let z = roughQuantile(u);
  // Halley's steps: each triples the digits.
  for (let step = 0; step < 2; step++) {
    const error = (normalCdf(z) - u) / normalPdf(z);
    z -= error / (1 + 0.5 * z * error);
  }
  return z;
}

/** Hastings' approximation of the lower half, within 4.5e-4 (Abramowitz and Stegun, 26.2.23). */
function roughQuantile(u: number): number {
  const t = Math.sqrt(-2 * Math.log(u));
  const top = 2.515517 + t * (0.802853 + t * 0.010328);
  const bottom = 1 + t * (1.432788 + t * (0.189269 + t * 0.001308));
  return top / bottom - t;
}
