# docker build -t live-torrent . && docker run --rm -p 8008:8008 live-torrent      → http://localhost:8008
#
# Your own streams:   docker run -p 8008:8008 -v "$PWD/feed:/feed" live-torrent serve
# Viewers exchange segments among themselves. For the server's own WebRTC seed to be reached from other
# machines, its UDP must be, too: --network host (else they take the same bytes over HTTP).

# libtorrent 2.1.1 has wheels up to Python 3.13; "slim" because they are built for glibc
ARG PYTHON=python:3.13-slim-bookworm

FROM ${PYTHON} AS build
WORKDIR /src
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore PYTHONDONTWRITEBYTECODE=1
# The packages first: they change less often than the sources, and Docker keeps the layer.
COPY requirements/ requirements/
RUN pip install --require-hashes -r requirements/build.lock \
    && python -m venv /opt/live-torrent \
    && /opt/live-torrent/bin/pip install --require-hashes -r requirements/run.lock
COPY package.json package-lock.json .npmrc ./
COPY pyproject.toml hatch_build.py LICENSE README.md ./
COPY scripts/ scripts/
RUN python scripts/bundle.py --modules-only
COPY client/ client/
COPY sw/ sw/
COPY seeder/ seeder/
RUN python -m hatchling build -t wheel -d /tmp/dist \
    && /opt/live-torrent/bin/pip install --no-deps /tmp/dist/*.whl \
    # pip has no business in an image that runs one program
    && /opt/live-torrent/bin/python -m pip uninstall --yes pip

FROM ${PYTHON}
LABEL org.opencontainers.image.title="live-torrent" \
      org.opencontainers.image.description="Live HLS in which the viewers carry the load" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.vendor="the live-torrent authors"
# A fixed number, so that a mounted feed can be given to it: chown 10001 feed
RUN useradd --uid 10001 --home-dir /home/live-torrent --create-home --shell /usr/sbin/nologin live-torrent \
    && install -d -o live-torrent -g live-torrent /feed
COPY --from=build /opt/live-torrent /opt/live-torrent
COPY scripts/healthcheck.py /opt/live-torrent/healthcheck.py
ENV PATH=/opt/live-torrent/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    LIVE_TORRENT_HOST=0.0.0.0 \
    LIVE_TORRENT_PORT=8008 \
    LIVE_TORRENT_FEED=/feed
USER live-torrent
WORKDIR /home/live-torrent
VOLUME ["/feed"]
EXPOSE 8008
# As Ctrl-C: the program then stops ffmpeg, finishes the playlist and leaves.
STOPSIGNAL SIGINT
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=3 \
    CMD ["python", "/opt/live-torrent/healthcheck.py"]
ENTRYPOINT ["live-torrent"]
CMD ["demo"]
