/* What goes wrong: misuse, which ends the process, and allocations refused on request. */
#include "double.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static long allocations_left = -1;

_Noreturn void violation(const char *format, ...) {
    va_list values;
    va_start(values, format);
    fputs("cuda double: ", stderr);
    vfprintf(stderr, format, values);
    fputc('\n', stderr);
    va_end(values);
    abort();
}

void double_refuse_allocations_after(long count) {
    lock();
    allocations_left = count;
    unlock();
}

bool allocation_refused(void) {
    if (allocations_left > 0)
        allocations_left--;
    else if (allocations_left == 0)
        return true;
    return false;
}
