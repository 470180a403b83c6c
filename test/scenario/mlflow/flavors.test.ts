import { describeFlavors } from "../../helpers/flavors.ts";

/** Those whose packages are small; `npm run test:clients` has the others. */
describeFlavors(
  ["sklearn", "xgboost", "lightgbm", "keras"],
  ["xgboost-cpu>=3,<4", "lightgbm>=4.6,<5", "keras>=3.12,<4", "jax>=0.7,<1"],
  900_000,
);
