import { hostname } from "node:os";
import { join } from "node:path";
import { readFileSync } from "node:fs";
import { z } from "zod";
import { endpointsOf } from "../client/endpoints.ts";
import { HubClient } from "../client/hub-client.ts";
import { PrimaryClient } from "../client/primary-client.ts";
import { printLine } from "../output/print.ts";
import { startChild, type DemoChild } from "./child.ts";
import { loadDemoState, saveDemoState, type DemoState } from "./state.ts";

/** The running parts of the demo. */
export interface DemoParts extends AsyncDisposable {
  hub: HubClient;
  hubUrl: string;
  hubCaFile: string;
  primaryUrl: string;
  primaryCaFile: string;
  /** The primary's own name, which is also the name of its one client. */
  hostName: string;
  primaryProcess: DemoChild;
  primaryId: string;
  state: DemoState;
  /** The primary's administrator, logged in on premises. */
  administrator: () => Promise<PrimaryClient>;
}

const readyHub = z.looseObject({ url: z.string(), caFile: z.string() });
const readyPrimary = z.looseObject({ url: z.string(), caFile: z.string() });

/** Starts hub and primary as processes, enrols the primary and adds the endpoint where a former run has not yet done so. */
export async function startParts(dir: string): Promise<DemoParts> {
  await using starting = new AsyncDisposableStack();
  const state = await loadDemoState(dir);
  const hubProcess = await startChild(
    ["hub", "--data", join(dir, "hub"), "--listen", `127.0.0.1:${state.hubPort}`],
    { SALLYPORT_ADMIN_KEY: state.adminKey },
    join(dir, "hub.log"),
  );
  starting.defer(() => hubProcess.stop());
  const { url: hubUrl, caFile: hubCaFile } = readyHub.parse(hubProcess.ready);
  printLine(`  hub      ${hubUrl}`);

  const hostName = hostname().toLowerCase();
  const primaryArgs = ["--data", join(dir, "primary"), "--listen", `127.0.0.1:${state.primaryPort}`];
  const primaryProcess = await startChild(
    ["primary", ...primaryArgs, "--ca", hubCaFile, "--host-name", hostName],
    { SALLYPORT_PRIMARY_USER: state.primaryUser, SALLYPORT_PRIMARY_PASSWORD: state.primaryPassword },
    join(dir, "primary.log"),
  );
  starting.defer(() => primaryProcess.stop());
  const { url: primaryUrl, caFile: primaryCaFile } = readyPrimary.parse(primaryProcess.ready);
  printLine(`  primary  ${primaryUrl}`);

  const hub = new HubClient(hubUrl, state.adminKey, readFileSync(hubCaFile, "utf8"));
  starting.defer(() => hub.close());
  const administrator = () => {
    process.env["SALLYPORT_PRIMARY_PASSWORD"] = state.primaryPassword;
    return PrimaryClient.login({ primary: primaryUrl, user: state.primaryUser, ca: primaryCaFile });
  };
  const primaryId = state.primaryId ?? (await enrol(hub, dir, state, administrator));
  const running = starting.move();
  return {
    hub,
    hubUrl,
    hubCaFile,
    primaryUrl,
    primaryCaFile,
    hostName,
    primaryProcess,
    primaryId,
    state,
    administrator,
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

async function enrol(
  hub: HubClient,
  dir: string,
  state: DemoState,
  logIn: DemoParts["administrator"],
): Promise<string> {
  const left = (await hub.listPrimaries()).find(({ name }) => name === "demo");
  // A former run was stopped between enrolling and adding the endpoint: its one-time details are lost.
  if (left !== undefined) await hub.removePrimary(left.id);
  const created = await hub.addPrimary({ name: "demo" });
  printLine(`  enrolled "demo" at the hub; one-time endpoint details for its administrator`);

  await using administrator = await logIn();
  const endpoints = endpointsOf(administrator);
  const shown = await endpoints.validateUrl(created.detailsUrl);
  printLine(`  validated ${shown.hostName}: ${shown.subject}`);
  printLine(`  SHA-256 ${shown.sha256Fingerprint}`);
  await endpoints.save(shown);
  await endpoints.update(shown.hostName, "ACTIVATED");
  printLine("  saved and activated the endpoint");
  await saveDemoState(dir, { ...state, primaryId: created.id });
  return created.id;
}
