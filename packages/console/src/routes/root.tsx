import { Anchor, Center, EmptyState, Title } from "@mantine/core";
import { useDocumentTitle } from "@mantine/hooks";
import { Link, useRouter } from "@tanstack/react-router";
import type { ErrorComponentProps } from "@tanstack/react-router";
import { Failure } from "../components/failure.tsx";
import { GateIcon } from "../components/icons.tsx";

/** In place of a page that could not be shown at all. */
export function BrokenPage({ error, reset }: ErrorComponentProps) {
  useDocumentTitle("Something went wrong · Sallyport");
  const router = useRouter();
  return (
    <Center component="main" mih="100dvh" p="md">
      <Failure
        title="The console could not show this page"
        error={error instanceof Error ? error : new Error(String(error))}
        onRetry={() => {
          reset();
          void router.invalidate();
        }}
      />
    </Center>
  );
}

/** For an address that is none of the console's. */
export function UnknownPage() {
  useDocumentTitle("No such page · Sallyport");
  return (
    <Center component="main" mih="100dvh" p="md">
      <EmptyState
        icon={<GateIcon size={40} />}
        title={
          // The page's only heading.
          <Title order={1} size="h3">
            There is no such page
          </Title>
        }
        description="The address may be mistyped, or from another version of the console."
      >
        <EmptyState.Actions>
          <Anchor renderRoot={(props) => <Link to="/" {...props} />}>Go to the first page</Anchor>
        </EmptyState.Actions>
      </EmptyState>
    </Center>
  );
}
