import { join } from "node:path";
import { AppError } from "../../contract/errors.ts";
import { uvVariables } from "../tools/pip-settings.ts";
import type { Python } from "../tools/python.ts";
import { runTool } from "../tools/run-tool.ts";

/**
 * Makes the environment and puts pip into it by unpacking the wheel that comes with Python (Debian keeps it elsewhere), else by copying
 * the interpreter's own pip: no network, and a tenth of the time that `ensurepip` takes.
 */
const CREATE = `
import glob, os, shutil, sys, venv, zipfile
target = sys.argv[1]
venv.EnvBuilder(with_pip=False, symlinks=True).create(target)
site = os.path.join(target, "lib", "python%d.%d" % sys.version_info[:2], "site-packages")
wheels = []
try:
    import ensurepip
    wheels = glob.glob(os.path.join(os.path.dirname(ensurepip.__file__), "_bundled", "*.whl"))
except ImportError:
    pass
wheels = wheels or glob.glob("/usr/share/python-wheels/pip-*.whl")
for wheel in wheels:
    if os.path.basename(wheel).startswith(("pip-", "setuptools-")):
        zipfile.ZipFile(wheel).extractall(site)
if not os.path.isdir(os.path.join(site, "pip")):
    from importlib.util import find_spec
    found = find_spec("pip")
    if found is None or not found.origin:
        sys.exit(3)
    source = os.path.dirname(found.origin)
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(source, os.path.join(site, "pip"), ignore=ignore)
    for info in glob.glob(os.path.join(os.path.dirname(source), "pip-*.dist-info")):
        shutil.copytree(info, os.path.join(site, os.path.basename(info)), ignore=ignore)
python = os.path.join(target, "bin", "python")
for name in ("pip", "pip3", "pip%d.%d" % sys.version_info[:2]):
    path = os.path.join(target, "bin", name)
    with open(path, "w") as file:
        file.write("#!%s\\nimport sys\\nfrom pip._internal.cli.main import main\\nsys.exit(main())\\n" % python)
    os.chmod(path, 0o755)
`;

/** Makes an empty environment with pip at `prefix`. */
export async function createEnvironment(options: {
  readonly python: Python;
  readonly prefix: string;
  readonly uv: () => Promise<string>;
  readonly signal?: AbortSignal | undefined;
}): Promise<void> {
  const { python, prefix, signal } = options;
  const made = python.hasVenv
    ? await runTool(python.path, ["-I", "-c", CREATE, prefix], { signal })
    : { code: 3, output: "" };
  if (made.code === 0) return;
  if (/No space left on device/.test(made.output)) throw failed("the disk is full", made.output);
  if (made.code !== 3) throw failed(`Python ${python.version} cannot make an environment`, made.output);
  const uv = await options.uv();
  const result = await runTool(uv, ["venv", "--color=never", "--clear", "--seed", `--python=${python.path}`, prefix], {
    env: { ...process.env, ...uvVariables() },
    signal,
  });
  if (result.code !== 0) throw failed(`uv cannot make an environment with Python ${python.version}`, result.output);
}

function failed(reason: string, output: string): AppError {
  return new AppError("EnvironmentBuildFailed", reason, { log: output.slice(-4000) });
}

export function binDir(prefix: string): string {
  return join(prefix, "bin");
}
