/* Copies and fills. */
#include "double.h"

#include <stdlib.h>
#include <string.h>

static struct area device(CUdeviceptr address, size_t size) {
    return (struct area){DEVICE, address, size, size, 1};
}

static struct area host(const void *pointer, size_t size) {
    return (struct area){HOST, (uintptr_t)pointer, size, size, 1};
}

/* As the driver does with memory that it cannot rely on: copy it while the caller still waits. */
static void stage(struct work *work) {
    const struct area from = work->from;
    work->staged = malloc(from.width * from.height);
    if (work->staged == NULL)
        violation("the host is out of memory");
    for (size_t row = 0; row < from.height; row++)
        memcpy(work->staged + row * from.width, (char *)from.address + row * from.pitch,
               from.width);
    work->from.address = (uintptr_t)work->staged;
    work->from.pitch = from.width;
}

/* Only copies between the device and pinned memory are asynchronous. */
static CUresult copy(const char *caller, struct area to, struct area from, CUstream handle,
                     bool wait) {
    CUresult result = enter();
    if (result == CUDA_SUCCESS && to.width > 0 && to.height > 0) {
        CUstream stream = find_stream(caller, handle);
        struct work *work = new_work(COPY);
        area_bytes(caller, &to);
        area_bytes(caller, &from);
        work->to = to;
        work->from = from;
        if (from.side == HOST && !is_pinned(&from))
            stage(work);
        enqueue(stream, work);
        if (wait || (to.side == HOST && !is_pinned(&to)))
            finish(stream, stream->submitted);
    }
    return leave(result);
}

static CUresult fill(const char *caller, struct area to, unsigned char value, CUstream handle) {
    CUresult result = enter();
    if (result == CUDA_SUCCESS && to.width > 0) {
        CUstream stream = find_stream(caller, handle);
        struct work *work = new_work(FILL);
        area_bytes(caller, &to);
        work->to = to;
        work->value = value;
        enqueue(stream, work);
    }
    return leave(result);
}

CUresult cuMemcpyHtoD(CUdeviceptr to, const void *from, size_t size) {
    return copy("cuMemcpyHtoD", device(to, size), host(from, size), NULL, true);
}

CUresult cuMemcpyHtoDAsync(CUdeviceptr to, const void *from, size_t size, CUstream stream) {
    return copy("cuMemcpyHtoDAsync", device(to, size), host(from, size), stream, false);
}

CUresult cuMemcpyDtoH(void *to, CUdeviceptr from, size_t size) {
    return copy("cuMemcpyDtoH", host(to, size), device(from, size), NULL, true);
}

CUresult cuMemcpyDtoHAsync(void *to, CUdeviceptr from, size_t size, CUstream stream) {
    return copy("cuMemcpyDtoHAsync", host(to, size), device(from, size), stream, false);
}

/* One side of a 2-D copy, which begins x bytes into row y. */
static struct area side(const char *caller, CUmemorytype type, const void *pointer,
                        CUdeviceptr address, size_t pitch, size_t x, size_t y,
                        const CUDA_MEMCPY2D *plan) {
    if (type != CU_MEMORYTYPE_HOST && type != CU_MEMORYTYPE_DEVICE)
        violation("%s: neither from or to host nor device memory (%d)", caller, (int)type);
    if (pitch == 0)
        pitch = x + plan->WidthInBytes;
    if (pitch < x + plan->WidthInBytes)
        violation("%s: rows of %zu bytes at %zu do not fit a pitch of %zu", caller,
                  plan->WidthInBytes, x, pitch);
    bool on_host = type == CU_MEMORYTYPE_HOST;
    uintptr_t start = (on_host ? (uintptr_t)pointer : (uintptr_t)address) + y * pitch + x;
    return (struct area){on_host ? HOST : DEVICE, start, pitch, plan->WidthInBytes, plan->Height};
}

CUresult cuMemcpy2DAsync(const CUDA_MEMCPY2D *plan, CUstream stream) {
    const char *name = "cuMemcpy2DAsync";
    struct area from = side(name, plan->srcMemoryType, plan->srcHost, plan->srcDevice,
                            plan->srcPitch, plan->srcXInBytes, plan->srcY, plan);
    struct area to = side(name, plan->dstMemoryType, plan->dstHost, plan->dstDevice,
                          plan->dstPitch, plan->dstXInBytes, plan->dstY, plan);
    return copy(name, to, from, stream, false);
}

CUresult cuMemsetD8(CUdeviceptr to, unsigned char value, size_t size) {
    return fill("cuMemsetD8", device(to, size), value, NULL);
}

CUresult cuMemsetD8Async(CUdeviceptr to, unsigned char value, size_t size, CUstream stream) {
    return fill("cuMemsetD8Async", device(to, size), value, stream);
}
