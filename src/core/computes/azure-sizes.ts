import { type Machine, smallest } from "./machines.ts";

/** What an Azure machine size has. */
interface AzureSize {
  readonly vcpus: number;
  readonly memoryGib: number;
  readonly gpus?: number;
  /** EC2 family of the nearest GPU. */
  readonly gpuFamily?: string;
  /** Why it isn't the same GPU. */
  readonly because?: string;
}

/** The first generations count sizes, not vCPUs. */
const OLD_D: Readonly<Record<string, readonly [vcpus: number, memoryGib: number]>> = {
  1: [1, 3.5],
  2: [2, 7],
  3: [4, 14],
  4: [8, 28],
  5: [16, 56],
  11: [2, 14],
  12: [4, 28],
  13: [8, 56],
  14: [16, 112],
  15: [20, 140],
};

/** GiB a vCPU, by the letters of a series. */
const GIB_PER_VCPU: Readonly<Record<string, number>> = {
  A: 2,
  B: 4,
  D: 4,
  DC: 4,
  DS: 4,
  E: 8,
  EC: 8,
  F: 2,
  FS: 2,
  FX: 8,
  G: 8,
  GS: 8,
  H: 7,
  HB: 4,
  HC: 8,
  HX: 8,
  L: 8,
  LS: 8,
  M: 16,
};

const NO_V100 = "AWS Batch's machine images have no driver for V100 GPUs";

/** Sizes with GPUs, by the end of their names. */
const GPU_SIZES: readonly (readonly [
  pattern: RegExp,
  (vcpus: number) => { readonly gpus: number; readonly family: string; readonly because?: string },
])[] = [
  [/^NC\d+AS_T4_V3$/, (vcpus) => ({ gpus: vcpus >= 64 ? 4 : 1, family: "g4dn" })],
  [/^NC\d+R?S_V3$/, (vcpus) => ({ gpus: Math.max(1, Math.round(vcpus / 6)), family: "g5", because: NO_V100 })],
  [
    /^NC\d+R?S_V2$/,
    (vcpus) => ({ gpus: Math.max(1, Math.round(vcpus / 6)), family: "g5", because: "EC2 has no P100" }),
  ],
  [
    /^NC\d+R?(_PROMO)?$/,
    (vcpus) => ({ gpus: Math.max(1, Math.round(vcpus / 6)), family: "g4dn", because: "EC2 has no K80" }),
  ],
  [
    /^NC\d+ADS_A100_V4$/,
    (vcpus) => ({ gpus: Math.round(vcpus / 24), family: "g6e", because: "EC2 has A100 GPUs by 8 only" }),
  ],
  [/^NC\d+ADI?S_H100_V5$/, (vcpus) => ({ gpus: Math.round(vcpus / 40), family: "p5" })],
  [/^NC(C)?\d+/, (vcpus) => ({ gpus: Math.max(1, Math.round(vcpus / 24)), family: "g5" })],
  [/^ND40R?S_V2$/, () => ({ gpus: 8, family: "g5", because: NO_V100 })],
  [/^ND\d+ASR(_A100)?_V4$/, () => ({ gpus: 8, family: "p4d" })],
  [/^ND\d+AMSR_A100_V4$/, () => ({ gpus: 8, family: "p4de" })],
  [/^ND\d+ISR_H100_V5$/, () => ({ gpus: 8, family: "p5" })],
  [/^ND\d+ISR_H200_V5$/, () => ({ gpus: 8, family: "p5en" })],
  [/^ND\d+R?S?$/, (vcpus) => ({ gpus: Math.max(1, Math.round(vcpus / 6)), family: "g5", because: "EC2 has no P40" })],
  [/^NV\d+ADS_A10_V5$/, (vcpus) => ({ gpus: vcpus > 36 ? 2 : 1, family: "g5" })],
  [/^NV\d+/, (vcpus) => ({ gpus: Math.max(1, Math.round(vcpus / 12)), family: "g4dn" })],
];

/** The EC2 machine nearest to an Azure size, and what differs; undefined for a name that is no Azure size with a like in EC2. */
export function nearestToAzure(name: string): { readonly machine: Machine; readonly because?: string } | undefined {
  const size = readAzureSize(name);
  if (size === undefined) return undefined;
  const { vcpus, memoryGib, gpus, gpuFamily, because } = size;
  if (gpuFamily !== undefined) {
    const machine = smallest(gpuFamily, { vcpus, gpus: gpus ?? 1 });
    // Twice the GPUs is near enough; eight for two is another price.
    if (machine.gpus > 2 * (gpus ?? 1)) return undefined;
    return { machine, ...(because === undefined ? {} : { because }) };
  }
  const ratio = memoryGib / vcpus;
  const family = ratio <= 2.5 ? "c5" : ratio <= 5 ? "m5" : "r5";
  return { machine: smallest(family, { vcpus }) };
}

function readAzureSize(name: string): AzureSize | undefined {
  const bare = name.toUpperCase().replace(/^(STANDARD|BASIC)_/, "");
  const parts = /^([A-Z]+)(\d+)(?:-(\d+))?([A-Z]*)((?:_[A-Z0-9]+)*)$/.exec(bare);
  if (parts === null) return undefined;
  const [, series = "", number = "", constrained, , rest = ""] = parts;
  const vcpus = Number(constrained ?? number);
  for (const [pattern, of] of GPU_SIZES) {
    if (!pattern.test(bare)) continue;
    const { gpus, family, because } = of(Number(number));
    return { vcpus, memoryGib: 0, gpus, gpuFamily: family, ...(because === undefined ? {} : { because }) };
  }
  const old = /^(_V2)?(_PROMO)?$/.test(rest) && /^DS?$/.test(series) && parts[4] === "" ? OLD_D[number] : undefined;
  if (old !== undefined) return { vcpus: old[0], memoryGib: old[1] };
  const perVcpu = GIB_PER_VCPU[series];
  return perVcpu === undefined || vcpus < 1 || vcpus > 416 ? undefined : { vcpus, memoryGib: vcpus * perVcpu };
}
