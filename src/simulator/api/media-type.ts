/** The version of each resource, as the date in its media type. */
export type ResourceVersion = "2023-01-01" | "2024-11-13";

const VERSIONED = /^application\/vnd\.atlas\.(\d{4}-\d{2}-\d{2})\+json$/;

/**
 * Whether an Accept header reaches the resource: one of its types must be versioned, and not older than the resource.
 * A newer date means the newest version up to it, which here is the only one.
 */
export function accepts(accept: string | undefined, version: ResourceVersion): boolean {
  return typesOf(accept).some((type) => reaches(type, version));
}

/** Whether a request body may be sent as this type: plain JSON or a version that the resource has. */
export function isBodyType(contentType: string | undefined, version: ResourceVersion): boolean {
  const [type = ""] = typesOf(contentType);
  return type === "application/json" || reaches(type, version);
}

export function mediaType(version: ResourceVersion): string {
  return `application/vnd.atlas.${version}+json;charset=utf-8`;
}

function typesOf(header = ""): string[] {
  return header.split(",").map((entry) => (entry.split(";")[0] ?? "").trim().toLowerCase());
}

function reaches(type: string, version: ResourceVersion): boolean {
  const date = VERSIONED.exec(type)?.[1];
  return date !== undefined && !Number.isNaN(Date.parse(date)) && date >= version;
}
