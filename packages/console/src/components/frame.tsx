import { AppShell, Burger, Button, Group, NavLink, ScrollArea, Stack, Text } from "@mantine/core";
import { useDisclosure, useMediaQuery } from "@mantine/hooks";
import { useMutation, useQuery } from "@tanstack/react-query";
import { Link, Outlet, useNavigate, useRouterState } from "@tanstack/react-router";
import { useEffect, useRef } from "react";
import { sessionQuery, signOut } from "../api/session.ts";
import { pages } from "../pages.ts";
import { ColorSchemeSwitch } from "./color-scheme-switch.tsx";
import { GateIcon, SignOutIcon } from "./icons.tsx";

const ranks = { viewer: 0, operator: 1, administrator: 2 } as const;

/** What stands round every page once somebody is signed in: the header, the navigation and the account. */
export function Frame() {
  const [opened, { toggle, close }] = useDisclosure(false);
  const roomForMenu = useMediaQuery("(min-width: 48em)", true, { getInitialValueInEffect: false });
  const { data: session } = useQuery(sessionQuery);
  const rank = session === null || session === undefined ? 0 : ranks[session.role];
  const isForCaller = ({ role }: { role: keyof typeof ranks }) => ranks[role] <= rank;
  const path = useRouterState({ select: (state) => state.location.pathname });
  const main = useRef<HTMLElement>(null);
  const shownPath = useRef(path);

  // A new page begins at its top for the keyboard and for screen readers as well, and the menu makes room for it.
  useEffect(() => {
    if (shownPath.current === path) return;
    shownPath.current = path;
    close();
    main.current?.focus();
  }, [path, close]);

  return (
    <AppShell
      header={{ height: 56 }}
      navbar={{ width: 240, breakpoint: "sm", collapsed: { mobile: !opened } }}
      padding={{ base: "sm", sm: "lg" }}
    >
      <a
        className="skip-link"
        href="#content"
        onClick={(event) => {
          event.preventDefault();
          main.current?.focus();
        }}
      >
        Skip to the content
      </a>
      <AppShell.Header>
        <Group h="100%" px="md" gap="sm">
          <Burger
            opened={opened}
            onClick={toggle}
            hiddenFrom="sm"
            size="sm"
            aria-label={opened ? "Close the menu" : "Open the menu"}
            aria-expanded={opened}
            aria-controls="navigation"
          />
          <GateIcon size={26} />
          <Text fw={700} size="lg">
            Sallyport
          </Text>
        </Group>
      </AppShell.Header>
      {/* A menu that is out of sight is out of the keyboard's way too. */}
      <AppShell.Navbar p="sm" id="navigation" aria-label="Pages and account" inert={!roomForMenu && !opened}>
        <AppShell.Section grow component={ScrollArea}>
          {pages.filter(isForCaller).map(({ to, label, Icon }) => (
            <NavLink
              key={to}
              renderRoot={(props) => <Link to={to} {...props} />}
              label={label}
              leftSection={<Icon />}
              active={path === to || (to !== "/" && path.startsWith(`${to}/`))}
            />
          ))}
        </AppShell.Section>
        <AppShell.Section>
          <Account />
        </AppShell.Section>
      </AppShell.Navbar>
      <AppShell.Main ref={main} id="content" tabIndex={-1}>
        <Outlet />
      </AppShell.Main>
    </AppShell>
  );
}

function Account() {
  const { data: session } = useQuery(sessionQuery);
  const navigate = useNavigate();
  const leave = useMutation({
    mutationFn: signOut,
    onSuccess: async (_answer, _input, _result, { client }) => {
      client.clear();
      client.setQueryData(sessionQuery.queryKey, null);
      await navigate({ to: "/sign-in" });
    },
  });
  return (
    <Stack gap="sm">
      <ColorSchemeSwitch />
      <Text size="sm" c="dimmed" truncate>
        {session?.name} ({session?.role})
      </Text>
      <Button
        variant="default"
        leftSection={<SignOutIcon />}
        loading={leave.isPending}
        onClick={() => leave.mutate()}
      >
        Sign out
      </Button>
      {leave.isError ? (
        <Text size="sm" c="red" role="alert">
          You are still signed in. {leave.error.message}
        </Text>
      ) : null}
    </Stack>
  );
}
