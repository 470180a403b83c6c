/** How much of a requirement's version is still asked for. */
type Level = "written" | "compatible" | "any";

export interface Line {
  readonly text: string;
  /** Name as PyPI compares names; undefined for addresses. */
  readonly name: string | undefined;
  readonly level: Level;
  /** As the person wrote it. */
  readonly written: string;
}

/** What is tried: the lines, and the packages that may be built from source. */
export interface Attempt {
  readonly lines: readonly Line[];
  readonly buildable: readonly string[];
}

/** What to do after a failed attempt. */
export type Next =
  | { readonly attempt: Attempt; readonly note: string }
  | { readonly reason: string; readonly hint?: string };

const PARTS = /^\s*([A-Za-z0-9][A-Za-z0-9._-]*)\s*(\[[^\]]*\])?\s*([^;@]*?)\s*(;.*)?$/;

export function normalName(name: string): string {
  return name.toLowerCase().replace(/[-_.]+/g, "-");
}

export function firstAttempt(requirements: readonly string[]): Attempt {
  return {
    lines: requirements.map((text) => {
      const name = PARTS.exec(text)?.[1];
      return { text, written: text, name: name === undefined ? undefined : normalName(name), level: "written" };
    }),
    buildable: [],
  };
}

/**
 * Reads the installer's refusal and decides what to try next: with `relax`, pins that stand in the way go from the written version to a
 * compatible one to any; packages that exist only as source are built, since there is nothing else to take.
 */
export function nextAttempt(attempt: Attempt, output: string, relax: boolean): Next {
  const text = output.replace(/\s+/g, " ");
  const outright = outrightFailure(text, output);
  if (outright !== undefined) return outright;

  const missing =
    /Because ([A-Za-z0-9._-]+) was not found in the (?:package registry|cache|provided package locations)/.exec(
      text,
    )?.[1];
  if (missing !== undefined && attempt.lines.some((line) => line.name === normalName(missing))) {
    return {
      reason: `package \`${missing}\` does not exist in the package index`,
      hint: "check its name; a private package needs its index in this machine's pip settings",
    };
  }
  const unbuilt = /Failed to (?:build|download and build) `?([A-Za-z0-9._-]+?)(?:==| @|`)/.exec(text)?.[1];
  const sourceOnly =
    /(?:Because|and|all versions of) ([A-Za-z0-9._-]+)(?:[=<>!~][^ ]*)?(?: \S+)? ha(?:s|ve) no usable wheels/.exec(
      text,
    )?.[1];
  if (relax) {
    const culprit = culpritOf(attempt, text, unbuilt);
    if (culprit !== undefined) return loosened(attempt, culprit);
  }
  if (unbuilt !== undefined) {
    return {
      reason: `package \`${unbuilt}\` has no ready-made build for this Python, and building it from source failed`,
      hint: "ask for a newer version of it, or for another Python version",
    };
  }
  const wanted = sourceOnly === undefined ? undefined : normalName(sourceOnly);
  if (wanted !== undefined && !attempt.buildable.includes(wanted)) {
    return {
      attempt: { ...attempt, buildable: [...attempt.buildable, wanted] },
      note: `\`${wanted}\` has no ready-made build; building it from source`,
    };
  }
  return { reason: `the packages cannot be installed together: ${because(output)}` };
}

/** Failures that no other choice of versions will cure. */
function outrightFailure(text: string, output: string): { reason: string; hint?: string } | undefined {
  if (/No space left on device|os error 28/.test(text)) {
    return { reason: "the disk is full", hint: "free space where the environments are kept" };
  }
  const syntax = /(?:Failed to parse: `([^`]*)`|Couldn't parse requirement in `[^`]*`)/.exec(text);
  if (syntax !== null) {
    const line = syntax[1] ?? /\n\s{6,}(\S.*)\n\s+\^/.exec(output)?.[1]?.trim();
    return {
      reason: `${line === undefined ? "a requirement" : `requirement \`${line}\``} is not one that pip understands`,
    };
  }
  if (
    /error sending request|Failed to fetch|dns error|Could not connect|tcp connect error|timed out|invalid peer certificate/i.test(
      text,
    )
  ) {
    const certificate = /invalid peer certificate|UnknownIssuer/.test(text);
    return {
      reason: `the package index cannot be reached${certificate ? ": its certificate is not trusted" : ""}`,
      hint: "check the network and this machine's pip settings",
    };
  }
  return undefined;
}

/** The pinned line that stands in the way: the one that could not be had, else the first that the explanation says was required. */
function culpritOf(attempt: Attempt, text: string, unbuilt: string | undefined): Line | undefined {
  const pinned = attempt.lines.filter((line) => line.name !== undefined && line.level !== "any" && isPinned(line.text));
  const byName = (name: string | undefined) =>
    name === undefined ? undefined : pinned.find((line) => line.name === normalName(name));
  const unavailable = [
    ...text.matchAll(/([A-Za-z0-9][A-Za-z0-9._-]*?)(?:[=<>!~,.*\d\sa-z]*?) has no usable wheels/g),
    ...text.matchAll(/no versions? of ([A-Za-z0-9][A-Za-z0-9._-]*?)(?:[=<>!~{,]|\s)/g),
  ].map((found) => byName(found[1]));
  const required = [...text.matchAll(/you require ([A-Za-z0-9][A-Za-z0-9._-]*)/g)].map((found) => byName(found[1]));
  return byName(unbuilt) ?? [...unavailable, ...required].find((line) => line !== undefined) ?? anyNamed(pinned, text);
}

function anyNamed(pinned: readonly Line[], text: string): Line | undefined {
  const words = new Set(
    [...text.matchAll(/[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?/g)].map((found) => normalName(found[0])),
  );
  return pinned.find((line) => line.name !== undefined && words.has(line.name));
}

function isPinned(text: string): boolean {
  return /[=<>~!]/.test(PARTS.exec(text)?.[3] ?? "");
}

function loosened(attempt: Attempt, culprit: Line): Next {
  const [, name = "", extras = "", constraint = "", marker = ""] = PARTS.exec(culprit.written) ?? [];
  const base = /(?:===?|~=|>=)\s*v?(\d+(?:\.\d+)*)/.exec(constraint)?.[1];
  const compatible = base === undefined ? undefined : `>=${base},<${Number(base.split(".")[0]) + 1}`;
  const useCompatible =
    culprit.level === "written" && compatible !== undefined && compatible !== constraint.replace(/\s/g, "");
  const text = `${name}${extras}${useCompatible ? compatible : ""}${marker === "" ? "" : ` ${marker}`}`;
  const line: Line = { ...culprit, text, level: useCompatible ? "compatible" : "any" };
  return {
    attempt: { ...attempt, lines: attempt.lines.map((one) => (one === culprit ? line : one)) },
    note: `\`${culprit.text.trim()}\` cannot be had with this Python; trying \`${text}\``,
  };
}

/** The installer's own explanation without its decoration. */
function because(output: string): string {
  const text = output.replace(/\s+/g, " ");
  const start = text.indexOf("Because ");
  const end = text.indexOf("hint:", start);
  const sentence = start < 0 ? text.slice(-300) : text.slice(start, end < 0 ? start + 500 : end);
  return sentence.trim().slice(0, 500);
}

/** First releases whose builds work with NumPy 2; older ones were built against NumPy 1 and do not say so. */
const NUMPY_2_SINCE: Readonly<Record<string, readonly number[]>> = {
  pandas: [2, 2, 2],
  scipy: [1, 13],
  "scikit-learn": [1, 4, 2],
  matplotlib: [3, 9],
  pyarrow: [16, 1],
  numba: [0, 60],
  torch: [2, 3],
  statsmodels: [0, 14, 2],
  "scikit-image": [0, 23],
  tables: [3, 10],
  h5py: [3, 11],
  shap: [0, 46],
  numexpr: [2, 10],
};

/** Versions an installer says it would install: `+ numpy==2.2.6`. */
export function plannedVersions(output: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const [, name = "", version = ""] of output.matchAll(/^\s*\+ ([A-Za-z0-9._-]+)==(\S+)/gm))
    found.set(normalName(name), version);
  return found;
}

/** True when the plan has NumPy 2 beside a package built for NumPy 1, which then fails at import. */
export function needsNumpy1(planned: ReadonlyMap<string, string>): boolean {
  if (!(planned.get("numpy") ?? "").startsWith("2")) return false;
  return Object.entries(NUMPY_2_SINCE).some(([name, since]) => {
    const version = planned.get(name);
    return version !== undefined && before(version, since);
  });
}

function before(version: string, since: readonly number[]): boolean {
  const parts = version.split(".").map((part) => Number.parseInt(part, 10) || 0);
  for (const [i, wanted] of since.entries()) {
    const difference = (parts[i] ?? 0) - wanted;
    if (difference !== 0) return difference < 0;
  }
  return false;
}
