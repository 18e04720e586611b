/* A V4L2 camera at /dev/video77 for a process that this library is preloaded into.
 *
 * It plays grey frames: frame n, counted from STREAMON, has the level 16 + 8 * (n % 25) in YUYV; in
 * MJPEG every frame is the picture that was handed over. The descriptor is a timer, so that poll
 * and select work as they do on a camera. Tests steer it through the functions v4l2_double_*. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/videodev2.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))
#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char DEVICE[] = "/dev/video77";
enum { BUFFERS = 4, FASTEST = 50, OPENINGS = 8 };

/* What the camera offers; at each size 50 and 25 frames per second. */
static const struct mode {
    uint32_t pixels, width, height;
} modes[] = {
    {V4L2_PIX_FMT_YUYV, 64, 48},
    {V4L2_PIX_FMT_YUYV, 96, 64},
    {V4L2_PIX_FMT_MJPEG, 96, 64},
};
static const uint32_t rates[] = {FASTEST, FASTEST / 2};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static struct {
    bool plugged, stalled, repeating, spoiling;
    uint32_t colorspace, encoding, quantization;
    unsigned char *picture; /* of every MJPEG frame */
    size_t picture_size;
    int descriptors[OPENINGS], opened;
} camera = {.plugged = true};

/* What the descriptor that captures has set up; to others that want to, the driver is busy. */
static struct {
    int fd;
    struct mode mode;
    uint32_t rate;
    unsigned char *memory[BUFFERS];
    uint32_t queue[BUFFERS], queued; /* buffers to be filled, the next one first */
    uint32_t sequence;
    struct timeval stamp;
    bool streaming;
} session = {.fd = -1, .mode = modes[0], .rate = FASTEST};

/* Control */

EXPORT void v4l2_double_plug(bool plugged) { camera.plugged = plugged; }
EXPORT void v4l2_double_stall(bool stalled) { camera.stalled = stalled; }
EXPORT void v4l2_double_repeat(bool repeating) { camera.repeating = repeating; }
EXPORT void v4l2_double_spoil(bool spoiling) { camera.spoiling = spoiling; }
EXPORT int v4l2_double_opened(void) { return camera.opened; }

EXPORT void v4l2_double_tag(int colorspace, int encoding, int quantization) {
    camera.colorspace = colorspace;
    camera.encoding = encoding;
    camera.quantization = quantization;
}

/* The size that the driver is set to when nothing is asked of it, index into the modes. */
EXPORT void v4l2_double_choose(int mode) {
    pthread_mutex_lock(&mutex); /* not in the middle of a frame, whose buffer has its size */
    session.mode = modes[mode];
    pthread_mutex_unlock(&mutex);
}

EXPORT void v4l2_double_show(const void *jpeg, size_t size) {
    pthread_mutex_lock(&mutex);
    camera.picture = realloc(camera.picture, size);
    memcpy(camera.picture, jpeg, size);
    camera.picture_size = size;
    pthread_mutex_unlock(&mutex);
}

/* Requests */

static int fail(int number) {
    errno = number;
    return -1;
}

static uint32_t size_of(const struct mode *mode) { return 2 * mode->width * mode->height; }

static void fill_format(struct v4l2_pix_format *format) {
    memset(format, 0, sizeof *format);
    format->width = session.mode.width;
    format->height = session.mode.height;
    format->pixelformat = session.mode.pixels;
    format->field = V4L2_FIELD_NONE;
    format->bytesperline = session.mode.pixels == V4L2_PIX_FMT_YUYV ? 2 * session.mode.width : 0;
    format->sizeimage = size_of(&session.mode);
    format->priv = V4L2_PIX_FMT_PRIV_MAGIC;
    format->colorspace = camera.colorspace;
    format->ycbcr_enc = camera.encoding;
    format->quantization = camera.quantization;
}

/* As drivers do: another pixel format if the one asked is unknown, then the nearest size. */
static int set_format(struct v4l2_pix_format *format) {
    bool mjpeg = format->pixelformat == V4L2_PIX_FMT_MJPEG;
    long nearest = -1;
    for (size_t i = 0; i < COUNT(modes); i++) {
        long distance = labs((long)modes[i].width - (long)format->width);
        if ((modes[i].pixels == V4L2_PIX_FMT_MJPEG) == mjpeg &&
            (nearest < 0 || distance < nearest)) {
            session.mode = modes[i];
            nearest = distance;
        }
    }
    fill_format(format);
    return 0;
}

static int list_formats(struct v4l2_fmtdesc *format) {
    static const uint32_t pixels[] = {V4L2_PIX_FMT_YUYV, V4L2_PIX_FMT_MJPEG};
    if (format->index >= COUNT(pixels))
        return fail(EINVAL);
    format->pixelformat = pixels[format->index];
    format->flags = format->pixelformat == V4L2_PIX_FMT_MJPEG ? V4L2_FMT_FLAG_COMPRESSED : 0;
    return 0;
}

static int list_sizes(struct v4l2_frmsizeenum *size) {
    uint32_t index = size->index;
    for (size_t i = 0; i < COUNT(modes); i++) {
        if (modes[i].pixels != size->pixel_format || index-- != 0)
            continue;
        size->type = V4L2_FRMSIZE_TYPE_DISCRETE;
        size->discrete.width = modes[i].width;
        size->discrete.height = modes[i].height;
        return 0;
    }
    return fail(EINVAL);
}

static int list_intervals(struct v4l2_frmivalenum *interval) {
    if (interval->index >= COUNT(rates))
        return fail(EINVAL);
    interval->type = V4L2_FRMIVAL_TYPE_DISCRETE;
    interval->discrete = (struct v4l2_fract){1, rates[interval->index]};
    return 0;
}

static int get_rate(struct v4l2_streamparm *parameters) {
    memset(&parameters->parm, 0, sizeof parameters->parm);
    parameters->parm.capture.capability = V4L2_CAP_TIMEPERFRAME;
    parameters->parm.capture.timeperframe = (struct v4l2_fract){1, session.rate};
    return 0;
}

static int set_rate(struct v4l2_streamparm *parameters) {
    struct v4l2_fract asked = parameters->parm.capture.timeperframe;
    session.rate = rates[0];
    for (size_t i = 0; i < COUNT(rates); i++)
        if (asked.denominator <= rates[i] * asked.numerator)
            session.rate = rates[i];
    return get_rate(parameters);
}

static int describe_buffer(struct v4l2_buffer *buffer) {
    if (buffer->index >= BUFFERS)
        return fail(EINVAL);
    buffer->length = size_of(&session.mode);
    buffer->m.offset = buffer->index << 24;
    return 0;
}

static int enqueue(const struct v4l2_buffer *buffer) {
    if (buffer->index >= BUFFERS || session.queued == BUFFERS)
        return fail(EINVAL);
    session.queue[session.queued++] = buffer->index;
    return 0;
}

static void set_timer(uint32_t rate) {
    long period = rate ? 1000000000L / rate : 0;
    struct itimerspec timer = {{0, period}, {0, period}};
    timerfd_settime(session.fd, 0, &timer, NULL);
}

static int stream(bool on) {
    session.streaming = on;
    session.sequence = 0;
    if (!on)
        session.queued = 0;
    set_timer(on ? session.rate : 0);
    return 0;
}

static void fill(struct v4l2_buffer *buffer) {
    unsigned char *memory = session.memory[buffer->index];
    buffer->bytesused = size_of(&session.mode);
    if (session.mode.pixels == V4L2_PIX_FMT_MJPEG) {
        buffer->bytesused = camera.picture_size;
        memcpy(memory, camera.picture, camera.picture_size);
    } else {
        for (uint32_t i = 0; i < buffer->bytesused; i += 2) {
            memory[i] = 16 + 8 * (session.sequence % 25);
            memory[i + 1] = 128;
        }
    }
    if (!camera.repeating) {
        struct timespec now;
        clock_gettime(CLOCK_MONOTONIC, &now);
        session.stamp = (struct timeval){now.tv_sec, now.tv_nsec / 1000};
    }
    buffer->timestamp = session.stamp;
    buffer->sequence = session.sequence;
    buffer->flags = V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC | (camera.spoiling ? V4L2_BUF_FLAG_ERROR : 0);
    session.sequence++;
}

/* Without blocking: the descriptor is a timer that has run out once a frame is due. */
static int dequeue(struct v4l2_buffer *buffer) {
    uint64_t periods;
    if (!session.streaming)
        return fail(EINVAL);
    if (REAL(read)(session.fd, &periods, sizeof periods) < 0 || camera.stalled)
        return fail(EAGAIN);
    if (session.queued == 0)
        return fail(EAGAIN); /* the program holds every buffer: the frame is lost */
    buffer->index = session.queue[0];
    session.queued--;
    memmove(session.queue, session.queue + 1, session.queued * sizeof *session.queue);
    describe_buffer(buffer);
    fill(buffer);
    return 0;
}

static bool captures(unsigned long request) {
    return request == VIDIOC_S_FMT || request == VIDIOC_S_PARM || request == VIDIOC_REQBUFS ||
           request == VIDIOC_STREAMON || request == VIDIOC_DQBUF;
}

static int answer(int fd, unsigned long request, void *argument) {
    if (!camera.plugged)
        return fail(ENODEV);
    if (captures(request)) {
        if (session.fd >= 0 && session.fd != fd)
            return fail(EBUSY);
        session.fd = fd;
    }
    switch (request) {
    case VIDIOC_QUERYCAP: {
        struct v4l2_capability *capability = argument;
        memset(capability, 0, sizeof *capability);
        capability->capabilities = capability->device_caps =
            V4L2_CAP_VIDEO_CAPTURE | V4L2_CAP_STREAMING;
        return 0;
    }
    case VIDIOC_G_INPUT:
        *(int *)argument = 0;
        return 0;
    case VIDIOC_ENUMINPUT:
        return 0;
    case VIDIOC_ENUM_FMT:
        return list_formats(argument);
    case VIDIOC_ENUM_FRAMESIZES:
        return list_sizes(argument);
    case VIDIOC_ENUM_FRAMEINTERVALS:
        return list_intervals(argument);
    case VIDIOC_G_FMT:
        fill_format(&((struct v4l2_format *)argument)->fmt.pix);
        return 0;
    case VIDIOC_S_FMT:
        return set_format(&((struct v4l2_format *)argument)->fmt.pix);
    case VIDIOC_G_PARM:
        return get_rate(argument);
    case VIDIOC_S_PARM:
        return set_rate(argument);
    case VIDIOC_REQBUFS:
        ((struct v4l2_requestbuffers *)argument)->count = BUFFERS;
        return 0;
    case VIDIOC_QUERYBUF:
        return describe_buffer(argument);
    case VIDIOC_QBUF:
        return enqueue(argument);
    case VIDIOC_DQBUF:
        return dequeue(argument);
    case VIDIOC_STREAMON:
        return stream(true);
    case VIDIOC_STREAMOFF:
        return stream(false);
    default:
        return fail(ENOTTY);
    }
}

static int open_camera(int flags) {
    if (!camera.plugged)
        return fail(ENOENT);
    if (camera.opened == OPENINGS)
        return fail(EBUSY);
    int fd = timerfd_create(CLOCK_MONOTONIC, flags & O_NONBLOCK ? TFD_NONBLOCK : 0);
    camera.descriptors[camera.opened++] = fd;
    return fd;
}

/* The place of a descriptor of the camera among those that are open, -1 for any other. */
static int opening_of(int fd) {
    for (int i = 0; i < camera.opened; i++)
        if (camera.descriptors[i] == fd)
            return i;
    return -1;
}

/* The C library's functions, for the device's path and descriptor */

EXPORT int open64(const char *path, int flags, ...) {
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(arguments, mode_t) : 0;
    va_end(arguments);
    if (strcmp(path, DEVICE) != 0)
        return REAL(open64)(path, flags, mode);
    pthread_mutex_lock(&mutex);
    int fd = open_camera(flags);
    pthread_mutex_unlock(&mutex);
    return fd;
}

EXPORT int close(int fd) {
    pthread_mutex_lock(&mutex);
    int opening = opening_of(fd);
    if (opening >= 0) {
        camera.descriptors[opening] = camera.descriptors[--camera.opened];
        if (fd == session.fd) {
            stream(false);
            session.fd = -1;
        }
    }
    pthread_mutex_unlock(&mutex);
    return REAL(close)(fd);
}

EXPORT int ioctl(int fd, unsigned long request, ...) {
    va_list arguments;
    va_start(arguments, request);
    void *argument = va_arg(arguments, void *);
    va_end(arguments);
    pthread_mutex_lock(&mutex);
    bool ours = opening_of(fd) >= 0;
    int result = ours ? answer(fd, (uint32_t)request, argument) : 0;
    pthread_mutex_unlock(&mutex);
    return ours ? result : REAL(ioctl)(fd, request, argument);
}

EXPORT void *mmap64(void *address, size_t length, int protection, int flags, int fd, off64_t offset) {
    if (fd < 0 || fd != session.fd)
        return REAL(mmap64)(address, length, protection, flags, fd, offset);
    void *memory = REAL(mmap64)(NULL, length, protection, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    session.memory[offset >> 24] = memory;
    return memory;
}

EXPORT int stat64(const char *path, struct stat64 *status) {
    if (strcmp(path, DEVICE) != 0)
        return REAL(stat64)(path, status);
    if (!camera.plugged)
        return fail(ENOENT);
    memset(status, 0, sizeof *status);
    status->st_mode = S_IFCHR | 0660;
    return 0;
}
