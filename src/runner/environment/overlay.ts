import { existsSync, mkdirSync, readdirSync, readFileSync, realpathSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** What layers over an environment are made of. */
interface Pattern {
  /** `lib/python3.11/site-packages` */
  readonly site: string;
  readonly paths: string;
  readonly settings: string;
  readonly programs: readonly { readonly name: string; readonly target: string }[];
  readonly variables: Record<string, string>;
}

/** By prefix: a ready environment does not change. */
const patterns = new Map<string, Pattern>();

/**
 * A private layer over a shared environment: `pip install` in a job lands here, and what is here wins. It is a virtual environment of its
 * own whose path file goes on to the shared one, so pip sees what is installed there and leaves it alone.
 */
export function makeOverlay(
  prefix: string,
  folder: string,
): { readonly prefix: string; readonly variables: Record<string, string> } {
  const pattern = patterns.get(prefix) ?? patternOf(prefix);
  patterns.set(prefix, pattern);
  const site = join(folder, pattern.site);
  mkdirSync(site, { recursive: true });
  mkdirSync(join(folder, "bin"), { recursive: true });
  // Path files are read in name order; ours comes last, after those of packages installed in editable form.
  writeFileSync(join(site, "zzz_trainyard.pth"), pattern.paths);
  writeFileSync(join(folder, "pyvenv.cfg"), pattern.settings);
  for (const { name, target } of pattern.programs) symlinkSync(target, join(folder, "bin", name));
  return { prefix: folder, variables: pattern.variables };
}

function patternOf(prefix: string): Pattern {
  const lib = readdirSync(join(prefix, "lib")).find((name) => /^python3\.\d+$/.test(name)) ?? "python3";
  const site = join("lib", lib, "site-packages");
  const python = realpathSync(join(prefix, "bin/python"));
  const settings = readFileSync(join(prefix, "pyvenv.cfg"), "utf8")
    .split("\n")
    .filter((line) => /^(home|include-system-site-packages|version|version_info|implementation)\s*=/.test(line))
    .map((line) => (line.startsWith("home") ? `home = ${dirname(python)}` : line));
  const programs = readdirSync(join(prefix, "bin"))
    // They would switch a shell to the shared environment.
    .filter((name) => !/^activate/i.test(name))
    .map((name) => ({ name, target: /^python(3(\.\d+)?)?$/.test(name) ? python : join(prefix, "bin", name) }));
  const jupyter = join(prefix, "share/jupyter");
  return {
    site,
    paths: `import site; site.addsitedir(${JSON.stringify(join(prefix, site))})\n`,
    settings: `${settings.join("\n")}\n`,
    programs,
    variables: existsSync(jupyter) ? { JUPYTER_PATH: jupyter } : {},
  };
}
