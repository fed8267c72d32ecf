import type { PrimaryToken } from "@sallyport/hub";
import { Button } from "@mantine/core";
import { useInfiniteQuery, useQueryClient } from "@tanstack/react-query";
import type { DataTableColumn } from "mantine-datatable";
import { useState } from "react";
import { endToken, tokensQuery } from "../api/primary.ts";
import { useAccess } from "../use-access.ts";
import { ConfirmDialog } from "./confirm-dialog.tsx";
import { actionsColumn, DataList } from "./data-list.tsx";
import { Moment } from "./moment.tsx";

const columns: DataTableColumn<PrimaryToken>[] = [
  { accessor: "groupId", title: "Group" },
  { accessor: "url", title: "Endpoint" },
  { accessor: "priority", title: "Priority", textAlign: "right" },
  { accessor: "createdAt", title: "Made", render: ({ createdAt }) => <Moment iso={createdAt} /> },
  {
    accessor: "expiresAt",
    title: "Ends",
    render: ({ expiresAt }) => <Moment iso={expiresAt} missing="never" />,
  },
  {
    accessor: "lastUsedAt",
    title: "Last used",
    render: ({ lastUsedAt }) => <Moment iso={lastUsedAt} missing="never" />,
  },
  { accessor: "lastUsedFrom", title: "From" },
];

/** A primary's tokens, and what ends one. */
export function PrimaryTokens({ id, name }: { id: string; name: string }) {
  const { may } = useAccess();
  const query = tokensQuery(id);
  const tokens = useInfiniteQuery(query);
  const client = useQueryClient();
  const [ending, setEnding] = useState<PrimaryToken | null>(null);
  const actions = actionsColumn<PrimaryToken>((token) => (
    <Button
      size="compact-xs"
      variant="default"
      onClick={() => setEnding(token)}
      aria-label={`End it: the token of ${token.groupId}`}
    >
      End it
    </Button>
  ));
  return (
    <>
      <ConfirmDialog
        opened={ending !== null}
        onClose={() => setEnding(null)}
        title={`End this token of ${name}?`}
        action="End it"
        onConfirm={async () => {
          if (ending !== null) await endToken(id, ending.id);
          await client.invalidateQueries({ queryKey: query.queryKey });
        }}
      >
        The connection that uses it is cut at once. Without another token the primary stays away until its
        endpoint is added anew.
      </ConfirmDialog>
      <DataList
        what={["token", "tokens"]}
        list={tokens}
        columns={may("administrator") ? [...columns, actions] : columns}
        idOf={(token) => token.id}
        empty={{ title: "It has no token", description: "Rotate the token to make one." }}
      />
    </>
  );
}
