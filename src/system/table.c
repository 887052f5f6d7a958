#include "system/table.h"

#include "touch.h"

#include <stdlib.h>
#include <string.h>

bool row_store_open(struct row_store *store, size_t row_bytes, size_t rows_max)
{
    *store = (struct row_store){calloc(rows_max + 1, row_bytes), row_bytes, rows_max, 0, 0};
    if (store->rows == NULL)
        return false;
    touch_pages(store->rows, rows_max * row_bytes);
    return true;
}

void row_store_close(struct row_store *store)
{
    free(store->rows);
    store->rows = NULL;
}

void *row_store_add(struct row_store *store, const void *row)
{
    if (store->count == store->rows_max) {
        store->dropped++;
        return NULL;
    }
    unsigned char *place = store->rows + store->count++ * store->row_bytes;
    memcpy(place, row, store->row_bytes);
    return place;
}
