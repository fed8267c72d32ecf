import { appendFileSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Ajv, type ValidateFunction } from "ajv";
import addFormats from "ajv-formats";

type Json = Record<string, unknown>;
interface Operation {
  responses: Record<string, { content?: Record<string, { schema: Json }> }>;
}
interface Contract {
  document: string;
  paths: Record<string, Record<string, Operation>>;
}

/** An operation that NetBackup has published. */
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

const fixtures = join(import.meta.dirname, "../../../../tests/fixtures/netbackup-openapi");
const methodNames = ["get", "put", "post", "patch", "delete"];
/** Refusals that any operation may answer, documented for it or not. */
const anyRefusal = new Set([401, 405, 406, 412, 413, 415, 429, 500, 501, 503]);
/** What version 9.0 changed is published for later versions only. */
const changedAtNine = /^\/admin\/jobs/;

const ajv = new Ajv({ strict: false, allErrors: true });
// With ajv's own types for CommonJS the function is the module's default.
addFormats.default(ajv);

/** `oneOf` of the published policies has branches without properties, which match everything: it means any of them. */
function readContract(file: string): Contract {
  const text = readFileSync(join(fixtures, file), "utf8").replaceAll('"oneOf"', '"anyOf"');
  const contract = JSON.parse(text) as Contract;
  const document = file.replace(/\.json$/, "");
  ajv.addSchema(contract, document);
  return { ...contract, document };
}

const contracts = readdirSync(fixtures)
  .filter((file) => file.endsWith(".json"))
  .map(readContract);
const validators = new Map<string, ValidateFunction>();

/** Every operation that NetBackup has published. */
export const contractOperations: readonly ContractOperation[] = contracts.flatMap(({ document, paths }) =>
  Object.entries(paths).flatMap(([template, methods]) =>
    methodNames
      .filter((method) => methods[method] !== undefined)
      .map((method) => ({ method: method.toUpperCase(), template, document })),
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

const patterns = contractOperations.map((operation) => ({
  operation,
  parameters: operation.template.split("{").length,
  pattern: new RegExp(`^${operation.template.replace(/\/$/, "").replaceAll(/\{\w+\}/g, "[^/]+")}$`),
}));

/** The published operation that a request is one of; undefined when NetBackup's documents have none. */
export function operationOf(method: string, path: string): ContractOperation | undefined {
  const plain = (path.split("?")[0] ?? "").replaceAll(/\/{2,}/g, "/").replace(/(.)\/$/, "$1");
  const found = patterns.filter(
    ({ operation, pattern }) => operation.method === method && pattern.test(plain),
  );
  return found.toSorted((a, b) => a.parameters - b.parameters)[0]?.operation;
}

/** How an answer differs from what NetBackup has published for its operation; empty when it does not. */
export function contractProblems(method: string, path: string, answer: AnswerToCheck): string[] {
  const operation = operationOf(method, path);
  note(operation, answer.status);
  if (answer.status >= 400) return refusalProblems(operation, answer);
  if (operation === undefined) return [];
  const { document, template } = operation;
  const contract = contracts.find((one) => one.document === document);
  const response = contract?.paths[template]?.[method.toLowerCase()]?.responses[answer.status];
  if (response === undefined) return [`${method} ${template} does not document ${answer.status}`];
  const type = String(answer.headers["content-type"] ?? "");
  const media = Object.keys(response.content ?? {});
  if (media.length === 0) return answer.text === "" ? [] : [`${method} ${template} has no body`];
  const expected = media.find((name) => type.startsWith(name.replace(/;.*/, "")));
  if (expected === undefined) return [`${method} ${template}: ${type} is not one of ${media.join(", ")}`];
  const isOld = /version=[1-8]\./.test(type);
  if (isOld && changedAtNine.test(template)) return [];
  const place = ["paths", template, method.toLowerCase(), "responses", String(answer.status), "content"];
  const validate = validatorFor(document, [...place, expected, "schema"]);
  if (validate(expected.includes("json") ? answer.body : answer.text)) return [];
  return (validate.errors ?? []).map((error) => `${method} ${template}: ${JSON.stringify(error)}`);
}

function refusalProblems(operation: ContractOperation | undefined, answer: AnswerToCheck): string[] {
  const problems: string[] = [];
  const type = String(answer.headers["content-type"] ?? "");
  if (!/^application\/vnd\.netbackup\+json;version=\d+\.\d+$/.test(type))
    problems.push(`a refusal as ${type}`);
  const body = (answer.body ?? {}) as Json;
  if (!Number.isInteger(body["errorCode"])) problems.push("errorCode is no integer");
  if (typeof body["errorMessage"] !== "string" || body["errorMessage"] === "") {
    problems.push("errorMessage is no text");
  }
  if (!Array.isArray(body["errorDetails"])) problems.push("errorDetails is no list");
  if (operation === undefined || anyRefusal.has(answer.status)) return problems;
  // A bad filter is 400 everywhere (NetBackup REST, filters), though some lists' documents leave it out.
  if (answer.status === 400 && operation.method === "GET") return problems;
  const { method, template, document } = operation;
  const contract = contracts.find((one) => one.document === document);
  const documented = contract?.paths[template]?.[method.toLowerCase()]?.responses[answer.status];
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
