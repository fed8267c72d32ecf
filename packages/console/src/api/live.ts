import { followEvents } from "./events.ts";

/** How long what happens is gathered before the pages are told, ms: a busy fleet must not make each of them read all the time. */
const gatherMs = 1_000;
const name = "sallyport-live";

/** What one tab tells the others: what has changed, and whether it is told at all. Never the events themselves. */
interface LiveMessage {
  isLive: boolean;
  /** Types of events since the last message. */
  types: string[];
}

/** What is done with it. */
export interface LiveHandler {
  /** Types of what has happened; every type when `missed`. */
  changed: (types: readonly string[]) => void;
  live: (isLive: boolean) => void;
}

/** Stands for all types: something was missed. */
export const everyType = "";

/**
 * Learns what happens at the hub, for all tabs of this browser over one stream: browsers allow six connections to a server, and each tab with one
 * of its own would soon take them all. The tab that has the lock follows; when it is closed, another one gets the lock.
 * @returns what ends it
 */
export function followLive(handler: LiveHandler): () => void {
  const leaving = new AbortController();
  const channel = new BroadcastChannel(name);
  const take = ({ isLive, types }: LiveMessage) => {
    handler.live(isLive);
    if (types.length > 0) handler.changed(types);
  };
  // Only pages of this origin, thus of this hub, are on the channel.
  channel.addEventListener("message", ({ data }: MessageEvent<LiveMessage>) => take(data));
  const lead = () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const end = leadLive((message) => {
      // A broadcast channel reaches this origin alone, and takes no target.
      // oxlint-disable-next-line unicorn/require-post-message-target-origin
      channel.postMessage(message);
      take(message);
    });
    leaving.signal.addEventListener("abort", () => {
      end();
      channel.close();
      resolve();
    });
    return promise;
  };
  navigator.locks.request(name, { signal: leaving.signal }, lead).catch((error: unknown) => {
    channel.close();
    // Left before it was this tab's turn.
    if (!leaving.signal.aborted) throw error;
  });
  return () => leaving.abort();
}

function leadLive(tell: (message: LiveMessage) => void): () => void {
  let isLive = false;
  const types = new Set<string>();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const flush = () => {
    timer = undefined;
    const message = { isLive, types: [...types] };
    types.clear();
    tell(message);
  };
  const note = (type: string) => {
    types.add(type);
    timer ??= setTimeout(flush, gatherMs);
  };
  const end = followEvents(undefined, "", {
    event: ({ type }) => note(type),
    missed: () => note(everyType),
    live: (stands) => {
      // What happened before it stood is not known: all is read again.
      if (stands && !isLive) types.add(everyType);
      isLive = stands;
      clearTimeout(timer);
      flush();
    },
  });
  // Tabs that open later learn by this how it stands.
  const beat = setInterval(flush, 10 * gatherMs);
  return () => {
    clearTimeout(timer);
    clearInterval(beat);
    end();
  };
}
