# syntax=docker/dockerfile:1
# One image for gateway, worker and migration; the command says which.

FROM python:3.12-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/venv
COPY requirements/main.txt /tmp/main.txt
RUN /opt/venv/bin/pip install --no-deps --require-hashes --requirement /tmp/main.txt

FROM python:3.12-slim
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    NIS2_HOST=0.0.0.0 \
    NIS2_PORT=8000
RUN useradd --system --uid 10001 --home-dir /app --shell /usr/sbin/nologin nis2
COPY --from=build /opt/venv /opt/venv
WORKDIR /app
COPY LICENSE pyproject.toml ./
COPY gateway gateway
COPY graphql_schema graphql_schema
COPY jobs jobs
COPY rest rest
COPY services services
# The sources belong to root: the process cannot change what it runs.
RUN python -m compileall -q gateway graphql_schema jobs rest services
USER 10001:10001
EXPOSE 8000
ENTRYPOINT ["python", "-m", "gateway.cli"]
CMD ["serve"]
