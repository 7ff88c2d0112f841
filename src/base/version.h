/* version.h -- what this build of fire is. The constants come from build/VARIANT/build_version.h,
 * made by tools/version. */
#ifndef FIRE_BASE_VERSION_H
#define FIRE_BASE_VERSION_H

/* "0.1.0" and the commit's first 12 hex digits ("-dirty" where the tree differed). Static strings.
 */
const char *version_string(void);
const char *version_commit(void);

#endif
