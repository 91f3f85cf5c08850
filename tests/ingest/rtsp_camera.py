"""GStreamer's RTSP server as a camera, in a process of the system's Python: its port is printed.

``rtsp_camera.py PORT PASSWORD``; the user is ``me``, the path ``/1``.
"""

import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer  # noqa: E402

PICTURE = "videotestsrc is-live=true ! video/x-raw,width=160,height=90,framerate=25/1"
SOUND = "audiotestsrc is-live=true ! audioconvert ! avenc_aac ! rtpmp4gpay name=pay1 pt=97"

Gst.init(None)
server = GstRtspServer.RTSPServer(address="127.0.0.1", service=sys.argv[1])
camera = GstRtspServer.RTSPMediaFactory(shared=True)
camera.set_launch(f"( {PICTURE} ! x264enc tune=zerolatency key-int-max=25 ! rtph264pay name=pay0 {SOUND} )")
granted = GstRtspServer.RTSPPermissions()
for what in ("access", "construct"):
    granted.add_permission_for_role("user", f"media.factory.{what}", True)
camera.set_permissions(granted)
user = GstRtspServer.RTSPToken()
user.set_string("media.factory.role", "user")
auth = GstRtspServer.RTSPAuth()
auth.add_basic(GstRtspServer.RTSPAuth.make_basic("me", sys.argv[2]), user)
server.set_auth(auth)
server.get_mount_points().add_factory("/1", camera)
server.attach(None)
print(server.get_bound_port(), flush=True)
GLib.MainLoop().run()
