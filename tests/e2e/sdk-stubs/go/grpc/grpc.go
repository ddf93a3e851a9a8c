// Package grpc stands in for the real one: a dial option is the TLS configuration.
package grpc

import "google.golang.org/grpc/credentials"

type DialOption struct {
	Credentials credentials.TransportCredentials
}

func WithTransportCredentials(found credentials.TransportCredentials) DialOption {
	return DialOption{found}
}
