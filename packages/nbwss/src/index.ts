export { failureAnswer, readCommandAnswer, writeCommandAnswer } from "./answer.ts";
export type { AcknowledgementPayload, CommandAnswer, Dialect, PeerDialect } from "./answer.ts";
export { systemClock } from "./clock.ts";
export type { Clock, Timer } from "./clock.ts";
export { closeCodes, closeStatusOf } from "./close-codes.ts";
export type { CloseInfo } from "./close-codes.ts";
export { decodeMessage, encodeMessage } from "./codec.ts";
export { EndpointConnection } from "./endpoint/connection.ts";
export { dialReason } from "./dial-reason.ts";
export { attachEndpoint } from "./endpoint/endpoint.ts";
export type { Endpoint, EndpointOptions } from "./endpoint/endpoint.ts";
export type { EndpointHandler, Introduction, Rejection } from "./endpoint/handshake.ts";
export { DecodeError, NbwssError, nbwssErrors } from "./errors.ts";
export type { NbwssErrorCode } from "./errors.ts";
export type { HeartbeatPace } from "./heartbeat.ts";
export type { ServiceAnswer, ServiceCommand, StreamedAnswer, StreamedCommand } from "./extension/command.ts";
export { hopByHopHeaders } from "./hop-by-hop.ts";
export { imageItem, imageOperations, jobItem } from "./items.ts";
export type { ImageItem, JobItem } from "./items.ts";
export { defaultLimits } from "./limits.ts";
export type { NbwssLimits } from "./limits.ts";
export { newOrderedId } from "./message-id.ts";
export { commandMethods, messageSchemas, notificationEntry } from "./message.ts";
export type {
  Command,
  CommandRequest,
  CommandResponse,
  ConnectRequest,
  ConnectResponse,
  Gap,
  GapMessage,
  Health,
  Hello,
  Message,
  Move,
  MoveMessage,
  NotificationEntry,
  NotificationRequest,
  NotificationResponse,
  Resume,
  Standing,
} from "./message.ts";
export type { WaitOptions } from "./request-table.ts";
export { ServiceConnection } from "./service/connection.ts";
export type { ServiceHandler } from "./service/handler.ts";
export { Probe } from "./probe/probe.ts";
export type { ProbeOptions, SilenceOutcome } from "./probe/probe.ts";
export { probeProtocol } from "./probe/protocol.ts";
export type { ProbeHandler } from "./probe/serve.ts";
export { dialEndpoint, parseEndpointUrl } from "./service/dial.ts";
export type { DialOptions } from "./service/dial.ts";
export { proxyFor } from "./service/proxy.ts";
export type { ProxyEnvironment } from "./service/proxy.ts";
export { connectionIdHeader, sallyportProtocol } from "./subprotocol.ts";
export type { ConnectionTerms } from "./subprotocol.ts";
