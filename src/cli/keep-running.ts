/** Thrown by a command whose program lives on in this process: nobody ends it with an exit code. */
export class KeepRunning extends Error {}
