// The tool list_flex_clusters: the Flex clusters of every project that may be read.
import * as z from "zod";
import { lookForClusters, projectsToRead, type ReadableProject } from "../atlas/look.ts";
import type { FlexCluster } from "../atlas/model.ts";
import { isClusterName } from "../core/atlas-id.ts";
import { detailOf, type ErrorEnvelope } from "../core/errors.ts";
import { nearest } from "../core/text.ts";
import { groupId, name } from "./params.ts";
import {
  count,
  defineTool,
  field,
  NOTHING_LEFT,
  nextStep,
  optionalText,
  type ToolContext,
  text,
  truncated,
} from "./tool.ts";

/** Keeps the answer below 64 KiB. */
const MAX_CLUSTERS = 200;
const MAX_UNREADABLE = 20;
/** Comparing names is costly; nobody has more Flex clusters. */
const MAX_COMPARED_NAMES = 500;
/** Reading projects ends this long before the call does. */
const RESERVE_MS = 5_000;

/** A field as Atlas sent it. */
const said = z.string().optional();

export const listFlexClusters = defineTool({
  name: "list_flex_clusters",
  title: "List Flex clusters",
  description:
    "Lists Flex clusters by project, to find the groupId and name that the other tools need. Without groupId it looks at the configured project, else at every project the credentials reach. With name, only clusters of that name. Other tiers (M0, M10 and above) are not covered.",
  input: z.strictObject({ groupId: groupId.optional(), name: name.optional() }),
  output: z.strictObject({
    projects: field(
      "The projects that have Flex clusters.",
      z.array(
        z.strictObject({
          groupId: text("Project id, which the other tools ask for."),
          projectName: optionalText("The project's name in Atlas."),
          clusters: field(
            "Each with {fields}. Without connection strings.",
            z.array(
              z.strictObject({
                name: said,
                stateName: said,
                mongoDBVersion: said,
                createDate: said,
                backupEnabled: z.boolean().optional(),
                provider: said,
                region: said,
                diskSizeGB: z.number().optional(),
              }),
            ),
          ),
        }),
      ),
    ),
    projectsWithoutFlexClusters: count("How many projects were looked at and have none."),
    unreadable: field(
      "Projects that could not be read, and why: {fields}.",
      z.array(z.strictObject({ groupId: z.string(), projectName: said, errorCode: said, detail: said, hint: said })),
    ),
    truncated,
    nextStep,
  }),
  async handler(wanted, context) {
    const { projects, limitedBy } = await projectsToRead(context.atlas, wanted.groupId, context, context);
    const limits = { deadline: context.deadline - RESERVE_MS, signal: context.signal };
    const looks = await lookForClusters(context.atlas, projects, limits, (progress) =>
      context.report({
        progress,
        total: projects.length,
        message: `${progress} of ${projectsOf(projects.length)} read`,
      }),
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
      unreadable: unreadable
        .slice(0, MAX_UNREADABLE)
        .map(({ project, failure }) => ({ ...named(project), ...viewFailure(failure.envelope) })),
      ...(total > MAX_CLUSTERS || unreadable.length > MAX_UNREADABLE ? { truncated: true } : {}),
      nextStep: advice(
        {
          found: total,
          read: read.length,
          unreadable: unreadable.length,
          limitedBy,
          wanted: wanted.name,
          meant: total === 0 && wanted.name ? meantBy(wanted.name, read) : undefined,
        },
        context,
      ),
    };
  },
});

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
  found: number;
  /** How many projects could be read, and how many could not. */
  read: number;
  unreadable: number;
  limitedBy: string | undefined;
  wanted: string | undefined;
  meant: string | undefined;
}

function advice(outcome: Outcome, context: ToolContext): string {
  const { found, read, unreadable, limitedBy } = outcome;
  const next =
    found > 0
      ? context.ifTool(
          "list_flex_snapshots",
          "For the backups of a cluster, call list_flex_snapshots with its groupId and name.",
        )
      : nothingFound(outcome);
  return (
    [
      unreadable > 0 && `${projectsOf(unreadable)} could not be read, see unreadable.`,
      found === 0 && read === 0 && unreadable > 0
        ? "So whether there are Flex clusters is not known: do what the hints say, then call list_flex_clusters again."
        : next,
      found === 0 && limitedBy && `The search covered only the projects that ${limitedBy} names.`,
    ]
      .filter(Boolean)
      .join(" ") || NOTHING_LEFT
  );
}

function nothingFound({ unreadable, wanted, meant }: Outcome): string {
  const where = unreadable > 0 ? " in the others" : "";
  if (wanted === undefined)
    return `No Flex cluster was found${where}. Clusters of other tiers (M0, M10 and above) are not covered by this server.`;
  const suggestion = meant === undefined ? "" : ` Did you mean ${meant}?`;
  return `No Flex cluster of that name was found${where}.${suggestion} Names are case-sensitive; a cluster of another tier (M0, M10 and above) is not covered by this server. Call list_flex_clusters without name to see all.`;
}

const projectsOf = (count: number) => (count === 1 ? "1 project" : `${count} projects`);
