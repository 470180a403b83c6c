// The words of expressions are part of the contract, where the runner reads them too.
export {
  bindingsOf,
  type RenderValues,
  renderCommand,
  renderKnown,
  type Token,
  tokenize,
  wholeBinding,
} from "../contract/expressions.ts";
