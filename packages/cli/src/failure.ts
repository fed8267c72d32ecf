/** A failure that is the user's to mend: printed as one line, without a stack. */
export class Failure extends Error {
  /** The exit code: 1 for what did not work, 2 for what was asked wrongly, 3 for what waits for somebody's approval. */
  readonly exitCode: number;

  constructor(message: string, options?: ErrorOptions & { exitCode?: number }) {
    super(message, options);
    this.name = "Failure";
    this.exitCode = options?.exitCode ?? 1;
  }
}
