import { Alert, Button, Stack, Text } from "@mantine/core";
import { WarningIcon } from "./icons.tsx";

interface FailureProps {
  title: string;
  error: Error;
  /** Offers a button that tries again. */
  onRetry?: () => void;
  retrying?: boolean;
}

/** Says what went wrong and, where that can help, offers to try again. */
export function Failure({ title, error, onRetry, retrying = false }: FailureProps) {
  return (
    <Alert color="red" title={title} icon={<WarningIcon />}>
      <Stack gap="sm" align="flex-start">
        <Text size="sm">{error.message}</Text>
        {onRetry === undefined ? null : (
          <Button color="red" size="xs" onClick={onRetry} loading={retrying}>
            Try again
          </Button>
        )}
      </Stack>
    </Alert>
  );
}
