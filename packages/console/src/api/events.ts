/** An event of the hub's feed (CloudEvents 1.0). */
export interface FeedEvent {
  id: string;
  type: string;
  source: string;
  subject: string;
  time: string;
  position: number;
  data: unknown;
}

/** What is done with what comes. */
export interface EventHandler {
  event: (event: FeedEvent) => void;
  /** The stream stands or not. */
  live: (isLive: boolean) => void;
  /** Positions that the hub does not keep any more. */
  missed: (range: string) => void;
}

/** Pause before a stream that the hub refused is asked for again, ms. A connection that is lost is taken up by the browser itself. */
const refusedPauseMs = 5_000;

/**
 * Follows the hub's events as they come; what ends is taken up where it ended.
 * @param after the position before the first one; undefined for what happens from now on
 * @returns what ends it
 */
export function followEvents(after: number | undefined, type: string, handler: EventHandler): () => void {
  let position = after;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let source = open();
  function open(): EventSource {
    const query = new URLSearchParams({
      ...(position === undefined ? {} : { after: String(position) }),
      ...(type === "" ? {} : { type }),
    });
    const opened = new EventSource(`/api/v1/notifications/stream?${query.toString()}`);
    opened.addEventListener("open", () => handler.live(true));
    opened.addEventListener("error", () => {
      handler.live(false);
      if (opened.readyState !== EventSource.CLOSED) return;
      timer = setTimeout(() => (source = open()), refusedPauseMs);
    });
    opened.addEventListener("message", ({ data }: MessageEvent<string>) => {
      // The hub that sends it is the one that served this page, in the same version.
      const event = JSON.parse(data) as FeedEvent;
      ({ position } = event);
      handler.event(event);
    });
    opened.addEventListener("missed", ({ data }: MessageEvent<string>) => handler.missed(data));
    return opened;
  }
  return () => {
    clearTimeout(timer);
    source.close();
  };
}
