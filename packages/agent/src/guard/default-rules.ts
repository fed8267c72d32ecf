import type { GuardBudget, GuardRule } from "./rules.ts";

/** What no file can change: these go before its rules. */
export const fixedRules: readonly GuardRule[] = [
  {
    name: "endpoints-on-premises",
    action: "deny",
    paths: ["/netbackup/config/servers/wssendpoints/**"],
    reason: "endpoints are administered on premises",
  },
];

/** The one word for a primary that the cloud may only look at; these go before the file's rules. */
export const readOnlyRules: readonly GuardRule[] = [
  {
    name: "read-only-sessions",
    action: "allow",
    methods: ["POST"],
    paths: ["/netbackup/login", "/netbackup/logout"],
  },
  {
    name: "read-only",
    action: "deny",
    methods: ["POST", "PUT", "PATCH", "DELETE"],
    reason: "the agent was started with --read-only",
  },
];

/**
 * What holds unless a file says otherwise: looking, backing up and steering backups go through, what can destroy backups, expose what
 * is in them or change who may do so waits for somebody on premises.
 */
export const defaultRules: readonly GuardRule[] = [
  { name: "reading", action: "allow", methods: ["GET"] },
  { name: "sessions", action: "allow", methods: ["POST"], paths: ["/netbackup/login", "/netbackup/logout"] },
  {
    name: "backups",
    action: "allow",
    methods: ["POST"],
    paths: [
      "/netbackup/admin/manual-backup",
      "/netbackup/admin/jobs-count-requests",
      "/netbackup/admin/jobs/*/cancel",
      "/netbackup/admin/jobs/*/restart",
      "/netbackup/admin/jobs/*/resume",
      "/netbackup/admin/jobs/*/suspend",
      "/netbackup/catalog/verify-images",
    ],
  },
  { name: "new-policies", action: "allow", methods: ["POST"], paths: ["/netbackup/config/policies"] },
  {
    name: "images",
    action: "hold",
    paths: ["/netbackup/catalog/**"],
    reason: "it may expire or change backups",
  },
  {
    name: "policies",
    action: "hold",
    paths: ["/netbackup/config/policies/**", "/netbackup/config/slps/**", "/netbackup/servicecatalog/**"],
    reason: "it changes what is backed up",
  },
  {
    name: "restores",
    action: "hold",
    paths: ["/netbackup/recovery/**", "/netbackup/recovery-point-service/**"],
    reason: "it may expose or overwrite data",
  },
  {
    name: "access",
    action: "hold",
    paths: [
      "/netbackup/security/**",
      "/netbackup/access-control/**",
      "/netbackup/rbac/**",
      "/netbackup/user-sessions/**",
      "/netbackup/users/**",
    ],
    reason: "it changes who may do what",
  },
  {
    name: "storage",
    action: "hold",
    paths: ["/netbackup/storage/**"],
    reason: "it changes where backups lie",
  },
];

/** What the default rules allow is limited so. */
export const defaultBudgets: readonly GuardBudget[] = [
  { name: "jobs-cancelled-per-hour", kind: "jobsCancelled", most: 20, hours: 1, beyond: "hold" },
  { name: "policies-changed-per-hour", kind: "policiesChanged", most: 50, hours: 1, beyond: "hold" },
  { name: "images-expired-per-hour", kind: "imagesExpired", most: 10, hours: 1, beyond: "hold" },
];
