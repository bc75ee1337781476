import { type AtlasAccess, openAtlas } from "../../atlas/access.ts";
import {
  downloadRole,
  firstCluster,
  flexClusters,
  lookForClusters,
  lookForProjects,
  lookForSnapshots,
  type ProjectLooks,
  projects,
  readableOf,
  snapshots,
} from "./atlas.ts";
import { atlasAddress, registered, savesSnapshots, settings } from "./configuration.ts";
import { accessList, credentials, judgeSignIn, obstacleOf, signIn } from "./credentials.ts";
import { downloadFolder, freeSpace } from "./download-folder.ts";
import { type Answer, askUnsigned, caCertificates, clockSkew, proxy, reached } from "./network.ts";
import {
  type Attempt,
  after,
  type CheckInput,
  createAttempt,
  type Finding,
  ok,
  type Step,
  type StepResult,
  shown,
} from "./step.ts";

/** With what is local, below the minute that people and scripts give a check; each attempt has a limit of its own. */
const ATLAS_LIMIT_MS = 45_000;
/** A file system that does not answer for so long is away. */
const LOCAL_LIMIT_MS = 3_000;

/**
 * Tries the configuration step by step and yields each result as it comes. Creates no job and writes no file. Rejects only
 * with the signal's reason.
 */
export async function* runCheck(input: CheckInput): AsyncGenerator<Step> {
  const { config, env, clock, log, signal } = input;
  const here = createAttempt({ clock, deadline: Number.POSITIVE_INFINITY, signal, log });
  const local = async (work: () => Promise<StepResult>) => shown(await here(LOCAL_LIMIT_MS, work), (result) => result);

  yield { id: "node", title: "Node.js", ...ok(process.versions.node) };
  yield { id: "settings", title: "Settings", ...settings(config, input) };
  yield { id: "atlas-address", title: "Atlas address", ...atlasAddress(config, input) };
  yield { id: "ca-certificates", title: "CA certificates", ...(await local(() => caCertificates(env))) };
  yield* stepsWithAtlas(input, createAttempt({ clock, deadline: clock.now() + ATLAS_LIMIT_MS, signal, log }));
  yield { id: "download-role", title: "Download role", ...downloadRole(savesSnapshots(config)) };
  yield { id: "download-folder", title: "Download folder", ...(await local(() => downloadFolder(config, input))) };
  yield { id: "free-space", title: "Free space", ...(await local(() => freeSpace(config))) };
  yield { id: "tools", title: "Tools", ...registered(config, input) };
}

/** Nothing is sent yet; a simulator has to start. */
const OPEN_LIMIT_MS = 3_000;
/** Above the transport's ten seconds to connect, whose failure says more than a time-out. */
const REACH_LIMIT_MS = 15_000;
/** Leaves room for repeating what a busy Atlas refuses. */
const SIGN_IN_LIMIT_MS = 12_000;
const LIST_LIMIT_MS = 9_000;

/** What needs Atlas, each step on top of what came before. */
async function* stepsWithAtlas(input: CheckInput, attempt: Attempt): AsyncGenerator<Step> {
  const opened = await attempt(OPEN_LIMIT_MS, () => openAtlas(input.config, input));
  if (!("value" in opened)) {
    yield { id: "connection", title: "Connection to Atlas", ...reached(opened) };
    return;
  }
  const access = opened.value;
  try {
    const answer: Finding<Answer> = input.config.unusable.includes("route")
      ? // An address that cannot be used is replaced by the default, which must not see what was meant for another.
        { blocked: "the settings that lead to Atlas have to be corrected first" }
      : await attempt(REACH_LIMIT_MS, (limits) => askUnsigned(access, input.clock, limits));
    yield { id: "proxy", title: "Proxy", ...proxy(input, answer) };
    yield { id: "connection", title: "Connection to Atlas", ...reached(answer) };
    yield { id: "clock", title: "Clock", ...clockSkew(answer) };
    yield* stepsWithCredentials(input, attempt, access, answer);
  } finally {
    await access.signOut();
    await access.close();
  }
}

async function* stepsWithCredentials(
  { config, clock }: CheckInput,
  attempt: Attempt,
  access: AtlasAccess,
  answer: Finding<Answer>,
): AsyncGenerator<Step> {
  const signedIn = judgeSignIn(
    await after(answer, "Atlas was not reached", () => {
      if (config.unusable.includes("credentials")) return { blocked: "the credentials have to be corrected first" };
      if (!config.credentials && !config.simulate) return { blocked: "there are no credentials" };
      return attempt(SIGN_IN_LIMIT_MS, (limits) => signIn(access, limits));
    }),
  );
  yield { id: "credentials", title: "Credentials", ...credentials(config, signedIn) };
  yield { id: "api-access-list", title: "API access list", ...accessList(signedIn) };

  const found: Finding<ProjectLooks> =
    signedIn.verdict === "accepted"
      ? await attempt(LIST_LIMIT_MS, (limits) => lookForProjects(access, config, limits))
      : { blocked: obstacleOf(signedIn) };
  yield { id: "projects", title: "Projects", ...shown(found, (looks) => projects(looks, config)) };

  const clusters = await after(found, "the projects could not be read", ({ looks }) => {
    const readable = readableOf(looks);
    if (readable.length === 0) return { blocked: "no project can be read" };
    return attempt(LIST_LIMIT_MS, (limits) => lookForClusters(access, readable, limits));
  });
  yield { id: "flex-clusters", title: "Flex clusters", ...shown(clusters, flexClusters) };

  const backups = await after(clusters, "the clusters could not be read", ({ looks }) => {
    const cluster = firstCluster(looks);
    if (!cluster) return { blocked: "there is no Flex cluster to look at" };
    return attempt(LIST_LIMIT_MS, (limits) => lookForSnapshots(access, cluster, limits));
  });
  yield { id: "snapshots", title: "Snapshots", ...shown(backups, (list) => snapshots(list, clock.now())) };
}
