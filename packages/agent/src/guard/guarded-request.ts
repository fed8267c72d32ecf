import type { Command, ServiceCommand } from "@sallyport/nbwss";
import { readJsonBody, type JsonBody } from "./json-body.ts";
import { fold } from "./path-pattern.ts";
import { readRequestPath, textOfPath, type RequestPath } from "./request-path.ts";

/** A command that has one reading, as the rules look at it. */
export interface GuardedRequest {
  method: Command["method"];
  path: RequestPath;
  /** The path as people write it. */
  pathText: string;
  /** The server group that it comes from. */
  groupId: string;
  /** Names in lower case, each once. */
  headers: ReadonlyMap<string, string>;
  body: string | undefined;
  /** The body as JSON, read when it is asked for; undefined when it is not said to be JSON in UTF-8, is none, or has more than one reading. */
  json(): JsonBody | undefined;
}

/** What `readRequest` found: the request, or why it has no clear reading. */
export type RequestReading =
  | { request: GuardedRequest; refusal?: undefined }
  | { request?: undefined; refusal: string };

/** Headers by which one method or path is passed off as another. */
const overriding = new Set([
  "x-http-method-override",
  "x-http-method",
  "x-method-override",
  "x-original-url",
  "x-original-uri",
  "x-rewrite-url",
  "x-forwarded-prefix",
  "x-forwarded-path",
  "x-forwarded-uri",
]);

/** Reads a command as its server will; one that two servers could read differently is refused. */
export function readRequest(
  command: ServiceCommand,
  groupId: string,
  maxPathCharacters: number,
): RequestReading {
  const { path, refusal } = readRequestPath(command.uri, maxPathCharacters);
  if (path === undefined) return { refusal };
  const headers = new Map<string, string>();
  for (const [name, value] of Object.entries(command.headers)) {
    const key = name.toLowerCase();
    // Servers that pass headers on as variables make one of both characters.
    if (overriding.has(key.replaceAll("_", "-")))
      return { refusal: `the header ${key.slice(0, 40)} may change what the request means` };
    if (headers.has(key)) return { refusal: `the header ${key.slice(0, 40)} is there twice` };
    headers.set(key, value);
  }
  const body = command.parameters;
  const type = headers.get("content-type") ?? "";
  if (body !== undefined && isFormThatOverrides(type, body))
    return { refusal: "the form's _method may change what the request means" };
  // Otherwise whoever makes the form long enough, or adds a byte that is no text, passes the line before by.
  if (command.upload !== undefined && isForm(type))
    return { refusal: "the form is too long, or not text, to see whether it has a _method" };
  let json: JsonBody | undefined;
  let isJsonRead = false;
  return {
    request: {
      method: command.method,
      path,
      pathText: textOfPath(path),
      groupId,
      headers,
      body,
      json() {
        if (!isJsonRead && body !== undefined && isJsonType(headers.get("content-type")))
          json = readJsonBody(body);
        isJsonRead = true;
        return json;
      },
    },
  };
}

/** Whether a reader who goes by the type reads JSON, in UTF-8; untold it is JSON. */
function isJsonType(contentType: string | undefined): boolean {
  if (contentType === undefined) return true;
  const [type = "", ...parameters] = contentType.split(";").map((part) => part.trim().toLowerCase());
  const charset = parameters.find((one) => one.startsWith("charset"));
  return (
    /^application\/(?:[a-z0-9.-]+\+)?json$/.test(type) &&
    (charset === undefined || /^charset="?utf-?8"?$/.test(charset))
  );
}

const urlEncodedForm = /^\s*application\/x-www-form-urlencoded/i;
const multipartForm = /^\s*multipart\//i;

function isForm(contentType: string): boolean {
  return urlEncodedForm.test(contentType) || multipartForm.test(contentType);
}

/** Some frameworks take a POST for another method when its form says so. */
function isFormThatOverrides(contentType: string, body: string): boolean {
  if (urlEncodedForm.test(contentType)) return new URLSearchParams(body).has("_method");
  return multipartForm.test(contentType) && /name\s*=\s*"?_method/i.test(body);
}

/** Whether a request is for what the guard itself answers, below `/netbackup/sallyport`. */
export function isForGuard({ path }: GuardedRequest): boolean {
  return fold(path.segments[1] ?? "") === "sallyport";
}
