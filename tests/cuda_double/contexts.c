/* The device, its primary context, and in which threads that is current. */
#include "double.h"

#include <stdio.h>
#include <stdlib.h>

enum { DEEPEST = 16 };

struct CUctx_st {
    long retained;
    bool failed;
};

static struct CUctx_st primary;
static _Thread_local CUcontext current[DEEPEST];
static _Thread_local int depth;

static bool initialised, integrated;
static const char *name = "CUDA driver double";
static int major = 8, minor = 6;
static size_t memory = (size_t)8 << 30;

size_t total_memory(void) {
    return memory;
}

bool device_failed(void) {
    return primary.failed;
}

void fail_device(void) {
    primary.failed = true;
}

static CUresult check(void) {
    if (!initialised)
        return CUDA_ERROR_NOT_INITIALIZED;
    if (depth == 0)
        return CUDA_ERROR_INVALID_CONTEXT;
    if (primary.retained == 0)
        return CUDA_ERROR_CONTEXT_IS_DESTROYED;
    return primary.failed ? CUDA_ERROR_LAUNCH_FAILED : CUDA_SUCCESS;
}

CUresult enter(void) {
    lock();
    if (check() == CUDA_SUCCESS)
        run_ahead();
    return check();
}

CUresult leave(CUresult result) {
    if (result == CUDA_SUCCESS && primary.failed)
        result = CUDA_ERROR_LAUNCH_FAILED;
    unlock();
    return result;
}

void double_count(struct double_counts *counts) {
    lock();
    *counts = (struct double_counts){.retained = primary.retained};
    count_memory(counts);
    count_streams(counts);
    unlock();
}

CUresult cuInit(unsigned int flags) {
    const char *devices = getenv("CUDA_DOUBLE_DEVICES");
    const char *wanted_name = getenv("CUDA_DOUBLE_NAME");
    const char *capability = getenv("CUDA_DOUBLE_CAPABILITY");
    const char *bytes = getenv("CUDA_DOUBLE_MEMORY");
    const char *shared = getenv("CUDA_DOUBLE_INTEGRATED");
    (void)flags;
    if (devices != NULL && atoi(devices) == 0)
        return CUDA_ERROR_NO_DEVICE;
    lock();
    if (wanted_name != NULL)
        name = wanted_name;
    if (capability != NULL && sscanf(capability, "%d.%d", &major, &minor) != 2)
        violation("CUDA_DOUBLE_CAPABILITY=%s is not like 8.6", capability);
    if (bytes != NULL)
        memory = strtoull(bytes, NULL, 0);
    integrated = shared != NULL && atoi(shared) != 0;
    read_order();
    initialised = true;
    unlock();
    return CUDA_SUCCESS;
}

CUresult cuDriverGetVersion(int *version) {
    *version = CUDA_VERSION;
    return CUDA_SUCCESS;
}

CUresult cuGetErrorString(CUresult error, const char **text) {
    switch (error) {
    case CUDA_SUCCESS: *text = "no error"; break;
    case CUDA_ERROR_INVALID_VALUE: *text = "invalid argument"; break;
    case CUDA_ERROR_OUT_OF_MEMORY: *text = "out of memory"; break;
    case CUDA_ERROR_NOT_INITIALIZED: *text = "initialization error"; break;
    case CUDA_ERROR_NO_DEVICE: *text = "no CUDA-capable device is detected"; break;
    case CUDA_ERROR_INVALID_DEVICE: *text = "invalid device ordinal"; break;
    case CUDA_ERROR_INVALID_CONTEXT: *text = "invalid device context"; break;
    case CUDA_ERROR_INVALID_HANDLE: *text = "invalid resource handle"; break;
    case CUDA_ERROR_NOT_READY: *text = "device not ready"; break;
    case CUDA_ERROR_CONTEXT_IS_DESTROYED: *text = "context is destroyed"; break;
    case CUDA_ERROR_LAUNCH_FAILED: *text = "unspecified launch failure"; break;
    default: *text = "unknown error"; break;
    }
    return CUDA_SUCCESS;
}

CUresult cuDeviceGetCount(int *count) {
    *count = 1;
    return initialised ? CUDA_SUCCESS : CUDA_ERROR_NOT_INITIALIZED;
}

CUresult cuDeviceGet(CUdevice *device, int ordinal) {
    *device = 0;
    if (!initialised)
        return CUDA_ERROR_NOT_INITIALIZED;
    return ordinal == 0 ? CUDA_SUCCESS : CUDA_ERROR_INVALID_DEVICE;
}

CUresult cuDeviceGetName(char *text, int size, CUdevice device) {
    (void)device;
    snprintf(text, (size_t)size, "%s", name);
    return CUDA_SUCCESS;
}

CUresult cuDeviceTotalMem(size_t *bytes, CUdevice device) {
    (void)device;
    *bytes = memory;
    return CUDA_SUCCESS;
}

CUresult cuDeviceComputeCapability(int *to_major, int *to_minor, CUdevice device) {
    (void)device;
    *to_major = major;
    *to_minor = minor;
    return CUDA_SUCCESS;
}

CUresult cuDeviceGetAttribute(int *value, CUdevice_attribute attribute, CUdevice device) {
    (void)device;
    switch (attribute) {
    case CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR: *value = major; break;
    case CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR: *value = minor; break;
    case CU_DEVICE_ATTRIBUTE_INTEGRATED: *value = integrated; break;
    case CU_DEVICE_ATTRIBUTE_CAN_MAP_HOST_MEMORY: *value = 1; break;
    case CU_DEVICE_ATTRIBUTE_UNIFIED_ADDRESSING: *value = 1; break;
    default: violation("cuDeviceGetAttribute: nothing is known of attribute %d", (int)attribute);
    }
    return CUDA_SUCCESS;
}

CUresult cuDevicePrimaryCtxRetain(CUcontext *context, CUdevice device) {
    (void)device;
    lock();
    CUresult result = initialised ? CUDA_SUCCESS : CUDA_ERROR_NOT_INITIALIZED;
    if (initialised && allocation_refused())
        result = CUDA_ERROR_OUT_OF_MEMORY;
    primary.retained += result == CUDA_SUCCESS;
    *context = &primary;
    unlock();
    return result;
}

/* The last release destroys the context and all that belongs to it. */
CUresult cuDevicePrimaryCtxRelease(CUdevice device) {
    (void)device;
    lock();
    if (primary.retained == 0)
        violation("cuDevicePrimaryCtxRelease: the primary context is not retained");
    if (--primary.retained == 0) {
        if (primary.failed)
            finish_all(); /* without running it */
        release_streams();
        release_memory();
        primary.failed = false;
    }
    unlock();
    return CUDA_SUCCESS;
}

CUresult cuCtxPushCurrent(CUcontext context) {
    if (context != &primary || primary.retained == 0)
        return CUDA_ERROR_INVALID_CONTEXT;
    if (depth == DEEPEST)
        violation("cuCtxPushCurrent: %d contexts are current in this thread", depth);
    current[depth++] = context;
    return CUDA_SUCCESS;
}

CUresult cuCtxPopCurrent(CUcontext *context) {
    if (depth == 0)
        return CUDA_ERROR_INVALID_CONTEXT;
    *context = current[--depth];
    return CUDA_SUCCESS;
}

CUresult cuCtxSynchronize(void) {
    CUresult result = enter();
    if (result == CUDA_SUCCESS)
        finish_all();
    return leave(result);
}
