export const TRAINYARD_VERSION = "0.1.0";
/** The MLflow whose REST surface is answered. */
export const MLFLOW_VERSION = "3.17.2";
/** Port of the laptop home. */
export const DEFAULT_PORT = 7878;

/** Where `yard login` waits for the browser's way back; identity providers must know it as `http://localhost:8765/callback`. */
export const SIGN_IN_PORT = 8765;
export const SIGN_IN_PATH = "/callback";
