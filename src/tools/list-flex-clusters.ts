// The tool list_flex_clusters: the Flex clusters of every project that may be read, and how their backups are.
import * as z from "zod";
import { lookForClusters, projectsToRead, type ReadableProject } from "../atlas/look.ts";
import type { FlexCluster } from "../atlas/model.ts";
import { isClusterName } from "../core/atlas-id.ts";
import { detailOf, type ErrorEnvelope } from "../core/errors.ts";
import { nearest } from "../core/text.ts";
import { type ListedCluster, overviewFields, overviewOf } from "./backup-overview.ts";
import { groupId, name } from "./params.ts";
import { bytesOf, MAX_LISTED_BYTES, roomFor } from "./room.ts";
import { defineTool, field, NOTHING_LEFT, nextStep, optionalText, type ToolContext, text, truncated } from "./tool.ts";

/** Each takes a request when its backups are asked for. */
const MAX_CLUSTERS = 200;
const MAX_UNREADABLE = 20;
const MAX_NAMED_PROJECTS = 20;
/** Comparing names is costly; nobody has more Flex clusters. */
const MAX_COMPARED_NAMES = 500;
/** Reading ends this long before the call does. */
const RESERVE_MS = 5_000;
/** Kept for the backups while the projects are read, so that one project that hangs does not use up the whole call. */
const BACKUPS_MS = 18_000;
/** Room for the advice and for the brackets of each project. */
const RESERVE_BYTES = 4 * 1024;

/** A field as Atlas sent it. */
const said = z.string().optional();

const clusterView = z.strictObject({
  name: said,
  stateName: said,
  mongoDBVersion: said,
  createDate: said,
  backupEnabled: z.boolean().optional(),
  provider: said,
  region: said,
  diskSizeGB: z.number().optional(),
  ...overviewFields,
});
type ClusterView = z.input<typeof clusterView>;

export const listFlexClusters = defineTool({
  name: "list_flex_clusters",
  title: "List Flex clusters",
  description:
    "Lists Flex clusters by project; with backups: true also the newest backup of each and what needs attention, so one call tells whether all is backed up. Without groupId it looks at the configured project, else at every project the credentials reach. With name, only clusters of that name. Other tiers (M0, M10 and above) are not covered.",
  input: z.strictObject({
    groupId: groupId.optional(),
    name: name.optional(),
    backups: z.boolean({ error: "must be true or false" }).optional().describe("Also read the newest backups"),
  }),
  output: z.strictObject({
    projects: field(
      "The projects that have Flex clusters.",
      z.array(
        z.strictObject({
          groupId: text("Project id, which other tools ask for."),
          projectName: optionalText("The project's name in Atlas."),
          clusters: field(
            "Each with {fields}. Without connection strings. With `backups` only `name` and `stateName`, and `newestBackup`: the newest complete one, with `when` in this computer's time zone, `ageHours`, and `savedHere` if a sound file of it is in the download folder (absent if that cannot be read). `attention` is what is wrong with the cluster's backups; absent if all is well or the cluster is too young for a backup.",
            z.array(clusterView),
          ),
        }),
      ),
    ),
    projectsWithoutFlexClusters: field(
      "The names of projects that have none, at most 20; the id of a project whose name is not known.",
      z.array(z.string()),
    ),
    unreadable: field(
      "Projects that could not be read, and why: {fields}.",
      z.array(z.strictObject({ groupId: z.string(), projectName: said, errorCode: said, detail: said, hint: said })),
    ),
    truncated,
    nextStep,
  }),
  async handler(wanted, context) {
    const { projects, limitedBy } = await projectsToRead(context.atlas, wanted.groupId, context, context);
    const deadline = context.deadline - RESERVE_MS;
    const limits = { deadline: wanted.backups ? deadline - BACKUPS_MS : deadline, signal: context.signal };
    const looks = await lookForClusters(context.atlas, projects, limits, (progress) =>
      context.report({
        progress,
        total: projects.length,
        message: `${progress} of ${projectsOf(projects.length)} read`,
      }),
    );
    const only = projects.length === 1 ? looks[0] : undefined;
    if (only && "failure" in only) throw only.failure;

    const failed = looks.flatMap((look) => ("failure" in look ? [look] : []));
    const read = looks.flatMap((look) => ("clusters" in look ? [look] : []));
    const found = read.flatMap(({ project, clusters }) =>
      clusters
        .filter(({ name }) => (wanted.name ?? name) === name)
        .map((cluster) => ({ project, groupId: project.id, cluster })),
    );
    const looked = found.slice(0, MAX_CLUSTERS);
    const isAll = failed.length === 0 && looked.length === found.length;
    const overview = wanted.backups
      ? await overviewOf(looked, isAll, {
          ...context,
          deadline,
          onLook: (count) =>
            context.report({
              progress: projects.length + count,
              total: projects.length + looked.length,
              message: `backups of ${count} of ${clustersOf(looked.length)} read`,
            }),
        })
      : undefined;

    const without = read.flatMap(({ project, clusters }) =>
      clusters.length === 0 ? [project.name ?? project.id] : [],
    );
    const projectsWithoutFlexClusters = without.slice(0, MAX_NAMED_PROJECTS);
    const unreadable = failed
      .slice(0, MAX_UNREADABLE)
      .map(({ project, failure }) => ({ ...named(project), ...viewFailure(failure.envelope) }));
    const room = MAX_LISTED_BYTES - RESERVE_BYTES - bytesOf([projectsWithoutFlexClusters, unreadable]);
    const views: ClusterView[] = overview?.views ?? looked.map(viewCluster);
    const shown = fitting(views, looked, room);
    const isTruncated =
      shown.length < found.length ||
      unreadable.length < failed.length ||
      projectsWithoutFlexClusters.length < without.length;
    return {
      projects: byProject(shown),
      projectsWithoutFlexClusters,
      unreadable,
      ...(isTruncated ? { truncated: true } : {}),
      nextStep: advice(
        {
          found: found.length,
          looked: looked.length,
          shown: shown.length,
          without: without.length,
          read: read.length,
          unreadable: failed.length,
          limitedBy,
          wanted: wanted.name,
          meant: found.length === 0 && wanted.name ? meantBy(wanted.name, read) : undefined,
          summary: overview?.summary,
        },
        context,
      ),
    };
  },
});

interface ShownCluster {
  project: ReadableProject;
  view: ClusterView;
}

/** As many clusters as `room` bytes hold, those that need attention first; in the order in which they were listed. */
function fitting(views: readonly ClusterView[], clusters: readonly ListedCluster[], room: number): ShownCluster[] {
  const all = clusters.flatMap(({ project }, index) => {
    const view = views[index];
    return view ? [{ project, view }] : [];
  });
  const fits = roomFor(room);
  const hasAttention = ({ view }: ShownCluster) => view.attention !== undefined;
  const first = [...all.filter(hasAttention), ...all.filter((shown) => !hasAttention(shown))];
  const kept = new Set(first.filter(({ project, view }) => fits([named(project), view])));
  return all.filter((shown) => kept.has(shown));
}

function byProject(shown: readonly ShownCluster[]) {
  const projects = new Map<string, ReturnType<typeof named> & { clusters: ClusterView[] }>();
  for (const { project, view } of shown) {
    const entry = projects.get(project.id) ?? { ...named(project), clusters: [] };
    entry.clusters.push(view);
    projects.set(project.id, entry);
  }
  return [...projects.values()];
}

const named = ({ id, name }: ReadableProject) => ({ groupId: id, ...(name ? { projectName: name } : {}) });

function viewCluster({ cluster }: ListedCluster): ClusterView {
  const { name, stateName, mongoDBVersion, createDate, backupSettings, providerSettings } = cluster;
  return {
    name,
    stateName,
    mongoDBVersion,
    createDate,
    backupEnabled: backupSettings?.enabled,
    provider: providerSettings?.backingProviderName,
    region: providerSettings?.regionName,
    diskSizeGB: providerSettings?.diskSizeGB,
  };
}

/** An entry has no field for the status, so its detail tells it. Atlas's own words are named as such. */
function viewFailure(envelope: ErrorEnvelope) {
  const { error, errorCode, hint } = envelope;
  const unexplained = error === undefined ? undefined : `The answer was HTTP ${error} and did not say why.`;
  return { errorCode, detail: detailOf(envelope) ?? unexplained, hint };
}

/** The name that was probably meant. Only valid cluster names count: advice must not repeat any other text. */
function meantBy(wanted: string, looks: readonly { clusters: readonly FlexCluster[] }[]): string | undefined {
  const names = looks.flatMap(({ clusters }) => clusters.flatMap(({ name }) => name ?? []));
  return nearest(wanted, names.filter(isClusterName).slice(0, MAX_COMPARED_NAMES));
}

interface Outcome {
  /** Counts of clusters: all that were found, those whose backups were read or could have been, and those in the answer. */
  found: number;
  looked: number;
  shown: number;
  /** Counts of projects: those without Flex clusters, all that could be read, and those that could not. */
  without: number;
  read: number;
  unreadable: number;
  limitedBy: string | undefined;
  wanted: string | undefined;
  meant: string | undefined;
  /** Of the overview of backups, if that was asked for. */
  summary: string | undefined;
}

function advice(outcome: Outcome, context: ToolContext): string {
  const { found, looked, shown, without, read, unreadable, limitedBy, summary } = outcome;
  const isCut = found > shown;
  return (
    [
      unreadable > 0 && `${projectsOf(unreadable)} could not be read, see unreadable.`,
      found === 0 && read === 0 && unreadable > 0
        ? "So whether there are Flex clusters is not known: do what the hints say, then call list_flex_clusters again."
        : found === 0
          ? nothingFound(outcome)
          : (summary ?? whereBackupsAre(context)),
      summary !== undefined && found > looked && `The backups of ${looked} of ${clustersOf(found)} were looked at.`,
      isCut && `${shown} of ${clustersOf(found)} are shown: for the others, call again with their groupId or name.`,
      without > MAX_NAMED_PROJECTS &&
        `Of ${projectsOf(without)} without Flex clusters, ${MAX_NAMED_PROJECTS} are named.`,
      limitedBy &&
        (found === 0 || summary !== undefined) &&
        `The search covered only the projects that ${limitedBy} names.`,
    ]
      .filter(Boolean)
      .join(" ") || NOTHING_LEFT
  );
}

function whereBackupsAre({ ifTool }: ToolContext): string {
  const all = ifTool(
    "list_flex_snapshots",
    " For all backups of a cluster, call list_flex_snapshots with its groupId and name.",
  );
  return `For the newest backup of each, call again with backups: true.${all}`;
}

function nothingFound({ unreadable, wanted, meant }: Outcome): string {
  const where = unreadable > 0 ? " in the others" : "";
  if (wanted === undefined)
    return `No Flex cluster was found${where}. Clusters of other tiers (M0, M10 and above) are not covered by this server.`;
  const suggestion = meant === undefined ? "" : ` Did you mean ${meant}?`;
  return `No Flex cluster of that name was found${where}.${suggestion} Names are case-sensitive; a cluster of another tier (M0, M10 and above) is not covered by this server. Call list_flex_clusters without name to see all.`;
}

const projectsOf = (count: number) => (count === 1 ? "1 project" : `${count} projects`);
const clustersOf = (count: number) => (count === 1 ? "1 cluster" : `${count} clusters`);
