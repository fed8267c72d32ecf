import { Button, Stack, Text, Title } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { AlertList } from "../components/alert-list.tsx";
import { AlertRules } from "../components/alert-rules.tsx";
import { PlusIcon } from "../components/icons.tsx";
import { NewRuleDialog } from "../components/new-rule-dialog.tsx";
import { Page } from "../components/page.tsx";
import { useAccess } from "../use-access.ts";

/** What should have happened and did not, and what is watched for. */
export function AlertsPage() {
  const { may, seesWholeHub } = useAccess();
  const mayChange = may("administrator") && seesWholeHub;
  const [adding, { open, close }] = useDisclosure(false);
  return (
    <Page
      title="Alerts"
      actions={
        mayChange ? (
          <Button leftSection={<PlusIcon />} onClick={open}>
            Watch for something
          </Button>
        ) : null
      }
    >
      <NewRuleDialog opened={adding} onClose={close} />
      <Stack gap="md">
        <AlertList />
        <Title order={2} size="h4">
          What is watched for
        </Title>
        {seesWholeHub ? (
          <AlertRules mayChange={mayChange} />
        ) : (
          <Text size="sm" c="dimmed">
            The rules are of the whole hub; you see only some of its primaries.
          </Text>
        )}
      </Stack>
    </Page>
  );
}
