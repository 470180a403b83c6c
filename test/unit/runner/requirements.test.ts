import { describe, expect, it } from "vitest";
import {
  firstAttempt,
  needsNumpy1,
  nextAttempt,
  plannedVersions,
} from "../../../src/runner/environment/requirements.ts";

const noWheels = (pin: string) =>
  `error: No solution found when resolving dependencies\n  cause: Because ${pin} has no usable wheels and you require ${pin}, we can conclude that your requirements are unsatisfiable.\n\nhint: Wheels are required for \`x\` because building from source is disabled for all packages (i.e., with \`--no-build\`)`;

function texts(next: ReturnType<typeof nextAttempt>): string[] {
  if ("reason" in next) throw new Error(next.reason);
  return next.attempt.lines.map((line) => line.text);
}

describe("nextAttempt with relaxed pins", () => {
  it("goes from the written version to a compatible one, then to any", () => {
    const first = firstAttempt(["numpy", "Scikit_Learn[x]==0.24.2 ; python_version > '3'"]);

    const second = nextAttempt(first, noWheels("scikit-learn==0.24.2"), true);
    if ("reason" in second) throw new Error(second.reason);
    const third = nextAttempt(second.attempt, noWheels("scikit-learn>=0.24.2,<1"), true);

    expect(texts(second)).toEqual(["numpy", "Scikit_Learn[x]>=0.24.2,<1 ; python_version > '3'"]);
    expect(texts(third)).toEqual(["numpy", "Scikit_Learn[x] ; python_version > '3'"]);
    expect(second.note).toContain("`Scikit_Learn[x]==0.24.2 ; python_version > '3'` cannot be had");
  });

  it("loosens the version that does not exist", () => {
    const output =
      "cause: Because there is no version of pandas==99.0 and you require pandas==99.0, we can conclude that your requirements are unsatisfiable.";

    expect(texts(nextAttempt(firstAttempt(["joblib==1.2.0", "pandas==99.0"]), output, true))).toEqual([
      "joblib==1.2.0",
      "pandas>=99.0,<100",
    ]);
  });

  it("loosens the requirement whose own dependency cannot be had", () => {
    const output =
      "cause: Because json-logging-py==0.2 has no usable wheels and azureml-defaults==1.38.0 depends on json-logging-py==0.2, we can conclude that azureml-defaults==1.38.0 cannot be used.\n         And because you require azureml-defaults==1.38.0, we can conclude that your requirements are unsatisfiable.";

    expect(texts(nextAttempt(firstAttempt(["azureml-defaults==1.38.0"]), output, true))).toEqual([
      "azureml-defaults>=1.38.0,<2",
    ]);
  });

  it("builds a package that exists only as source", () => {
    const output =
      "cause: Because all versions of idx2numpy have no usable wheels and you require idx2numpy, we can conclude that your requirements are unsatisfiable.";
    const next = nextAttempt(firstAttempt(["idx2numpy"]), output, true);

    if ("reason" in next) throw new Error(next.reason);
    expect(next.attempt.buildable).toEqual(["idx2numpy"]);
    expect(nextAttempt(next.attempt, output, true)).toHaveProperty("reason");
  });

  it("ends: every refusal leads to looser pins or to a reason", () => {
    let attempt = firstAttempt(["a==1.0", "b~=2.0", "c>=1,<2", "d"]);
    let steps = 0;
    for (;;) {
      const next = nextAttempt(attempt, `${noWheels("a==1.0")} b c d`, true);
      if ("reason" in next) break;
      attempt = next.attempt;
      steps++;
      expect(steps).toBeLessThan(20);
    }
    expect(attempt.lines.map((line) => line.text)).toEqual(["a", "b", "c", "d"]);
  });
});

describe("nextAttempt with pins kept", () => {
  it("builds from source rather than change a version", () => {
    const next = nextAttempt(firstAttempt(["scikit-learn==0.24.2"]), noWheels("scikit-learn==0.24.2"), false);

    if ("reason" in next) throw new Error(next.reason);
    expect(next.attempt.buildable).toEqual(["scikit-learn"]);
    expect(texts(next)).toEqual(["scikit-learn==0.24.2"]);
  });

  it("names the package whose build fails", () => {
    const next = nextAttempt(
      firstAttempt(["numpy==1.19.5"]),
      "error: Failed to build `numpy==1.19.5`\n cause: …",
      false,
    );

    expect(next).toMatchObject({ reason: expect.stringMatching(/package `numpy` has no ready-made build/) });
  });
});

describe("failures that no version cures", () => {
  it.each([
    [
      "Because nosuch-zzz was not found in the package registry and you require nosuch-zzz",
      /`nosuch-zzz` does not exist/,
    ],
    ["error: Failed to parse: `foo bar`\n  cause: Expected", /requirement `foo bar` is not one/],
    [
      "error: Couldn't parse requirement in `r.txt` at position 0\n  cause: no such comparison operator\n         numpy=1.2\n              ^^^^",
      /requirement `numpy=1.2` is not one/,
    ],
    [
      "error: Request failed after 3 retries\n cause: Failed to fetch: http://x/simple/numpy/\n cause: tcp connect error",
      /index cannot be reached/,
    ],
    ["error: failed to write: No space left on device (os error 28)", /disk is full/],
  ])("reads `%s`", (output, reason) => {
    const next = nextAttempt(firstAttempt(["nosuch-zzz", "numpy==1"]), output, true);

    expect(next).toMatchObject({ reason: expect.stringMatching(reason) });
  });
});

describe("needsNumpy1", () => {
  const plan = (...pairs: string[]) => plannedVersions(pairs.map((pair) => ` + ${pair}`).join("\n"));

  it("sees packages that were built for NumPy 1 beside NumPy 2", () => {
    expect(needsNumpy1(plan("numpy==2.2.6", "pandas==1.5.3"))).toBe(true);
    expect(needsNumpy1(plan("numpy==2.2.6", "pandas==2.2.2", "scipy==1.13.0"))).toBe(false);
    expect(needsNumpy1(plan("numpy==1.26.4", "pandas==1.5.3"))).toBe(false);
    expect(needsNumpy1(plan("pandas==1.5.3"))).toBe(false);
  });
});
