# Stands in for the official etcd image: etcd 3.5.1, which knows TLS 1.2 alone as its highest version, as
# the 3.5.5 of the official Compose files does.
ARG BASE
FROM ${BASE}
COPY etcd etcdctl /usr/local/bin/
ENV ETCDCTL_API=3
EXPOSE 2379 2380
CMD ["etcd"]
