import { html, raw } from "hono/html";
import { typeText, type Schema } from "./schema-text.ts";

/** What of an OpenAPI document the page shows. */
export interface ApiDocument {
  info: { title: string; description?: string };
  paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  components: { schemas: Readonly<Record<string, Schema>> };
}

interface Parameter {
  name: string;
  in: string;
  required?: boolean;
  description?: string;
  schema?: Schema;
}
type Content = Readonly<Record<string, { schema?: Schema }>>;
interface Operation {
  tags?: string[];
  summary?: string;
  description?: string;
  security?: unknown[];
  parameters?: Parameter[];
  requestBody?: { content: Content };
  responses: Readonly<Record<string, { description: string; content?: Content }>>;
}
interface Entry {
  method: string;
  path: string;
  operation: Operation;
}
/** Text that is HTML already. */
type Html = ReturnType<typeof raw>;

/** Makes the page that shows an OpenAPI document to people: plain HTML, all text escaped, no script and nothing from elsewhere. */
export async function renderDocs(document: ApiDocument): Promise<string> {
  const groups = groupsOf(document);
  const schemas = Object.entries(document.components.schemas).sort(([a], [b]) => a.localeCompare(b));
  const page = await html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${document.info.title}: HTTP API</title>
        <link rel="stylesheet" href="/docs/style.css" />
      </head>
      <body>
        <nav aria-label="Operations">
          ${all([...groups].map(([group, entries]) => navigation(group, entries)))}
          <p><a href="#schemas">Schemas</a></p>
        </nav>
        <main>
          <h1>${document.info.title}: HTTP API</h1>
          <p>${document.info.description ?? ""} For programs: <a href="/openapi.json">openapi.json</a>.</p>
          <p>
            Send <code>Authorization: Bearer API-KEY</code>. Errors are
            <a href="#schema-Problem">problem+json</a>; match on <code>code</code>.
          </p>
          ${all(
            [...groups].map(
              ([group, entries]) =>
                html`<h2>${group}</h2>
                  ${all(entries.map(section))}`,
            ),
          )}
          <h2 id="schemas">Schemas</h2>
          ${all(
            schemas.map(
              ([name, schema]) =>
                html`<h3 id="schema-${name}">${name}</h3>
                  ${typeBlock(schema)}`,
            ),
          )}
        </main>
      </body>
    </html> `;
  return page.toString();
}

function groupsOf({ paths }: ApiDocument): Map<string, Entry[]> {
  const groups = new Map<string, Entry[]>();
  for (const [path, item] of Object.entries(paths)) {
    for (const [method, operation] of Object.entries(item)) {
      const group = operation.tags?.[0] ?? path.split("/")[3] ?? "operation";
      const entries = groups.get(group) ?? [];
      entries.push({ method, path, operation });
      groups.set(group, entries);
    }
  }
  return groups;
}

function navigation(group: string, entries: Entry[]) {
  const items = entries.map(
    (entry) =>
      html`<li>
        <a href="#${anchorOf(entry)}"><b>${entry.method}</b> ${entry.path.replace("/api/v1", "")}</a>
      </li>`,
  );
  return html`<h2>${group}</h2>
    <ul>
      ${all(items)}
    </ul>`;
}

function section(entry: Entry) {
  const { method, path, operation } = entry;
  const { summary, description, parameters = [], requestBody, responses, security } = operation;
  const rows = parameters.map(
    (parameter) =>
      html`<tr>
        <td><code>${parameter.name}</code></td>
        <td>${parameter.in}</td>
        <td>${typeCode(parameter.schema)}</td>
        <td>${parameter.required === true ? "required. " : ""}${parameter.description ?? ""}</td>
      </tr>`,
  );
  const answers = Object.entries(responses).map(
    ([status, answer]) =>
      html`<tr>
        <td>${status}</td>
        <td>${answer.description}</td>
        <td>${contentCode(answer.content)}</td>
      </tr>`,
  );
  return html`<section id="${anchorOf(entry)}">
    <h3>
      <code><b>${method}</b> ${path}</code>
    </h3>
    <p>${summary ?? ""}${security?.length === 0 ? " (needs no key)" : ""}</p>
    ${description === undefined ? "" : html`<p>${description}</p>`}
    ${
      rows.length === 0
        ? ""
        : html`<table>
            <tr>
              <th>parameter</th>
              <th>in</th>
              <th>type</th>
              <th></th>
            </tr>
            ${all(rows)}
          </table>`
    }
    ${requestBody === undefined ? "" : html`<p>Body: ${contentCode(requestBody.content)}</p>`}
    <table>
      <tr>
        <th>answer</th>
        <th></th>
        <th>body</th>
      </tr>
      ${all(answers)}
    </table>
  </section>`;
}

function contentCode(content: Content | undefined) {
  const parts = Object.entries(content ?? {}).map(
    ([type, { schema }]) => html`<div>${type} ${typeCode(schema)}</div>`,
  );
  return all(parts);
}

function typeCode(schema: Schema | undefined) {
  if (schema === undefined) return "";
  const text = typeText(schema);
  return text.includes("\n") ? typeBlock(schema) : html`<code>${linked(text)}</code>`;
}

function typeBlock(schema: Schema) {
  return html`<pre>${linked(typeText(schema))}</pre>`;
}

/** Names of schemas stand as `#Name` in a type's text, and become links. */
function linked(text: string) {
  const parts = text.split(/(#[A-Z]\w*)/);
  return all(
    parts.map((part) =>
      /^#[A-Z]\w*$/.test(part)
        ? html`<a href="#schema-${part.slice(1)}">${part.slice(1)}</a>`
        : html`${part}`,
    ),
  );
}

function anchorOf({ method, path }: Entry): string {
  return `${method}${path.replaceAll(/[^\w]+/g, "-")}`;
}

/** Joins parts that are escaped already. */
async function all(parts: (Html | Promise<Html>)[]): Promise<Html> {
  return raw((await Promise.all(parts.map((part) => Promise.resolve(part)))).join("\n"));
}
