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

/**
 * Follows the hub's events as they come; the browser takes a lost connection up where it ended.
 * @returns what ends it
 */
export function followEvents(after: number, type: string, handler: EventHandler): () => void {
  const query = new URLSearchParams({ after: String(after), ...(type === "" ? {} : { type }) });
  const source = new EventSource(`/api/v1/notifications/stream?${query.toString()}`);
  source.addEventListener("open", () => handler.live(true));
  source.addEventListener("error", () => handler.live(false));
  source.addEventListener("message", ({ data }: MessageEvent<string>) => {
    // The hub that sends it is the one that served this page, in the same version.
    handler.event(JSON.parse(data) as FeedEvent);
  });
  source.addEventListener("missed", ({ data }: MessageEvent<string>) => handler.missed(data));
  return () => source.close();
}
