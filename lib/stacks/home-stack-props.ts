import type { StackProps } from "aws-cdk-lib";
import type { Stage } from "../config/stage.ts";

/** What every stack of a home is told. */
export interface HomeStackProps extends StackProps {
  readonly stage: Stage;
}
