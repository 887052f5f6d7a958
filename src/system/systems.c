#include "system/system.h"

#include <string.h>

extern const struct system_ops replication_system;

const struct system_ops *const system_list[] = {
    &replication_system,
    NULL,
};

const struct system_ops *system_find(const char *name)
{
    for (const struct system_ops *const *system = system_list; *system != NULL; system++)
        if (strcmp((*system)->name, name) == 0)
            return *system;
    return NULL;
}
