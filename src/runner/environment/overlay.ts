import { existsSync, mkdirSync, readdirSync, readFileSync, realpathSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

/**
 * A private layer over a shared environment: `pip install` in a job lands here, and what is here wins. It is a virtual environment of its
 * own whose path file goes on to the shared one, so pip sees what is installed there and leaves it alone.
 */
export function makeOverlay(
  prefix: string,
  folder: string,
): { readonly prefix: string; readonly variables: Record<string, string> } {
  const lib = readdirSync(join(prefix, "lib")).find((name) => /^python3\.\d+$/.test(name)) ?? "python3";
  const site = join(folder, "lib", lib, "site-packages");
  mkdirSync(site, { recursive: true });
  mkdirSync(join(folder, "bin"), { recursive: true });
  const shared = join(prefix, "lib", lib, "site-packages");
  // Path files are read in name order; ours comes last, after those of packages installed in editable form.
  writeFileSync(join(site, "zzz_trainyard.pth"), `import site; site.addsitedir(${JSON.stringify(shared)})\n`);
  const python = realpathSync(join(prefix, "bin/python"));
  const settings = readFileSync(join(prefix, "pyvenv.cfg"), "utf8")
    .split("\n")
    .filter((line) => /^(home|include-system-site-packages|version|version_info|implementation)\s*=/.test(line));
  writeFileSync(
    join(folder, "pyvenv.cfg"),
    `${settings.map((line) => (line.startsWith("home") ? `home = ${dirname(python)}` : line)).join("\n")}\n`,
  );
  for (const name of readdirSync(join(prefix, "bin"))) {
    // They would switch a shell to the shared environment.
    if (/^activate/i.test(name)) continue;
    const target = /^python(3(\.\d+)?)?$/.test(name) ? python : join(prefix, "bin", name);
    symlinkSync(target, join(folder, "bin", name));
  }
  const jupyter = join(prefix, "share/jupyter");
  return {
    prefix: folder,
    variables: existsSync(jupyter) ? { JUPYTER_PATH: jupyter } : {},
  };
}
