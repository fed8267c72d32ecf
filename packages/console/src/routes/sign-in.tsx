import { Alert, Button, Center, Group, Paper, PasswordInput, Stack, Text, Title } from "@mantine/core";
import { useDocumentTitle } from "@mantine/hooks";
import { useMutation } from "@tanstack/react-query";
import { getRouteApi, useRouter } from "@tanstack/react-router";
import { useEffect, useRef } from "react";
import { ApiError } from "../api/client.ts";
import { sessionQuery, signIn } from "../api/session.ts";
import { ColorSchemeSwitch } from "../components/color-scheme-switch.tsx";
import { GateIcon, WarningIcon } from "../components/icons.tsx";

const route = getRouteApi("/sign-in");

/** Exchanges an API key for a session. The key lives in the field alone, and only until it is accepted. */
export function SignInPage() {
  useDocumentTitle("Sign in · Sallyport");
  const { next } = route.useSearch();
  const router = useRouter();
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => field.current?.focus(), []);
  const enter = useMutation({
    mutationFn: async () => signIn(field.current?.value.trim() ?? ""),
    onSuccess: async (_answer, _input, _result, { client }) => {
      if (field.current !== null) field.current.value = "";
      // Whoever was here before may have been somebody else.
      client.clear();
      await client.fetchQuery(sessionQuery);
      router.history.push(next ?? "/");
    },
    onError: () => field.current?.select(),
  });
  return (
    <Center component="main" mih="100dvh" p="md">
      <Stack w="100%" maw={400}>
        <Paper withBorder p="xl" component="section">
          <form
            onSubmit={(event) => {
              event.preventDefault();
              enter.mutate();
            }}
          >
            <Stack>
              <Group gap="sm">
                <GateIcon size={32} />
                <Title order={1} size="h3">
                  Sign in to Sallyport
                </Title>
              </Group>
              <PasswordInput
                ref={field}
                label="API key"
                description="Exchanged for a session; this browser does not keep it."
                autoComplete="off"
                spellCheck={false}
                required
                withAsterisk={false}
                visibilityToggleButtonProps={{ "aria-label": "Show the key" }}
              />
              {enter.isError ? (
                <Alert color="red" icon={<WarningIcon />} title="You are not signed in">
                  {reasonOf(enter.error)}
                </Alert>
              ) : null}
              <Button type="submit" loading={enter.isPending} fullWidth>
                Sign in
              </Button>
              <Text size="sm" c="dimmed">
                The first administrator&apos;s key was printed when the hub first started, or set by
                SALLYPORT_ADMIN_KEY.
              </Text>
            </Stack>
          </form>
        </Paper>
        <ColorSchemeSwitch />
      </Stack>
    </Center>
  );
}

function reasonOf(error: Error): string {
  if (!(error instanceof ApiError)) return error.message;
  if (error.status === 401) return "The hub does not know this API key. Check that all of it was pasted.";
  if (error.status === 429) {
    const when = error.retryAfterSeconds === null ? "in a while" : `in ${error.retryAfterSeconds} seconds`;
    return `There were too many attempts. Try again ${when}.`;
  }
  return error.message;
}
