import { Command } from "commander";
import { z } from "zod";
import { HubClient, errorTextOf, type HubOptions } from "../client/hub-client.ts";
import { netbackupJson } from "../client/primary-client.ts";
import { Failure } from "../failure.ts";
import { printJson, printLine } from "../output/print.ts";
import { bodyOf, headersOf } from "./call-input.ts";
import { withHubOptions } from "./hub-options.ts";
import { collect } from "./option-values.ts";
import { loginThrough, withPrimaryLogin, type PrimaryLogin } from "./primary-login.ts";

interface Options extends HubOptions, PrimaryLogin {
  json: boolean;
  body?: string;
  header: string[];
  timeout?: string;
  async: boolean;
  idempotencyKey?: string;
  ticket?: string;
}

const methods = ["GET", "POST", "PUT", "PATCH", "DELETE"] as const;

/** `sallyport call PRIMARY METHOD PATH`: one call of a primary's REST API through the hub. */
export function callCommand(): Command {
  return withPrimaryLogin(withHubOptions(new Command("call")))
    .description("call a primary's NetBackup REST API through the hub")
    .argument("<primary>", "name or id of the primary")
    .argument("<method>", methods.join(", "))
    .argument("<path>", "path below /netbackup, such as /admin/jobs")
    .option("--body <text>", "request body; @FILE reads it from a file, @- from standard input")
    .option("--header <name: value>", "a request header; may be given several times", collect, [])
    .option("--timeout <ms>", "deadline of the call")
    .option("--async", "have the hub keep the call until the primary is there; see sallyport commands", false)
    .option(
      "--idempotency-key <key>",
      "a repeat with the same key is answered like the first and not done again",
    )
    .option("--ticket <id>", "the ticket of the same call, which was held and has been approved on premises")
    .addHelpText(
      "after",
      "\nWith --async the call is made with the credential that the hub keeps for the primary (sallyport primaries set-credential);" +
        "\nSALLYPORT_PRIMARY_USER is not used then, and --user only while the primary is connected.\n" +
        "\nExamples:\n  $ sallyport call branch-vienna GET /ping\n  $ sallyport call branch-vienna GET '/admin/jobs?page[limit]=5' --user backupadmin\n" +
        "  $ sallyport call branch-vienna POST /admin/manual-backup --body @backup.json --async --timeout 86400000\n",
    )
    .action(call);
}

async function call(nameOrId: string, methodText: string, path: string, options: Options): Promise<void> {
  const method = methods.find((name) => name === methodText.toUpperCase());
  if (method === undefined)
    throw new Failure(`the method has to be one of ${methods.join(", ")}`, { exitCode: 2 });
  await using hub = HubClient.from(options);
  const { id } = await hub.findPrimary(nameOrId);
  // At a primary that is away nobody can log in: a call that is kept uses the hub's credential, whoever the environment names.
  const isKept = options.async && options.user === undefined;
  const authorization = isKept ? undefined : await loginThrough(hub, id, options);
  const timeout = options.timeout === undefined ? {} : { "sallyport-timeout": options.timeout };
  const answer = await hub.gateway(id, {
    method,
    path,
    headers: {
      accept: netbackupJson,
      "content-type": netbackupJson,
      ...timeout,
      ...(options.async ? { prefer: "respond-async" } : {}),
      ...(options.ticket === undefined ? {} : { "sallyport-ticket": options.ticket }),
      ...(options.idempotencyKey === undefined ? {} : { "idempotency-key": options.idempotencyKey }),
      ...headersOf(options.header),
    },
    timeoutMs: 11 * 60_000,
    ...(authorization === undefined ? {} : { authorization }),
    ...(options.body === undefined ? {} : { body: bodyOf(options.body) }),
  });
  if (options.json) printJson({ status: answer.status, headers: answer.headers, body: answer.text });
  else printLine(pretty(answer.text));
  const ticket = answer.status === 202 ? ticketOf(answer.text) : undefined;
  if (ticket !== undefined) {
    throw new Failure(
      `nothing was done yet: it waits for approval on premises; once it is approved, make the same call with --ticket ${ticket}`,
      { exitCode: 3 },
    );
  }
  if (answer.status >= 400) {
    const relay = answer.headers["sallyport-error"];
    const from = relay === undefined ? "the primary" : "the hub";
    const advice =
      answer.status === 401 && relay === undefined && authorization === undefined
        ? "; here: --user NAME logs in first, or keep a credential at the hub with sallyport primaries set-credential"
        : "";
    throw new Failure(`${from} answered ${answer.status}: ${errorTextOf(answer.text)}${advice}`);
  }
}

const heldAnswer = z.object({
  data: z.object({
    type: z.literal("sallyportTicket"),
    id: z.string(),
    attributes: z.object({ state: z.string() }),
  }),
});

/** The ticket of a call that the guard on premises holds; undefined when it was done. */
function ticketOf(text: string): string | undefined {
  try {
    return heldAnswer.safeParse(JSON.parse(text)).data?.data.id;
  } catch {
    // An answer that is not JSON is the primary's own.
    return undefined;
  }
}

function pretty(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    // Not every answer is JSON (ping, tokenkey): those are shown as they are.
    return text;
  }
}
