# Stands in for the official etcd image with the etcd of Debian, which is in the base.
ARG BASE
FROM ${BASE}
ENV ETCDCTL_API=3
EXPOSE 2379 2380
CMD ["etcd"]
