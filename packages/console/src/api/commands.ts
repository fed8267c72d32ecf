import type { StoredCommand } from "@sallyport/hub";
import { request } from "./client.ts";
import { listQuery } from "./list.ts";

/** Commands of a primary that the hub keeps (`Prefer: respond-async`), newest first. */
export const commandsQuery = (primary: string) => listQuery<StoredCommand>("/commands", { primary });

/** Takes a command back that was not sent yet. */
export async function cancelCommand(id: string): Promise<void> {
  await request(`/commands/${encodeURIComponent(id)}`, { method: "DELETE" });
}
