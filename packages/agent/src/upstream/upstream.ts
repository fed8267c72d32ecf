import { failureAnswer, type Clock, type ServiceAnswer, type ServiceCommand } from "@sallyport/nbwss";
import type { Logger } from "pino";
import { Executor, type CommandExecutor } from "../executor.ts";
import { fold } from "../guard/path-pattern.ts";
import { readRequestPath, textOfPath } from "../guard/request-path.ts";
import type { AgentLimits } from "../limits.ts";
import type { UpstreamCredential } from "./credential.ts";
import { UpstreamSession } from "./session.ts";

/** The REST server that commands are executed against. */
export interface Upstream {
  /** Such as `https://127.0.0.1:1556`. */
  origin: string;
  /** Authorities to verify it against, PEM. */
  ca: string[];
  /** The agent's own; without it the agent makes no calls on its own behalf. */
  credential?: UpstreamCredential | undefined;
  /** Whose credential a command of the cloud runs with: its caller's (the default), or the agent's own. */
  commandsAs?: "caller" | "agent" | undefined;
}

/** An upstream that can be called. */
export interface OpenedUpstream {
  origin: string;
  /** Makes the calls of the cloud. */
  commands: CommandExecutor;
  /** Makes the agent's own calls; undefined without a credential. */
  own: CommandExecutor | undefined;
  close(): void;
}

/** Prepares calls of an upstream; nothing is called yet. */
export function openUpstream(
  upstream: Upstream,
  limits: AgentLimits,
  surroundings: { clock: Clock; log: Logger },
): OpenedUpstream {
  const { origin, ca, credential, commandsAs = "caller" } = upstream;
  const { maxUpstreamConnections: maxConnections, upstreamTimeoutMs: timeoutMs } = limits;
  const { maxBodyBytes, maxUploadBytes } = limits;
  const executor = new Executor({ origin, ca, maxConnections, timeoutMs, maxBodyBytes, maxUploadBytes });
  const own =
    credential === undefined ? undefined : new UpstreamSession({ executor, credential, ...surroundings });
  if (commandsAs === "agent" && own === undefined) {
    throw new TypeError("commands can't run as the agent: it has no credential of its own");
  }
  return {
    origin,
    own,
    commands: commandsAs === "agent" && own !== undefined ? commandsAsAgent(executor, own) : executor,
    close: () => executor.close(),
  };
}

/**
 * Commands run with the agent's credential, whatever they bring along. A login is the caller's own business and goes without it;
 * a logout would end the agent's own session.
 */
function commandsAsAgent(executor: CommandExecutor, own: CommandExecutor): CommandExecutor {
  return {
    async execute(command: ServiceCommand, signal: AbortSignal): Promise<ServiceAnswer> {
      // In whatever spelling: what has no clear reading might be one of the two.
      const { path: read, refusal } = readRequestPath(command.uri, Number.POSITIVE_INFINITY);
      if (read === undefined) return failureAnswer(403, 403, `The request was refused: ${refusal}.`);
      const path = fold(textOfPath(read));
      if (path === "/netbackup/login") return executor.execute(command, signal);
      if (path !== "/netbackup/logout") return own.execute(command, signal);
      return failureAnswer(
        403,
        403,
        "Commands run with the agent's own session, which can't be ended from here.",
      );
    },
  };
}
