import { afterAll, beforeAll, describe, test } from "vitest";
import { makeTempDir } from "../../helpers/ports.ts";
import { makePerson, type Person, type StoryHome } from "./home.ts";
import { STORIES, type Story } from "./stories.ts";

const MINUTES = 60_000;

/** Lets the stories happen in one home, one after the other, and prints what became of each. `more`: those that only this home can have, after the others. */
export function tellStories(
  kind: StoryHome["kind"],
  open: () => Promise<StoryHome>,
  more: readonly Story[] = [],
): void {
  const stories = [...STORIES, ...more];
  describe(`stories (${kind})`, () => {
    const temporary = makeTempDir();
    const told = new Map<Story, string>();
    let home: StoryHome;
    let me: Person;
    beforeAll(async () => {
      home = await open();
      me = makePerson(home, temporary.path);
    }, 10 * MINUTES);
    afterAll(async () => {
      await home?.close();
      temporary.remove();
      const lines = stories.map((story) => `  ${told.get(story) ?? "did not happen"}: ${story.name}`);
      process.stdout.write(`\nstories, ${kind}:\n${lines.join("\n")}\n`);
    });

    test.each(stories)("$name", { timeout: 10 * MINUTES }, async (story) => {
      told.set(story, "failed");
      await story.happen(me, home);
      told.set(story, "passed");
    });
  });
}
