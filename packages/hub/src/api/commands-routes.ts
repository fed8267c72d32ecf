import { createRoute, z } from "@hono/zod-openapi";
import type { Access } from "../access/access.ts";
import { requireRole } from "../access/roles.ts";
import type { CommandRunner } from "../commands/command-runner.ts";
import type { CommandStore } from "../commands/command-store.ts";
import type { Credentials } from "../credentials/credentials.ts";
import { HubError } from "../errors.ts";
import { problemResponses, type ApiApp } from "./app.ts";
import {
  commandListSchema,
  commandsQuerySchema,
  credentialSchema,
  newCredentialSchema,
  storedCommandSchema,
  type Credential,
  type StoredCommand,
} from "./commands-schemas.ts";

/** What the routes need. */
export interface CommandsRoutesOptions {
  access: Pick<Access, "requirePrimary" | "visiblePrimaries">;
  commands: CommandStore;
  runner: Pick<CommandRunner, "cancel">;
  credentials: Credentials;
}

const params = z.object({ id: z.string() });
const json = <T extends z.ZodType>(schema: T) => ({ "application/json": { schema } });

const list = createRoute({
  method: "get",
  path: "/api/v1/commands",
  request: { query: commandsQuerySchema },
  responses: {
    200: { description: "Stored commands, newest first", content: json(commandListSchema) },
    ...problemResponses,
  },
});
const get = createRoute({
  method: "get",
  path: "/api/v1/commands/{id}",
  request: { params },
  responses: {
    200: { description: "One stored command, with its answer", content: json(storedCommandSchema) },
    ...problemResponses,
  },
});
const cancel = createRoute({
  method: "delete",
  path: "/api/v1/commands/{id}",
  request: { params },
  responses: { 204: { description: "Taken back; it is not sent" }, ...problemResponses },
});
const credentialPath = "/api/v1/primaries/{id}/credential";
const putCredential = createRoute({
  method: "put",
  path: credentialPath,
  request: { params, body: { required: true, content: json(newCredentialSchema) } },
  responses: { 200: { description: "Stored", content: json(credentialSchema) }, ...problemResponses },
});
const getCredential = createRoute({
  method: "get",
  path: credentialPath,
  request: { params },
  responses: {
    200: { description: "Which credential is stored, never the secret", content: json(credentialSchema) },
    ...problemResponses,
  },
});
const removeCredential = createRoute({
  method: "delete",
  path: credentialPath,
  request: { params },
  responses: { 204: { description: "Forgotten" }, ...problemResponses },
});

/** Adds the routes of stored commands, and of the NetBackup credentials that commands are sent with. */
export function addCommandsRoutes(app: ApiApp, options: CommandsRoutesOptions): void {
  const { access, commands, runner, credentials } = options;
  const requireCommand = (caller: Parameters<Access["requirePrimary"]>[0], id: string): StoredCommand => {
    const command = commands.get(id);
    const visible = access.visiblePrimaries(caller);
    if (command !== undefined && (visible === "all" || visible.has(command.primaryId))) return command;
    throw new HubError("no_such_command", "there is no stored command of this id");
  };
  app.openapi(list, (c) => {
    const { primary, ...query } = c.req.valid("query");
    const visible = access.visiblePrimaries(c.var.caller);
    const wanted = primary === undefined ? undefined : [access.requirePrimary(c.var.caller, primary).id];
    const primaries = wanted ?? (visible === "all" ? visible : [...visible]);
    return c.json(commands.list({ ...query, primaries }), 200);
  });
  app.openapi(get, (c) => c.json(requireCommand(c.var.caller, c.req.valid("param").id), 200));
  app.openapi(cancel, (c) => {
    requireRole(c.var.caller, "operator");
    runner.cancel(requireCommand(c.var.caller, c.req.valid("param").id).id);
    return c.body(null, 204);
  });
  const shown = (primaryId: string): Credential => {
    const { lastLogin, ...facts } = credentials.facts(primaryId);
    return { ...facts, lastLoginOk: lastLogin?.ok ?? null, lastLoginAt: lastLogin?.at ?? null };
  };
  app.openapi(putCredential, async (c) => {
    requireRole(c.var.caller, "administrator");
    const primary = access.requirePrimary(c.var.caller, c.req.valid("param").id);
    await credentials.put(primary, c.req.valid("json"), c.var.caller.name);
    return c.json(shown(primary.id), 200);
  });
  app.openapi(getCredential, (c) => {
    requireRole(c.var.caller, "operator");
    return c.json(shown(access.requirePrimary(c.var.caller, c.req.valid("param").id).id), 200);
  });
  app.openapi(removeCredential, async (c) => {
    requireRole(c.var.caller, "administrator");
    await credentials.remove(access.requirePrimary(c.var.caller, c.req.valid("param").id).id);
    return c.body(null, 204);
  });
}
