import * as z from "zod";
import { lookForClusters } from "../atlas/cluster-looks.ts";
import type { FlexCluster, Project } from "../atlas/schemas.ts";
import { groupId, name } from "./params.ts";
import { defineTool, type ToolContext } from "./tool.ts";

/** Keeps the answer below 64 KiB. */
const MAX_CLUSTERS = 200;
const MAX_UNREADABLE = 20;
/** Stop asking for more projects this long before the call must end. */
const RESERVE_MS = 5_000;

const text = z.string().optional();

export const listFlexClusters = defineTool({
  name: "list_flex_clusters",
  title: "List Flex clusters",
  description:
    "Lists Flex clusters by project, to find the groupId and name that the other tools need. Without groupId it looks at the configured project, else at every project the credentials reach. With name, only clusters of that name. Other tiers (M0, M10 and above) are not covered.",
  input: z.strictObject({ groupId: groupId.optional(), name: name.optional() }),
  output: z.strictObject({
    projects: z.array(
      z.strictObject({
        groupId: z.string(),
        projectName: text,
        clusters: z.array(
          z.strictObject({
            name: text,
            stateName: text,
            mongoDBVersion: text,
            createDate: text,
            backupEnabled: z.boolean().optional(),
            provider: text,
            region: text,
            diskSizeGB: z.number().optional(),
          }),
        ),
      }),
    ),
    projectsWithoutFlexClusters: z.number(),
    unreadable: z.array(
      z.strictObject({ groupId: z.string(), projectName: text, errorCode: text, detail: text, hint: text }),
    ),
    truncated: z.boolean().optional(),
    nextStep: z.string(),
  }),
  async handler(wanted, context) {
    const projects = await projectsToRead(wanted.groupId, context);
    const limits = { deadline: context.deadline - RESERVE_MS, signal: context.signal };
    const looks = await lookForClusters(context.atlas, projects, limits, (progress) =>
      context.report({ progress, total: projects.length }),
    );
    const only = projects.length === 1 ? looks[0] : undefined;
    if (only && "failure" in only) throw only.failure;

    const unreadable = looks.flatMap((look) => ("failure" in look ? [look] : []));
    const read = looks.flatMap((look) => ("clusters" in look ? [look] : []));
    const wantedOf = (clusters: FlexCluster[]) => clusters.filter(({ name }) => (wanted.name ?? name) === name);
    const matching = read.map(({ project, clusters }) => ({ project, clusters: wantedOf(clusters) }));
    let room = MAX_CLUSTERS;
    const shown = matching.flatMap(({ project, clusters }) => {
      const some = clusters.slice(0, room);
      room -= some.length;
      return some.length > 0 ? [{ ...named(project), clusters: some.map(viewCluster) }] : [];
    });
    const total = matching.reduce((sum, { clusters }) => sum + clusters.length, 0);
    return {
      projects: shown,
      projectsWithoutFlexClusters: read.filter(({ clusters }) => clusters.length === 0).length,
      unreadable: unreadable.slice(0, MAX_UNREADABLE).map(({ project, failure: { envelope } }) => ({
        ...named(project),
        errorCode: envelope.errorCode,
        detail: envelope.detail,
        hint: envelope.hint,
      })),
      ...(total > MAX_CLUSTERS || unreadable.length > MAX_UNREADABLE ? { truncated: true } : {}),
      nextStep: advice({ found: total, unreadable: unreadable.length, wanted: wanted.name }, context),
    };
  },
});

type ReadableProject = Project & { id: string };

async function projectsToRead(groupId: string | undefined, context: ToolContext): Promise<ReadableProject[]> {
  const ids = groupId ? [groupId] : context.projectId ? [context.projectId] : context.allowedProjects;
  if (ids) return ids.map((id) => ({ id }));
  const projects: ReadableProject[] = [];
  for await (const project of context.atlas.projects(context))
    if (project.id) projects.push({ ...project, id: project.id });
  return projects;
}

const named = ({ id, name }: ReadableProject) => ({ groupId: id, ...(name ? { projectName: name } : {}) });

function viewCluster({ name, stateName, mongoDBVersion, createDate, backupSettings, providerSettings }: FlexCluster) {
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

function advice(
  { found, unreadable, wanted }: { found: number; unreadable: number; wanted: string | undefined },
  context: ToolContext,
): string {
  const gap =
    unreadable > 0
      ? `${unreadable === 1 ? "1 project" : `${unreadable} projects`} could not be read, see unreadable.`
      : "";
  const next =
    found > 0
      ? context.ifTool(
          "list_flex_snapshots",
          "For the backups of a cluster, call list_flex_snapshots with its groupId and name.",
        )
      : wanted === undefined
        ? "No Flex cluster was found. Clusters of other tiers (M0, M10 and above) are not covered by this server."
        : "No Flex cluster of that name was found. Names are case-sensitive; a cluster of another tier (M0, M10 and above) is not covered by this server. Call list_flex_clusters without name to see all.";
  return `${gap} ${next}`.trim() || "Nothing else is to be done here.";
}
