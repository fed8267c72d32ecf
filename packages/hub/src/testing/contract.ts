import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import formats from "ajv-formats";

/** What was answered to what. */
export interface Exchange {
  method: string;
  path: string;
  status: number;
  /** The answer's `Content-Type`. */
  contentType: string | undefined;
  text: string;
}

type Json = Readonly<Record<string, unknown>>;
interface Operation {
  pattern: RegExp;
  pointer: string;
  responses: Readonly<Record<string, { content?: Readonly<Record<string, { schema: unknown }>> }>>;
}

/** Documents seen in this process; hubs of tests differ in their limits, and so do a few documents. */
const known = new Map<string, Contract>();

/**
 * Holds answers of a hub against its own `/openapi.json`: an answer that is described otherwise, or has a member that is not described, is an
 * error.
 */
export class Contract {
  readonly #ajv: Ajv2020;
  readonly #operations = new Map<string, Operation[]>();
  readonly #validators = new Map<string, ValidateFunction>();

  private constructor(document: Json) {
    this.#ajv = new Ajv2020({ strict: false, allErrors: true });
    formats.default(this.#ajv);
    this.#ajv.addSchema({ ...closedWithParts(document), $id: "hub" });
    for (const [path, item] of Object.entries(document["paths"] as Record<string, Json>)) {
      for (const [method, operation] of Object.entries(item)) {
        const { responses } = operation as { responses: Operation["responses"] };
        const list = this.#operations.get(method) ?? [];
        list.push({
          pattern: patternOf(path),
          pointer: `/paths/${escaped(path)}/${method}/responses`,
          responses,
        });
        // The more that is fixed in a path, the earlier it is tried.
        list.sort(
          (a, b) =>
            b.pattern.source.replaceAll("[^/]+", "").length - a.pattern.source.replaceAll("[^/]+", "").length,
        );
        this.#operations.set(method, list);
      }
    }
  }

  /** The contract of a document, compiled once. */
  static of(text: string): Contract {
    const contract = known.get(text) ?? new Contract(JSON.parse(text) as Json);
    known.set(text, contract);
    return contract;
  }

  /** @throws Error that says in what an answer differs from its description */
  check(exchange: Exchange): void {
    const path = exchange.path.split("?", 1)[0] ?? "";
    const { method, status, text } = exchange;
    const contentType = (exchange.contentType ?? "").split(";", 1)[0] ?? "";
    const name = `${method} ${path} → ${status}`;
    // What a primary answers is its own affair.
    if (/\/netbackup(\/|$)/.test(path)) return;
    if (contentType === "application/problem+json") {
      this.#validate(name, "/components/schemas/Problem", text);
      return;
    }
    const isApi = path.startsWith("/api/") || path === "/healthz" || path === "/readyz";
    if (!isApi) return;
    const operation = this.#operations.get(method.toLowerCase())?.find(({ pattern }) => pattern.test(path));
    if (operation === undefined) throw new Error(`${name}: /openapi.json does not have this operation`);
    const response = operation.responses[String(status)];
    if (response === undefined) throw new Error(`${name}: /openapi.json does not have this status`);
    if (response.content === undefined) {
      if (text !== "") throw new Error(`${name}: /openapi.json says that there is no body`);
      return;
    }
    if (!Object.hasOwn(response.content, contentType)) {
      throw new Error(`${name}: /openapi.json does not have the content type "${contentType}"`);
    }
    if (contentType !== "application/json") return;
    this.#validate(name, `${operation.pointer}/${status}/content/application~1json/schema`, text);
  }

  #validate(name: string, pointer: string, text: string): void {
    let validate = this.#validators.get(pointer);
    if (validate === undefined) {
      validate = this.#ajv.compile({ $ref: `hub#${encodeURI(pointer)}` });
      this.#validators.set(pointer, validate);
    }
    if (validate(JSON.parse(text))) return;
    throw new Error(`${name} is not as /openapi.json says: ${this.#ajv.errorsText(validate.errors)}`);
  }
}

function patternOf(path: string): RegExp {
  const parts = path.split(/\{\w+\}/).map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`));
  return new RegExp(`^${parts.join("[^/]+")}$`);
}

function escaped(path: string): string {
  return path.replaceAll("~", "~0").replaceAll("/", "~1");
}

/** Ends the names of components that are parts of others. */
const openMark = ".open";

/** The closed document, with each component a second time, open: as the part of another that has more members. */
function closedWithParts(document: Json): Json {
  const components = document["components"] as { schemas: Json };
  const parts = Object.entries(components.schemas).map(([name, schema]) => [
    `${name}${openMark}`,
    closed(schema, true),
  ]);
  const schemas = { ...(closed(components.schemas) as Json), ...(Object.fromEntries(parts) as Json) };
  return { ...(closed(document) as Json), components: { ...components, schemas } };
}

/** The document with every described object closed: what is not described may not be answered. */
function closed(value: unknown, isPart = false): unknown {
  if (Array.isArray(value)) return value.map((item) => closed(item, isPart));
  if (typeof value !== "object" || value === null) return value;
  if (isPart && "$ref" in value) return { $ref: `${String(value.$ref)}${openMark}` };
  const copy: Record<string, unknown> = {};
  for (const [name, below] of Object.entries(value)) copy[name] = closed(below, name === "allOf");
  const isObject = copy["type"] === "object" && typeof copy["properties"] === "object";
  if (isObject && copy["additionalProperties"] === undefined && !isPart)
    copy["unevaluatedProperties"] = false;
  if (Array.isArray(copy["allOf"]) && !isPart) copy["unevaluatedProperties"] = false;
  return copy;
}
