import { concurrently } from "../atlas/concurrently.ts";
import type { CallLimits } from "../atlas/contract.ts";
import type { Project } from "../atlas/schemas.ts";
import type { AtlasAccess } from "../atlas-access.ts";
import { isAtlasId } from "../atlas-id.ts";
import type { Config } from "../config.ts";
import { Failure } from "../errors.ts";
import { clean } from "../text.ts";
import { counted, failed, failedWith, firstFew, ok, type StepResult } from "./step.ts";

const NAME_CHARACTERS = 40;

export interface ReadableProject {
  id: string;
  name?: string;
}

/** A project by its id: readable, or why not. */
export type ProjectLook = ReadableProject | { id: string; failure: Failure };

/** The projects that this server would work with: the allowed ones by id, else the configured one and all that Atlas lists. */
export async function lookForProjects(
  { atlas }: AtlasAccess,
  { allowedProjects, projectId }: Pick<Config, "allowedProjects" | "projectId">,
  limits: CallLimits,
): Promise<ProjectLook[]> {
  const byId = async (id: string): Promise<ProjectLook> => {
    try {
      return { ...named(await atlas.getProject(id, limits)), id };
    } catch (error) {
      if (error instanceof Failure) return { id, failure: error };
      throw error;
    }
  };
  const wanted = [...(projectId ? [projectId] : []), ...(allowedProjects ?? [])];
  const looks = await concurrently([...new Set(wanted)], byId);
  if (allowedProjects) return looks;
  for await (const project of atlas.projects(limits))
    if (project.id && isAtlasId(project.id) && project.id !== projectId)
      looks.push({ ...named(project), id: project.id });
  return looks;
}

export function projects(
  looks: readonly ProjectLook[],
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
    return { ...step, whatToDo: `Check the ids in ${setting}.\n${step.whatToDo}` };
  }
  if (readable.length === 0) {
    return failed(
      "these credentials belong to no project",
      "In Atlas, invite the service account or API key to the project, with the role Project Owner or Project Backup Export Operator.",
    );
  }
  return ok(`${counted(readable.length, which)}: ${firstFew(readable.map(titleOf))}`);
}

export function readableOf(looks: readonly ProjectLook[]): ReadableProject[] {
  return looks.flatMap((look) => ("failure" in look ? [] : [look]));
}

export const titleOf = ({ id, name }: ReadableProject): string => (name ? `${name} (${id})` : id);

function named({ name }: Project): { name?: string } {
  return name ? { name: clean(name, NAME_CHARACTERS) } : {};
}
