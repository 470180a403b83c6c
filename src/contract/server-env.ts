/** Names, with blanks between, of the variables `yard up` sets for the server alone: it takes them off the environment that its jobs and replicas get. */
export const OWN_ENV = "TRAINYARD_SERVER_ENV";
