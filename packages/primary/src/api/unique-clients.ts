import type { Database } from "@sallyport/durable";
import { Hono } from "hono";
import type { FilterFields } from "../filter/filter.ts";
import { limits } from "../limits.ts";
import type { ApiEnvironment, ApiRoutes } from "./environment.ts";
import { listByOffset } from "./offset-list.ts";

/** Host names are the same in any case; what is shown is how the first policy writes it. */
const clients = `(SELECT json_extract(client.value, '$.hostName') AS id,
    coalesce(json_extract(client.value, '$.OS'), '') AS os,
    coalesce(json_extract(client.value, '$.hardware'), '') AS hardware,
    max(coalesce(json_extract(definition, '$.policyAttributes.priority'), 0)) AS priority,
    json_group_array(DISTINCT json_extract(definition, '$.policyType')) AS policy_types,
    json_group_array(DISTINCT name) AS policy_names
  FROM policies, json_each(definition, '$.clients') AS client
  GROUP BY lower(json_extract(client.value, '$.hostName')))`;

const fields: FilterFields = {
  id: { sql: "id", type: "text" },
  hardware: { sql: "hardware", type: "text" },
  OS: { sql: "os", type: "text" },
  priority: { sql: "priority", type: "number" },
  policyTypes: { sql: "policy_types", type: "list" },
  policyNames: { sql: "policy_names", type: "list" },
};

/** `/config/unique-policy-clients`: every client that a policy names, once. */
export function uniqueClientRoutes({ database }: { database: Database }): ApiRoutes {
  return new Hono<ApiEnvironment>().get("/config/unique-policy-clients", (context) => {
    const { rows, ...envelope } = listByOffset({
      database,
      from: clients,
      fields,
      order: { sql: "id", isDescending: false },
      maxLimit: limits.maxUniqueClients,
      asked: context.req,
    });
    return context.json({ data: rows.map(resource), ...envelope });
  });
}

function resource(row: Readonly<Record<string, unknown>>) {
  const list = (column: string) => JSON.parse(String(row[column])) as string[];
  return {
    type: "uniqueClient",
    id: String(row["id"]),
    attributes: {
      hardware: String(row["hardware"]),
      OS: String(row["os"]),
      policyTypes: list("policy_types").map((type) => type.toUpperCase()),
      policyNames: list("policy_names"),
      priority: Number(row["priority"]),
    },
  };
}
