/** The WebSocket subprotocol under which both ends know more than NBWSS 1.0 (Sallyport's extension). */
export const sallyportProtocol = "sallyport.v1";

/** The header of the upgrade response that tells the primary what the endpoint calls this connection. */
export const connectionIdHeader = "sallyport-connection";

/** What both ends know of a connection beside its messages. */
export interface ConnectionTerms {
  /** What the endpoint calls the connection, for both logs; undefined at an endpoint that gives none. */
  trackingId: string | undefined;
  /** Whether both ends speak `sallyport.v1`; without it there is NBWSS 1.0 only. */
  extended: boolean;
}

/** What the upgrade response says of the connection; an id that is not plain is taken for none, since it is logged. */
export function termsOf(headers: Readonly<Record<string, unknown>>, offered: boolean): ConnectionTerms {
  const id = headers[connectionIdHeader];
  return {
    trackingId: typeof id === "string" && /^[\w-]{1,64}$/.test(id) ? id : undefined,
    extended: offered && headers["sec-websocket-protocol"] === sallyportProtocol,
  };
}
