// Runs all steps of `check` in the order in which they are shown.
import { openAtlas } from "../../atlas/access.ts";
import { freeBytesFor } from "../../download/contract.ts";
import { flexClusters, projects, snapshots } from "./atlas.ts";
import { atlasAddress, settings, tools } from "./configuration.ts";
import { apiAccessList, credentials, downloadRole, judgeSignIn, obstacleOf, signIn } from "./credentials.ts";
import { downloadFolder, freeSpace } from "./download-folder.ts";
import { type Answer, askUnsigned, caCertificates, clockSkew, connection, proxy } from "./network.ts";
import {
  after,
  type CheckInput,
  createAttempt,
  type Finding,
  ok,
  resultOf,
  type Step,
  type StepResult,
  skipped,
} from "./step.ts";

/** The id of each step, for scripts, and its title, for people. */
const TITLES = {
  node: "Node.js",
  settings: "Settings",
  "atlas-address": "Atlas address",
  "ca-certificates": "CA certificates",
  proxy: "Proxy",
  connection: "Connection to Atlas",
  clock: "Clock",
  credentials: "Credentials",
  "api-access-list": "API access list",
  projects: "Projects",
  "flex-clusters": "Flex clusters",
  snapshots: "Snapshots",
  "download-role": "Download role",
  "download-folder": "Download folder",
  "free-space": "Free space",
  tools: "Tools",
} as const;

/** A file system that takes longer counts as unavailable. */
const LOCAL_LIMIT_MS = 3_000;
/** Limit of all steps with Atlas together. With the local steps, the check takes less than a minute. */
const ATLAS_LIMIT_MS = 45_000;
/** Opening the client sends nothing, but may start the simulator. */
const OPEN_LIMIT_MS = 3_000;
/** Longer than the transport's ten seconds to connect, because its error says more than a time-out. */
const REACH_LIMIT_MS = 15_000;
/** Long enough to repeat requests that a busy Atlas refuses. */
const SIGN_IN_LIMIT_MS = 12_000;
const LIST_LIMIT_MS = 9_000;

/**
 * Tries the configuration step by step and yields each result as it arrives. Creates no job and writes no file. Rejects
 * only with the reason of `input.signal`.
 */
export async function* runCheck(input: CheckInput): AsyncGenerator<Step> {
  const { config, clock } = input;
  const step = (id: keyof typeof TITLES, result: StepResult): Step => ({ id, title: TITLES[id], ...result });
  const tryLocally = createAttempt(input);
  const local = async (work: () => Promise<StepResult>) => resultOf(await tryLocally(LOCAL_LIMIT_MS, work));

  yield step("node", ok(process.versions.node));
  yield step("settings", settings(input));
  yield step("atlas-address", atlasAddress(input));
  yield step("ca-certificates", await local(() => caCertificates(input.env)));

  const attempt = createAttempt(input, clock.now() + ATLAS_LIMIT_MS);
  const opened = await attempt(OPEN_LIMIT_MS, () => openAtlas(config, input));
  if ("value" in opened) {
    const access = opened.value;
    try {
      const answer: Finding<Answer> = config.unusable.includes("route")
        ? // The default replaces an unusable address, but must not receive what was meant for another server.
          { blocked: "the settings that lead to Atlas have to be corrected first" }
        : await attempt(REACH_LIMIT_MS, (limits) => askUnsigned(access, clock, limits));
      yield step("proxy", proxy(input, answer));
      yield step("connection", connection(answer));
      yield step("clock", clockSkew(answer));

      const signedIn = judgeSignIn(
        await after(answer, "Atlas was not reached", () => {
          if (config.unusable.includes("credentials")) return { blocked: "the credentials have to be corrected first" };
          if (!config.credentials && !config.simulate) return { blocked: "there are no credentials" };
          return attempt(SIGN_IN_LIMIT_MS, (limits) => signIn(access, limits));
        }),
      );
      yield step("credentials", credentials(config, signedIn));
      yield step("api-access-list", apiAccessList(signedIn));

      const reached =
        signedIn.verdict === "accepted"
          ? await attempt(LIST_LIMIT_MS, (limits) => projects(access, config, limits))
          : { blocked: obstacleOf(signedIn) };
      yield step("projects", resultOf(reached));

      const listed = await after(reached, "the projects could not be read", ({ readable }) => {
        if (readable.length === 0) return { blocked: "no project can be read" };
        return attempt(LIST_LIMIT_MS, (limits) => flexClusters(access, readable, limits));
      });
      yield step("flex-clusters", resultOf(listed));

      const backups = await after(listed, "the clusters could not be read", ({ firstCluster }) => {
        if (!firstCluster) return { blocked: "there is no Flex cluster to look at" };
        return attempt(LIST_LIMIT_MS, (limits) => snapshots(access, firstCluster, clock, limits));
      });
      yield step("snapshots", resultOf(backups));
    } finally {
      await access.signOut();
      await access.close();
    }
  } else {
    yield step("connection", connection(opened));
  }

  yield step("download-role", downloadRole(config));
  yield step("download-folder", await local(() => downloadFolder(input)));
  yield step(
    "free-space",
    config.unusable.includes("downloadDir")
      ? skipped("the download folder has to be corrected first")
      : await local(async () => freeSpace(await freeBytesFor(config.downloadDir))),
  );
  yield step("tools", tools(input));
}
