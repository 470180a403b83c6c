export const TRAINYARD_VERSION = "0.1.0";
/** The MLflow whose REST surface is answered. */
export const MLFLOW_VERSION = "3.17.2";
/** Port of the laptop home. */
export const DEFAULT_PORT = 7878;
