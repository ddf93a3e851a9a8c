module snippet

go 1.19

require (
	github.com/milvus-io/milvus/client/v2 v2.0.0
	google.golang.org/grpc v1.0.0
)

replace github.com/milvus-io/milvus/client/v2 => ./milvus

replace google.golang.org/grpc => ./grpc
