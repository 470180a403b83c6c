/** A square matrix, row after row. */
export type Matrix = Float64Array;

/** Lower factor L of a symmetric positive matrix, L Lᵀ; undefined where it is not positive. */
export function cholesky(matrix: Matrix, size: number): Matrix | undefined {
  const factor = new Float64Array(size * size);
  for (let i = 0; i < size; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = matrix[i * size + j] ?? 0;
      for (let k = 0; k < j; k++) sum -= (factor[i * size + k] ?? 0) * (factor[j * size + k] ?? 0);
      if (i !== j) factor[i * size + j] = sum / (factor[j * size + j] ?? 1);
      else if (sum > 0) factor[i * size + i] = Math.sqrt(sum);
      else return undefined;
    }
  }
  return factor;
}

/** Solves L x = b. */
export function solveLower(factor: Matrix, size: number, b: Float64Array): Float64Array {
  const x = new Float64Array(size);
  for (let i = 0; i < size; i++) {
    let sum = b[i] ?? 0;
    for (let k = 0; k < i; k++) sum -= (factor[i * size + k] ?? 0) * (x[k] ?? 0);
    x[i] = sum / (factor[i * size + i] ?? 1);
  }
  return x;
}

/** Solves Lᵀ x = b. */
export function solveUpper(factor: Matrix, size: number, b: Float64Array): Float64Array {
  const x = new Float64Array(size);
  for (let i = size - 1; i >= 0; i--) {
    let sum = b[i] ?? 0;
    for (let k = i + 1; k < size; k++) sum -= (factor[k * size + i] ?? 0) * (x[k] ?? 0);
    x[i] = sum / (factor[i * size + i] ?? 1);
  }
  return x;
}

/** The inverse of L Lᵀ. */
export function inverse(factor: Matrix, size: number): Matrix {
  const made = new Float64Array(size * size);
  const unit = new Float64Array(size);
  for (let column = 0; column < size; column++) {
    unit.fill(0);
    unit[column] = 1;
    made.set(solveUpper(factor, size, solveLower(factor, size, unit)), column * size);
  }
  return made;
}

export function logDeterminant(factor: Matrix, size: number): number {
  let sum = 0;
  for (let i = 0; i < size; i++) sum += Math.log(factor[i * size + i] ?? 1);
  return 2 * sum;
}
