import { appendFileSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Ajv, type ValidateFunction } from "ajv";
import addFormats from "ajv-formats";

type Json = Record<string, unknown>;
interface Operation {
  parameters?: { name: string; "x-filter"?: Record<string, string[]> }[];
  responses: Record<string, { content?: Record<string, { schema: Json }> }>;
}
interface Contract {
  document: string;
  paths: Record<string, Record<string, Operation>>;
}

/** An operation that NetBackup has published, or that its clients are seen to call. */
export interface ContractOperation {
  /** In upper case. */
  method: string;
  /** With its parameters in braces. */
  template: string;
  document: string;
}

/** What of an answer is compared with the contract. */
export interface AnswerToCheck {
  status: number;
  headers: Readonly<Record<string, string | string[] | undefined>>;
  text: string;
  body: unknown;
}

const fixtures = join(import.meta.dirname, "../../../../tests/fixtures");
const methodNames = ["get", "put", "post", "patch", "delete"];
/** Refusals that any operation may answer, documented for it or not. */
const anyRefusal = new Set([401, 405, 406, 412, 413, 415, 429, 500, 501, 503]);

/**
 * Members that the documents leave out and clients ask for: some end their paging by `page` and `pages` in any list, and
 * take a policy's type from the list.
 */
const wantedByClients: readonly unknown[] = [
  "page",
  "pages",
  "policyType",
  // Our own: what an administrator compares before trusting an endpoint's certificate.
  "subject",
  "sha1Fingerprints",
  "sha256Fingerprint",
];
const isWanted = (params: Json) => wantedByClients.includes(params["additionalProperty"]);

const ajv = new Ajv({ strict: false, allErrors: true });
// With ajv's own types for CommonJS the function is the module's default.
addFormats.default(ajv);

function readContracts(folder: string): Contract[] {
  return readdirSync(join(fixtures, folder)).map((file) => {
    // `oneOf` of the published policies has branches without properties, which match everything: it means any of them.
    const text = readFileSync(join(fixtures, folder, file), "utf8").replaceAll('"oneOf"', '"anyOf"');
    const contract = strictly(JSON.parse(text)) as Contract;
    const document = `${folder}/${file.replace(/\.json$/, "")}`;
    ajv.addSchema(contract, document);
    return { ...contract, document };
  });
}

/**
 * Members that the documents do not name are refused, as a decoder with the published types would: where they name any,
 * and not within a choice of schemas, of which each names a part.
 */
function strictly(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(strictly);
  if (typeof value !== "object" || value === null) return value;
  const isChoice = "anyOf" in value || "allOf" in value;
  const parts = Object.entries(value as Json).map(([name, part]): [string, unknown] => [
    name,
    isChoice ? part : strictly(part),
  ]);
  const isClosed = "properties" in value && isObject(value.properties) && !isChoice;
  return { ...(isClosed ? { additionalProperties: false } : {}), ...Object.fromEntries(parts) };
}

/** Whether these are properties of a schema, and not a member that is called so. */
function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !("type" in value && typeof value.type === "string");
}

const published = readContracts("netbackup-openapi");
/** What jobs were before version 9.0: what that changed is published for later versions only. */
const old = readContracts("netbackup-openapi-old");
/** What NetBackup's documents at hand do not have and its clients call, in the shape in which they read it. */
const observed = readContracts("netbackup-observed");
const validators = new Map<string, ValidateFunction>();

const operationsOf = (contracts: readonly Contract[]): ContractOperation[] =>
  contracts.flatMap(({ document, paths }) =>
    Object.entries(paths).flatMap(([template, methods]) =>
      methodNames
        .filter((method) => methods[method] !== undefined)
        .map((method) => ({ method: method.toUpperCase(), template, document })),
    ),
  );

/** Every operation that NetBackup has published. */
export const contractOperations: readonly ContractOperation[] = operationsOf(published);

/** Every operation whose shape is known from its clients alone. */
export const observedContract: readonly ContractOperation[] = operationsOf(observed);

/** Every field that NetBackup publishes for the filter of a list, with its operators and functions. */
export const contractFilters = published.flatMap(({ paths }) =>
  Object.entries(paths).flatMap(([path, { get }]) =>
    (get?.parameters ?? []).flatMap(({ "x-filter": filter }) =>
      Object.entries(filter ?? {}).map(([field, operators]) => ({ path, field, operators })),
    ),
  ),
);

/** The validator of a schema in one of the documents. */
export function validatorFor(document: string, pointer: readonly string[]): ValidateFunction {
  const escaped = pointer.map((part) => encodeURIComponent(part.replaceAll("~", "~0").replaceAll("/", "~1")));
  const reference = `${document}#/${escaped.join("/")}`;
  const found = validators.get(reference) ?? ajv.compile({ $ref: reference });
  validators.set(reference, found);
  return found;
}

const patternsOf = (operations: readonly ContractOperation[]) =>
  operations.map((operation) => ({
    operation,
    parameters: operation.template.split("{").length,
    pattern: new RegExp(`^${operation.template.replace(/\/$/, "").replaceAll(/\{\w+\}/g, "[^/]+")}$`),
  }));
const publishedPatterns = patternsOf(contractOperations);
const oldPatterns = patternsOf(operationsOf(old));
const observedPatterns = patternsOf(operationsOf(observed));

/** The published operation that a request is one of; undefined when NetBackup's documents have none. */
export function operationOf(method: string, path: string): ContractOperation | undefined {
  return find(publishedPatterns, method, path);
}

function find(patterns: typeof publishedPatterns, method: string, path: string) {
  const plain = (path.split("?")[0] ?? "").replaceAll(/\/{2,}/g, "/").replace(/(.)\/$/, "$1");
  const wanted = method === "HEAD" ? "GET" : method;
  const found = patterns.filter(
    ({ operation, pattern }) => operation.method === wanted && pattern.test(plain),
  );
  return found.toSorted((a, b) => a.parameters - b.parameters)[0]?.operation;
}

/** How an answer differs from what NetBackup has published for its operation; empty when it does not. */
export function contractProblems(method: string, path: string, answer: AnswerToCheck): string[] {
  const operation = operationOf(method, path);
  note(operation, answer.status);
  if (answer.status >= 400) return refusalProblems(method, operation, answer);
  const type = String(answer.headers["content-type"] ?? "");
  const isOld = /version=[1-8]\./.test(type);
  const shown =
    (isOld ? find(oldPatterns, method, path) : undefined) ??
    operation ??
    find(observedPatterns, method, path);
  // Our own administration is no part of NetBackup's API.
  if (shown === undefined) {
    return path.startsWith("/sallyport/") ? [] : [`${method} ${path} is answered and nowhere described`];
  }
  const { document, template } = shown;
  const contract = [...published, ...old, ...observed].find((one) => one.document === document);
  const response = contract?.paths[template]?.[shown.method.toLowerCase()]?.responses[answer.status];
  if (response === undefined) return [`${method} ${template} does not document ${answer.status}`];
  const media = Object.keys(response.content ?? {});
  if (media.length === 0) return answer.text === "" ? [] : [`${method} ${template} has no body`];
  const expected = media.find((name) => type.startsWith(name.replace(/;.*/, "")));
  if (expected === undefined || !/;version=\d+\.\d+$/.test(type)) {
    return [`${method} ${template}: ${type} is not one of ${media.join(", ")} with a version`];
  }
  if (method === "HEAD") return answer.text === "" ? [] : [`HEAD ${template} has a body`];
  const place = [
    "paths",
    template,
    shown.method.toLowerCase(),
    "responses",
    String(answer.status),
    "content",
  ];
  const validate = validatorFor(document, [...place, expected, "schema"]);
  if (validate(expected.includes("json") ? answer.body : answer.text)) return [];
  return (validate.errors ?? [])
    .filter(({ keyword, params }) => keyword !== "additionalProperties" || !isWanted(params))
    .map((error) => `${method} ${template}: ${JSON.stringify(error)}`);
}

function refusalProblems(
  method: string,
  operation: ContractOperation | undefined,
  answer: AnswerToCheck,
): string[] {
  const problems: string[] = [];
  const type = String(answer.headers["content-type"] ?? "");
  if (!/^application\/vnd\.netbackup\+json;version=\d+\.\d+$/.test(type))
    problems.push(`a refusal as ${type}`);
  const body = (answer.body ?? {}) as Json;
  if (method !== "HEAD") {
    if (!Number.isInteger(body["errorCode"])) problems.push("errorCode is no integer");
    if (typeof body["errorMessage"] !== "string" || body["errorMessage"] === "") {
      problems.push("errorMessage is no text");
    }
    if (!Array.isArray(body["errorDetails"])) problems.push("errorDetails is no list");
  }
  if (operation === undefined || anyRefusal.has(answer.status)) return problems;
  // A bad filter is 400 everywhere (NetBackup REST, filters), though some lists' documents leave it out.
  if (answer.status === 400 && operation.method === "GET") return problems;
  const { template, document } = operation;
  const contract = published.find((one) => one.document === document);
  const documented = contract?.paths[template]?.[operation.method.toLowerCase()]?.responses[answer.status];
  return documented === undefined
    ? [...problems, `${method} ${template} does not document ${answer.status}`]
    : problems;
}

/** Tells the test run which operations were called, for its report of those that never are. */
function note(operation: ContractOperation | undefined, status: number): void {
  const file = process.env["SALLYPORT_CONTRACT_LOG"];
  if (file === undefined || operation === undefined) return;
  appendFileSync(file, `${operation.method} ${operation.template} ${status}\n`);
}
