// The form of Atlas's ids and cluster names.

/** Atlas's pattern for every id: lower case only. */
export const ATLAS_ID = /^([a-f0-9]{24})$/;

/** Atlas's pattern for cluster names; it documents no maximum length. */
export const CLUSTER_NAME = /^[a-zA-Z0-9][a-zA-Z0-9-]*$/;
/** Our own limit, far above any real name. */
export const MAX_CLUSTER_NAME_CHARACTERS = 64;

export const isAtlasId = (text: string): boolean => ATLAS_ID.test(text);

export const isClusterName = (text: string): boolean =>
  text.length <= MAX_CLUSTER_NAME_CHARACTERS && CLUSTER_NAME.test(text);
