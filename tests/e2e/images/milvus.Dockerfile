# Stands in for the official Milvus image: the same paths, the same command, PID 1 is tini as well.
# The context is what unpack_milvus.py wrote: bin/, lib/ and configs/.
ARG BASE
FROM ${BASE}
COPY . /milvus
ENV PATH=/milvus/bin:$PATH LD_LIBRARY_PATH=/milvus/lib
WORKDIR /milvus
EXPOSE 19530 9091
ENTRYPOINT ["/usr/bin/tini", "--"]
