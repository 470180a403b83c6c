import { describeFlavors } from "../helpers/flavors.ts";

/** PyPI's torch brings CUDA with it: about 5 GB on disk. */
describeFlavors(
  ["lightning", "transformers"],
  ["torch>=2.6", "torchvision", "lightning>=2.5,<3", "transformers>=5,<6", "accelerate>=1"],
  1_800_000,
);
