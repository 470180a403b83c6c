import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { EnvironmentSpec } from "../../src/contract/environments.ts";
import type { Builder } from "../../src/core/ports/builder.ts";

export interface BuilderFixture {
  readonly builder: Builder;
  /** What can be built, and one whose build fails. */
  readonly good: EnvironmentSpec;
  readonly bad: EnvironmentSpec;
  /** A good answer's `ref`. */
  readonly ref: RegExp;
  /** What the good one's log says, and the bad one's, which its error says too. */
  readonly log: { readonly good: RegExp; readonly bad: RegExp };
  /** Why it never answers before a build's end. @default it does */
  readonly waits?: string;
  cleanup(): Promise<void>;
}

/** One answer and the question that got it. */
interface Asked {
  readonly since: string | undefined;
  readonly log: string;
}

const WAIT_MS = 120_000;
const textOf = (asked: readonly Asked[]): string => asked.map(({ log }) => log).join("");

/** The conformance suite of the Builder port; `make` runs once, and the tests build upon each other. */
export function describeBuilder(name: string, make: () => Promise<BuilderFixture>): void {
  describe(`Builder: ${name}`, () => {
    let fixture: BuilderFixture;
    const asked: Asked[] = [];

    beforeAll(async () => {
      fixture = await make();
    });
    afterAll(() => fixture?.cleanup());

    /** What it answers, and the text it hands over, which is kept in `noted` also where it throws. */
    async function ask(spec: EnvironmentSpec, since?: string, noted: Asked[] = []) {
      let log = "";
      const request = { workspace: "default", spec, ...(since === undefined ? {} : { since }) };
      try {
        const answer = await fixture.builder.build(request, (text) => {
          log += text;
        });
        return { answer, log };
      } finally {
        noted.push({ since, log });
      }
    }

    /** Asks until it is ready, or can't be. */
    async function build(spec: EnvironmentSpec, noted: Asked[] = []) {
      let since: string | undefined;
      for (;;) {
        const { answer } = await ask(spec, since, noted);
        if (answer.state === "ready") return { ...answer, log: textOf(noted) };
        since = answer.since;
        expect(Buffer.byteLength(since)).toBeLessThanOrEqual(4096);
        expect(answer.reason).toContain(spec.label);
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    }

    test("who asks for the same at once, by whatever name, shares one build", { timeout: WAIT_MS }, async () => {
      const { good, ref, log } = fixture;

      const both = await Promise.all([build({ ...good, label: "theirs" }), build(good, asked)]);

      expect(new Set(both.map((built) => built.hash)).size).toBe(1);
      expect(new Set(both.map((built) => built.ref)).size).toBe(1);
      expect(both[0].ref).toMatch(ref);
      const builders = both.filter(({ cached }) => !cached);
      expect(builders[0]?.log).toMatch(log.good);
      expect(new Set(builders.map((built) => built.log)).size).toBe(1);
    });

    test("what is built is the answer at once, without a word", async () => {
      const first = await build(fixture.good);

      const { answer, log } = await ask({ ...fixture.good, label: "another name" });

      expect(answer).toEqual({ state: "ready", hash: first.hash, ref: first.ref, cached: true });
      expect(log).toBe("");
    });

    test("the same `since` brings the same text again, and what came after it", async ({ skip }) => {
      if (fixture.waits !== undefined) skip(fixture.waits);
      const at = asked.findIndex(({ since, log }) => since !== undefined && log !== "");
      const rest = textOf(asked.slice(at));

      expect(rest).not.toBe("");
      expect((await ask(fixture.good, asked[at]?.since)).log).toBe(rest);
    });

    test("a build that fails says why, with the log's tail, and is tried again", { timeout: WAIT_MS }, async () => {
      const { bad, log } = fixture;
      for (const label of ["broken", "again"]) {
        const tries: Asked[] = [];

        await expect(build({ ...bad, label }, tries)).rejects.toMatchObject({
          code: "EnvironmentBuildFailed",
          message: expect.stringMatching(new RegExp(`^environment \`${label}\`: .*${log.bad.source}`)),
          details: { log: expect.stringMatching(log.bad) },
        });
        expect(textOf(tries)).toMatch(log.bad);
      }
    });
  });
}
