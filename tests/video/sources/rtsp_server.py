"""An RTSP server of a moving ball, run by the system's Python, which has Debian's GStreamer.

Usage: /usr/bin/python3 rtsp_server.py PORT WIDTH HEIGHT; serves rtsp://driver:pass@127.0.0.1/ball
and prints a line when it is ready. Debian packages: gir1.2-gst-rtsp-server-1.0,
gstreamer1.0-plugins-base, gstreamer1.0-plugins-good.
"""

import sys

PIPELINE = (
    "( videotestsrc is-live=true pattern=ball"
    " ! video/x-raw,format=I420,width={},height={},framerate=25/1"
    " ! jpegenc ! rtpjpegpay name=pay0 pt=26 )"
)


def main(port: str, width: str, height: str) -> None:
    import gi

    gi.require_version("Gst", "1.0")
    gi.require_version("GstRtspServer", "1.0")
    from gi.repository import GLib, Gst, GstRtspServer

    Gst.init(None)
    for element in ("jpegenc", "rtpjpegpay"):
        if Gst.ElementFactory.find(element) is None:
            raise SystemExit(f"GStreamer has no {element}")
    server = GstRtspServer.RTSPServer(address="127.0.0.1", service=port)
    factory = GstRtspServer.RTSPMediaFactory(launch=PIPELINE.format(width, height))
    factory.set_shared(True)
    role = "viewer"
    token = GstRtspServer.RTSPToken()
    token.set_string("media.factory.role", role)
    auth = GstRtspServer.RTSPAuth()
    auth.add_basic(GstRtspServer.RTSPAuth.make_basic("driver", "pass"), token)
    server.set_auth(auth)
    factory.add_role_from_structure(
        Gst.Structure.new_from_string(
            f"{role}, media.factory.access=(boolean)true, media.factory.construct=(boolean)true;"
        )
    )
    server.get_mount_points().add_factory("/ball", factory)
    if not server.attach(None):
        raise SystemExit(f"port {port} cannot be used")
    print("ready", flush=True)
    GLib.MainLoop().run()


if __name__ == "__main__":
    main(*sys.argv[1:])
