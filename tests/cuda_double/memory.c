/* Allocations: what is inside them, fresh and freed, and who may reach it. */
#include "double.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { FRESH_DEVICE = 0xCD, FRESH_PINNED = 0xA5, FREED = 0xDD };

enum block_kind { DEVICE_BLOCK, PINNED_BLOCK };

/* Kept after they are freed, and their addresses never used again, so that late uses are known. */
struct block {
    enum block_kind kind;
    uintptr_t address;
    size_t size;
    char *bytes; /* at `address` for pinned memory; out of the program's sight for device memory */
    unsigned int flags;
    bool freed;
    struct block *next;
};

static struct block *blocks;
static size_t device_bytes_used;

static struct block *block_at(uintptr_t address) {
    for (struct block *block = blocks; block != NULL; block = block->next)
        if (block->address <= address && address < block->address + block->size)
            return block;
    return NULL;
}

static bool is_on_device(const struct block *block) {
    return block->kind == DEVICE_BLOCK || (block->flags & CU_MEMHOSTALLOC_DEVICEMAP);
}

size_t extent(const struct area *area) {
    return area->height == 0 ? 0 : area->pitch * (area->height - 1) + area->width;
}

char *area_bytes(const char *caller, const struct area *area) {
    const struct block *block = block_at(area->address);
    const unsigned long address = area->address;
    if (block == NULL) {
        if (area->side == DEVICE)
            violation("%s: %#lx is not in device memory", caller, address);
        return (char *)area->address;
    }
    if (area->side == DEVICE && !is_on_device(block))
        violation("%s: %#lx is in pinned memory that is not mapped", caller, address);
    if (area->side == HOST && block->kind == DEVICE_BLOCK)
        violation("%s: %#lx is in device memory, not in the host's", caller, address);
    if (block->freed)
        violation("%s: %#lx is in memory that was freed", caller, address);
    size_t offset = area->address - block->address;
    if (extent(area) > block->size - offset)
        violation("%s: %zu bytes at offset %zu of an allocation of %zu bytes", caller,
                  extent(area), offset, block->size);
    return block->bytes + offset;
}

bool is_pinned(const struct area *area) {
    return block_at(area->address) != NULL;
}

static CUresult allocate(enum block_kind kind, size_t size, unsigned int flags,
                         uintptr_t *address) {
    if (size == 0)
        return CUDA_ERROR_INVALID_VALUE;
    if (kind == DEVICE_BLOCK && size > total_memory() - device_bytes_used)
        return CUDA_ERROR_OUT_OF_MEMORY;
    if (allocation_refused())
        return CUDA_ERROR_OUT_OF_MEMORY;
    struct block *block = calloc(1, sizeof *block);
    int access = kind == DEVICE_BLOCK ? PROT_NONE : PROT_READ | PROT_WRITE;
    char *place = mmap(NULL, size, access, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char *bytes = kind == DEVICE_BLOCK ? malloc(size) : place;
    if (block == NULL || place == MAP_FAILED || bytes == NULL)
        violation("the host is out of memory");
    memset(bytes, kind == DEVICE_BLOCK ? FRESH_DEVICE : FRESH_PINNED, size);
    *block = (struct block){kind, (uintptr_t)place, size, bytes, flags, false, blocks};
    blocks = block;
    if (kind == DEVICE_BLOCK)
        device_bytes_used += size;
    *address = block->address;
    return CUDA_SUCCESS;
}

static void drop(const char *caller, struct block *block) {
    check_idle(caller, block->address, block->size);
    block->freed = true;
    if (block->kind == PINNED_BLOCK) {
        memset(block->bytes, FREED, block->size);
    } else {
        free(block->bytes);
        device_bytes_used -= block->size;
    }
}

static void free_at(const char *caller, enum block_kind kind, uintptr_t address) {
    struct block *block = block_at(address);
    if (block == NULL || block->kind != kind || block->address != address)
        violation("%s: no allocation begins at %#lx", caller, (long)address);
    if (block->freed)
        violation("%s: the memory at %#lx was freed before", caller, (long)address);
    drop(caller, block);
}

void release_memory(void) {
    for (struct block *block = blocks; block != NULL; block = block->next)
        if (!block->freed)
            drop("release of the context", block);
}

void count_memory(struct double_counts *counts) {
    for (const struct block *block = blocks; block != NULL; block = block->next)
        if (!block->freed)
            ++*(block->kind == DEVICE_BLOCK ? &counts->device_allocations
                                            : &counts->pinned_allocations);
}

void *double_bytes(CUdeviceptr address, size_t size) {
    struct area area = {DEVICE, address, size, size, 1};
    lock();
    void *bytes = area_bytes("double_bytes", &area);
    unlock();
    return bytes;
}

CUresult cuMemAlloc(CUdeviceptr *address, size_t size) {
    uintptr_t place = 0;
    CUresult result = enter();
    if (result == CUDA_SUCCESS)
        result = allocate(DEVICE_BLOCK, size, 0, &place);
    *address = place;
    return leave(result);
}

CUresult cuMemFree(CUdeviceptr address) {
    CUresult result = enter();
    if (result == CUDA_SUCCESS)
        free_at("cuMemFree", DEVICE_BLOCK, address);
    return leave(result);
}

CUresult cuMemHostAlloc(void **pointer, size_t size, unsigned int flags) {
    uintptr_t place = 0;
    CUresult result = enter();
    if (result == CUDA_SUCCESS)
        result = allocate(PINNED_BLOCK, size, flags, &place);
    *pointer = (void *)place;
    return leave(result);
}

CUresult cuMemFreeHost(void *pointer) {
    CUresult result = enter();
    if (result == CUDA_SUCCESS)
        free_at("cuMemFreeHost", PINNED_BLOCK, (uintptr_t)pointer);
    return leave(result);
}

CUresult cuMemHostGetDevicePointer(CUdeviceptr *address, void *pointer, unsigned int flags) {
    CUresult result = enter();
    const struct block *block = block_at((uintptr_t)pointer);
    if (result == CUDA_SUCCESS && (block == NULL || !is_on_device(block) || flags != 0))
        result = CUDA_ERROR_INVALID_VALUE;
    *address = (CUdeviceptr)(uintptr_t)pointer;
    return leave(result);
}

CUresult cuMemGetInfo(size_t *free_bytes, size_t *total) {
    CUresult result = enter();
    *total = total_memory();
    *free_bytes = *total - device_bytes_used;
    return leave(result);
}
