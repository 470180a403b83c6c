// The arrows between floors (docs/architecture.md). Paths may stand below a prefix, so that the canary tree is judged by the same rules.
const floor = (name) => `(^|/)src/${name}/`;
const OURS = "(^|/)(src|lambdas|lib|bin|studio)/";

/** `from` may import, of our own code, only the floors named (itself included). */
function only(from, allowed, extra = {}) {
  return {
    name: `${from.replaceAll("/", "-")}-imports`,
    severity: "error",
    comment: `src/${from} may import only: ${allowed.join(", ") || "nothing of ours"}`,
    from: { path: floor(from), ...extra },
    to: { path: OURS, pathNot: [...[from, ...allowed].map(floor), "(^|/)node_modules/"] },
  };
}

module.exports = {
  forbidden: [
    {
      name: "no-cycles",
      severity: "error",
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ["type-only"] } },
    },
    {
      name: "resolvable",
      severity: "error",
      from: {},
      to: { couldNotResolve: true, pathNot: "^(cpu-features|aws-lambda|cloudfront)$" },
    },
    only("contract", []),
    {
      name: "contract-packages",
      severity: "error",
      from: { path: floor("contract") },
      to: { path: "node_modules/", pathNot: "node_modules/zod/" },
    },
    only("spec", ["contract"]),
    {
      name: "spec-packages",
      severity: "error",
      from: { path: floor("spec") },
      to: { path: "node_modules/", pathNot: "node_modules/(yaml|zod)/" },
    },
    only("core", ["contract", "spec"]),
    only("store", ["core", "contract"]),
    only("adapters/node", ["core", "contract"]),
    only("adapters/aws", ["adapters/node", "core", "store/facts", "contract"]),
    only("adapters/local", ["adapters/node", "core", "store/facts", "contract"]),
    only("adapters/ssh", ["core", "contract"]),
    only("adapters/datastores", ["core", "contract"]),
    only("api", ["core", "contract"]),
    only("home", ["api", "store", "adapters/node", "core", "contract"]),
    only("runner", ["contract", "client"]),
    only("serving", ["contract", "client"]),
    only("client", ["contract"]),
    {
      name: "cli-imports",
      severity: "error",
      comment: "cli may import client, contract, spec; src/local only lazily",
      from: { path: floor("cli") },
      to: { path: OURS, pathNot: [floor("cli"), floor("client"), floor("contract"), floor("spec"), floor("local")] },
    },
    {
      name: "cli-local-lazily",
      severity: "error",
      from: { path: floor("cli") },
      to: { path: floor("local"), dynamic: false, dependencyTypesNot: ["type-only"] },
    },
    {
      name: "local-is-not-aws",
      severity: "error",
      from: { path: floor("local") },
      to: { path: [floor("adapters/aws"), "(^|/)(lambdas|lib|bin)/"] },
    },
    {
      name: "lambdas-are-not-local",
      severity: "error",
      from: { path: "(^|/)lambdas/" },
      to: { path: [floor("adapters/local"), floor("local"), "(^|/)lib/"] },
    },
    {
      name: "lib-is-infrastructure",
      severity: "error",
      from: { path: "(^|/)lib/" },
      to: { path: "(^|/)src/", pathNot: [floor("contract"), floor("store/facts")] },
    },
    {
      name: "pure-floors-have-no-node",
      severity: "error",
      from: { path: [floor("contract"), floor("spec"), floor("core"), floor("store"), floor("api")] },
      to: { dependencyTypes: ["core"] },
    },
    {
      name: "sdk-behind-adapters",
      severity: "error",
      from: {
        path: [
          floor("core"),
          floor("store"),
          floor("api"),
          floor("contract"),
          floor("spec"),
          floor("client"),
          floor("cli"),
        ],
      },
      to: { path: "node_modules/(@aws-sdk|@smithy|ssh2)/" },
    },
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
    doNotFollow: { path: "node_modules" },
    enhancedResolveOptions: {
      exportsFields: ["exports"],
      conditionNames: ["import", "node", "default", "types"],
      extensions: [".ts", ".mjs", ".js", ".json"],
    },
  },
};
