# A broker for the roles of a Milvus cluster.
ARG BASE
FROM ${BASE}
COPY noida-db /usr/bin/noida-db
EXPOSE 9092
ENTRYPOINT ["/usr/bin/noida-db"]
