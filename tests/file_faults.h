#ifndef MPIDRIFT_FILE_FAULTS_H
#define MPIDRIFT_FILE_FAULTS_H

#include "sample_run.h"

/* Files that are cut, changed or cannot be written, each used in a child process, so that a crash
 * is an outcome and not the end of the test. */

enum fault_outcome {
    FAULT_NONE,    /* all content as it should be */
    FAULT_REFUSED, /* a failure was reported, and nothing was left behind */
    FAULT_SILENT,  /* other content without a failure, or a wrong report */
    FAULT_CRASH,   /* or a time-out */
    FAULT_OUTCOMES
};

struct bytes {
    unsigned char *data; /* of the caller */
    size_t size;
};

struct bytes bytes_of_file(const char *path);
void bytes_to_file(const char *path, const unsigned char *data, size_t size);
bool file_exists(const char *path);
/* With the files in it. */
void remove_directory(const char *path);

/* Read all and compare with the sample of that size and seed. */
enum fault_outcome read_in_child(const char *path, struct sample_size size, uint64_t seed);

/* Write a sample of 20,000 badges while no file may grow beyond the limit. */
enum fault_outcome write_with_limit(const char *path, size_t limit_bytes);

#endif
