const FIRST =
  "able agile amber ample ashen bold brave brisk calm candid clear clever coral crisp curious dapper deft eager early even fair fancy fast fine firm fleet fond frank fresh gentle glad golden grand happy hardy honest jolly keen kind lively loyal lucky mellow merry mild modest neat noble orderly patient plucky polite prompt proud quick quiet rapid rare ready robust rosy serene sharp silent sleek smart smooth snowy solid spry stable steady sunny swift tidy true upbeat vivid warm wise witty young zesty".split(
    " ",
  );
const SECOND =
  "ant badger beaver bison boxcar bridge buffer camel cargo coach condor coupler crane crow deer depot diesel dolphin dove eagle engine falcon ferry finch fox freight gauge gecko goose hare hawk heron horse ibis junction koala lark lemur lever lion llama lynx magpie marten mole moose newt ocelot orca osprey otter owl panda parrot pelican piston plover puffin quail rail rabbit raven robin salmon seal shrew shunter signal siding sloth sparrow squid stork swan switch tapir tender tern tiger toad trolley trout tunnel turtle viaduct vole wagon walrus whale wolf wren yak yard zebra".split(
    " ",
  );

/** A name for something that was given none, such as `steady-heron-417`, from random hex digits. */
export function friendlyName(hex: string): string {
  const number = (from: number): number => Number.parseInt(hex.slice(from, from + 7), 16);
  const first = FIRST[number(0) % FIRST.length];
  const second = SECOND[number(7) % SECOND.length];
  return `${first}-${second}-${number(14) % 1000}`;
}
