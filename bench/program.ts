/** What a program of the bench tells the bench: ports, paths, versions, figures. */
export type Facts = Record<string, string | number>;

/** A started role of a program. */
export interface Started {
  /** What the bench and the next role have to know. */
  facts: Facts;
  /** Answers a question of the bench, such as "run for three seconds". */
  ask?: (question: Facts) => Promise<Facts>;
  /** Ends what would outlive this process. */
  stop?: () => void;
}

/**
 * The child's side of `startProgram`: takes the configuration from the bench, starts the role that argv names,
 * and answers questions until the bench is gone. Secrets come over the channel, never as arguments.
 */
export function runProgram(roles: Record<string, (config: Facts) => Promise<Started>>): void {
  const start = roles[process.argv[2] ?? ""];
  if (start === undefined || process.send === undefined) {
    throw new TypeError(`to be started by the bench, with one of: ${Object.keys(roles).join(", ")}`);
  }
  let started: Started | undefined;
  const say = (message: unknown) => process.send?.(message);
  const onConfig = async (config: Facts) => {
    started = await start(config);
    say({ facts: started.facts });
    process.on("message", ({ id, question }: { id: number; question: Facts }) => {
      started?.ask?.(question).then(
        (facts) => say({ id, facts }),
        (error: unknown) => say({ id, error: String(error) }),
      );
    });
  };
  process.once("message", (config: Facts) => {
    onConfig(config).catch((error: unknown) => {
      process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
      process.exit(1);
    });
  });
  const end = () => {
    started?.stop?.();
    process.exit(0);
  };
  process.once("disconnect", end);
  process.once("SIGTERM", end);
}

/** A member of the configuration that has to be text. */
export function text(config: Facts, name: string): string {
  const value = config[name];
  if (typeof value !== "string") throw new TypeError(`the bench gave no ${name}`);
  return value;
}

/** A member of the configuration that has to be a number. */
export function number(config: Facts, name: string): number {
  const value = config[name];
  if (typeof value !== "number") throw new TypeError(`the bench gave no ${name}`);
  return value;
}
