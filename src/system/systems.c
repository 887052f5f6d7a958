#include "system/system.h"

#include <string.h>

/* One line per system: NAME stands for the NAME_system at the end of src/system/NAME.c. */
/* clang-format off */
#define SYSTEMS(SYSTEM)  \
    SYSTEM(replication)  \
    SYSTEM(messaging)    \
    SYSTEM(leader)       \
    SYSTEM(consensus)    \
    SYSTEM(idle)         \
    SYSTEM(template)
/* clang-format on */

#define DECLARE(name) extern const struct system_ops name##_system;
SYSTEMS(DECLARE)

#define LIST(name) &name##_system,
const struct system_ops *const system_list[] = {SYSTEMS(LIST) NULL};

const struct system_ops *system_find(const char *name)
{
    for (const struct system_ops *const *system = system_list; *system != NULL; system++)
        if (strcmp((*system)->name, name) == 0)
            return *system;
    return NULL;
}
