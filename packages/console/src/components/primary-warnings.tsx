import type { PrimarySummary } from "@sallyport/hub";
import { Alert, Button, Stack, Text } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { primariesKey } from "../api/primaries.ts";
import { acknowledgeWarning } from "../api/primary.ts";
import { useAccess } from "../use-access.ts";
import { Failure } from "./failure.tsx";
import { WarningIcon } from "./icons.tsx";
import { Moment } from "./moment.tsx";

/** What somebody should look at on a primary. */
export function PrimaryWarnings({ primary: { id, warnings } }: { primary: PrimarySummary }) {
  const { may } = useAccess();
  const client = useQueryClient();
  const acknowledge = useMutation({
    mutationFn: (kind: string) => acknowledgeWarning(id, kind),
    onSuccess: () => client.invalidateQueries({ queryKey: primariesKey }),
  });
  return (
    <>
      {warnings.map(({ kind, time, groupId, addresses, advice }) => (
        <Alert
          key={`${kind} ${groupId}`}
          color="yellow"
          icon={<WarningIcon />}
          title="Its token seems to be used in two places"
        >
          <Stack gap="sm" align="flex-start">
            <Text size="sm">
              Noticed <Moment iso={time} /> in group {groupId}, from {addresses.join(" and ")}. {advice}
            </Text>
            {may("operator") ? (
              <Button
                size="xs"
                variant="default"
                loading={acknowledge.isPending}
                onClick={() => acknowledge.mutate(kind)}
              >
                It is understood
              </Button>
            ) : null}
          </Stack>
        </Alert>
      ))}
      {acknowledge.isError ? <Failure title="It was not acknowledged" error={acknowledge.error} /> : null}
    </>
  );
}
