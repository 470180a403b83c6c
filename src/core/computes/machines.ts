/** An EC2 machine type, as far as jobs care. */
export interface Machine {
  /** `m5.xlarge` */
  readonly type: string;
  /** `m5` */
  readonly family: string;
  readonly vcpus: number;
  readonly memoryGib: number;
  readonly gpus: number;
  /** Of one GPU: `T4, 16 GB`. */
  readonly gpu?: string;
}

/** Families whose sizes follow the usual ladder: GiB a vCPU, and vCPUs where they leave it. */
const CPU_FAMILIES: Readonly<Record<string, { readonly gibPerVcpu: number; readonly ladder: readonly number[] }>> = {
  c5: { gibPerVcpu: 2, ladder: [2, 4, 8, 16, 36, 48, 72, 96] },
  c6i: { gibPerVcpu: 2, ladder: [2, 4, 8, 16, 32, 48, 64, 96, 128] },
  m5: { gibPerVcpu: 4, ladder: [2, 4, 8, 16, 32, 48, 64, 96] },
  m6i: { gibPerVcpu: 4, ladder: [2, 4, 8, 16, 32, 48, 64, 96, 128] },
  r5: { gibPerVcpu: 8, ladder: [2, 4, 8, 16, 32, 48, 64, 96] },
  r6i: { gibPerVcpu: 8, ladder: [2, 4, 8, 16, 32, 48, 64, 96, 128] },
};

/** [size, vCPUs, GiB, GPUs] */
type GpuSize = readonly [string, number, number, number];

const G_SMALLER_SIZES: readonly GpuSize[] = [
  ["xlarge", 4, 16, 1],
  ["2xlarge", 8, 32, 1],
  ["4xlarge", 16, 64, 1],
  ["8xlarge", 32, 128, 1],
  ["16xlarge", 64, 256, 1],
  ["12xlarge", 48, 192, 4],
];
const G_SIZES: readonly GpuSize[] = [...G_SMALLER_SIZES, ["24xlarge", 96, 384, 4], ["48xlarge", 192, 768, 8]];

/** Families with GPUs that the service's machine images have drivers for. */
const GPU_FAMILIES: Readonly<Record<string, { readonly gpu: string; readonly sizes: readonly GpuSize[] }>> = {
  g4dn: { gpu: "T4, 16 GB", sizes: G_SMALLER_SIZES },
  g5: { gpu: "A10G, 24 GB", sizes: G_SIZES },
  g6: { gpu: "L4, 24 GB", sizes: G_SIZES },
  g6e: {
    gpu: "L40S, 48 GB",
    sizes: [
      ["xlarge", 4, 32, 1],
      ["2xlarge", 8, 64, 1],
      ["4xlarge", 16, 128, 1],
      ["8xlarge", 32, 256, 1],
      ["16xlarge", 64, 512, 1],
      ["12xlarge", 48, 384, 4],
      ["24xlarge", 96, 768, 4],
      ["48xlarge", 192, 1536, 8],
    ],
  },
  p4d: { gpu: "A100, 40 GB", sizes: [["24xlarge", 96, 1152, 8]] },
  p4de: { gpu: "A100, 80 GB", sizes: [["24xlarge", 96, 1152, 8]] },
  p5: {
    gpu: "H100, 80 GB",
    sizes: [
      ["4xlarge", 16, 256, 1],
      ["48xlarge", 192, 2048, 8],
    ],
  },
  p5en: { gpu: "H200, 141 GB", sizes: [["48xlarge", 192, 2048, 8]] },
};

/** Families that one pool of machines without GPUs is made of: whatever is cheapest, and there. */
export const CPU_POOL_FAMILIES: readonly string[] = Object.keys(CPU_FAMILIES);

const sizeName = (vcpus: number): string => (vcpus === 2 ? "large" : vcpus === 4 ? "xlarge" : `${vcpus / 4}xlarge`);

const MACHINES: ReadonlyMap<string, Machine> = new Map(
  [
    ...Object.entries(CPU_FAMILIES).flatMap(([family, { gibPerVcpu, ladder }]) =>
      ladder.map((vcpus) => ({
        type: `${family}.${sizeName(vcpus)}`,
        family,
        vcpus,
        memoryGib: vcpus * gibPerVcpu,
        gpus: 0,
      })),
    ),
    ...Object.entries(GPU_FAMILIES).flatMap(([family, { gpu, sizes }]) =>
      sizes.map(([size, vcpus, memoryGib, gpus]) => ({
        type: `${family}.${size}`,
        family,
        vcpus,
        memoryGib,
        gpus,
        gpu,
      })),
    ),
  ].map((machine) => [machine.type, machine]),
);

/** A machine type by its EC2 name. */
export function findMachine(type: string): Machine | undefined {
  return MACHINES.get(type.toLowerCase());
}

export function machineTypes(): readonly string[] {
  return [...MACHINES.keys()];
}

/** The smallest of a family with at least so much; where none has the vCPUs, the largest with as many GPUs, which are what a family with GPUs is chosen for. */
export function smallest(family: string, wanted: { readonly vcpus: number; readonly gpus?: number }): Machine {
  const sizes = [...MACHINES.values()].filter((machine) => machine.family === family);
  const gpus = Math.min(...sizes.map((size) => size.gpus).filter((count) => count >= (wanted.gpus ?? 0)));
  const fitting = sizes.filter((size) => size.gpus === gpus);
  const found = fitting.find(({ vcpus }) => vcpus >= wanted.vcpus) ?? fitting.at(-1);
  if (found === undefined) throw new Error(`no machine of family ${family} has ${wanted.gpus} GPUs`);
  return found;
}

export function wordMachine({ type, vcpus, memoryGib, gpus, gpu }: Machine): string {
  const graphics = gpus === 0 ? "" : `, ${gpus} GPU${gpus === 1 ? "" : "s"} (${gpu})`;
  return `\`${type}\` (${vcpus} vCPUs, ${memoryGib} GiB${graphics})`;
}
