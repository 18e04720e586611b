/* How a test steers the CUDA driver double, beside the CUDA driver API that it exports.
 *
 * The double is a libcuda.so.1 with one device, whose memory is host memory. Asynchronous work
 * (copies, fills, event records and waits, host work) is queued and runs late, in some order that
 * streams and events allow, in the thread of whoever makes the driver call that lets it run.
 *
 * Misuse that a real driver may leave unnoticed ends the process with SIGABRT and a line on
 * standard error that begins with "cuda double:": accesses outside an allocation, use after free,
 * freeing twice or with work pending on the memory, destroyed or unknown streams and events, and
 * functions that the double does not have. What a real driver reports is reported: no current
 * context, out of memory, and CUDA_ERROR_LAUNCH_FAILED from every call after host work that failed.
 *
 * Fresh device memory is full of 0xCD, fresh pinned memory of 0xA5; freed pinned memory is filled
 * with 0xDD. Device addresses cannot be dereferenced by the host. On the device's clock a copy or
 * a fill takes a microsecond per KiB, and host work a millisecond.
 *
 * Environment variables, read by cuInit:
 *   CUDA_DOUBLE_ORDER       lazy (default), eager or random: see double_set_order
 *   CUDA_DOUBLE_SEED        seed of the random order (default 0)
 *   CUDA_DOUBLE_DEVICES     0: cuInit finds no device (default 1)
 *   CUDA_DOUBLE_NAME        name of the device (default "CUDA driver double")
 *   CUDA_DOUBLE_CAPABILITY  compute capability (default 8.6)
 *   CUDA_DOUBLE_MEMORY      bytes of device memory (default 8 GiB)
 *   CUDA_DOUBLE_INTEGRATED  1: the device shares the host's memory, as a Jetson's does (default 0)
 */
#ifndef CUDA_DOUBLE_CONTROL_H
#define CUDA_DOUBLE_CONTROL_H

#include <cuda.h>
#include <stddef.h>
#include <stdint.h>

/* The order in which pending work runs from now on.
 *
 * lazy:   work runs only when someone waits for it or asks whether it is done, and then no more
 *         than that needs. Shows a missing wait before reading.
 * eager:  before someone is served, all other streams run as far ahead as they can, the newest
 *         work first. Shows a missing wait before writing what others still read.
 * random: a choice among all that can run. At any driver call, work may also run before anyone
 *         waits: never with the seeds 0, 4, 8..., most often with 3, 7, 11...
 */
void double_set_order(const char *order, uint64_t seed);

/* Stands in for a kernel: calls function(data) when `stream` reaches it. Of the driver it may call
 * double_bytes only. A result other than 0 is a kernel that failed. */
CUresult double_enqueue_host_work(CUstream stream, int (*function)(void *), void *data);

/* The host's view of `size` bytes at a device address, for host work. */
void *double_bytes(CUdeviceptr address, size_t size);

/* Grants `count` more allocations and refuses all after them; a negative count refuses none. */
void double_refuse_allocations_after(long count);

/* What there is at the moment. */
struct double_counts {
    long device_allocations;
    long pinned_allocations;
    long streams;
    long events;
    long retained; /* how often the primary context is */
    long pending;  /* work that was enqueued and has not run */
};
void double_count(struct double_counts *counts);

#endif
