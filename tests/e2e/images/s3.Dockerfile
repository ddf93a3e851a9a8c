# An S3 server that speaks TLS, in the place that MinIO has: `server -s3 …`.
ARG BASE
FROM ${BASE}
COPY weed /usr/bin/weed
EXPOSE 9000
ENTRYPOINT ["/usr/bin/weed"]
