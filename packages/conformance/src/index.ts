export type { CheckDescription, Level } from "./check.ts";
export { endpointChecks, testEndpoint } from "./endpoint/suite.ts";
export type { EndpointTest } from "./endpoint/suite.ts";
export { defaultEndpointTiming, defaultServiceTiming } from "./limits.ts";
export type { EndpointTiming, ServiceTiming } from "./limits.ts";
export type { CheckResult, Report } from "./report.ts";
export { selectChecks } from "./runner.ts";
export type { Progress } from "./runner.ts";
