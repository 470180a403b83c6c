import { execFileSync } from "node:child_process";
import { join } from "node:path";

const MAKE = `
import sys, zipfile
folder, name, version, requires, body = sys.argv[1:6]
info = f"{name}-{version}.dist-info"
meta = f"Metadata-Version: 2.1\\nName: {name}\\nVersion: {version}\\n" + "".join(f"Requires-Dist: {r}\\n" for r in requires.split(",") if r)
with zipfile.ZipFile(f"{folder}/{name}-{version}-py3-none-any.whl", "w") as wheel:
    wheel.writestr(f"{name}/__init__.py", body)
    wheel.writestr(f"{info}/METADATA", meta)
    wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\\nGenerator: test\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
    wheel.writestr(f"{info}/entry_points.txt", f"[console_scripts]\\n{name}-cmd = {name}:main\\n")
    wheel.writestr(f"{info}/RECORD", "")
`;

/** A package that needs no index: prints its name and version by its console script. */
export function makeWheel(folder: string, name: string, version: string, requires = ""): void {
  const body = `version = "${version}"\ndef main():\n    print("${name}", version)\n`;
  execFileSync("python3", ["-c", MAKE, folder, name, version, requires, body], { cwd: join(folder) });
}
