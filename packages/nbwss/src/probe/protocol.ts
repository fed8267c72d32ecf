import { z } from "zod";

/**
 * The WebSocket subprotocol under which a primary finds out how long a connection may be silent before something on the way cuts it
 * (Sallyport's extension). Such a socket is never the primary's connection: it has no CONNECT, no command and no notification.
 */
export const probeProtocol = "sallyport.probe.v1";

const maxTokenCharacters = 4096;

/** What a primary sends. Not a CONNECT, so that an endpoint that selects whatever is offered does not take it for one. */
export const probeQuestion = z.discriminatedUnion("type", [
  z.object({ type: z.literal("TOKEN"), token: z.string().min(1).max(maxTokenCharacters) }),
  z.object({ type: z.literal("SILENCE"), ms: z.int().min(1) }),
]);

/** What an endpoint sends. */
export const probeAnswer = z.discriminatedUnion("type", [
  /** The only answer to TOKEN. `busy`: the token is good, but there are too many probes; the endpoint closes with 1013. */
  z.object({
    type: z.literal("VERDICT"),
    valid: z.boolean(),
    busy: z.boolean().default(false),
    /** The longest silence that may be asked for. */
    maxSilenceMs: z.int().min(0).default(0),
  }),
  /** Ends the silence that was asked for. */
  z.object({ type: z.literal("ANSWER"), ms: z.int() }),
]);

/** One message of a primary. */
export type ProbeQuestion = z.infer<typeof probeQuestion>;
/** One message of an endpoint. */
export type ProbeAnswer = z.infer<typeof probeAnswer>;

/** Reads one message; undefined when it is none of this kind. */
export function readProbeMessage<T>(schema: z.ZodType<T>, text: string): T | undefined {
  try {
    return schema.safeParse(JSON.parse(text)).data;
  } catch {
    // No JSON: no such message.
    return undefined;
  }
}
