import { z } from "zod";
import { parseEndpointUrl } from "@sallyport/nbwss";
import { AgentError } from "../errors.ts";

const wssUrl = z.string().superRefine((text, context) => {
  try {
    parseEndpointUrl(text);
  } catch (error) {
    context.addIssue({ code: "custom", message: (error as Error).message });
  }
});

/** What a cloud application publishes of an endpoint, as file or by URL (NBWSS, roles). */
export const endpointDetails = z.object({
  token: z.string().min(1).max(4096),
  /** Lower is preferred. */
  priority: z.int().min(0).max(1_000_000),
  groupId: z.string().min(1).max(256),
  hostName: z.string().min(1).max(253),
  url: wssUrl,
});

/** The object that administration exchanges: the details and the server's certificate (NBWSS, endpoint administration). */
export const endpointObject = endpointDetails.extend({
  /** PEM; empty where the server has not been asked yet. */
  certificate: z.string().max(65_536),
  state: z.enum(["ACTIVATED", "DEACTIVATED"]).nullish(),
});

export type EndpointDetails = z.infer<typeof endpointDetails>;
export type EndpointObject = z.infer<typeof endpointObject>;

/**
 * Checks input against a schema.
 * @param what how the message calls it, such as "endpoint details"
 * @throws AgentError `invalid_details` that names each wrong member
 */
export function checkInput<T>(schema: z.ZodType<T>, value: unknown, what: string): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const attributeErrors: Record<string, string> = {};
  for (const issue of result.error.issues) attributeErrors[issue.path.join(".") || what] = issue.message;
  const members = Object.keys(attributeErrors).join(", ");
  throw new AgentError("invalid_details", `${what}: wrong or missing: ${members}`, { attributeErrors });
}
