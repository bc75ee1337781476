import { PROJECTS_AT_ONCE } from "../atlas/client.ts";
import type { Project } from "../atlas/schemas.ts";
import type { AtlasAccess } from "../atlas-access.ts";
import type { Config } from "../config/parse.ts";
import { isAtlasId } from "../core/atlas-id.ts";
import { concurrently } from "../core/concurrency.ts";
import { Failure } from "../core/errors.ts";
import { clean } from "../core/text.ts";
import type { CallLimits } from "../core/time.ts";
import { counted, failed, failedWith, firstFew, ok, type StepResult } from "./step.ts";

const NAME_CHARACTERS = 40;

export interface ReadableProject {
  id: string;
  name?: string;
}

/** A project by its id: readable, or why not. */
export type ProjectLook = ReadableProject | { id: string; failure: Failure };

export interface ProjectLooks {
  looks: ProjectLook[];
  /** All that the credentials reach; only when one that was set cannot be read, to choose from. */
  reachable?: ReadableProject[];
}

/** Codes that say that the project is not there for these credentials. */
const NOT_THERE = ["GROUP_NOT_FOUND", "INVALID_GROUP_ID", "NOT_ATLAS_GROUP", "NOT_IN_GROUP"];

/** The projects that this server would work with: the allowed ones by id, else the configured one and all that Atlas lists. */
export async function lookForProjects(
  { atlas }: AtlasAccess,
  { allowedProjects, projectId }: Pick<Config, "allowedProjects" | "projectId">,
  limits: CallLimits,
): Promise<ProjectLooks> {
  const byId = async (id: string): Promise<ProjectLook> => {
    try {
      return { ...named(await atlas.getProject(id, limits)), id };
    } catch (error) {
      if (error instanceof Failure) return { id, failure: error };
      throw error;
    }
  };
  // A configured project that is not allowed is a problem of the settings, and nobody asks for it.
  const wanted = allowedProjects ?? (projectId ? [projectId] : []);
  const looks = await concurrently([...new Set(wanted)], PROJECTS_AT_ONCE, byId);
  const listed = async () => {
    const found: ReadableProject[] = [];
    for await (const project of atlas.projects(limits))
      if (project.id && isAtlasId(project.id)) found.push({ ...named(project), id: project.id });
    return found;
  };
  if (!allowedProjects) {
    const reachable = await listed();
    return { looks: [...looks, ...reachable.filter(({ id }) => id !== projectId)], reachable };
  }
  if (looks.length > 0 && looks.every((look) => !("failure" in look))) return { looks };
  try {
    return { looks, reachable: await listed() };
  } catch (error) {
    if (error instanceof Failure) return { looks }; // An aid only: what was looked for is found.
    throw error;
  }
}

export function projects(
  { looks, reachable }: ProjectLooks,
  { allowedProjects }: Pick<Config, "allowedProjects">,
): StepResult {
  const readable = readableOf(looks);
  const refused = looks.flatMap((look) => ("failure" in look ? [look] : []));
  const which = allowedProjects ? "allowed project" : "project";
  const [first] = refused;
  if (first) {
    const ids = refused.map(
      ({ id, failure }) => `${id} (${failure.envelope.errorCode ?? failure.envelope.error ?? "?"})`,
    );
    const setting = allowedProjects ? "ATLAS_FLEX_ALLOWED_PROJECTS" : "MONGODB_ATLAS_PROJECT_ID";
    const step = failedWith(
      first.failure,
      `${refused.length} of ${counted(looks.length, which)} cannot be read: ${firstFew(ids)}`,
    );
    const { errorCode = "" } = first.failure.envelope;
    const advice = NOT_THERE.includes(errorCode) ? INVITE : step.whatToDo;
    return { ...step, whatToDo: [`Check the ids in ${setting}.`, ...choiceOf(reachable), advice].join("\n") };
  }
  if (looks.length === 0 && allowedProjects) {
    return failed(
      "ATLAS_FLEX_ALLOWED_PROJECTS allows none",
      ["Correct its ids, or unset it.", ...choiceOf(reachable)].join("\n"),
    );
  }
  if (readable.length === 0) {
    return failed(
      "these credentials belong to no project",
      "In Atlas, invite the service account or API key to the project, with the role Project Owner or Project Backup Export Operator.",
    );
  }
  return ok(`${counted(readable.length, which)}: ${firstFew(readable.map(titleOf))}`);
}

const INVITE = "If the id is right, invite the service account or API key to the project in Atlas.";

function choiceOf(reachable: readonly ReadableProject[] | undefined): string[] {
  if (!reachable) return [];
  const titles = firstFew(reachable.map(titleOf));
  return [titles ? `These credentials reach: ${titles}.` : "These credentials reach no project at all."];
}

export function readableOf(looks: readonly ProjectLook[]): ReadableProject[] {
  return looks.flatMap((look) => ("failure" in look ? [] : [look]));
}

export const titleOf = ({ id, name }: ReadableProject): string => (name ? `${name} (${id})` : id);

function named({ name }: Project): { name?: string } {
  return name ? { name: clean(name, NAME_CHARACTERS) } : {};
}
