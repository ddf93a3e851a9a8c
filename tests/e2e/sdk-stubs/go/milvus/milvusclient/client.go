// Package milvusclient stands in for the SDK: it shakes hands as gRPC does, and asks for nothing.
package milvusclient

import (
	"context"
	"crypto/tls"
	"net/url"

	"google.golang.org/grpc"
)

var DefaultGrpcOpts = []grpc.DialOption{}

type ClientConfig struct {
	Address     string
	APIKey      string
	DialOptions []grpc.DialOption
}

type Client struct {
	protocol string
}

type listCollectionOption struct{}

func NewListCollectionOption() *listCollectionOption {
	return &listCollectionOption{}
}

func New(ctx context.Context, config *ClientConfig) (*Client, error) {
	address, err := url.Parse(config.Address)
	if err != nil {
		return nil, err
	}
	last := config.DialOptions[len(config.DialOptions)-1].Credentials.Config.Clone()
	last.NextProtos = []string{"h2"}
	connection, err := (&tls.Dialer{Config: last}).DialContext(ctx, "tcp", address.Host)
	if err != nil {
		return nil, err
	}
	defer connection.Close()
	// A server refuses a client of TLS 1.3 after the handshake: its first bytes are the proof.
	if _, err := connection.Read(make([]byte, 1)); err != nil {
		return nil, err
	}
	return &Client{connection.(*tls.Conn).ConnectionState().NegotiatedProtocol}, nil
}

func (client *Client) ListCollections(ctx context.Context, option *listCollectionOption) ([]string, error) {
	return []string{client.protocol}, nil
}
