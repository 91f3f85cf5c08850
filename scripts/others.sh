#!/bin/sh
# Publishers, players and servers that are not ours: without them some tests skip. Debian's packages, as root.

set -eu
packages="gstreamer1.0-tools gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-bad
gstreamer1.0-plugins-ugly gstreamer1.0-libav gstreamer1.0-rtsp gir1.2-gst-rtsp-server-1.0 python3-gi srt-tools
vlc-bin vlc-plugin-base nginx-light libnginx-mod-rtmp ffmpeg"

if ! command -v apt-get >/dev/null 2>&1 || [ "$(id -u)" != 0 ]; then
    echo "no apt-get, or not root: the tests that need others' programs will skip"
    exit 0
fi
missing=''
for package in $packages; do
    if ! dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q '^install ok installed'; then
        missing="$missing $package"
    fi
done
[ "$missing" ] || exit 0
echo "== getting others' programs by apt-get (once):$missing"
export DEBIAN_FRONTEND=noninteractive
# Nobody asked for an nginx on port 80: Debian's scripts start none where this says no.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod +x "$policy"
    trap 'rm -f "$policy"' EXIT
fi
# shellcheck disable=SC2086 # a list
if ! { apt-get update -qq && apt-get install -y -qq --no-install-recommends $missing >/dev/null; }; then
    echo "some of them cannot be had: the tests that need them will skip"
fi
