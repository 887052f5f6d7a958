#include "record/run_file_hdf5.h"

#include <inttypes.h>
#include <string.h>

/* FNV-1a, 64 bit: http://www.isthe.com/chongo/tech/comp/fnv/ */
uint64_t run_fnv1a(const void *bytes, size_t size, uint64_t start)
{
    const unsigned char *byte = bytes;
    uint64_t hash = start;
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ byte[i]) * 1099511628211u;
    return hash;
}

void run_digest(const char *canonical_text, char digest[17])
{
    uint64_t hash = run_fnv1a(canonical_text, strlen(canonical_text), RUN_FNV1A_START);
    (void)snprintf(digest, 17, "%016" PRIx64, hash);
}

void hdf_prepare(void)
{
    /* Every file is closed by us; at exit HDF5 would follow the identifiers of files whose closing
     * failed into freed memory. It takes this only before anything else, so its result is moot. */
    (void)H5dont_atexit();
    (void)H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
}

struct reason {
    char *text;
    size_t size;
};

static herr_t keep_reason(unsigned depth, const H5E_error2_t *error, void *data)
{
    (void)depth;
    const struct reason *reason = data;
    if (error->desc != NULL && reason->text[0] == '\0')
        (void)snprintf(reason->text, reason->size, "%s", error->desc);
    return 0;
}

void hdf_reason(char *reason, size_t size)
{
    struct reason innermost = {reason, size};
    reason[0] = '\0';
    if (H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, keep_reason, &innermost) < 0 || reason[0] == '\0')
        (void)snprintf(reason, size, "no reason given");
}

int64_t hdf_checked(const struct hdf_file *file, const char *call, int64_t result)
{
    if (result >= 0)
        return result;
    int error = errno;
    char reason[256];
    if (error != 0)
        (void)snprintf(reason, sizeof reason, "%s", strerror(error));
    else
        hdf_reason(reason, sizeof reason);
    (void)failure_set(file->failure, file->code, "cannot %s %s: %s: %s", file->doing, file->path,
                      call, reason);
    return result;
}

static const struct {
    H5I_type_t kind;
    const char *name;
    herr_t (*close)(hid_t id);
} closers[] = {
    {H5I_FILE, "H5Fclose", H5Fclose},        {H5I_GROUP, "H5Gclose", H5Gclose},
    {H5I_DATATYPE, "H5Tclose", H5Tclose},    {H5I_DATASPACE, "H5Sclose", H5Sclose},
    {H5I_DATASET, "H5Dclose", H5Dclose},     {H5I_ATTR, "H5Aclose", H5Aclose},
    {H5I_GENPROP_LST, "H5Pclose", H5Pclose},
};

bool hdf_close(const struct hdf_file *file, hid_t *id)
{
    H5I_type_t kind = *id < 0 ? H5I_BADID : H5Iget_type(*id);
    bool done = *id < 0;
    for (size_t i = 0; i < sizeof closers / sizeof closers[0]; i++) {
        if (closers[i].kind != kind)
            continue;
        errno = 0;
        done = hdf_checked(file, closers[i].name, closers[i].close(*id)) >= 0;
    }
    *id = NO_ID;
    return done;
}
