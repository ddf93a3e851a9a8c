module github.com/milvus-io/milvus/client/v2

go 1.19

require google.golang.org/grpc v1.0.0
