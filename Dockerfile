# One image for every process of a deployment: `shopstream migrate`, `pipeline`, `api`.
# `shopstream up` is not in it: requirements.lock is the extra `server`, without ClickHouse's library and a Java runtime.

# A tag can be moved to another image: docs/operations.md says how to name one by its digest.
ARG PYTHON_IMAGE=python:3.11-slim

FROM ${PYTHON_IMAGE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
RUN python -m venv /opt/shopstream
WORKDIR /build
# the locked packages first: they change less often than our source
COPY requirements.lock ./
RUN /opt/shopstream/bin/pip install --require-hashes --only-binary :all: -r requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY shopstream ./shopstream
# what built the package is not needed to run it
RUN /opt/shopstream/bin/pip install --no-deps --no-build-isolation . \
    && /opt/shopstream/bin/pip uninstall --yes \
        hatchling editables trove-classifiers pathspec pluggy setuptools pip

FROM ${PYTHON_IMAGE}
RUN useradd --system --uid 10001 --home-dir /nonexistent --shell /usr/sbin/nologin shopstream
COPY --from=build /opt/shopstream /opt/shopstream
# the packages of the servers, which are in no wheel
COPY pipeline /opt/shopstream/servers/pipeline
COPY api /opt/shopstream/servers/api
COPY clickhouse /opt/shopstream/servers/clickhouse
ENV PATH=/opt/shopstream/bin:$PATH PYTHONPATH=/opt/shopstream/servers PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
WORKDIR /opt/shopstream
USER shopstream
EXPOSE 3000
STOPSIGNAL SIGTERM
ENTRYPOINT ["shopstream"]
CMD ["--help"]
